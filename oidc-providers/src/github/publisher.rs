use super::fields::{
    ENVIRONMENT, EVENT, FIELDS, FIELDS_WITHOUT_WORKFLOW, JOB_WORKFLOW, OWNER_ID, REF, REF_PROTECTED,
    REPOSITORY, REPOSITORY_ID, RUNNER_ENVIRONMENT, WORKFLOW,
};
use super::names;
use crate::codes;
use crate::rules::called::Workflows;
use crate::rules::rule::{Rule, UsualEvents};
use crate::rules::table::{Ids, Key, Table};
use crate::rules::workflow::event;
use crate::rules::{Field, events, paths};

/// The rules of a repository's workflow that may publish.
pub(super) static RULES: Table = Table {
    fields: FIELDS,
    rules: &[&[HAS_OWNER, Rule::Workflow(&WORKFLOWS), Rule::CalledWorkflow(&WORKFLOWS)], RUN],
    ..ANY_WORKFLOW
};

/// The workflows of a run.
pub(super) static WORKFLOWS: Workflows = Workflows {
    folder: ".github/workflows/",
    repository: &REPOSITORY,
    is_repository: names::repository,
    started: &WORKFLOW,
    holding: &WORKFLOW.on(JOB_WORKFLOW.claim, codes::GITHUB_WORKFLOW),
    called: &JOB_WORKFLOW,
    commit: "job_workflow_sha",
    unreadable: codes::GITHUB_WORKFLOW_REF,
};

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

/// The events that publish where the publisher names none.
static USUAL_EVENTS: UsualEvents = UsualEvents { events: events::OF_WRITERS_ON_GITHUB, git_ref: &REF };

/// The owner in a token is that of its repository.
const HAS_OWNER: Rule = Rule::Agrees(&OWNER, &REPOSITORY, paths::owner);

const OWNER: Field = REPOSITORY.on("repository_owner", codes::GITHUB_REPOSITORY_OWNER);
