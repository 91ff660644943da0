//! YAML as `gem build` writes it, and no more: what of it two readers may take for two things is refused.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::str::Chars;

use oidc_core::shown;
use saphyr_parser::{BufferedInput, Event, Parser, ScalarStyle, ScanError, Tag};

/// A document may be nested this deep.
const MAX_DEPTH: usize = 12;
/// A document may have this many values.
const MAX_NODES: usize = 50_000;
/// One value, or a list or map in brackets as a whole, may have this many characters. The parser keeps what is in brackets
/// until they close, at up to 200 bytes a character.
const MAX_STRETCH: usize = 16 << 10;
/// The tags that a gem's metadata may have: of what RubyGems itself lets in (`Gem::SafeYAML`), and of plain texts.
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
/// What an error repeats of a document may have this many characters.
const MAX_SHOWN: usize = 80;
/// Ends of lines for YAML 1.1, which Ruby reads, and text for YAML 1.2, which is read here. The first begins UTF-16 there.
const AMBIGUOUS: [char; 4] = ['\u{feff}', '\u{85}', '\u{2028}', '\u{2029}'];

/// A value with its tag, such as `!ruby/object:Gem::Version`.
#[derive(Debug)]
pub(super) struct Node {
    tag: Option<String>,
    value: Value,
}

#[derive(Debug)]
enum Value {
    Scalar { text: String, is_plain: bool },
    List(Vec<Node>),
    Map(BTreeMap<String, Node>),
}

/// A text is not a document that is read here.
#[derive(Debug, thiserror::Error)]
pub(super) enum InvalidYaml {
    #[error("is not YAML: {0}")]
    Syntax(#[from] ScanError),
    #[error("ends before its document does")]
    End,
    #[error("is nested deeper than {MAX_DEPTH} levels or has more than {MAX_NODES} values")]
    Size,
    #[error("has more than {MAX_STRETCH} characters at a stretch, in one text or between brackets")]
    Stretch,
    #[error("has an anchor or an alias, which `gem build` doesn't write")]
    Alias,
    #[error("has the tag `{}`, which RubyGems doesn't read", shown(.0).up_to(MAX_SHOWN))]
    Tag(String),
    #[error("has a key that is not an untagged text")]
    Key,
    #[error("has the key `{}` twice", shown(.0).up_to(MAX_SHOWN))]
    Twice(String),
    #[error("has more than one document")]
    Documents,
    #[error("has a character that only some readers take for the end of a line; escape it as in \"\\u2028\"")]
    Characters,
}

/// A value is not what is expected under its key.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{key}` is {found}, expected {expected}")]
pub(super) struct InvalidField {
    key: String,
    found: String,
    expected: String,
}

impl Node {
    /// Reads a text that is one document.
    pub(super) fn parse(text: &str) -> Result<Self, InvalidYaml> {
        if text.contains(AMBIGUOUS) {
            return Err(InvalidYaml::Characters);
        }
        let left = Cell::new(MAX_STRETCH);
        let events = Parser::new_from_iter(Stretch { text: text.chars(), left: &left });
        let mut reader = Reader { events, left: &left, nodes: 0 };
        let document = loop {
            match reader.next()? {
                Event::StreamStart | Event::DocumentStart(_) => {}
                event => break reader.node(event, 0)?,
            }
        };
        match (reader.next()?, reader.next()?) {
            (Event::DocumentEnd, Event::StreamEnd) => Ok(document),
            _ => Err(InvalidYaml::Documents),
        }
    }

