//! From text to values, within bounds of time and space.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::str::Chars;

use saphyr_parser::{BufferedInput, Event, Parser, ScalarStyle, Tag};

use super::{InvalidYaml, MAX_DEPTH, MAX_NODES, MAX_STRETCH, Node, Value};

/// The tags that a gem's metadata may have: of those that RubyGems itself accepts (`Gem::SafeYAML`), and of plain texts.
const TAGS: [&str; 8] = [
    "!ruby/object:Gem::Dependency",
    "!ruby/object:Gem::Platform",
    "!ruby/object:Gem::Requirement",
    "!ruby/object:Gem::Specification",
    "!ruby/object:Gem::Version",
    "!binary",
    "tag:yaml.org,2002:binary",
    "tag:yaml.org,2002:str",
];
/// The symbols that RubyGems itself accepts.
const SYMBOLS: [&str; 2] = ["development", "runtime"];
/// Ends of lines for YAML 1.1, which Ruby reads, and text for YAML 1.2, which is read here. The first begins UTF-16 there.
const AMBIGUOUS: [char; 4] = ['\u{feff}', '\u{85}', '\u{2028}', '\u{2029}'];

/// Reads a text that is one document.
pub(super) fn document(text: &str) -> Result<Node, InvalidYaml> {
    if text.contains(AMBIGUOUS) {
        return Err(InvalidYaml::Characters);
    }
    if text.contains("\n\t") {
        return Err(InvalidYaml::Tab);
    }
    let left = Cell::new(MAX_STRETCH);
    let events = Parser::new_from_iter(Stretch { text: text.chars(), left: &left });
    let mut reader = Reader { events, left: &left, nodes: 0 };
    let document = reader.first_node()?;
    match (reader.next()?, reader.next()?) {
        (Event::DocumentEnd, Event::StreamEnd) => Ok(document),
        _ => Err(InvalidYaml::Documents),
    }
}

/// A text that ends where the parser reads too much of it for one event.
struct Stretch<'a> {
    text: Chars<'a>,
    left: &'a Cell<usize>,
}

impl Iterator for Stretch<'_> {
    type Item = char;

    fn next(&mut self) -> Option<char> {
        let left = self.left.get().checked_sub(1)?;
        let character = self.text.next()?;
        self.left.set(left);
        Some(character)
    }
}

struct Reader<'a> {
    events: Parser<'a, BufferedInput<Stretch<'a>>>,
    /// The number of characters that the next event may take.
    left: &'a Cell<usize>,
    nodes: usize,
}

impl<'a> Reader<'a> {
    fn next(&mut self) -> Result<Event<'a>, InvalidYaml> {
        self.left.set(MAX_STRETCH);
        let event = self.events.next_event();
        if self.left.get() == 0 {
            return Err(InvalidYaml::Stretch);
        }
        let (event, _) = event.ok_or(InvalidYaml::End)??;
        Ok(event)
    }

    /// The node at the document's root.
    fn first_node(&mut self) -> Result<Node, InvalidYaml> {
        loop {
            match self.next()? {
                Event::StreamStart | Event::DocumentStart(_) => {}
                event => return self.node(event, 0),
            }
        }
    }

    fn node(&mut self, event: Event<'a>, depth: usize) -> Result<Node, InvalidYaml> {
        self.nodes += 1;
        if depth > MAX_DEPTH || self.nodes > MAX_NODES {
            return Err(InvalidYaml::Size);
        }
        let (tag, value) = match event {
            Event::Scalar(text, style, 0, tag) => (tag, scalar(text.into_owned(), style)?),
            Event::SequenceStart(0, tag) => (tag, Value::List(self.list(depth)?)),
            Event::MappingStart(0, tag) => (tag, Value::Map(self.map(depth)?)),
            Event::Alias(_) | Event::Scalar(..) | Event::SequenceStart(..) | Event::MappingStart(..) => {
                return Err(InvalidYaml::Alias);
            }
            _ => return Err(InvalidYaml::End),
        };
        Ok(Node { tag: tag.map(|tag| known(tag.into_owned())).transpose()?, value })
    }

    fn list(&mut self, depth: usize) -> Result<Vec<Node>, InvalidYaml> {
        let mut list = Vec::new();
        loop {
            match self.next()? {
                Event::SequenceEnd => return Ok(list),
                event => list.push(self.node(event, depth + 1)?),
            }
        }
    }

    fn map(&mut self, depth: usize) -> Result<BTreeMap<String, Node>, InvalidYaml> {
        let mut map = BTreeMap::new();
        loop {
            let key = match self.next()? {
                Event::MappingEnd => return Ok(map),
                event => self.node(event, depth + 1)?.into_key()?,
            };
            let event = self.next()?;
            let value = self.node(event, depth + 1)?;
            if map.insert(key.clone(), value).is_some() {
                return Err(InvalidYaml::Twice(key));
            }
        }
    }
}

fn scalar(text: String, style: ScalarStyle) -> Result<Value, InvalidYaml> {
    let is_plain = style == ScalarStyle::Plain;
    match text.strip_prefix(':') {
        Some(symbol) if is_plain && !symbol.is_empty() && !SYMBOLS.contains(&symbol) => {
            Err(InvalidYaml::Symbol(text))
        }
        _ => Ok(Value::Scalar { text, is_plain }),
    }
}

fn known(tag: Tag) -> Result<String, InvalidYaml> {
    let whole = tag.handle + &tag.suffix;
    if TAGS.contains(&whole.as_str()) { Ok(whole) } else { Err(InvalidYaml::Tag(whole)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_is_read_ahead_than_a_stretch() {
        let endless = [
            "[a", "[,", "{a: ,", "[[", "? ", "- ", "[\n", "a: [b,\n", "\"", "|\n", "!", "#", " ", "\n", "%",
            "a",
        ];
        for text in endless.map(|begin| begin.to_owned() + &begin.replace('[', ",").repeat(200_000)) {
            let left = Cell::new(MAX_STRETCH);
            let mut read = 0;
            let counted = Stretch { text: text.chars(), left: &left }.inspect(|_| read += 1);
            let mut parser = Parser::new_from_iter(counted);
            let mut events = 0;
            while let Some(Ok(_)) = parser.next_event()
                && left.get() > 0
                && events < 1_000
            {
                left.set(MAX_STRETCH);
                events += 1;
            }
            drop(parser);
            assert!(read <= (events + 1) * MAX_STRETCH && read < text.len(), "{text:.9} {read} {events}");
            assert!(Node::parse(&text).is_err(), "{text:.9}");
        }
        let fits = |length: usize| Node::parse(&format!("[{}]\n", "b,".repeat(length)));
        assert!(fits(MAX_STRETCH / 2 - 20).is_ok());
        assert!(matches!(fits(MAX_STRETCH / 2 + 20), Err(InvalidYaml::Stretch)));
        let lines = |length: usize| Node::parse(&format!("a: |\n{}", "  b c\n".repeat(length / 6)));
        assert!(lines(MAX_STRETCH - 50).is_ok());
        assert!(matches!(lines(MAX_STRETCH + 50), Err(InvalidYaml::Stretch)));
    }
}
