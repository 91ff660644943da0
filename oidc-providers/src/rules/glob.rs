use std::collections::BTreeMap;

use oidc_core::Mismatch;

use super::Field;
use super::config::{Fault, invalid};
use super::held::{Held, words};
use super::token::{Token, differs};
use crate::codes;

/// The limit on a pattern, in characters, that of every text in a configuration. It is counted without the second star of `**`.
const LONGEST: usize = 255;

/// A pattern for a whole text.
///
/// It is anchored at both ends. `*` stands for any number of characters other than `/`, `**` for any number of
/// any characters, and everything else for itself.
#[derive(Clone, Debug)]
pub(crate) struct Glob {
    text: String,
    literals: BTreeMap<char, Places>,
    within_segment: Places,
    anything: Places,
    /// The number of pieces: characters and stars.
    length: usize,
}

/// A pattern for a branch's or a tag's full name, such as `refs/tags/v*`, as in the filters of GitHub's
/// workflows. Git forbids `?`, `[` and `\` in a ref (git-check-ref-format), so patterns with them are refused.
#[derive(Clone, Debug)]
pub(crate) struct Pattern(Glob);

impl Glob {
    /// Reads a pattern for any text. One of stars alone is refused, since it fits every text.
    pub(crate) fn parse(key: &str, text: &str) -> Result<Self, Fault> {
        let pattern = Self::new(text);
        if pattern.length > LONGEST {
            let fix = "write a shorter one, with `*` or `**` for what may differ";
            let fault = invalid(codes::PUBLISHER_CLAIM, key, "a pattern has at most 255 characters");
            return Err(fault.found(text).fix(fix));
        }
        let fix = if text.contains("***") {
            "write `*` within one segment, `**` across `/`"
        } else if pattern.literals.is_empty() {
            "leave the claim out if every value will do"
        } else {
            return Ok(pattern);
        };
        Err(invalid(codes::PUBLISHER_CLAIM, key, "it is no pattern that tells texts apart")
            .found(text)
            .fix(fix))
    }

    /// Returns the pattern as configured.
    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    fn new(text: &str) -> Self {
        let mut pattern = Self {
            text: text.to_owned(),
            literals: BTreeMap::new(),
            within_segment: Places::default(),
            anything: Places::default(),
            length: 0,
        };
        let mut characters = text.chars().peekable();
        while let Some(character) = characters.next() {
            let places = match character {
                '*' if characters.next_if_eq(&'*').is_some() => &mut pattern.anything,
                '*' => &mut pattern.within_segment,
                literal => pattern.literals.entry(literal).or_default(),
            };
            *places = places.with(pattern.length);
            pattern.length += 1;
        }
        pattern
    }

    /// Returns `true` if the pattern matches the whole of `name`. Whoever configures a publisher chooses the pattern, so
    /// the positions that may come next are followed all at once, without backtracking, and a character costs the
    /// same whatever the pattern is.
    pub(crate) fn matches(&self, name: &str) -> bool {
        let start = self.with_skipped_stars(Places::default().with(0));
        name.chars().fold(start, |next, character| self.step(next, character)).has(self.length)
    }

    /// The pieces that may come next after one more character, where these came next before it.
    fn step(&self, next: Places, character: char) -> Places {
        let literals = self.literals.get(&character).copied().unwrap_or_default();
        let stars = if character == '/' { self.anything } else { self.stars() };
        // A literal takes one character. A star takes it and goes on.
        self.with_skipped_stars(next.and(literals).moved().or(next.and(stars)))
    }

    /// The same, and the pieces behind stars among them: a star may stand for nothing. No two stars stand side by side.
    fn with_skipped_stars(&self, next: Places) -> Places {
        next.or(next.and(self.stars()).moved())
    }

    fn stars(&self) -> Places {
        self.anything.or(self.within_segment)
    }
}

impl Pattern {
    /// Reads the pattern of a configuration's field.
    pub(crate) fn parse(key: &str, text: &str) -> Result<Self, Fault> {
        let refuse =
            |problem: &str, fix: &str| Err(invalid(codes::PUBLISHER_REF, key, problem).found(text).fix(fix));
        if !text.starts_with("refs/") {
            let fix = "write the full name: `refs/tags/v*` for tags, `refs/heads/main` for a branch";
            return refuse("a ref pattern starts with `refs/`", fix);
        }
        if text.contains("***") {
            return refuse(
                "three stars in a row mean nothing",
                "write `*` within one segment, `**` across `/`",
            );
        }
        if text.contains(|c: char| c.is_whitespace() || "?[]\\^~:".contains(c)) || text.contains("..") {
            return refuse("it holds what no ref can hold", "use only `*` and `**` as wildcards");
        }
        if text.ends_with('/') || text.contains("//") {
            return refuse(
                "it can match no ref",
                "remove the needless `/`, or write `/**` for everything below",
            );
        }
        Ok(Self(Glob::new(text)))
    }

