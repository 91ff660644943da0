//! Names of events, by which a publisher says what may start its jobs.

use super::config::{Fault, invalid};
use super::names;
use crate::codes;

/// The length up to which one letter that differs makes another word.
const SHORT_WORD: usize = 6;

/// The events in GitHub's documentation, which compatible runners have too.
const GITHUB: &[&str] = &[
    "branch_protection_rule",
    "check_run",
    "check_suite",
    "create",
    "delete",
    "deployment",
    "deployment_status",
    "discussion",
    "discussion_comment",
    "fork",
    "gollum",
    "issue_comment",
    "issues",
    "label",
    "merge_group",
    "milestone",
    "page_build",
    "public",
    "pull_request",
    "pull_request_review",
    "pull_request_review_comment",
    "pull_request_target",
    "push",
    "registry_package",
    "release",
    "repository_dispatch",
    "schedule",
    "status",
    "watch",
    "workflow_call",
    "workflow_dispatch",
    "workflow_run",
];

/// The events that only people with write access to the repository start, on GitHub. Every other event, including any
/// that GitHub adds later, publishes only where a publisher names it: anybody can start `issue_comment`, `fork`, `watch`
/// and similar ones, and `workflow_run` follows any other workflow.
pub(crate) const OF_WRITERS_ON_GITHUB: &[&str] = &[
    "push",
    "release",
    "workflow_dispatch",
    "repository_dispatch",
    "schedule",
    "merge_group",
    "create",
    "deployment",
];

/// The events that only people with write access to the repository start, on Forgejo.
pub(crate) const OF_WRITERS_ON_FORGEJO: &[&str] = &["push", "release", "workflow_dispatch", "schedule"];

/// The sources of pipelines in GitLab's documentation.
const GITLAB: &[&str] = &[
    "api",
    "chat",
    "external",
    "external_pull_request_event",
    "merge_request_event",
    "ondemand_dast_scan",
    "ondemand_dast_validation",
    "parent_pipeline",
    "pipeline",
    "push",
    "schedule",
    "security_orchestration_policy",
    "trigger",
    "web",
    "webide",
];

/// Checks the name of an event of GitHub's or of a compatible runner's.
pub(crate) fn of_github(key: &str, text: &str) -> Result<(), Fault> {
    check(key, text, GITHUB)
}

/// Checks the name of a source of GitLab's pipelines.
pub(crate) fn of_gitlab(key: &str, text: &str) -> Result<(), Fault> {
    check(key, text, GITLAB)
}

/// Checks the name of an event. A name that is not among the `known` ones is accepted, since platforms add events, unless
/// it is a misspelling of one: no job would ever match it.
fn check(key: &str, text: &str, known: &[&str]) -> Result<(), Fault> {
    names::word(key, text)?;
    if known.contains(&text) {
        return Ok(());
    }
    let slips = |event: &str| strsim::osa_distance(text, event);
    let is_meant = |event: &&&str| slips(event) <= if event.len() <= SHORT_WORD { 1 } else { 2 };
    let Some(meant) = known.iter().filter(is_meant).min_by_key(|event| slips(event)) else { return Ok(()) };
    let problem = "the platform has no such event, and one with nearly this name";
    Err(invalid(codes::PUBLISHER_EVENT, key, problem).found(text).fix(format!("write `{meant}`")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelling_is_told_and_an_event_that_is_not_known_yet_is_taken() {
        for text in GITHUB.iter().chain(&["tag", "deploy", "a_new_event", "pus_h_it"]) {
            assert!(of_github("event", text).is_ok(), "{text}");
        }
        for text in GITLAB.iter().chain(&["duo_workflow", "container_registry_push"]) {
            assert!(of_gitlab("event", text).is_ok(), "{text}");
        }
        for (text, meant) in [
            ("pusch", "push"),
            ("psuh", "push"),
            ("created", "create"),
            ("releases", "release"),
            ("workflow_dispach", "workflow_dispatch"),
            ("workflow_dispatches", "workflow_dispatch"),
        ] {
            let error = of_github("event", text).unwrap_err().to_string();
            assert!(error.ends_with(&format!("write `{meant}`")), "{text}: {error}");
        }
        assert!(of_gitlab("event", "webb").unwrap_err().to_string().ends_with("write `web`"));
    }
}
