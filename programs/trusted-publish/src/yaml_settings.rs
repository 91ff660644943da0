//! The settings in a YAML document: its texts, each with the keys that lead to it.

use std::collections::BTreeMap;
use std::ops::Range;

use saphyr_parser::{Event, Parser};

/// A document may have this many values, and be nested this deep.
const MAX_EVENTS: usize = 20_000;
const MAX_DEPTH: usize = 16;

/// A text of a document, and the keys that lead to it.
pub(super) type Setting = (Vec<String>, String);

/// A map or a list that is being read.
enum Open {
    /// With the key whose value is next, if that is next.
    Map(Option<String>),
    List,
}

/// A document that is being read.
#[derive(Default)]
struct Reader {
    found: Vec<Setting>,
    open: Vec<Open>,
    /// Values with a name, which may be repeated: their place among those found, and the number of keys that lead to them.
    anchors: BTreeMap<usize, (Range<usize>, usize)>,
    /// The anchors of what is open.
    opened: Vec<(usize, usize)>,
}

/// The texts of a document with the keys that lead to them, as far as it can be read.
pub(super) fn flattened(text: &str) -> Vec<Setting> {
    let mut reader = Reader::default();
    for event in Parser::new_from_str(text).take(MAX_EVENTS) {
        let Ok((event, _)) = event else { break };
        if !reader.read(event) {
            break;
        }
    }
    reader.found
}

impl Reader {
    /// Reads one event; false where the document is too much.
    fn read(&mut self, event: Event<'_>) -> bool {
        match event {
            Event::MappingStart(anchor, _) => self.begin(Open::Map(None), anchor),
            Event::SequenceStart(anchor, _) => self.begin(Open::List, anchor),
            Event::MappingEnd | Event::SequenceEnd => self.end(),
            Event::Scalar(value, _, anchor, _) => match self.open.last_mut() {
                Some(Open::Map(key @ None)) => *key = Some(value.into_owned()),
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

    /// Repeats what has a name. What is merged into a map (`<<`) is in the map itself.
    fn repeat(&mut self, anchor: usize) {
        let Some((range, depth)) = self.anchors.get(&anchor).filter(|_| anchor != 0).cloned() else { return };
        let mut keys = self.keys();
        keys.pop_if(|key| key == "<<");
        let repeated: Vec<Setting> = self.found.get(range).unwrap_or_default().to_vec();
        for (path, value) in repeated.into_iter().take(MAX_EVENTS.saturating_sub(self.found.len())) {
            let path = [&keys, path.get(depth..).unwrap_or_default()].concat();
            if path.len() <= MAX_DEPTH {
                self.found.push((path, value));
            }
        }
    }

    fn keys(&self) -> Vec<String> {
        let key = |open: &Open| match open {
            Open::Map(key) => key.clone(),
            Open::List => None,
        };
        self.open.iter().filter_map(key).collect()
    }

    /// The innermost map's next text is a key.
    fn value_is_read(&mut self) {
        if let Some(Open::Map(key)) = self.open.last_mut() {
            *key = None;
        }
    }
}
