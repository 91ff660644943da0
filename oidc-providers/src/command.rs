//! Tokens from a command, for the platforms that have one.

use std::borrow::Cow;

use async_trait::async_trait;
use oidc_core::{
    Audience, Command, CommandError, Context, Diagnosis, IdToken, InvalidIdToken, SourceError,
    SourceErrorKind, Target, TokenSource, shown,
};

use crate::codes;

/// The code of a text that is no token.
const UNUSABLE: &str = codes::TOKEN_COMMAND_UNUSABLE;

/// The length at which a line that a person copies is cut, longer than for other texts since an audience may
/// have 8 KiB.
const MAX_LINE: usize = 1024;

/// Runs a command that prints a token for the audience. `fix` is the fix of every error.
///
/// Time and output are bounded by the command's own bounds. The output is never shown.
pub(crate) async fn token_by(
    context: &Context,
    command: Command,
    audience: &Audience,
    fix: &str,
) -> Result<IdToken, SourceError> {
    let line = [std::slice::from_ref(&command.program), &command.arguments].concat().join(" ");
    let failed = |kind, code, problem: String| {
        SourceError::new(kind, Diagnosis::new(code, Target::Platform, problem).fix(fix))
    };
    let output = context.run(command).await.map_err(|error| {
        let (kind, code) = match &error {
            CommandError::Start { .. } => (SourceErrorKind::Missing, codes::TOKEN_COMMAND_MISSING),
            _ => (SourceErrorKind::Unavailable, codes::TOKEN_COMMAND_FAILED),
        };
        failed(kind, code, format!("no identity token could be asked for: {error}")).with_source(error)
    })?;
    // The output of a command that failed is not read, even if it looks like a token.
    if output.status != Some(0) {
        let status = output.status.map_or_else(|| "a signal".to_owned(), |status| format!("status {status}"));
        let problem = format!("the command `{line}` gave no identity token: it ended with {status}");
        return Err(failed(SourceErrorKind::Rejected, codes::TOKEN_COMMAND_REFUSED, problem));
    }
    let unusable = |code, why: &str| {
        let problem = format!("what the command `{line}` printed can't be used: {why}");
        failed(SourceErrorKind::InvalidToken, code, problem)
    };
    let token = String::from_utf8(output.stdout).map_err(|_| unusable(UNUSABLE, "it is not UTF-8"))?;
    context
        .id_token(token, audience)
        .map_err(|error| unusable(code_of(&error, UNUSABLE), &error.to_string()).with_source(error))
}

/// The instruction to put the token that a command prints into a variable: a whole line for a shell, in which
/// the audience is one quoted word.
pub(crate) fn variable_line(variable: &str, command: &Command) -> String {
    let words = command.arguments.iter().map(|argument| word(argument));
    let line = words.fold(command.program.clone(), |line, word| line + " " + &word);
    format!(
        "run in the step that publishes, before it: `export {variable}=$({})`",
        shown(&line).up_to(MAX_LINE)
    )
}

/// A text as one word of a shell (POSIX, "Quoting").
fn word(text: &str) -> Cow<'_, str> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./:@,+=".contains(&byte);
    if !text.is_empty() && text.bytes().all(is_plain) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(format!("'{}'", text.replace('\'', r"'\''")))
}

/// The code of a token that can't be used: all sources share the code of another audience.
pub(crate) fn code_of(error: &InvalidIdToken, otherwise: &'static str) -> &'static str {
    match error {
        InvalidIdToken::Audience { .. } => oidc_core::codes::AUDIENCE,
        _ => otherwise,
    }
}

/// A source whose command prints the token. The audience is passed to the command only if its arguments contain it.
#[derive(Clone, Debug)]
pub struct CommandSource {
    context: Context,
    command: Command,
}

impl CommandSource {
    /// A source of the token that this command prints, within the command's bounds.
    pub fn new(context: &Context, command: Command) -> Self {
        Self { context: context.clone(), command }
    }
}

#[cfg_attr(not(target_arch = "wasm32"), async_trait)]
#[cfg_attr(target_arch = "wasm32", async_trait(?Send))]
impl TokenSource for CommandSource {
    fn provider(&self) -> &str {
        crate::GENERIC
    }

    async fn token(&self, audience: &Audience) -> Result<IdToken, SourceError> {
        let fix = "let it print an identity token for the registry's audience, and nothing else";
        token_by(&self.context, self.command.clone(), audience, fix).await
    }

    fn is_renewable(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_audience_is_one_word_of_a_shell_whatever_it_holds() {
        let line =
            |audience: &str| variable_line("NPM_ID_TOKEN", &Command::new("circleci", ["--claims", audience]));
        let written = |word: &str| {
            format!(
                "run in the step that publishes, before it: `export NPM_ID_TOKEN=$(circleci --claims {word})`"
            )
        };
        assert_eq!(line("npm:r.example"), written("npm:r.example"));
        assert_eq!(line(r#"{"aud":"npm:r.example"}"#), written(r#"'{"aud":"npm:r.example"}'"#));
        assert_eq!(line("x'$(id)`id`"), written(r"'x'\''$(id)`id`'"));
        assert_eq!(line("a b"), written("'a b'"));
        assert_eq!(line(""), written("''"));
    }
}
