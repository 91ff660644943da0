//! Core metadata: what a distribution says of itself, as fields of a form or as a file.
//!
//! Source: packaging.python.org, "Core metadata specifications".

use std::collections::BTreeMap;

/// Metadata may have this many values.
const MAX_VALUES: usize = 4_000;
/// Values that are read may have this many bytes together.
const MAX_BYTES: usize = 256 << 10;

/// The number of times that a field may occur in metadata.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Count {
    One,
    Many,
}

/// A field of core metadata.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Field {
    /// The name in a file.
    pub(super) name: &'static str,
    /// The name in a form.
    pub(super) form: &'static str,
    /// The metadata version that has it first.
    pub(super) since: &'static str,
    pub(super) count: Count,
    /// `true` if its values are looked at. The others can be long, and are only known to be there.
    pub(super) is_read: bool,
}

/// The versions of core metadata that the public index takes, oldest first: it takes no 2.6 (PEP 808), as of August 2026.
pub(super) const VERSIONS: [&str; 8] = ["1.0", "1.1", "1.2", "2.1", "2.2", "2.3", "2.4", "2.5"];

macro_rules! fields {
    ($($name:literal $form:literal $since:literal $count:ident $is_read:literal,)*) => {
        [$(Field { name: $name, form: $form, since: $since, count: Count::$count, is_read: $is_read },)*]
    };
}

/// The fields of core metadata.
pub(super) const FIELDS: [Field; 32] = fields![
    "Metadata-Version" "metadata_version" "1.0" One true,
    "Name" "name" "1.0" One true,
    "Version" "version" "1.0" One true,
    "Platform" "platform" "1.0" Many false,
    "Summary" "summary" "1.0" One true,
    "Description" "description" "1.0" One false,
    "Keywords" "keywords" "1.0" One false,
    "Home-page" "home_page" "1.0" One true,
    "Author" "author" "1.0" One false,
    "Author-email" "author_email" "1.0" One false,
    "License" "license" "1.0" One false,
    "Supported-Platform" "supported_platform" "1.1" Many false,
    "Download-URL" "download_url" "1.1" One true,
    "Classifier" "classifiers" "1.1" Many true,
    "Requires" "requires" "1.1" Many false,
    "Provides" "provides" "1.1" Many false,
    "Obsoletes" "obsoletes" "1.1" Many false,
    "Maintainer" "maintainer" "1.2" One false,
    "Maintainer-email" "maintainer_email" "1.2" One false,
    "Requires-Dist" "requires_dist" "1.2" Many true,
    "Provides-Dist" "provides_dist" "1.2" Many true,
    "Obsoletes-Dist" "obsoletes_dist" "1.2" Many true,
    "Requires-Python" "requires_python" "1.2" One true,
    "Requires-External" "requires_external" "1.2" Many false,
    "Project-URL" "project_urls" "1.2" Many true,
    "Description-Content-Type" "description_content_type" "2.1" One true,
    "Provides-Extra" "provides_extra" "2.1" Many true,
    "Dynamic" "dynamic" "2.2" Many true,
    "License-Expression" "license_expression" "2.4" One true,
    "License-File" "license_file" "2.4" Many true,
    "Import-Name" "import_name" "2.5" Many true,
    "Import-Namespace" "import_namespace" "2.5" Many true,
];

/// Metadata can't be used.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum InvalidMetadata {
    #[error("it is not text in UTF-8")]
    NotText,
    #[error("its line {0} is not a field such as `Name: widget`")]
    NoField(usize),
    #[error("its line {0} has a control character")]
    Control(usize),
    #[error("it has `{0}` twice, expected once")]
    Twice(&'static str),
    #[error("it has more than {MAX_VALUES} values, or more than {MAX_BYTES} bytes of them")]
    TooMany,
    #[error("it has no `{0}`")]
    Missing(&'static str),
    #[error("`{field}` is `{found}`, expected {expected}")]
    Value { field: &'static str, found: String, expected: &'static str },
    #[error(
        "it has `{field}`, which metadata has from version {since} on, but says that it is of version {declared}"
    )]
    TooNew { field: &'static str, since: &'static str, declared: &'static str },
    #[error("it has both `License-Expression` and `License`; leave `License` out")]
    TwoLicenses,
}

