//! What the platforms whose tokens come from a command have in common.

use oidc_core::{
    Audience, Command, CommandError, Context, Diagnosis, IdToken, InvalidIdToken, SourceError,
    SourceErrorKind, Subject,
};

/// The stable name of what is no token.
const UNUSABLE: &str = "token-command-unusable";

/// Runs a command that prints a token for the audience. `fix` says what to do where that is not what happens.
///
/// Bounded in time and output by the command's own bounds. What was printed is never shown.
pub(crate) async fn token_by(
    context: &Context,
    command: Command,
    audience: &Audience,
    fix: &str,
) -> Result<IdToken, SourceError> {
    let line = [std::slice::from_ref(&command.program), &command.arguments].concat().join(" ");
    let failed = |kind, code, problem: String| {
        SourceError::new(kind, Diagnosis::new(code, Subject::Platform, problem).fix(fix))
    };
    let output = context.commands().run(command).await.map_err(|error| {
        let (kind, code) = match &error {
            CommandError::Start { .. } => (SourceErrorKind::Missing, "token-command-missing"),
            _ => (SourceErrorKind::Unavailable, "token-command-failed"),
        };
        failed(kind, code, format!("no identity token could be asked for: {error}")).with_source(error)
    })?;
    if output.status != Some(0) {
        let status = output.status.map_or_else(|| "a signal".to_owned(), |status| format!("status {status}"));
        let problem = format!("the command `{line}` gave no identity token: it ended with {status}");
        return Err(failed(SourceErrorKind::Rejected, "token-command-refused", problem));
    }
    let unusable = |code, why: &str| {
        let problem = format!("what the command `{line}` printed can't be used: {why}");
        failed(SourceErrorKind::InvalidToken, code, problem)
    };
    let token = String::from_utf8(output.stdout).map_err(|_| unusable(UNUSABLE, "it is not UTF-8"))?;
    IdToken::new(token, audience.clone())
        .map_err(|error| unusable(code_of(&error, UNUSABLE), &error.to_string()).with_source(error))
}

/// The stable name of why a token can't be used: every source calls another audience the same.
pub(crate) fn code_of(error: &InvalidIdToken, otherwise: &'static str) -> &'static str {
    match error {
        InvalidIdToken::Audience { .. } => "audience",
        _ => otherwise,
    }
}
