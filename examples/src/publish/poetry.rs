//! How poetry is told where to publish and with what. It has no variable for the URL: a repository has a name, and a command
//! names it.

use oidc_core::Secret;

use super::changes::Changes;
use super::destination::Destination;
use super::ecosystem::InvalidTarget;

/// What a repository is called that poetry knows by variables alone.
const NAME: &str = "trusted-publish";
const URL: &str = "POETRY_REPOSITORIES_TRUSTED_PUBLISH_URL";
const TOKEN: &str = "POETRY_PYPI_TOKEN_TRUSTED_PUBLISH";

/// What poetry has for the public index.
pub(super) const PUBLIC_TOKEN: &str = "POETRY_PYPI_TOKEN_PYPI";
const PUBLIC: [&str; 3] =
    [PUBLIC_TOKEN, "POETRY_HTTP_BASIC_PYPI_USERNAME", "POETRY_HTTP_BASIC_PYPI_PASSWORD"];

/// Tells poetry where the destination is.
pub(super) fn tell(destination: &Destination<'_>, token: Option<&Secret>, changes: &mut Changes) {
    if destination.is_public() {
        if let Some(token) = token {
            changes.remove(&PUBLIC);
            changes.set_secret(PUBLIC_TOKEN, token);
        }
        return;
    }
    changes.remove(&PUBLIC);
    changes.set(URL, destination.url.as_str());
    if let Some(token) = token {
        changes.set_secret(TOKEN, token);
    }
    changes
        .note(&["poetry"], format!("poetry can't be told by a variable where to publish; pass `-r {NAME}`"));
}

/// A poetry that is told no repository publishes at the public index, and is not run for another.
pub(super) fn check(destination: &Destination<'_>) -> Result<(), InvalidTarget> {
    let arguments = destination.command.iter().skip(1);
    let arguments: Vec<_> = arguments.map(|argument| argument.to_string_lossy()).collect();
    let publishes = arguments.iter().any(|argument| argument == "publish");
    let names_one = arguments.iter().any(|argument| {
        let is_short = argument.starts_with("-r") && !argument.starts_with("--");
        is_short || argument == "--repository" || argument.starts_with("--repository=")
    });
    if destination.tool() == Some("poetry") && publishes && !names_one && !destination.is_public() {
        return Err(InvalidTarget::Poetry(NAME));
    }
    Ok(())
}
