/// What a registry compares where registries of other protocols compare something else: the rules of public registries, by
/// which a job is told what a publisher for it has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct RegistryRules {
    /// The workflow that a publisher's `workflow` is held against.
    pub workflow: ComparedWorkflow,
    /// Whether letters that differ in case only are the same.
    pub case: ComparedCase,
}

impl RegistryRules {
    /// Rules of a registry that compares this workflow.
    pub const fn comparing(workflow: ComparedWorkflow) -> Self {
        Self { workflow, case: ComparedCase::PerField }
    }

    /// With another rule on the case of letters.
    #[must_use]
    pub const fn case(mut self, case: ComparedCase) -> Self {
        self.case = case;
        self
    }
}

/// The workflow that a registry compares, on platforms where a workflow can call another one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ComparedWorkflow {
    /// The one that was started, whichever one it called (the OpenSSF's recommendation).
    #[default]
    Started,
    /// The one that holds the job, which has to be in the job's own repository and at the run's own ref.
    Called,
    /// The one that holds the job, which has to be in the job's own repository, at whatever ref.
    CalledAtAnyRef,
    /// The one that holds the job, in whatever repository.
    CalledAnywhere,
    /// Neither: a publisher names no workflow.
    Neither,
    /// That is not known. A job is held against the one that was started, and told of both.
    Uncertain,
}

/// How a registry compares letters that differ in ASCII case only.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ComparedCase {
    /// As the platform itself does with each field.
    #[default]
    PerField,
    /// They differ, in every field.
    Exact,
    /// They are the same, in every field.
    Ignored,
}
