//! Versions and requirements of gems (`Gem::Version`, `Gem::Requirement`).

use std::cmp::Ordering;
use std::fmt;

use super::yaml::{Field, InvalidField};

/// A version may have this many characters.
const MAX_VERSION: usize = 128;
/// A requirement may have this many parts.
const MAX_PARTS: usize = 32;
/// The operators of a requirement.
const OPERATORS: [&str; 7] = ["=", "!=", ">", "<", ">=", "<=", "~>"];

/// A gem's version, such as `1.10.0.rc1`.
#[derive(Debug)]
pub(super) struct Version(String);

impl Version {
    /// Reads a `Gem::Version`.
    pub(super) fn read(field: Field<'_>) -> Result<Self, InvalidField> {
        let text = field.object("Gem::Version")?.field("version");
        Self::parse(text.text()?).ok_or_else(|| {
            let expected =
                format!("a version: numbers and letters with dots between, at most {MAX_VERSION} characters");
            text.invalid(expected)
        })
    }

    pub(super) fn parse(text: &str) -> Option<Self> {
        let is_part = |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric());
        let first = text.split('.').next().unwrap_or_default();
        let is_one = text.len() <= MAX_VERSION
            && text.split('.').all(is_part)
            && first.chars().all(|c| c.is_ascii_digit());
        is_one.then(|| Self(text.to_owned()))
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns `true` if it comes before the release of its numbers: it has a letter.
    pub(super) fn is_prerelease(&self) -> bool {
        self.0.contains(|c: char| c.is_ascii_alphabetic())
    }

    /// Returns `true` if it is later than another in `Gem::Version`'s order.
    pub(super) fn is_newer_than(&self, other: &Self) -> bool {
        let (ours, others) = (self.canonical(), other.canonical());
        let (mut ours, mut others) = (ours.split('.'), others.split('.'));
        loop {
            let order = match (ours.next(), others.next()) {
                (None, None) => return false,
                (ours, others) => by_part(ours.unwrap_or("0"), others.unwrap_or("0")),
            };
            if order.is_ne() {
                return order.is_gt();
            }
        }
    }

    /// The form that is the same for all that RubyGems takes for one version: the numbers and words, without the zeros at the end of
    /// the numbers and at the end of the whole.
    pub(super) fn canonical(&self) -> String {
        let mut parts: Vec<String> = Vec::new();
        for part in self.0.split('.') {
            parts.extend(runs(part).map(|run| match run.trim_start_matches('0') {
                "" => "0".to_owned(),
                number_or_word => number_or_word.to_owned(),
            }));
        }
        let is_word = |part: &String| part.starts_with(|c: char| c.is_ascii_alphabetic());
        let numbers = parts.iter().position(is_word).unwrap_or(parts.len());
        let words = parts.split_off(numbers);
        [parts, words].map(without_zeros).concat().join(".")
    }
}

/// The order of two parts of canonical versions: words before numbers.
fn by_part(one: &str, other: &str) -> Ordering {
    let is_word = |part: &str| part.starts_with(|c: char| c.is_ascii_alphabetic());
    match (is_word(one), is_word(other)) {
        (false, false) => one.len().cmp(&other.len()).then_with(|| one.cmp(other)),
        (true, true) => one.cmp(other),
        (is_word, _) => {
            if is_word {
                Ordering::Less
            } else {
                Ordering::Greater
            }
        }
    }
}

/// The longest pieces that are all digits or all letters.
fn runs(part: &str) -> impl Iterator<Item = &str> {
    let mut rest = part;
    std::iter::from_fn(move || {
        let is_digit = rest.chars().next()?.is_ascii_digit();
        let end = rest.find(|c: char| c.is_ascii_digit() != is_digit).unwrap_or(rest.len());
        let (run, after) = rest.split_at_checked(end)?;
        rest = after;
        Some(run)
    })
}

