//! Finds secrets, and pieces of them, where there must be none.

use std::collections::HashSet;

/// The length of a piece that gives a secret away.
const PIECE: usize = 16;

/// Secrets that came up in a test.
#[derive(Clone, Default)]
pub struct Secrets(Vec<(&'static str, String)>);

impl Secrets {
    /// Takes a token that is random from its first character to its last, such as a request token.
    pub fn add(&mut self, what: &'static str, secret: &str) {
        assert!(secret.len() >= PIECE, "{what} is too short to be looked for");
        self.0.push((what, secret.to_owned()));
    }

    /// Takes an identity token, whose signature nobody may see a piece of. Its claims may be shown.
    pub fn add_identity(&mut self, token: &str) {
        self.add("a signature", token.rsplit('.').next().unwrap_or_default());
    }

    /// Takes a publish token.
    pub fn add_minted(&mut self, token: &str) {
        self.add("a publish token", token.trim_start_matches("tpub_"));
    }

    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// Fails if any piece of 16 characters of any secret is in `text`.
    #[track_caller]
    pub fn assert_not_in(&self, place: &str, text: impl AsRef<[u8]>) {
        let pieces: HashSet<&[u8]> = text.as_ref().windows(PIECE).collect();
        for (what, secret) in &self.0 {
            let found = secret.as_bytes().windows(PIECE).position(|piece| pieces.contains(piece));
            assert!(found.is_none(), "{place} holds {what}, from its character {found:?} on");
        }
    }
}

/// Returns `true` if a character acts on a terminal or hides or reorders what is around it. A line break may end a log line.
pub fn is_deceptive(character: char) -> bool {
    character.is_control() && character != '\n'
        || matches!(character, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// Fails if `text` holds a character that deceives.
#[track_caller]
pub fn assert_plain(place: &str, text: &str) {
    if let Some(line) = text.lines().find(|line| line.contains(is_deceptive)) {
        panic!("{place}: {line:?}");
    }
}