impl InvalidMetadata {
    pub(super) fn value(field: &'static str, found: &str, expected: &'static str) -> Self {
        Self::Value { field, found: found.chars().take(100).collect(), expected }
    }
}

/// Fields with their values. A field that is only known to be there has empty ones.
#[derive(Debug, Default)]
pub(super) struct CoreMetadata {
    values: BTreeMap<&'static str, Vec<String>>,
    count: usize,
    bytes: usize,
}

impl Field {
    /// The field of this name in a form. Forms have some names in the plural, others in the singular.
    pub(super) fn of_form(name: &str) -> Option<&'static Self> {
        FIELDS.iter().find(|field| field.form.trim_end_matches('s') == name.trim_end_matches('s'))
    }

    fn of_file(name: &str) -> Option<&'static Self> {
        FIELDS.iter().find(|field| field.name.eq_ignore_ascii_case(name))
    }
}

impl CoreMetadata {
    /// Reads the fields of a file, up to the description that may follow them.
    pub(super) fn parse(file: &[u8]) -> Result<Self, InvalidMetadata> {
        let text = str::from_utf8(file).map_err(|_| InvalidMetadata::NotText)?;
        let mut metadata = Self::default();
        let mut current: Option<(&str, String)> = None;
        for (index, line) in text.split('\n').enumerate() {
            let line = line.strip_suffix('\r').unwrap_or(line);
            if line.is_empty() {
                break;
            }
            if line.starts_with([' ', '\t']) {
                let (name, value) = current.as_mut().ok_or(InvalidMetadata::NoField(index + 1))?;
                check_line(line, name, index + 1)?;
                value.push('\n');
                value.push_str(line);
                continue;
            }
            let is_name = |name: &str| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_graphic());
            let field = line.split_once(':').filter(|(name, _)| is_name(name));
            let (name, value) = field.ok_or(InvalidMetadata::NoField(index + 1))?;
            check_line(line, name, index + 1)?;
            let before = current.replace((name, value.to_owned()));
            metadata.add_line(before)?;
        }
        metadata.add_line(current)?;
        Ok(metadata)
    }

    fn add_line(&mut self, line: Option<(&str, String)>) -> Result<(), InvalidMetadata> {
        let Some((name, value)) = line else { return Ok(()) };
        let value = value.trim();
        match Field::of_file(name) {
            Some(field) if !value.is_empty() => self.add(field, if field.is_read { value } else { "" }),
            _ => Ok(()),
        }
    }

    /// Adds a field's value.
    pub(super) fn add(&mut self, field: &'static Field, value: &str) -> Result<(), InvalidMetadata> {
        self.count = self.count.saturating_add(1);
        self.bytes = self.bytes.saturating_add(value.len());
        if self.count > MAX_VALUES || self.bytes > MAX_BYTES {
            return Err(InvalidMetadata::TooMany);
        }
        let values = self.values.entry(field.name).or_default();
        if field.count == Count::One && !values.is_empty() {
            return Err(InvalidMetadata::Twice(field.name));
        }
        values.push(value.to_owned());
        Ok(())
    }

    /// Returns `true` if a field is there.
    pub(super) fn has(&self, field: &str) -> bool {
        self.values.contains_key(field)
    }

    /// A field's values.
    pub(super) fn all(&self, field: &str) -> impl Iterator<Item = &str> {
        self.values.get(field).into_iter().flatten().map(String::as_str)
    }

    /// The value of a field that stands there once and is not empty.
    pub(super) fn one(&self, field: &str) -> Option<&str> {
        self.all(field).next().filter(|value| !value.is_empty())
    }

    /// The value of a field that has to be there.
    pub(super) fn required(&self, field: &'static str) -> Result<&str, InvalidMetadata> {
        self.one(field).ok_or(InvalidMetadata::Missing(field))
    }
}

