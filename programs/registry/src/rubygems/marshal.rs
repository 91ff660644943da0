//! `Marshal.dump` of a specification, which `gem install` reads, and of the names, versions and platforms in a list of gems: an
//! encoder of these two documents.
//!
//! Sources: Ruby's `doc/marshal.rdoc`; `Gem::Specification#_dump`, whose list of fields this is.

use std::collections::BTreeMap;

use super::specification::{Dependency, Kind, Specification};
use super::version::{Requirement, Version};

/// The version of the format, which stands in the path that clients ask for.
const FORMAT: [u8; 2] = [4, 8];
/// The version of the list of fields.
const SPECIFICATION_VERSION: u8 = 4;

/// The dump of a specification.
pub(super) fn dump(specification: &Specification) -> Vec<u8> {
    let mut outer = Writer::new();
    outer.bytes.push(b'u');
    outer.symbol("Gem::Specification");
    outer.raw(&fields(specification));
    outer.bytes
}

/// The beginning of the dump of an array, which its elements follow.
pub(super) fn array(length: usize) -> Vec<u8> {
    let mut writer = Writer::new();
    writer.list(length);
    writer.bytes
}

/// An element of such an array: a gem's name, version and platform. Its symbols are those of every other element, in the same
/// order, so that it can stand anywhere.
pub(super) fn name_tuple(name: &str, version: &Version, platform: &str) -> Vec<u8> {
    let mut writer = Writer { bytes: Vec::new(), symbols: Vec::new() };
    writer.list(3);
    writer.text(name);
    writer.version(version);
    writer.text(platform);
    writer.bytes
}

/// The dump of the list of fields.
fn fields(specification: &Specification) -> Vec<u8> {
    let mut writer = Writer::new();
    writer.list(19);
    writer.text(&specification.rubygems_version);
    writer.small(SPECIFICATION_VERSION);
    writer.text(&specification.name);
    writer.version(&specification.version);
    writer.day(specification.date);
    writer.optional(specification.summary.as_deref());
    writer.requirement(&specification.required_ruby_version);
    writer.requirement(&specification.required_rubygems_version);
    writer.text(&specification.platform);
    writer.dependencies(&specification.dependencies);
    // The project at RubyForge, which no longer exists.
    writer.text("");
    writer.addresses(&specification.email);
    writer.texts(&specification.authors);
    writer.optional(specification.description.as_deref());
    writer.optional(specification.homepage.as_deref());
    // `true`: there is always documentation to make.
    writer.bytes.push(b'T');
    writer.text(&specification.platform);
    writer.texts(&specification.licenses);
    writer.map(&specification.metadata);
    writer.bytes
}

struct Writer {
    bytes: Vec<u8>,
    symbols: Vec<&'static str>,
}

impl Writer {
    fn new() -> Self {
        Self { bytes: FORMAT.to_vec(), symbols: Vec::new() }
    }

    fn dependencies(&mut self, dependencies: &[Dependency]) {
        self.list(dependencies.len());
        for dependency in dependencies {
            self.dependency(dependency);
        }
    }

    /// Addresses, or nothing where there are none.
    fn addresses(&mut self, addresses: &[String]) {
        match addresses {
            [] => self.bytes.push(b'0'),
            addresses => self.texts(addresses),
        }
    }

    fn map(&mut self, map: &BTreeMap<String, String>) {
        self.bytes.push(b'{');
        self.length(map.len());
        for (key, value) in map {
            self.text(key);
            self.text(value);
        }
    }

    /// A number up to 122.
    fn small(&mut self, number: u8) {
        self.bytes.push(b'i');
        self.length(number.into());
    }

    /// Small ones are one byte; for others, that is how many bytes follow, the lowest first.
    fn length(&mut self, length: usize) {
        match u8::try_from(length) {
            Ok(0) => self.bytes.push(0),
            Ok(small @ 1..=122) => self.bytes.push(small + 5),
            _ => {
                let bytes = length.to_le_bytes();
                let count = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
                // What is written is bounded far below the four bytes that the format allows.
                self.bytes.extend(u8::try_from(count));
                self.bytes.extend(bytes.iter().take(count));
            }
        }
    }

