/// The rules in which public registries differ from each other. They determine the publisher that a job is told to
/// configure at one registry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct RegistryRules {
    /// The workflow that a publisher's `workflow` is compared with.
    pub workflow: ComparedWorkflow,
    /// The treatment of letters that differ in case only.
    pub case: ComparedCase,
}

impl RegistryRules {
    /// The rules of a registry that compares this workflow.
    pub const fn comparing(workflow: ComparedWorkflow) -> Self {
        Self { workflow, case: ComparedCase::PerField }
    }

    /// Replaces the rule on the case of letters.
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
    /// The workflow that was started, whichever workflow it called (the OpenSSF's recommendation).
    #[default]
    Started,
    /// The workflow that holds the job, which must be in the job's own repository and at the run's own ref or commit.
    Called,
    /// The workflow that holds the job, which must be in the job's own repository, at any ref.
    CalledAtAnyRef,
    /// The workflow that holds the job, in any repository; in the job's own it must be at the run's own ref or commit.
    CalledAnywhere,
    /// No workflow: a publisher names none.
    Neither,
    /// Not known. A job is compared by the workflow that was started, and both workflows are reported.
    Uncertain,
}

/// The treatment of letters that differ in ASCII case only.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ComparedCase {
    /// As the platform itself treats each field.
    #[default]
    PerField,
    /// They are different letters, in every field.
    Exact,
    /// They are different letters in the fields that a publisher is [found by](crate::PublisherField::found_by), such
    /// as the repository, and as the platform treats them in all others.
    ExactNames,
    /// They are the same letter, in every field.
    Ignored,
}