    /// Returns the pattern as configured.
    pub(crate) fn as_str(&self) -> &str {
        &self.0.text
    }

    /// Returns `true` if the pattern matches the whole of `name`.
    pub(crate) fn matches(&self, name: &str) -> bool {
        self.0.matches(name)
    }

    /// Checks that a field's claim is present and matches the pattern.
    pub(crate) fn check(&self, token: &Token<'_>, field: &Field) -> Result<(), Mismatch> {
        let found = token.required(field.claim)?;
        if self.matches(&found) {
            return Ok(());
        }
        let fix =
            "publish from a branch or tag that fits, or change the pattern (`*` stops at `/`, `**` does not)";
        Err(Mismatch::new(differs(field, &found, self.as_str()).fix(fix)))
    }
}

impl Held for (&'static Field, Pattern) {
    fn check(&self, token: &Token<'_>) -> Result<(), Mismatch> {
        self.1.check(token, self.0)
    }

    fn describe(&self) -> Option<String> {
        Some(words(self.0, self.1.as_str()))
    }
}

/// A set of places in a pattern: of a configured text of at most 255 characters and, with the prefix of a ref, 260. A place
/// beyond 319 is never in the set, so that a longer pattern would match nothing.
#[derive(Clone, Copy, Debug, Default)]
struct Places([u64; 5]);

impl Places {
    fn with(mut self, place: usize) -> Self {
        if let Some(word) = self.0.get_mut(place / 64) {
            *word |= 1 << (place % 64);
        }
        self
    }

    fn has(self, place: usize) -> bool {
        self.0.get(place / 64).is_some_and(|word| word >> (place % 64) & 1 == 1)
    }

    fn and(self, other: Self) -> Self {
        let ([a, b, c, d, e], [v, w, x, y, z]) = (self.0, other.0);
        Self([a & v, b & w, c & x, d & y, e & z])
    }

    fn or(self, other: Self) -> Self {
        let ([a, b, c, d, e], [v, w, x, y, z]) = (self.0, other.0);
        Self([a | v, b | w, c | x, d | y, e | z])
    }

    /// Each place's next one.
    fn moved(self) -> Self {
        let mut carried = 0;
        Self(self.0.map(|word| {
            let moved = word << 1 | carried;
            carried = word >> 63;
            moved
        }))
    }
}

/// The prefix of every full name of a branch or tag.
const REF: &str = "refs/";

/// A pattern for the name of a branch or tag that the platform writes without the prefix of its full name.
#[derive(Clone, Debug)]
pub(crate) struct Name(Pattern);

impl Name {
    /// Reads the pattern of a configuration's field.
    pub(crate) fn parse(key: &str, text: &str) -> Result<Self, Fault> {
        Pattern::parse(key, &format!("{REF}{text}")).map(Self)
    }

    /// Returns the pattern as configured.
    pub(crate) fn as_str(&self) -> &str {
        self.0.as_str().strip_prefix(REF).unwrap_or_default()
    }

    /// Checks that a field's claim is present and matches the pattern.
    pub(crate) fn check(&self, token: &Token<'_>, field: &Field) -> Result<(), Mismatch> {
        let found = token.required(field.claim)?;
        if self.0.matches(&format!("{REF}{found}")) {
            return Ok(());
        }
        let fix = "build a branch or tag that fits, or change the pattern (`*` stops at `/`, `**` does not)";
        Err(Mismatch::new(differs(field, &found, self.as_str()).fix(fix)))
    }
}

