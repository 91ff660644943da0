use super::fields::{
    ENVIRONMENT, EVENT, FIELDS, FIELDS_WITHOUT_WORKFLOW, JOB_WORKFLOW, OWNER_ID, REF, REF_PROTECTED,
    REPOSITORY, REPOSITORY_ID, RUNNER_ENVIRONMENT, WORKFLOW,
};
use super::names;
use super::workflow::{CALLED, JobWorkflow, file, other};
use crate::codes;
use crate::rules::rule::{PLAINLY, Rule, UsualEvents};
use crate::rules::table::{Ids, Key, Table};
use crate::rules::workflow::event;
use crate::rules::{Field, paths};

/// The rules of a repository's workflow that may publish.
pub(super) static RULES: Table = Table {
    fields: FIELDS,
    rules: &[&[HAS_OWNER, Rule::Part(&WORKFLOW, names::workflow, file, other), IN_JOB_WORKFLOW], RUN],
    ..ANY_WORKFLOW
};

/// The rules at a registry that compares the workflow that holds the job. Its file is that of the called workflow already, so
/// that the hint on called workflows would be wrong.
pub(super) static RULES_OF_CALLED: Table = Table {
    rules: &[&[HAS_OWNER, Rule::Part(&CALLED, names::workflow, file, PLAINLY), IN_JOB_WORKFLOW], RUN],
    fields: FIELDS,
    ..ANY_WORKFLOW
};

/// The rule on the workflow that holds the job.
pub(super) const IN_JOB_WORKFLOW: Rule = Rule::Own(&JOB_WORKFLOW, JobWorkflow::read);

/// The rules of a repository's workflow at a registry that compares no workflow.
pub(super) static RULES_WITHOUT_WORKFLOW: Table = ANY_WORKFLOW;

const ANY_WORKFLOW: Table = Table {
    fields: FIELDS_WITHOUT_WORKFLOW,
    keys: &[Key::new(&REPOSITORY, names::repository)],
    ids: Ids::numbers(&[&REPOSITORY_ID, &OWNER_ID]).tell_renames(),
    rules: &[&[HAS_OWNER], RUN],
    is_certified: true,
    ..Table::EMPTY
};

/// The rules on a run, whichever its repository and workflow are.
pub(super) static RUN: &[Rule] = &[
    Rule::Events(&EVENT, Some(&USUAL_EVENTS), event),
    Rule::Environment(&ENVIRONMENT, names::environment),
    Rule::Ref(&REF),
    Rule::Protected(&REF_PROTECTED),
    Rule::Choice(&RUNNER_ENVIRONMENT),
];

/// The events that publish where the publisher names none: only people with write access to the repository
/// start them. Every other event, including any that GitHub adds later, publishes only where the publisher
/// names it: anybody can start `issue_comment`, `fork`, `watch` and similar ones, and `workflow_run` follows
/// any other workflow.
static USUAL_EVENTS: UsualEvents = UsualEvents {
    events: &[
        "push",
        "release",
        "workflow_dispatch",
        "repository_dispatch",
        "schedule",
        "merge_group",
        "create",
        "deployment",
    ],
    git_ref: &REF,
};

/// The owner in a token is that of its repository.
const HAS_OWNER: Rule = Rule::Agrees(&OWNER, &REPOSITORY, paths::owner);

const OWNER: Field = REPOSITORY.on("repository_owner", codes::GITHUB_REPOSITORY_OWNER);
