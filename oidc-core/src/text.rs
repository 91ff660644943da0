use std::fmt::{self, Write as _};
use std::mem;

/// The number of characters of foreign text that are shown by default.
const MAX_SHOWN: usize = 256;

/// Foreign text, made safe for a message, a log line or a terminal.
///
/// Control characters, terminal escapes, line breaks and characters that reorder or hide text are written as
/// `\u{…}`; a text of more than 256 characters is cut and ends with `…`. Every value from a token, an
/// environment variable or a server is passed through this before a person or a log sees it.
///
/// The characters that make a line a command to a CI platform's runner, which reads a job's output, are escaped too:
/// the `[` behind `##` and letters, as in `##[` (GitHub), `##vso[` (Azure Pipelines) and `##teamcity[`, anywhere, and the first `:`
/// of a `::` at the beginning (actions/runner, `ActionCommand.cs`).
///
/// ```
/// assert_eq!(oidc_core::shown("a\u{1b}[31mb").to_string(), "a\\u{1b}[31mb");
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Shown<'a> {
    text: &'a str,
    limit: usize,
}

impl Shown<'_> {
    /// Replaces the limit, in characters: a whole message may be longer than a value in it.
    #[must_use]
    pub fn up_to(mut self, limit: usize) -> Self {
        self.limit = limit;
        self
    }

    /// Returns `true` if the text is sure to be shown as it is, as most texts are. It is cheaper than a comparison.
    pub fn is_plain(&self) -> bool {
        let is_short = self.text.len() <= self.limit;
        let is_plain = |byte| matches!(byte, b' '..=b'~') && byte != b'[';
        is_short && self.text.bytes().all(is_plain) && !self.text.trim_start().starts_with("::")
    }
}

/// Makes foreign text safe to be shown; see [`Shown`].
pub fn shown(text: &str) -> Shown<'_> {
    Shown { text, limit: MAX_SHOWN }
}

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_plain() {
            return f.write_str(self.text);
        }
        // GitHub's runner ignores white space before a command.
        let mut begins_command = self.text.trim_start().starts_with("::");
        let mut characters = self.text.char_indices();
        for (place, character) in characters.by_ref().take(self.limit) {
            let commands = match character {
                ':' => mem::take(&mut begins_command),
                '[' => self.text.get(..place).is_some_and(is_before_command),
                _ => false,
            };
            if commands || is_deceptive(character) {
                write!(f, "{}", character.escape_unicode())?;
            } else {
                f.write_char(character)?;
            }
        }
        if characters.next().is_some() { f.write_char('…') } else { Ok(()) }
    }
}

/// Returns `true` if a `[` behind this text begins a command, whatever letters stand between.
fn is_before_command(text: &str) -> bool {
    text.trim_end_matches(|character: char| character.is_ascii_alphabetic()).ends_with("##")
}

/// Characters that are invisible or that change how their neighbours are displayed (Unicode UAX 9
/// bidirectional controls, zero-width and formatting characters, separators, tags, private use).
fn is_deceptive(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{00ad}' | '\u{034f}' | '\u{061c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}' | '\u{13430}'..='\u{1345f}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d159}'
            | '\u{1d173}'..='\u{1d17a}' | '\u{e000}'..='\u{f8ff}' | '\u{e0000}'..='\u{e0fff}'
            | '\u{f0000}'..='\u{10ffff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hides_nothing_and_reorders_nothing() {
        assert_eq!(shown("acme/widget").to_string(), "acme/widget");
        assert_eq!(shown("a\nb\r\tc\0").to_string(), "a\\u{a}b\\u{d}\\u{9}c\\u{0}");
        assert_eq!(shown("\u{202e}lmx").to_string(), "\\u{202e}lmx");
        assert_eq!(shown("zero\u{200b}width").to_string(), "zero\\u{200b}width");
        for unseen in
            ['\u{2800}', '\u{13430}', '\u{1bca0}', '\u{1d159}', '\u{1d173}', '\u{1d17a}', '\u{e0001}']
        {
            let text = format!("a{unseen}b");
            assert_eq!(shown(&text).to_string(), format!("a{}b", unseen.escape_unicode()));
        }
    }

    #[test]
    fn is_no_command_to_a_runner() {
        assert_eq!(shown("no ##[stop-commands]x").to_string(), "no ##\\u{5b}stop-commands]x");
        assert_eq!(shown("###[a]##[b]").to_string(), "###\\u{5b}a]##\\u{5b}b]");
        assert_eq!(
            shown("é ##vso[task.complete]##VSO[a]").to_string(),
            "é ##vso\\u{5b}task.complete]##VSO\\u{5b}a]"
        );
        assert_eq!(shown("##teamcity[buildStop]").to_string(), "##teamcity\\u{5b}buildStop]");
        assert_eq!(shown("::stop-commands::x").to_string(), "\\u{3a}:stop-commands::x");
        assert_eq!(shown(" \u{3000}::error::x").to_string(), " \u{3000}\\u{3a}:error::x");
        assert_eq!(shown("a\n::error::b\r::c").to_string(), "a\\u{a}::error::b\\u{d}::c");
        for text in ["a::b", "# [a]", "#[derive]", "## [a]", "[::1]:80", "##1[b]", "#vso[b]", "vso[b]"] {
            assert_eq!(shown(text).to_string(), text);
        }
        let twice = shown("##[a]").to_string();
        assert_eq!(shown(&twice).to_string(), twice);
    }

    #[test]
    fn cuts_what_is_too_long() {
        let text = shown(&"é".repeat(10_000)).to_string();
        assert_eq!(text.chars().count(), MAX_SHOWN + 1);
    }
}
