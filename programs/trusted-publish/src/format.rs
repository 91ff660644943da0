//! The form of the program's own output: text for a person, or JSON for a program.

use std::fmt::Write as _;
use std::io::{self, Write};

use clap::ValueEnum;
use serde::Serialize;
use serde_json::json;

use super::error::PublishError;

/// The beginning of the program's own messages in text.
const PREFIX: &str = "trusted-publish: ";

/// The form of the program's own output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For a person.
    #[default]
    Text,
    /// For a program.
    Json,
}

impl Format {
    /// The line on standard error that says why the program failed, with the code of the diagnosis where there is one.
    pub fn error(self, error: &PublishError) -> String {
        match (self, error.code()) {
            (Self::Text, _) => format!("{PREFIX}{error}"),
            (Self::Json, Some(code)) => line(&json!({ "error": error.to_string(), "code": code })),
            (Self::Json, None) => line(&json!({ "error": error.to_string() })),
        }
    }
}

/// Standard error in a format. With [`Format::Json`] each message of the program is an object on a line of its own. Other lines,
/// such as those for the job's runner, stay as they are.
pub(super) struct Messages<W> {
    format: Format,
    inner: W,
    /// The beginning of a line whose end was not written yet.
    begun: Vec<u8>,
}

impl<W: Write> Messages<W> {
    pub(super) fn new(format: Format, inner: W) -> Self {
        Self { format, inner, begun: Vec::new() }
    }
}

impl<W: Write> Write for Messages<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.format == Format::Text {
            return self.inner.write(bytes);
        }
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            self.begun.extend_from_slice(piece);
            if piece.ends_with(b"\n") {
                let written = String::from_utf8_lossy(&self.begun).into_owned();
                self.begun.clear();
                match written.trim_end().strip_prefix(PREFIX) {
                    Some(message) => writeln!(self.inner, "{}", line(&json!({ "message": message })))?,
                    None => self.inner.write_all(written.as_bytes())?,
                }
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// JSON on one line that acts neither on a terminal nor on a CI platform's runner.
pub(super) fn line(value: &serde_json::Value) -> String {
    escaped(&value.to_string())
}

/// JSON on several lines that acts neither on a terminal nor on a CI platform's runner.
pub(super) fn pretty(value: &impl Serialize) -> io::Result<String> {
    Ok(escaped(&serde_json::to_string_pretty(value)?))
}

/// The same JSON with escapes instead of everything but printable ASCII. They mean the same to a program.
fn escaped(json: &str) -> String {
    let mut escaped = String::new();
    for character in json.chars() {
        if character == '[' && is_before_command(&escaped) {
            escaped.push_str(r"\u005b");
            continue;
        }
        if character.is_ascii() && character != '\u{7f}' {
            escaped.push(character);
            continue;
        }
        for unit in character.encode_utf16(&mut [0; 2]) {
            // Writing into a String can't fail.
            let _infallible = write!(escaped, r"\u{unit:04x}");
        }
    }
    escaped
}

/// Returns `true` if a `[` behind this text begins a command to a runner, as in `##[` and `##vso[`. JSON's own `[` stands behind
/// no `#` and no letter.
fn is_before_command(text: &str) -> bool {
    text.trim_end_matches(|character: char| character.is_ascii_alphabetic()).ends_with("##")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_objects_and_lines_for_the_runner_stay() {
        let mut out = Vec::new();
        let mut messages = Messages::new(Format::Json, &mut out);
        write!(messages, "::add-mask::x\ntrusted-publish: a \"b\"").unwrap();
        writeln!(messages, " \u{9b}c").unwrap();
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "::add-mask::x\n{\"message\":\"a \\\"b\\\" \\u009bc\"}\n"
        );
    }

    #[test]
    fn json_is_no_command_to_a_runner() {
        let value = serde_json::json!("##[a] ##VSO[b] ##teamcity[c] #[d]");
        assert_eq!(line(&value), r###""##\u005ba] ##VSO\u005bb] ##teamcity\u005bc] #[d]""###);
        assert_eq!(serde_json::from_str::<serde_json::Value>(&line(&value)).unwrap(), value);
    }

    #[test]
    fn text_is_written_as_it_is() {
        let mut out = Vec::new();
        writeln!(Messages::new(Format::Text, &mut out), "trusted-publish: a").unwrap();
        assert_eq!(out, b"trusted-publish: a\n");
    }
}