fn without_zeros(mut parts: Vec<String>) -> Vec<String> {
    while parts.last().is_some_and(|part| part == "0") {
        parts.pop();
    }
    parts
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The accepted versions: those that meet all of these, each an operator and a version.
#[derive(Debug)]
pub(super) struct Requirement(pub(super) Vec<(String, Version)>);

impl Requirement {
    /// Reads a `Gem::Requirement`.
    pub(super) fn read(field: Field<'_>) -> Result<Self, InvalidField> {
        let parts = field.object("Gem::Requirement")?.field("requirements").list(MAX_PARTS)?;
        let parts: Vec<_> = parts.map(part).collect::<Result<_, _>>()?;
        if parts.is_empty() {
            return Err(field.invalid("one requirement at least"));
        }
        Ok(Self(parts))
    }
}

fn part(field: Field<'_>) -> Result<(String, Version), InvalidField> {
    let mut pair = field.list(2)?;
    let (Some(operator), Some(version)) = (pair.next(), pair.next()) else {
        return Err(field.invalid("an operator and a version"));
    };
    let text = operator.text()?;
    if !OPERATORS.contains(&text) {
        return Err(operator.invalid(format!("one of {}", OPERATORS.join(" "))));
    }
    Ok((text.to_owned(), Version::read(version)?))
}

impl fmt::Display for Requirement {
    /// As the compact index has it: `>= 1.0&< 3`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (operator, version)) in self.0.iter().enumerate() {
            write!(f, "{}{operator} {version}", if index == 0 { "" } else { "&" })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::yaml::Node;
    use super::*;

    fn version(text: &str) -> Version {
        Version::parse(text).unwrap()
    }

    #[test]
    fn versions_are_those_that_gem_builds() {
        for text in ["1", "1.0", "1.10.0.rc1", "0.0.1a2", "2026.01.02.pre.3"] {
            assert_eq!(version(text).as_str(), text);
        }
        let long = "1.".repeat(64) + "1";
        for text in
            ["", ".", "1.", ".1", "1..2", "a", "a.1", "1-2", "1 ", "1\n2", "1/2", "../1", "1,2", "１", &long]
        {
            assert!(Version::parse(text).is_none(), "{text:?}");
        }
    }

    #[test]
    fn versions_are_in_the_order_of_rubygems() {
        let ascending =
            ["0", "1.0.a", "1.0.a1", "1.0.b", "1.0.b2", "1.0.b10", "1.0", "1.0.1", "1.2", "1.10", "2.a", "2"];
        for (at, one) in ascending.iter().enumerate() {
            for (other_at, other) in ascending.iter().enumerate() {
                assert_eq!(version(one).is_newer_than(&version(other)), at > other_at, "{one} {other}");
            }
        }
        assert!(
            !version("1.0").is_newer_than(&version("1")) && !version("1").is_newer_than(&version("1.0.0"))
        );
        assert!(version("1.0.a").is_prerelease() && !version("1.10").is_prerelease());
    }

    #[test]
    fn zeros_at_the_end_make_no_other_version() {
        for (one, other) in
            [("1", "1.0.0"), ("1.0.a", "1.a"), ("1.a.0", "1.a"), ("1.a2", "1.a.2"), ("1.01", "1.1")]
        {
            assert_eq!(version(one).canonical(), version(other).canonical());
        }
        for (one, other) in [("1", "10"), ("1.0.1", "1.1"), ("1.a", "1"), ("1.a", "1.b"), ("1.1", "1.10")] {
            assert_ne!(version(one).canonical(), version(other).canonical());
        }
    }

    #[test]
    fn a_requirement_is_of_known_operators_and_versions() {
        let read = |parts: &str| {
            let yaml = format!("--- !ruby/object:Gem::Requirement\nrequirements: {parts}\n");
            Requirement::read(Node::parse(&yaml).unwrap().field("requirement"))
        };
        let of = |text: &str| format!("!ruby/object:Gem::Version {{ version: '{text}' }}");
        let two = format!("[[\">=\", {}], [\"<\", {}]]", of("1.0"), of("3"));
        assert_eq!(read(&two).unwrap().to_string(), ">= 1.0&< 3");
        for parts in [
            "[]".to_owned(),
            "[[]]".to_owned(),
            "[[\"=\"]]".to_owned(),
            "[[\"=\", '1']]".to_owned(),
            format!("[[\"=~\", {}]]", of("1")),
            format!("[[\"=\", {}]]", of("1|x")),
            format!("[[\"=\", {}, {}]]", of("1"), of("1")),
            format!("[{}]", format!("[\"=\", {}],", of("1")).repeat(33)),
        ] {
            assert!(read(&parts).is_err(), "{parts:.80}");
        }
    }
}
