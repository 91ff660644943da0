//! What runs on GitHub and on servers with a compatible runner have in common: references to workflows, and events.

use oidc_core::{Diagnosis, Mismatch, Target, shown};

use super::config::{Fault, invalid};
use super::constraints::Constraints;
use super::token::Token;
use super::{Field, events};
use crate::codes;

/// An event that runs with the base repository's permissions on a fork's request: no publisher accepts it.
pub(crate) const PULL_REQUEST_TARGET: &str = "pull_request_target";

/// The prefix of the refs of pull requests. A run on one is of a stranger's change, whoever started it.
const PULL_REQUESTS: &str = "refs/pull/";

/// Splits a path behind its `OWNER/NAME`.
pub(crate) fn split_repository(text: &str) -> Option<(&str, &str)> {
    let (owner, of_owner) = text.split_once('/')?;
    let (name, path) = of_owner.split_once('/')?;
    let (repository, _) = text.split_at_checked(owner.len() + 1 + name.len())?;
    (!owner.is_empty() && !name.is_empty()).then_some((repository, path))
}

/// Returns the repository and the file's path of a `workflow_ref`, by removing exactly `@` and the run's own
/// `revision` from its end. It does not search for an `@`, since tags and file names may contain one.
pub(crate) fn split<'a>(workflow_ref: &'a str, revision: &str) -> Option<(&'a str, &'a str)> {
    let whole = workflow_ref.strip_suffix(revision)?.strip_suffix('@')?;
    split_repository(whole).filter(|(_, path)| !revision.is_empty() && !path.is_empty())
}

/// Checks the name of an event, which must not always run with the base repository's permissions on a
/// stranger's change.
pub(crate) fn event(key: &str, text: &str) -> Result<(), Fault> {
    if text == PULL_REQUEST_TARGET {
        let fault = invalid(codes::PUBLISHER_EVENT, key, "an event that strangers can start may not publish");
        return Err(fault.found(text).fix("write `push`, `release` or `workflow_dispatch`"));
    }
    events::of_github(key, text)
}

/// Checks that only people with write access start the run's event, as they do with the `usual` ones, or that the
/// publisher names it. A run on a pull request's ref counts as the pull request's, unless the publisher names such a ref.
pub(crate) fn check_event(
    token: &Token<'_>,
    field: &Field,
    usual: &[&str],
    constraints: &Constraints,
) -> Result<(), Mismatch> {
    let event = token.required(field.claim)?;
    let git_ref = token.optional("ref")?.unwrap_or_default();
    if git_ref.starts_with(PULL_REQUESTS) && !constraints.names_pull_requests() {
        let problem = "the run is on a pull request's ref, whose content strangers choose";
        let fix = "publish from a branch or a tag, or name `pull_request` in the publisher's `event`";
        let subject = Target::Claim("ref".to_owned());
        return Err(Mismatch::new(Diagnosis::new(field.code, subject, problem).found(git_ref).fix(fix)));
    }
    // A publisher can't name this event either, so the fix must not suggest that.
    let fix = if event == PULL_REQUEST_TARGET {
        "publish by another event, such as `push`, `release` or `workflow_dispatch`".to_owned()
    } else if usual.contains(&&*event) || constraints.names_event(&event) {
        return Ok(());
    } else {
        let event = shown(&event);
        format!(
            "publish by another event, such as `push` or `release`, or name `{event}` in the publisher's `event`"
        )
    };
    let problem = "an event that strangers can start may not publish";
    let subject = Target::Claim(field.claim.to_owned());
    Err(Mismatch::new(Diagnosis::new(field.code, subject, problem).found(event).fix(fix)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_workflow_ref_is_taken_apart_at_its_own_ref_only() {
        let path = Some(".forgejo/workflows/ci.yml");
        for (text, revision, expected) in [
            ("a/b/.forgejo/workflows/ci.yml@refs/heads/main", "refs/heads/main", path),
            ("a/b/.forgejo/workflows/ci.yml@refs/heads/x@y", "refs/heads/x@y", path),
            ("a/b/.forgejo/workflows/ci.yml@refs/heads/main", "heads/main", None),
            ("a/b/.forgejo/workflows/ci.yml@refs/heads/main", "refs/heads/mai", None),
            ("a/b/.forgejo/workflows/ci.yml@", "", None),
            ("a/b/@r", "r", None),
            ("a//x.yml@r", "r", None),
            ("/b/x.yml@r", "r", None),
            ("a@r", "r", None),
            ("", "r", None),
        ] {
            let found = split(text, revision);
            assert_eq!(found.map(|(_, path)| path), expected, "{text} {revision}");
            assert!(found.is_none_or(|(repository, _)| repository == "a/b"), "{text}");
        }
    }
}
