//! The workflow that a registry compares: the one that was started, or the one that holds the job.

use std::borrow::Cow;

use oidc_core::{Claims, ComparedWorkflow, PublisherField, RegistryRules};

use super::claims::{WorkflowPath, split_workflow_ref};
use super::fields::{FIELDS, FIELDS_WITHOUT_WORKFLOW, WORKFLOW};
use crate::codes;
use crate::rules::Field;

/// The workflow that holds the job, for registries that compare a publisher's `workflow` with it.
const CALLED: Field = WORKFLOW.on("job_workflow_ref", codes::GITHUB_WORKFLOW);

/// The rule for comparing a publisher's `workflow`: this project's rule, or that of another registry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Compared(Option<ComparedWorkflow>);

impl From<RegistryRules> for Compared {
    fn from(rules: RegistryRules) -> Self {
        Self(Some(rules.workflow))
    }
}

impl Compared {
    /// Returns the field with the claim that it is compared with.
    pub(super) fn field(self) -> &'static Field {
        if self.is_called() { &CALLED } else { &WORKFLOW }
    }

    /// Returns the fields of a publisher.
    pub(super) fn fields(self) -> &'static [PublisherField] {
        if self.is_neither() { FIELDS_WITHOUT_WORKFLOW } else { FIELDS }
    }

    /// Returns `true` if no workflow is compared.
    pub(super) fn is_neither(self) -> bool {
        matches!(self.0, Some(ComparedWorkflow::Neither))
    }

    /// Returns `true` if the workflow that holds the job is compared.
    pub(super) fn is_called(self) -> bool {
        matches!(self.0, Some(ComparedWorkflow::Called)) || self.is_at_any_ref()
    }

    /// Returns `true` if the compared workflow may be in another repository.
    pub(super) fn is_anywhere(self) -> bool {
        matches!(self.0, Some(ComparedWorkflow::CalledAnywhere))
    }

    /// Returns `true` if the compared workflow may be at a ref other than the run's.
    fn is_at_any_ref(self) -> bool {
        matches!(self.0, Some(ComparedWorkflow::CalledAtAnyRef)) || self.is_anywhere()
    }

    /// Returns `true` if it is known which workflow the registry compares.
    pub(super) fn is_known(self) -> bool {
        !matches!(self.0, None | Some(ComparedWorkflow::Uncertain))
    }

    /// Returns `true` if the rule is that of a certain public registry.
    pub(super) fn is_of_other_registry(self) -> bool {
        self.0.is_some()
    }

    /// Returns the repository and the file's name of the compared claim.
    pub(super) fn split<'a>(self, workflow_ref: &'a str, run: &RunAt<'_>) -> Option<(&'a str, &'a str)> {
        // The workflow that was started is at the run's ref. One that was called may be at the run's commit as well.
        let mut revisions = run.revisions().take(if self.is_called() { 2 } else { 1 });
        let of_run = revisions.find_map(|revision| split_workflow_ref(workflow_ref, revision));
        if of_run.is_some() || !self.is_at_any_ref() {
            return of_run;
        }
        // A workflow that was called at a ref ends in that ref instead of the run's. No file of the folder
        // has a `/` in its name.
        let WorkflowPath { repository, rest } = WorkflowPath::parse(workflow_ref)?;
        // Where a workflow of any repository is accepted (rubygems.org), one of the run's own is not accepted at another ref.
        if self.is_anywhere() && run.repository.as_deref() == Some(repository) {
            return None;
        }
        let at_ref = rest.split_once("@refs/").map(|(file, _)| file);
        let file = at_ref.or_else(|| rest.rsplit_once('@').map(|(file, _)| file))?;
        (!file.is_empty() && !file.contains('/')).then_some((repository, file))
    }

    /// The fix where the workflow is in another repository.
    pub(super) fn elsewhere(self) -> &'static str {
        if self.is_called() {
            "this registry compares the workflow that holds the job, which has to be in the publisher's own repository: put the \
             job that publishes into a workflow there"
        } else {
            "a workflow of another repository can't publish; let one of this repository call it"
        }
    }
}

/// The repository, the ref and the commit of a run.
pub(super) struct RunAt<'a> {
    repository: Option<Cow<'a, str>>,
    git_ref: Option<Cow<'a, str>>,
    sha: Option<Cow<'a, str>>,
}

impl<'a> RunAt<'a> {
    pub(super) fn of(claims: &'a Claims) -> Self {
        let text = |claim| claims.text(claim).filter(|text| !text.is_empty());
        Self { repository: text("repository"), git_ref: text("ref"), sha: text("sha") }
    }

    /// Returns the ref, which a deployment's run lacks, and the commit.
    fn revisions(&self) -> impl Iterator<Item = &str> {
        [&self.git_ref, &self.sha].into_iter().filter_map(|revision| revision.as_deref())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_registry_reads_the_workflow_at_the_revisions_that_it_accepts() {
        let claims = json!({ "repository": "acme/widget", "ref": "refs/tags/v1", "sha": "5ha" }).to_string();
        let claims = Claims::parse(claims).unwrap();
        let run = RunAt::of(&claims);
        let of = |rule: Option<ComparedWorkflow>, repository: &str, revision: &str| {
            let workflow_ref = format!("{repository}/.github/workflows/publish.yml@{revision}");
            Compared(rule).split(&workflow_ref, &run).map(|(_, file)| file.to_owned())
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
}