impl Held for (&'static Field, Name) {
    fn check(&self, token: &Token<'_>) -> Result<(), Mismatch> {
        self.1.check(token, self.0)
    }

    fn describe(&self) -> Option<String> {
        Some(words(self.0, self.1.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pattern(text: &str) -> Pattern {
        Pattern::parse("ref", text).unwrap()
    }

    #[test]
    fn a_pattern_matches_whole_names_only() {
        for (text, name, expected) in [
            ("refs/heads/main", "refs/heads/main", true),
            ("refs/heads/main", "refs/heads/main2", false),
            ("refs/heads/main", "refs/heads/mai", false),
            ("refs/heads/main", "xrefs/heads/main", false),
            ("refs/heads/main", "refs/heads/Main", false),
            ("refs/heads/main", "", false),
            ("refs/tags/v*", "refs/tags/v", true),
            ("refs/tags/v*", "refs/tags/v1.0.0", true),
            ("refs/tags/v*", "refs/tags/v1/x", false),
            ("refs/tags/v*", "refs/heads/v1", false),
            ("refs/tags/v*", "refs/tags/v1\n", true),
            ("refs/tags/v*.*", "refs/tags/v1.0", true),
            ("refs/tags/v*.*", "refs/tags/v10", false),
            ("refs/tags/*", "refs/tags/@acme/widget@1.0.0", false),
            ("refs/tags/**", "refs/tags/@acme/widget@1.0.0", true),
            ("refs/tags/@acme/*@*", "refs/tags/@acme/widget@1.0.0", true),
            ("refs/heads/*/release", "refs/heads/a/release", true),
            ("refs/heads/*/release", "refs/heads/a/b/release", false),
            ("refs/heads/**/release", "refs/heads/a/b/release", true),
            ("refs/heads/**/release", "refs/heads/release", false),
            ("refs/heads/a*a", "refs/heads/a", false),
            ("refs/heads/a*a", "refs/heads/aa", true),
            ("refs/tags/v1.0+x", "refs/tags/v1.0+x", true),
            ("refs/tags/v1.0", "refs/tags/v1x0", false),
            ("refs/**", "refs/heads/main", true),
            ("refs/**", "refs/", true),
            ("refs/**", "ref", false),
        ] {
            assert_eq!(pattern(text).matches(name), expected, "{text} {name}");
        }
    }

    #[test]
    fn what_is_no_pattern_is_refused_with_what_to_write() {
        for text in [
            "main",
            "v*",
            "*",
            "tags/v*",
            "/refs/heads/main",
            "refs/tags/v?",
            "refs/tags/[v]*",
            "refs/heads/a b",
            "refs/heads/***",
            "refs/heads/",
            "refs//heads",
            "refs/heads/..",
            "refs/heads/a:b",
            "refs/heads/a\\b",
        ] {
            assert!(Pattern::parse("ref", text).unwrap_err().0.fix.is_some(), "{text}");
        }
    }

    #[test]
    fn a_pattern_may_be_as_long_as_a_text_and_matches_no_less_and_no_more() {
        for length in [63, 64, 65, 128, 192, 255] {
            let text = "a".repeat(length);
            let literal = Glob::parse("ref", &text).unwrap();
            assert!(literal.matches(&text), "{length}");
            assert!(!literal.matches(&"a".repeat(length - 1)) && !literal.matches(&"a".repeat(length + 1)));
            let stars = Glob::parse("ref", &"a**".repeat(length / 2)).unwrap();
            assert!(stars.matches(&text) && !stars.matches(&"a".repeat(length / 2 - 1)), "{length}");
        }
        assert!(Glob::parse("ref", &"a".repeat(256)).is_err());
        let name = "a".repeat(255);
        assert!(pattern(&format!("refs/{name}")).matches(&format!("refs/{name}")));
        assert!(!Glob::new(&"a".repeat(320)).matches(&"a".repeat(320)), "there is no room for it");
    }

    #[test]
    fn many_stars_take_no_time() {
        let pattern = pattern(&format!("refs/{}b", "**a".repeat(60)));
        assert!(!pattern.matches(&format!("refs/{}", "a".repeat(16_000))));
    }

    proptest! {
        #[test]
        fn a_pattern_without_stars_matches_itself_alone(name in "refs/[a-z/@.]{1,12}", other in "refs/[a-z/@.]{1,12}") {
            if let Ok(pattern) = Pattern::parse("ref", &name) {
                prop_assert!(pattern.matches(&name));
                prop_assert_eq!(pattern.matches(&other), name == other);
            }
        }

        #[test]
        fn stars_match_what_a_plain_search_finds(parts in prop::collection::vec("[ab/]{0,3}", 1..4), name in "[ab/]{0,10}") {
            let text = format!("refs/{}", parts.join("**"));
            if let Ok(pattern) = Pattern::parse("ref", &text) {
                prop_assert_eq!(pattern.matches(&format!("refs/{name}")), fits(&parts, &name));
            }
        }
    }

    /// Returns `true` if `name` consists of the parts in their order with any text between them.
    fn fits(parts: &[String], name: &str) -> bool {
        match parts {
            [] => name.is_empty(),
            [only] => name == only,
            [first, rest @ ..] => name.strip_prefix(first.as_str()).is_some_and(|name| {
                name.char_indices()
                    .map(|(at, _)| at)
                    .chain([name.len()])
                    .any(|at| fits(rest, name.split_at(at).1))
            }),
        }
    }
}
