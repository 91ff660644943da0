//! The settings in a YAML document: its texts, each with the keys that lead to it.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use saphyr_parser::{Event, Parser};

/// A document may have this many values, and be nested this deep.
const MAX_EVENTS: usize = 20_000;
const MAX_DEPTH: usize = 16;

/// A text of a document, and the keys that lead to it.
pub(crate) type Setting = (Vec<String>, String);

/// A map or a list that is being read.
enum Open {
    /// With the key whose value is next, if that is next, and the keys before it.
    Map(Option<String>, BTreeSet<String>),
    List,
}

/// A document that is being read.
#[derive(Default)]
struct Reader {
    found: Vec<Setting>,
    /// Those of them that another value of the same key has taken the place of.
    replaced: BTreeSet<usize>,
    open: Vec<Open>,
    /// Values with a name, which may be repeated: their place among those found, and the number of keys that lead to them.
    anchors: BTreeMap<usize, (Range<usize>, usize)>,
    /// The anchors of what is open.
    opened: Vec<(usize, usize)>,
}

/// A document that is not read as a whole: settings in the rest of it are not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unread {
    #[error("it has more than {MAX_EVENTS} values, or values within more than {MAX_DEPTH} others")]
    TooMuch,
    #[error("it is not YAML with keys and values, or not known to be read as such")]
    NoSettings,
}

/// The texts of a document with the keys that lead to them.
pub(crate) fn flattened(text: &str) -> Result<Vec<Setting>, Unread> {
    let mut reader = Reader::default();
    for (count, event) in Parser::new_from_str(text).enumerate() {
        let (event, _) = event.map_err(|_| Unread::NoSettings)?;
        if count >= MAX_EVENTS || !reader.read(event) {
            return Err(Unread::TooMuch);
        }
    }
    let Reader { found, replaced, .. } = reader;
    let is_bare = |(keys, value): &Setting| keys.is_empty() && !matches!(&**value, "" | "~" | "null");
    if found.iter().any(is_bare) {
        return Err(Unread::NoSettings);
    }
    let kept = found.into_iter().enumerate().filter(|(at, _)| !replaced.contains(at));
    Ok(kept.map(|(_, setting)| setting).collect())
}

impl Reader {
    /// Reads one event; false where the document is too much.
    fn read(&mut self, event: Event<'_>) -> bool {
        match event {
            Event::MappingStart(anchor, _) => self.begin(Open::Map(None, BTreeSet::new()), anchor),
            Event::SequenceStart(anchor, _) => self.begin(Open::List, anchor),
            Event::MappingEnd | Event::SequenceEnd => self.end(),
            Event::Scalar(value, _, anchor, _) => match self.open.last_mut() {
                Some(Open::Map(key @ None, known)) => {
                    *key = Some(value.to_string());
                    if !known.insert(value.into_owned()) {
                        self.replace();
                    }
                }
                _ => {
                    let start = self.found.len();
                    self.found.push((self.keys(), value.into_owned()));
                    self.anchors.insert(anchor, (start..start + 1, self.keys().len()));
                    self.value_is_read();
                }
            },
            Event::Alias(anchor) => {
                self.repeat(anchor);
                self.value_is_read();
            }
            _ => {}
        }
        self.open.len() <= MAX_DEPTH && self.found.len() <= MAX_EVENTS
    }

    fn begin(&mut self, open: Open, anchor: usize) {
        self.opened.push((anchor, self.found.len()));
        self.open.push(open);
    }

    fn end(&mut self) {
        self.open.pop();
        if let Some((anchor, start)) = self.opened.pop() {
            self.anchors.insert(anchor, (start..self.found.len(), self.keys().len()));
        }
        self.value_is_read();
    }

    /// A key that was there before takes its value's place.
    fn replace(&mut self) {
        let keys = self.keys();
        let before = self.found.iter().enumerate().filter(|(_, (path, _))| path.starts_with(&keys));
        self.replaced.extend(before.map(|(at, _)| at));
    }

    /// Repeats what has a name. What is merged into a map (`<<`) is in the map itself, as far as the map has not its keys already.
    fn repeat(&mut self, anchor: usize) {
        let Some((range, depth)) = self.anchors.get(&anchor).filter(|_| anchor != 0).cloned() else { return };
        let mut keys = self.keys();
        let is_merged = keys.pop_if(|key| key == "<<").is_some();
        let own = self.known().cloned().filter(|_| is_merged).unwrap_or_default();
        let kept = range.filter(|at| !self.replaced.contains(at));
        let repeated: Vec<Setting> = kept.filter_map(|at| self.found.get(at).cloned()).collect();
        // One more than may be there, which `read` notices.
        for (path, value) in repeated.into_iter().take((MAX_EVENTS + 1).saturating_sub(self.found.len())) {
            let rest = path.get(depth..).unwrap_or_default();
            let is_known = rest.first().is_some_and(|key| own.contains(key));
            let path = [&keys, rest].concat();
            if path.len() <= MAX_DEPTH && !is_known {
                self.merge(is_merged, rest);
                self.found.push((path, value));
            }
        }
    }

    /// A key that was merged in counts as one of the map's, which its own value then replaces.
    fn merge(&mut self, is_merged: bool, rest: &[String]) {
        if let (true, Some(key), Some(Open::Map(_, known))) = (is_merged, rest.first(), self.open.last_mut())
        {
            known.insert(key.clone());
        }
    }

    /// The keys of the innermost map so far.
    fn known(&self) -> Option<&BTreeSet<String>> {
        match self.open.last() {
            Some(Open::Map(_, known)) => Some(known),
            _ => None,
        }
    }

    fn keys(&self) -> Vec<String> {
        let key = |open: &Open| match open {
            Open::Map(key, _) => key.clone(),
            Open::List => None,
        };
        self.open.iter().filter_map(key).collect()
    }

    /// The innermost map's next text is a key.
    fn value_is_read(&mut self) {
        if let Some(Open::Map(key, _)) = self.open.last_mut() {
            *key = None;
        }
    }
}