    fn raw(&mut self, bytes: &[u8]) {
        self.length(bytes.len());
        self.bytes.extend(bytes);
    }

    /// A name, in full where it is first used.
    fn symbol(&mut self, name: &'static str) {
        if let Some(index) = self.symbols.iter().position(|known| *known == name) {
            self.bytes.push(b';');
            return self.length(index);
        }
        self.symbols.push(name);
        self.bytes.push(b':');
        self.raw(name.as_bytes());
    }

    /// A text in UTF-8.
    fn text(&mut self, text: &str) {
        self.bytes.extend(b"I\"");
        self.raw(text.as_bytes());
        self.length(1);
        self.symbol("E");
        self.bytes.push(b'T');
    }

    fn optional(&mut self, text: Option<&str>) {
        match text {
            Some(text) => self.text(text),
            None => self.bytes.push(b'0'),
        }
    }

    fn list(&mut self, length: usize) {
        self.bytes.push(b'[');
        self.length(length);
    }

    fn texts(&mut self, texts: &[String]) {
        self.list(texts.len());
        for text in texts {
            self.text(text);
        }
    }

    /// An object that dumps itself as a list.
    fn own(&mut self, class: &'static str, length: usize) {
        self.bytes.push(b'U');
        self.symbol(class);
        self.list(length);
    }

    fn version(&mut self, version: &Version) {
        self.own("Gem::Version", 1);
        self.text(version.as_str());
    }

    fn requirement(&mut self, requirement: &Requirement) {
        self.own("Gem::Requirement", 1);
        self.list(requirement.0.len());
        for (operator, version) in &requirement.0 {
            self.list(2);
            self.text(operator);
            self.version(version);
        }
    }

    fn dependency(&mut self, dependency: &Dependency) {
        self.bytes.push(b'o');
        self.symbol("Gem::Dependency");
        self.length(4);
        self.symbol("@name");
        self.text(&dependency.name);
        self.symbol("@requirement");
        self.requirement(&dependency.requirement);
        self.symbol("@type");
        self.symbol(match dependency.kind {
            Kind::Runtime => "runtime",
            Kind::Development => "development",
        });
        self.symbol("@prerelease");
        self.bytes.push(b'F');
    }

    /// A `Time` at the beginning of a day of UTC: bits for what it is, year, month and day.
    fn day(&mut self, day: jiff::civil::Date) {
        let bits = |number: i8| u32::from(number.unsigned_abs());
        let year = u32::from(day.year().unsigned_abs()).saturating_sub(1900);
        let time = 0b11 << 30 | year << 14 | (bits(day.month()) - 1) << 10 | bits(day.day()) << 5;
        self.bytes.extend(b"Iu");
        self.symbol("Time");
        self.raw(&u64::from(time).to_le_bytes());
        self.length(1);
        self.symbol("zone");
        self.bytes.extend(b"I\"");
        self.raw(b"UTC");
        self.length(1);
        self.symbol("E");
        self.bytes.push(b'F');
    }
}

#[cfg(test)]
mod tests {
    use super::super::specification::tests::YAML;
    use super::*;

    #[test]
    fn lengths_are_as_ruby_writes_them() {
        // Of `Marshal.dump(number)`, without what stands before the number.
        for (number, bytes) in [
            (0, vec![0]),
            (1, vec![6]),
            (122, vec![127]),
            (123, vec![1, 123]),
            (255, vec![1, 255]),
            (256, vec![2, 0, 1]),
            (65_536, vec![3, 0, 0, 1]),
        ] {
            let mut writer = Writer::new();
            writer.length(number);
            assert_eq!(writer.bytes[2..], bytes, "{number}");
        }
    }

    #[test]
    fn a_dump_is_the_one_that_ruby_writes() {
        let dump = dump(&Specification::parse(YAML).unwrap());
        // Of `Marshal.dump` in Ruby 3.1.2, with each text an object of its own and without `@version_requirements`, which
        // repeats `@requirement`.
        let of_ruby = include_bytes!("../../tests/gems/widget.dump");
        assert_eq!(dump.escape_ascii().to_string(), of_ruby.escape_ascii().to_string());
    }
}
