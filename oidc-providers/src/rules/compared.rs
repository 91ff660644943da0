//! The workflow that a registry compares, on platforms where the workflow that was started can call another one.

use oidc_core::{ComparedWorkflow, shown};

/// The workflow that is compared with a publisher's: by this project's rule, or by that of a public registry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Compared(Option<ComparedWorkflow>);

impl From<ComparedWorkflow> for Compared {
    fn from(workflow: ComparedWorkflow) -> Self {
        Self(Some(workflow))
    }
}

impl Compared {
    /// This project's rule: the workflow that was started.
    pub(crate) const OWN: Self = Self(None);

    /// Returns `true` if no workflow is compared.
    pub(crate) fn is_neither(self) -> bool {
        matches!(self.0, Some(ComparedWorkflow::Neither))
    }

    /// Returns `true` if the workflow that holds the job is compared.
    pub(crate) fn is_called(self) -> bool {
        matches!(self.0, Some(ComparedWorkflow::Called)) || self.is_at_any_ref()
    }

    /// Returns `true` if the compared workflow may be in another repository.
    pub(crate) fn is_anywhere(self) -> bool {
        matches!(self.0, Some(ComparedWorkflow::CalledAnywhere))
    }

    /// Returns `true` if the compared workflow may be at a ref other than the run's.
    pub(crate) fn is_at_any_ref(self) -> bool {
        matches!(self.0, Some(ComparedWorkflow::CalledAtAnyRef)) || self.is_anywhere()
    }

    /// Returns `true` if it is known which workflow the registry compares.
    pub(crate) fn is_known(self) -> bool {
        !matches!(self.0, None | Some(ComparedWorkflow::Uncertain))
    }

    /// Returns `true` if the rule is that of a certain public registry.
    pub(crate) fn is_of_other_registry(self) -> bool {
        self.0.is_some()
    }

    /// Returns the fix where the compared workflow is in another repository than the publisher's.
    pub(crate) fn elsewhere(self) -> &'static str {
        if self.is_called() {
            "this registry compares the workflow that holds the job, which has to be in the publisher's own repository: put the \
             job that publishes into a workflow there"
        } else {
            "a workflow of another repository can't publish; let one of this repository call it"
        }
    }

    /// Returns the fix for a job in a workflow that another one called: the publisher to configure. `file` is the compared
    /// workflow's, if a publisher can name it, and `repository` that of the called workflow, if it is another than the run's.
    pub(crate) fn configure(self, file: Option<&str>, repository: Option<&str>) -> String {
        match file {
            Some(file) if self.is_known() => {
                let which = if self.is_called() { CALLED } else { STARTED };
                let of = repository.filter(|_| self.is_called());
                let of = of.map_or_else(String::new, |other| format!(" of repository `{}`", shown(other)));
                format!("configure the publisher with `{}`{of}, {which}", shown(file))
            }
            None if self.is_called() => AT_THE_REF.to_owned(),
            _ => ANY.to_owned(),
        }
    }
}

const ANY: &str = "configure the publisher with the file that was started (`workflow_ref`), which npm and crates.io compare; PyPI, \
                   RubyGems and NuGet compare the called one (`job_workflow_ref`)";

const STARTED: &str =
    "the workflow that was started (`workflow_ref`): this registry compares that one and not the called one";

const CALLED: &str = "the workflow that holds the job (`job_workflow_ref`): this registry compares that one and not the one that was \
                      started";

const AT_THE_REF: &str = "call it at the run's own ref, such as by `uses: ./.github/workflows/publish.yml`: this registry compares the \
                          workflow that holds the job (`job_workflow_ref`), and accepts one of the publisher's own repository at no other ref";
