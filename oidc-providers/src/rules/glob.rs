use oidc_core::Mismatch;

use super::Field;
use super::config::{Fault, invalid};
use super::token::{Token, differs};
use crate::codes;

/// A pattern for a whole text.
///
/// It is anchored at both ends. `*` stands for any number of characters other than `/`, `**` for any number of
/// any characters, and everything else for itself.
#[derive(Clone, Debug)]
pub(crate) struct Glob {
    text: String,
    pieces: Vec<Piece>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Piece {
    Literal(char),
    WithinSegment,
    Anything,
}

/// A pattern for a branch's or a tag's full name, such as `refs/tags/v*`, as in the filters of GitHub's
/// workflows. Git forbids `?`, `[` and `\` in a ref (git-check-ref-format), so patterns with them are refused.
#[derive(Clone, Debug)]
pub(crate) struct Pattern(Glob);

impl Glob {
    /// Reads a pattern for any text. One of stars alone is refused, since it fits every text.
    pub(crate) fn parse(key: &str, text: &str) -> Result<Self, Fault> {
        let pattern = Self::new(text);
        let fix = if text.contains("***") {
            "write `*` within one segment, `**` across `/`"
        } else if pattern.pieces.iter().all(|piece| piece.is_star()) {
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
        Self { text: text.to_owned(), pieces: pieces(text) }
    }

    /// Returns `true` if the pattern matches the whole of `name`. Takes at most time in proportion to pattern
    /// times name: the states of all positions are followed at once, without backtracking.
    pub(crate) fn matches(&self, name: &str) -> bool {
        let states = name.chars().fold(self.start(), |states, character| self.step(&states, character));
        states.last().copied().unwrap_or_default()
    }

    /// The states before any character was read: for each piece, whether it may come next. The last state is
    /// the pattern's end.
    fn start(&self) -> Vec<bool> {
        let mut reached = true;
        let mut states = Vec::with_capacity(self.pieces.len() + 1);
        for piece in &self.pieces {
            states.push(reached);
            reached &= piece.is_star();
        }
        states.push(reached);
        states
    }

    /// The states after one more character.
    fn step(&self, states: &[bool], character: char) -> Vec<bool> {
        let mut reached = false;
        let mut next = Vec::with_capacity(states.len());
        for (piece, &was_here) in self.pieces.iter().zip(states) {
            let takes = was_here && piece.takes(character);
            // A piece may come next because the piece before is done, or because a star took the character
            // and goes on.
            let here = reached || (takes && piece.is_star());
            next.push(here);
            // A star that may come next may also stand for nothing, so the piece after it may come next as
            // well.
            reached = if piece.is_star() { here } else { takes };
        }
        next.push(reached);
        next
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

impl Piece {
    fn is_star(self) -> bool {
        matches!(self, Self::WithinSegment | Self::Anything)
    }

    fn takes(self, character: char) -> bool {
        match self {
            Self::Literal(literal) => literal == character,
            Self::WithinSegment => character != '/',
            Self::Anything => true,
        }
    }
}

fn pieces(text: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        pieces.push(match character {
            '*' if characters.next_if_eq(&'*').is_some() => Piece::Anything,
            '*' => Piece::WithinSegment,
            literal => Piece::Literal(literal),
        });
    }
    pieces
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