/// Checks that every reader takes a line for one: some take other characters for the end of a line too. A form feed, as in the
/// texts of some licences, may stand before a space or the end of the line, since what follows continues the field either way.
fn check_line(line: &str, field: &str, number: usize) -> Result<(), InvalidMetadata> {
    let is_read = Field::of_file(field).is_some_and(|field| field.is_read);
    let mut characters = line.chars().peekable();
    while let Some(character) = characters.next() {
        let is_harmless = character == '\u{c}'
            && !is_read
            && characters.peek().is_none_or(|next| matches!(next, ' ' | '\t'));
        let ends_line =
            character.is_control() && character != '\t' || matches!(character, '\u{2028}' | '\u{2029}');
        if ends_line && !is_harmless {
            return Err(InvalidMetadata::Control(number));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_read_up_to_the_description() {
        let file = "Metadata-Version: 2.1\r\nname:widget\nSummary: a\n  b\nX-Other: c\nRequires-Dist: a\nRequires-Dist: b\n\
                    Description: long\n        |longer\n\nVersion: 2.0\n";
        let metadata = CoreMetadata::parse(file.as_bytes()).unwrap();
        assert_eq!((metadata.one("Name"), metadata.one("Summary")), (Some("widget"), Some("a\n  b")));
        assert_eq!(metadata.all("Requires-Dist").collect::<Vec<_>>(), ["a", "b"]);
        assert!(metadata.has("Description") && !metadata.has("Version"));
        assert_eq!(metadata.required("Version"), Err(InvalidMetadata::Missing("Version")));
        for (plural, singular) in [("classifiers", "classifier"), ("license_files", "license_file")] {
            assert_eq!(Field::of_form(plural), Field::of_form(singular));
            assert!(Field::of_form(plural).is_some());
        }
        assert_eq!(Field::of_form("content"), None);
    }

    #[test]
    fn the_text_of_a_licence_may_have_form_feeds() {
        let file = "License: GPL\u{c}\n        \u{c}\n        a\u{c}        b\nName: a\n";
        assert_eq!(CoreMetadata::parse(file.as_bytes()).unwrap().one("Name"), Some("a"));
        for file in [
            "License: a\n        \u{c}Requires-Dist: b\n",
            "License: a\u{c}\u{c}\n",
            "License: a\n\u{c}\n",
            "License: a\u{b}\n",
            "Summary: a\u{c}\n",
        ] {
            assert!(CoreMetadata::parse(file.as_bytes()).is_err(), "{file:?}");
        }
    }

    #[test]
    fn what_two_readers_may_take_for_different_fields_is_refused() {
        for (file, error) in [
            ("Name: a\nNAME: b\n", InvalidMetadata::Twice("Name")),
            ("Name: a\nno field\nVersion: 1\n", InvalidMetadata::NoField(2)),
            ("Name : a\n", InvalidMetadata::NoField(1)),
            (": a\n", InvalidMetadata::NoField(1)),
            (" a\n", InvalidMetadata::NoField(1)),
            ("\u{feff}Name: a\n", InvalidMetadata::NoField(1)),
            ("Summary: a\rName: b\n", InvalidMetadata::Control(1)),
            ("Name: a\nSummary: \u{85}\n", InvalidMetadata::Control(2)),
            ("Summary: a\u{2028}Name: b\n", InvalidMetadata::Control(1)),
            ("Name: a\0\n", InvalidMetadata::Control(1)),
            (&"Requires-Dist: a\n".repeat(MAX_VALUES + 1), InvalidMetadata::TooMany),
            (&format!("Requires-Dist: {}\n", "a".repeat(MAX_BYTES + 1)), InvalidMetadata::TooMany),
        ] {
            assert_eq!(CoreMetadata::parse(file.as_bytes()).unwrap_err(), error, "{file:.40}");
        }
        assert_eq!(CoreMetadata::parse(b"Name: \xff\n").unwrap_err(), InvalidMetadata::NotText);
        let long = format!("Name: a\nLicense: {}\n", "x".repeat(MAX_BYTES + 1));
        assert!(CoreMetadata::parse(long.as_bytes()).unwrap().has("License"));
    }
}
