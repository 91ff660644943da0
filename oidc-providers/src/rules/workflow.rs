//! References to workflows, and events, which GitHub shares with servers that have a compatible runner.

use std::borrow::Cow;

use oidc_core::{Claims, Diagnosis, Mismatch, Target, shown};

use super::compared::Compared;
use super::config::{Fault, invalid};
use super::names::before_ref;
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

/// Returns the path of the workflow that a run began with. It is in the token's own repository, or there is none.
pub(crate) fn started_path(claims: &Claims) -> Option<String> {
    let (repository, workflow) = (claims.text("repository")?, claims.text("workflow_ref")?);
    let path = workflow.strip_prefix(&*repository)?.strip_prefix('/')?;
    before_ref(path).map(str::to_owned)
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

/// Returns the file of a path that is directly in a folder of workflows.
pub(crate) fn file_in<'a>(folder: &str, path: &'a str) -> Option<&'a str> {
    path.strip_prefix(folder).filter(|file| !file.is_empty() && !file.contains('/'))
}

/// The repository, the ref and the commit of a run.
pub(crate) struct RunAt<'a> {
    repository: Option<Cow<'a, str>>,
    git_ref: Option<Cow<'a, str>>,
    sha: Option<Cow<'a, str>>,
}

impl<'a> RunAt<'a> {
    /// Reads the claims of a run.
    pub(crate) fn of(claims: &'a Claims) -> Self {
        let text = |claim| claims.text(claim).filter(|text| !text.is_empty());
        Self { repository: text("repository"), git_ref: text("ref"), sha: text("sha") }
    }

    /// Returns the repository and the file's name of a reference to a workflow, `OWNER/NAME/FOLDER/FILE@REVISION`, if
    /// a registry accepts one from there in this run.
    pub(crate) fn split<'r>(
        &self,
        reference: &'r str,
        folder: &str,
        compared: Compared,
    ) -> Option<(&'r str, &'r str)> {
        // The workflow that was started is at the run's ref. One that was called may be at the run's commit as well.
        let mut revisions = self.revisions().take(if compared.is_called() { 2 } else { 1 });
        let of_run = revisions.find_map(|revision| {
            let (repository, path) = split(reference, revision)?;
            Some((repository, file_in(folder, path)?))
        });
        if of_run.is_some() || !compared.is_at_any_ref() {
            return of_run;
        }
        // A workflow that was called at a ref ends in that ref instead of the run's. No file of the folder has a `/` in
        // its name.
        let (repository, path) = split_repository(reference)?;
        // Where a workflow of any repository is accepted (rubygems.org), one of the run's own is not accepted at another ref.
        if compared.is_anywhere() && self.repository.as_deref() == Some(repository) {
            return None;
        }
        let at_ref = path.split_once("@refs/").map(|(path, _)| path);
        let path = at_ref.or_else(|| path.rsplit_once('@').map(|(path, _)| path))?;
        Some((repository, file_in(folder, path)?))
    }

    /// Returns the ref, which a deployment's run lacks, and the commit.
    fn revisions(&self) -> impl Iterator<Item = &str> {
        [&self.git_ref, &self.sha].into_iter().filter_map(|revision| revision.as_deref())
    }
}

/// Checks that a run is on no pull request's ref: such a run counts as the pull request's, whichever event started it.
pub(crate) fn check_ref(token: &Token<'_>, event: &Field, git_ref: &Field) -> Result<(), Mismatch> {
    let found = token.optional(git_ref.claim)?.unwrap_or_default();
    if !found.starts_with(PULL_REQUESTS) {
        return Ok(());
    }
    let problem = "the run is on a pull request's ref, whose content strangers choose";
    let fix = "publish from a branch or a tag, or name `pull_request` in the publisher's `event`";
    let subject = Target::Claim(git_ref.claim.to_owned());
    Err(Mismatch::new(Diagnosis::new(event.code, subject, problem).found(found).fix(fix)))
}

