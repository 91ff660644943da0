//! Publishers for every repository of an owner.

use std::borrow::Cow;

use oidc_core::{Mismatch, shown};

use super::fields::{OWNER_ID, REPOSITORY};
use super::names;
use super::owner_fields::{OWNER, OWNER_FIELDS, REPOSITORIES, WORKFLOWS};
use super::publisher::{IN_JOB_WORKFLOW, RUN};
use super::workflow::{FOLDER, revision, unreadable};
use crate::codes;
use crate::rules::compared::Compared;
use crate::rules::config::{Fault, invalid};
use crate::rules::rule::{Rule, Scope};
use crate::rules::table::{Ids, Key, Table};
use crate::rules::token::{Token, differs};
use crate::rules::workflow::RunAt;
use crate::rules::{self, Field};

/// The rules of an owner whose repositories may publish. No repository is called `*`.
pub(super) static OWNER_RULES: Table = Table {
    fields: OWNER_FIELDS,
    keys: &[Key::new(&OWNER, names::owner).between("", "/*")],
    ids: Ids::numbers(&[&OWNER_ID]).tell_renames(),
    rules: &[
        &[
            Rule::Always(has_owners_repository),
            Rule::Fits(&REPOSITORIES, is_of_owner, |field, token, _| token.required(field.claim)),
            Rule::Fits(&WORKFLOWS, |key, text, _| names::workflow(key, text), file),
            IN_JOB_WORKFLOW,
        ],
        RUN,
    ],
    ..Table::EMPTY
};

fn has_owners_repository(token: &Token<'_>) -> Result<(), Mismatch> {
    let (repository, owner) = (token.required(REPOSITORY.claim)?, token.required(OWNER.claim)?);
    let (found, name) = repository.split_once('/').unwrap_or_default();
    let is_name = !name.is_empty() && !name.contains('/');
    if is_name && token.comparison.same(&OWNER, found, &owner) {
        return Ok(());
    }
    let fix = "the token contradicts itself; tell the platform's operator";
    Err(Mismatch::new(differs(&REPOSITORIES, &repository, &owner).fix(fix)))
}

/// Finds the file of the workflow that was started, which is in the token's own repository.
fn file<'t>(field: &'static Field, token: &Token<'t>, _pattern: &str) -> Result<Cow<'t, str>, Mismatch> {
    let workflow_ref = token.required(field.claim)?;
    let (repository, _) = (token.required(REPOSITORY.claim)?, revision(token)?);
    match RunAt::of(token.claims).split(&workflow_ref, FOLDER, Compared::OWN) {
        Some((found, file)) if token.comparison.same(&REPOSITORY, found, &repository) => {
            Ok(file.to_owned().into())
        }
        _ => {
            let problem = "of the repository at the run's own ref";
            Err(Mismatch::new(unreadable(field.claim, problem, &workflow_ref)))
        }
    }
}

/// Checks that a pattern is for repositories of the owner.
fn is_of_owner(key: &str, text: &str, scope: &Scope<'_>) -> Result<(), Fault> {
    let owner = scope.names.first().map_or("", String::as_str);
    rules::names::ascii(key, text)?;
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'*');
    let name =
        text.split_once('/').filter(|(found, _)| owner.is_empty() || found.eq_ignore_ascii_case(owner));
    if name.is_some_and(|(_, name)| !name.is_empty() && name.bytes().all(is_word)) {
        return Ok(());
    }
    let problem = "it is no pattern for repositories of the owner";
    let example = if owner.is_empty() { "acme" } else { owner };
    let fix = format!("write it as `{0}/widget-*`, or leave it out for all of `{0}`", shown(example));
    Err(invalid(codes::PUBLISHER_REPOSITORY, key, problem).found(text).fix(fix))
}