    /// The document's own value, called `key` in errors.
    pub(super) fn field<'a>(&'a self, key: &'a str) -> Field<'a> {
        Field { key, node: Some(self) }
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
    /// How many characters the next event may take.
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

    fn node(&mut self, event: Event<'a>, depth: usize) -> Result<Node, InvalidYaml> {
        self.nodes += 1;
        if depth > MAX_DEPTH || self.nodes > MAX_NODES {
            return Err(InvalidYaml::Size);
        }
        let (tag, value) = match event {
            Event::Scalar(text, style, 0, tag) => {
                (tag, Value::Scalar { text: text.into_owned(), is_plain: style == ScalarStyle::Plain })
            }
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

fn known(tag: Tag) -> Result<String, InvalidYaml> {
    let whole = tag.handle + &tag.suffix;
    if TAGS.contains(&whole.as_str()) { Ok(whole) } else { Err(InvalidYaml::Tag(whole)) }
}

impl Node {
    /// A key. Ruby takes `<<` for other keys, and `:name` for one that its specification doesn't tell from `name`.
    fn into_key(self) -> Result<String, InvalidYaml> {
        match (self.tag, self.value) {
            (None, Value::Scalar { text, is_plain })
                if text != "<<" && !text.starts_with(':') && !(is_plain && is_other(&text)) =>
            {
                Ok(text)
            }
            _ => Err(InvalidYaml::Key),
        }
    }
}

/// Whether a text without quotes is nothing or a number.
fn is_other(plain: &str) -> bool {
    is_nothing(plain) || plain.parse::<f64>().is_ok()
}

fn is_nothing(plain: &str) -> bool {
    matches!(plain, "" | "~" | "null" | "Null" | "NULL")
}

/// A value, if it is there, and the key that it stands under.
#[derive(Clone, Copy, Debug)]
pub(super) struct Field<'a> {
    key: &'a str,
    node: Option<&'a Node>,
}

/// The keys of an object.
#[derive(Clone, Copy, Debug)]
pub(super) struct Object<'a>(&'a BTreeMap<String, Node>);

impl<'a> Object<'a> {
    pub(super) fn field(self, key: &'a str) -> Field<'a> {
        Field { key, node: self.0.get(key) }
    }

    /// All keys, and what stands under them.
    pub(super) fn fields(self) -> impl ExactSizeIterator<Item = (&'a str, Field<'a>)> {
        self.0.iter().map(|(key, node)| (key.as_str(), Field { key, node: Some(node) }))
    }
}

impl<'a> Field<'a> {
    /// An object of a class of Ruby's.
    pub(super) fn object(self, class: &str) -> Result<Object<'a>, InvalidField> {
        let tag = format!("!ruby/object:{class}");
        match self.node {
            Some(Node { tag: Some(found), value: Value::Map(map) }) if *found == tag => Ok(Object(map)),
            _ => Err(self.invalid(format!("a `{tag}`"))),
        }
    }

    /// Keys without a class.
    pub(super) fn map(self) -> Result<Object<'a>, InvalidField> {
        match self.node {
            Some(Node { tag: None, value: Value::Map(map) }) => Ok(Object(map)),
            _ => Err(self.invalid("a map")),
        }
    }

    /// A list of at most `most` values.
    pub(super) fn list(self, most: usize) -> Result<impl Iterator<Item = Self>, InvalidField> {
        match self.node {
            Some(Node { tag: None, value: Value::List(list) }) if list.len() <= most => {
                let key = self.key;
                Ok(list.iter().map(move |node| Self { key, node: Some(node) }))
            }
            _ => Err(self.invalid(format!("a list of at most {most} values"))),
        }
    }

    /// A text.
    pub(super) fn text(self) -> Result<&'a str, InvalidField> {
        match self.node {
            Some(Node { tag: None, value: Value::Scalar { text, is_plain } })
                if !(*is_plain && is_other(text)) =>
            {
                Ok(text)
            }
            _ => Err(self.invalid("a text, quoted if it looks like a number")),
        }
    }

    /// Whether nothing stands there.
    pub(super) fn is_nothing(self) -> bool {
        match self.node {
            Some(Node { tag: None, value: Value::Scalar { text, is_plain } }) => {
                *is_plain && is_nothing(text)
            }
            Some(_) => false,
            None => true,
        }
    }

    /// Whether a list stands there.
    pub(super) fn is_list(self) -> bool {
        matches!(self.node, Some(Node { value: Value::List(_), .. }))
    }

