//! The workflow that a registry compares, on platforms where the workflow that was started can call another one.

use oidc_core::ComparedWorkflow;

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
}
