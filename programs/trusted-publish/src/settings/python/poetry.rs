//! The variables that tell poetry where to publish and with which token, and notes about what no variable tells Python's tools. It has no variable for the URL: a repository has a name, and a command
//! names it.

use oidc_core::{Secret, shown};

use super::hatch;
use super::pdm;
use crate::command::changes::Changes;
use crate::destination::Destination;
use crate::invalid_target::InvalidTarget;
use crate::shown_url::shown_url;

/// The name of a repository that poetry knows by variables alone.
const NAME: &str = "trusted-publish";
const URL: &str = "POETRY_REPOSITORIES_TRUSTED_PUBLISH_URL";
const TOKEN: &str = "POETRY_PYPI_TOKEN_TRUSTED_PUBLISH";

/// The variable for poetry's token at the public index.
pub(crate) const PUBLIC_TOKEN: &str = "POETRY_PYPI_TOKEN_PYPI";
/// The variable for the URL of the public index's name, which settings may give to another one.
const PUBLIC_URL: &str = "POETRY_REPOSITORIES_PYPI_URL";
/// poetry's name of the public index.
const PUBLIC_NAME: &str = "pypi";
const PUBLIC: [&str; 3] =
    [PUBLIC_TOKEN, "POETRY_HTTP_BASIC_PYPI_USERNAME", "POETRY_HTTP_BASIC_PYPI_PASSWORD"];

/// Tells poetry where the destination is, and the user of uv what doesn't go with a URL.
pub(crate) fn tell(destination: &Destination<'_>, token: Option<&Secret>, changes: &mut Changes) {
    note_index(destination, changes);
    note_options(destination, changes);
    hatch::note_other(destination, changes);
    note_other(destination, changes);
    if destination.is_public() {
        changes.set(PUBLIC_URL, destination.url.as_str());
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

/// pdm publishes at the repository that its project's options name.
fn note_options(destination: &Destination<'_>, changes: &mut Changes) {
    if let Some(other) = pdm::other_repository(destination) {
        changes.note_elsewhere(
            &["pdm"],
            format!(
                "`tool.pdm.options` in pyproject.toml names the repository `{}` for a publish; pass `-r {}`",
                shown_url(&other),
                destination.url
            ),
        );
    }
}

/// poetry publishes at the repository that the command names, with the credentials that are configured for it.
fn note_other(destination: &Destination<'_>, changes: &mut Changes) {
    let own = if destination.is_public() { PUBLIC_NAME } else { NAME };
    let mut named = ["-r", "--repository"].into_iter().flat_map(|option| destination.values_of(option));
    if let Some(other) = named.find(|name| *name != own && destination.tool() == Some("poetry")) {
        changes.note_elsewhere(
            &["poetry"],
            format!("the command names poetry's repository `{}`; pass `-r {own}`", shown(other)),
        );
    }
}

/// uv refuses an index's name beside a URL.
fn note_index(destination: &Destination<'_>, changes: &mut Changes) {
    let names_one =
        destination.arguments().any(|argument| argument == "--index" || argument.starts_with("--index="));
    if destination.tool() == Some("uv") && names_one {
        changes.note(
            &["uv"],
            "uv is told the URL by UV_PUBLISH_URL, and takes no `--index` beside it; leave that out"
                .to_owned(),
        );
    }
}

/// A poetry that is told no repository publishes at the public index, and is not run for another.
pub(crate) fn check(destination: &Destination<'_>) -> Result<(), InvalidTarget> {
    let publishes = destination.arguments().any(|argument| argument == "publish");
    let names_one = destination.arguments().any(|argument| {
        argument.starts_with("-r") || argument == "--repository" || argument.starts_with("--repository=")
    });
    if destination.tool() == Some("poetry") && publishes && !names_one && !destination.is_public() {
        return Err(InvalidTarget::Poetry(NAME));
    }
    Ok(())
}