    /// This is not what was expected.
    pub(super) fn invalid(self, expected: impl Into<String>) -> InvalidField {
        let found = match self.node {
            None => "missing".to_owned(),
            Some(Node { tag: Some(tag), .. }) => format!("a `{}`", shown(tag).up_to(MAX_SHOWN)),
            Some(Node { value: Value::Scalar { text, .. }, .. }) => {
                format!("`{}`", shown(text).up_to(MAX_SHOWN))
            }
            Some(Node { value: Value::List(list), .. }) => format!("a list of {}", list.len()),
            Some(Node { value: Value::Map(_), .. }) => "a map".to_owned(),
        };
        InvalidField { key: shown(self.key).up_to(MAX_SHOWN).to_string(), found, expected: expected.into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_is_read_by_its_keys_and_tags() {
        let text = "--- !ruby/object:Gem::Version\nversion: '1.0'\nnothing:\nlist:\n- a\n- - b\n";
        let node = Node::parse(text).unwrap();
        let object = node.field("x").object("Gem::Version").unwrap();
        assert_eq!(object.field("version").text().unwrap(), "1.0");
        assert!(object.field("nothing").is_nothing() && object.field("absent").is_nothing());
        assert_eq!(object.field("list").list(2).unwrap().count(), 2);
        assert!(object.field("list").list(1).is_err());
        let wrong = node.field("x").object("Gem::Platform").unwrap_err();
        let message = "`x` is a `!ruby/object:Gem::Version`, expected a `!ruby/object:Gem::Platform`";
        assert_eq!(wrong.to_string(), message);
    }

    #[test]
    fn what_ruby_may_read_otherwise_is_refused() {
        for text in [
            "name: a\nname: b\n",
            "name: a\n\"name\": b\n",
            "name: a\n!binary bmFtZQ==: b\n",
            "name: a\n:name: b\n",
            "a: &x { name: b }\n<<: *x\n",
            "<<: { name: b }\n",
            "a: &x b\n",
            "a: *x\n",
            "? [name]\n: b\n",
            "1: b\n",
            "--- a\n--- b\n",
            "# \u{2028}name: b\n",
            "\u{feff}name: b\n",
            "name: a\u{85}name: b\n",
            "name: \"a\n",
            "a: !ruby/regexp /a/\n",
            "a: !ruby/object:Kernel {}\n",
            "a: [!ruby/hash:Evil {}]\n",
            "a: !!int 1\n",
            "a: !<!ruby/object:OpenStruct> {}\n",
            "%TAG !g! !ruby/object:\n--- !g!OpenStruct {}\n",
            "{",
            "",
        ] {
            assert!(Node::parse(text).is_err(), "{text:?}");
        }
        for value in ["1.0", "1", "1e5", ".5", "~", "!binary YQ==", "!!str a", "[a]"] {
            let node = Node::parse(&format!("name: {value}\n")).unwrap();
            assert!(node.field("x").map().unwrap().field("name").text().is_err(), "{value}");
        }
    }

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
        let fits = |length: usize| Node::parse(&format!("a: [{}]\n", "b,".repeat(length)));
        assert!(fits(MAX_STRETCH / 2 - 20).is_ok());
        assert!(matches!(fits(MAX_STRETCH / 2 + 20), Err(InvalidYaml::Stretch)));
        let lines = |length: usize| Node::parse(&format!("a: |\n{}", "  b c\n".repeat(length / 6)));
        assert!(lines(MAX_STRETCH - 50).is_ok());
        assert!(matches!(lines(MAX_STRETCH + 50), Err(InvalidYaml::Stretch)));
    }

    #[test]
    fn size_and_depth_are_bounded() {
        let deep = ["[".repeat(100_000), "- ".repeat(100_000), "{a: ".repeat(100_000), "? ".repeat(100_000)];
        let wide = ["- a\n".repeat(MAX_NODES + 1), format!("[{}]", "a,".repeat(MAX_NODES + 1))];
        for text in deep.iter().chain(&wide) {
            assert!(Node::parse(text).is_err(), "{text:.20}");
        }
        let pairs: String = (0..MAX_NODES).map(|n| format!("a{n}: b\n")).collect();
        assert!(matches!(Node::parse(&pairs), Err(InvalidYaml::Size)));
        let laughs = "a: &a [x,x]\nb: &b [*a,*a]\nc: [*b,*b]\n";
        assert!(matches!(Node::parse(laughs), Err(InvalidYaml::Alias)));
    }
}
