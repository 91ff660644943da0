//! The workflow that a registry compares: the one that was started, or the one that holds the job.

use oidc_core::{ComparedWorkflow, PublisherField, RegistryRules};

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
    pub(super) fn split<'a>(self, workflow_ref: &'a str, revision: &str) -> Option<(&'a str, &'a str)> {
        let of_run = split_workflow_ref(workflow_ref, revision);
        if of_run.is_some() || !self.is_at_any_ref() {
            return of_run;
        }
        // A workflow that was called at a ref ends in that ref instead of the run's. No file of the folder
        // has a `/` in its name.
        let WorkflowPath { repository, rest } = WorkflowPath::parse(workflow_ref)?;
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
