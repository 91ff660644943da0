//! YAML as `gem build` writes it, and no more: what of it two readers may take for two things is refused.

mod plain;
mod reader;

use std::collections::BTreeMap;

use oidc_core::shown;
use saphyr_parser::ScanError;

use plain::{is_nothing, is_other, is_time};

/// A document may be nested this deep.
const MAX_DEPTH: usize = 12;
/// A document may have this many values.
const MAX_NODES: usize = 50_000;
/// One text, or what is in brackets that may turn out to be a key, may have this many characters: a description of 64,000, as
/// rubygems.org takes it, with its indentation. The parser keeps all of those brackets until they close, at up to 200 bytes a
/// character.
const MAX_STRETCH: usize = 96 << 10;
/// The number of characters that an error repeats of a document.
const MAX_SHOWN: usize = 80;
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
    #[error("has a line that begins with a tab, which Ruby doesn't read")]
    Tab,
    #[error("has the symbol `{}`, which RubyGems doesn't read", shown(.0).up_to(MAX_SHOWN))]
    Symbol(String),
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
        reader::document(text)
    }

    /// The document's own value, called `key` in errors.
    pub(super) fn field<'a>(&'a self, key: &'a str) -> Field<'a> {
        Field { key, node: Some(self) }
    }
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
            _ => Err(self.invalid("a text, quoted if it looks like a number or another value")),
        }
    }

    /// A day, with or without a time of it.
    pub(super) fn time(self) -> Option<&'a str> {
        match self.node {
            Some(Node { tag: None, value: Value::Scalar { text, .. } }) => {
                Some(text.as_str()).filter(|text| is_time(text))
            }
            _ => None,
        }
    }

    /// One of the symbols that RubyGems reads, which a text in quotes is not.
    pub(super) fn symbol(self) -> Option<&'a str> {
        match self.node {
            Some(Node { tag: None, value: Value::Scalar { text, is_plain: true } }) => text.strip_prefix(':'),
            _ => None,
        }
    }

    /// Returns `true` if nothing stands there.
    pub(super) fn is_nothing(self) -> bool {
        match self.node {
            Some(Node { tag: None, value: Value::Scalar { text, is_plain } }) => {
                *is_plain && is_nothing(text)
            }
            Some(_) => false,
            None => true,
        }
    }

    /// Returns `true` if a list stands there.
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

    /// The text that is written so.
    fn name(written: &str) -> Option<String> {
        let node = Node::parse(&format!("name: {written}\n")).unwrap();
        node.field("x").map().unwrap().field("name").text().ok().map(str::to_owned)
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
            "a: :evil\n",
            "a: [b, :\"c\"]\n",
            "a: b\n\t\nc: d\n",
            "{",
            "",
        ] {
            assert!(Node::parse(text).is_err(), "{text:?}");
        }
        for value in ["1.0", "~", "yes", ":runtime", "!binary YQ==", "!!str a", "[a]"] {
            assert!(name(value).is_none(), "{value}");
        }
        for value in ["1.0.0", "'1.0'", "\"yes\"", "yes and no", "a:b", "':runtime'", "=", ">"] {
            assert!(name(value).is_some(), "{value}");
        }
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