/// Checks that the run's event is one that is allowed, since only people with write access start it or the publisher
/// names it.
pub(crate) fn check_event(
    token: &Token<'_>,
    field: &Field,
    is_allowed: impl Fn(&str) -> bool,
) -> Result<(), Mismatch> {
    let event = token.required(field.claim)?;
    // A publisher can't name this event either, so the fix must not suggest that.
    let fix = if event == PULL_REQUEST_TARGET {
        "publish by another event, such as `push`, `release` or `workflow_dispatch`".to_owned()
    } else if is_allowed(&event) {
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
    use oidc_core::ComparedWorkflow;
    use serde_json::json;

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

    #[test]
    fn a_file_of_a_folder_is_not_in_another_one() {
        for (path, file) in [
            ("flows/ci.yml", Some("ci.yml")),
            ("flows/x@y.yml", Some("x@y.yml")),
            ("flows/", None),
            ("flows/sub/ci.yml", None),
            ("ci.yml", None),
            ("flow/ci.yml", None),
            ("a/flows/ci.yml", None),
            ("", None),
        ] {
            assert_eq!(file_in("flows/", path), file, "{path}");
        }
    }

    #[test]
    fn each_registry_reads_the_workflow_at_the_revisions_that_it_accepts() {
        let claims = json!({ "repository": "acme/widget", "ref": "refs/tags/v1", "sha": "5ha" }).to_string();
        let claims = Claims::parse(claims).unwrap();
        let run = RunAt::of(&claims);
        let of = |rule: Option<ComparedWorkflow>, repository: &str, revision: &str| {
            let workflow_ref = format!("{repository}/.github/workflows/publish.yml@{revision}");
            run.split(&workflow_ref, ".github/workflows/", rule.map_or(Compared::OWN, Compared::from))
                .map(|(_, file)| file.to_owned())
        };
        let started = Some(ComparedWorkflow::Started);
        let called = Some(ComparedWorkflow::Called);
        let at_any_ref = Some(ComparedWorkflow::CalledAtAnyRef);
        let anywhere = Some(ComparedWorkflow::CalledAnywhere);
        for (rule, repository, revision, is_read) in [
            (None, "acme/widget", "refs/tags/v1", true),
            (None, "acme/widget", "5ha", false),
            (started, "acme/widget", "refs/tags/v1", true),
            (started, "acme/widget", "5ha", false),
            (called, "acme/widget", "refs/tags/v1", true),
            (called, "acme/widget", "5ha", true),
            (called, "acme/widget", "refs/heads/main", false),
            (at_any_ref, "acme/widget", "refs/heads/main", true),
            (anywhere, "acme/widget", "refs/tags/v1", true),
            (anywhere, "acme/widget", "5ha", true),
            (anywhere, "acme/widget", "refs/heads/main", false),
            (anywhere, "acme/shared", "refs/heads/main", true),
            (anywhere, "acme/shared", "c0ffee", true),
        ] {
            let found = of(rule, repository, revision);
            assert_eq!(found.is_some(), is_read, "{rule:?} {repository} {revision}: {found:?}");
        }
    }

    #[test]
    fn the_workflow_that_was_started_is_taken_apart_at_the_runs_own_ref_only() {
        for (text, revision, file) in [
            ("a/b/.github/workflows/ci.yml@refs/heads/main", "refs/heads/main", Some("ci.yml")),
            ("a/.github/.github/workflows/ci.yml@refs/heads/main", "refs/heads/main", Some("ci.yml")),
            ("a/b/.github/workflows/x@y.yml@refs/tags/@s/p@1.0", "refs/tags/@s/p@1.0", Some("x@y.yml")),
            ("a/b/.github/workflows/ci.yml@e.yml@refs/heads/main", "refs/heads/main", Some("ci.yml@e.yml")),
            ("a/b/.github/workflows/ci.yml@refs/heads/x@y.yml", "refs/heads/x@y.yml", Some("ci.yml")),
            ("a/b/.github/workflows/ci.yml@refs/heads/x@y.yml", "y.yml", None),
            ("a/b/.github/workflows/ci.yml@refs/heads/main", "heads/main", None),
            ("a/b/.github/workflows/ci.yml@refs/heads/main", "refs/heads/mai", None),
            ("a/b/.github/workflows/ci.yml@refs/heads/main", "", None),
            ("a/b/.github/workflows/ci.yml@", "", None),
            ("a/b/.github/workflows/ci.yml", "ci.yml", None),
            ("a/b/.github/workflows/@r", "r", None),
            ("a/b/.github/workflows/sub/ci.yml@r", "r", None),
            ("a/b/ci.yml@r", "r", None),
            ("a/b/c/.github/workflows/ci.yml@r", "r", None),
            ("b/.github/workflows/ci.yml@r", "r", None),
            ("/b/.github/workflows/ci.yml@r", "r", None),
            ("a//.github/workflows/ci.yml@r", "r", None),
            ("", "r", None),
        ] {
            let run = RunAt { repository: None, git_ref: Some(revision.into()), sha: None };
            let found = run.split(text, ".github/workflows/", Compared::OWN).map(|(_, file)| file);
            assert_eq!(found, file, "{text} {revision}");
        }
    }
}
