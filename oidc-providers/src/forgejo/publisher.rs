use std::borrow::Cow;

use oidc_core::{Diagnosis, Mismatch, Target, shown};

use super::fields::{EVENT, FIELDS, OWNER_ID, REF, REF_PROTECTED, REPOSITORY, REPOSITORY_ID, WORKFLOW};
use crate::codes;
use crate::rules::config::{Fault, invalid};
use crate::rules::rule::{Rule, UsualEvents};
use crate::rules::table::{Ids, Key, Table};
use crate::rules::token::Token;
use crate::rules::{Field, events, names, paths, workflow};

/// The rules of a repository's workflow that may publish. Tokens of the first release have no ids.
pub(super) static RULES: Table = Table {
    fields: FIELDS,
    keys: &[Key::new(&REPOSITORY, is_repository)],
    ids: Ids::numbers(&[&REPOSITORY_ID, &OWNER_ID]).tell_renames().may_lack(),
    rules: &[&[
        Rule::Agrees(&OWNER, &REPOSITORY, paths::owner),
        Rule::Part(&WORKFLOW, is_workflow, path),
        Rule::Events(&EVENT, Some(&USUAL_EVENTS), workflow::event),
        Rule::Ref(&REF),
        Rule::Protected(&REF_PROTECTED),
    ]],
    ..Table::EMPTY
};

const OWNER: Field = REPOSITORY.on("repository_owner", codes::FORGEJO_REPOSITORY_OWNER);

/// The events that publish where the publisher names none.
static USUAL_EVENTS: UsualEvents = UsualEvents { events: events::OF_WRITERS_ON_FORGEJO, git_ref: &REF };

/// The folders that Forgejo reads workflows from.
const FOLDERS: &[&str] = &[".forgejo/workflows/", ".gitea/workflows/", ".github/workflows/"];

/// Finds the path of the workflow that a run began with, which is a file of its repository at its ref.
fn path<'t>(field: &'static Field, token: &Token<'t>, expected: &str) -> Result<Cow<'t, str>, Mismatch> {
    let repository = token.required(REPOSITORY.claim)?;
    let (workflow_ref, git_ref) = (token.required(field.claim)?, token.required(REF.claim)?);
    if let Some((found, path)) = workflow::split(&workflow_ref, &git_ref)
        && token.comparison.same(&REPOSITORY, found, &repository)
    {
        return Ok(path.to_owned().into());
    }
    let problem = "claim `workflow_ref` is not a file of the repository at the run's own ref";
    let subject = Target::Claim(field.claim.to_owned());
    let diagnosis = Diagnosis::new(codes::FORGEJO_WORKFLOW_REF, subject, problem);
    let expected = format!("{repository}/{expected}@{git_ref}");
    Err(Mismatch::new(diagnosis.found(&*workflow_ref).expected(expected)))
}

/// Checks a repository: `OWNER/NAME`.
fn is_repository(key: &str, text: &str) -> Result<(), Fault> {
    paths::repository(
        key,
        text,
        (paths::is_repository, "an owner's name has letters, digits, `-`, `_` and `.`"),
    )
}

/// Checks the path of a workflow's file.
fn is_workflow(key: &str, text: &str) -> Result<(), Fault> {
    names::yaml(key, text)?;
    let file = FOLDERS.iter().find_map(|folder| text.strip_prefix(folder));
    if file.is_none_or(|file| file.contains(['/', '\\'])) {
        let name = text.rsplit(['/', '\\']).next().unwrap_or_default();
        let problem = "it is not the path of a file in a folder of workflows";
        let fix = format!("write the path in the repository, such as `.forgejo/workflows/{}`", shown(name));
        return Err(invalid(codes::PUBLISHER_WORKFLOW, key, problem).found(text).fix(fix));
    }
    names::one_script(key, text)
}
