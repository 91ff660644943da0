use oidc_core::Mismatch;

use super::fields::{DEFINITION, FIELDS, ORGANIZATION, PROJECT, REF, REPOSITORY};
use crate::rules::names;
use crate::rules::rule::Rule;
use crate::rules::table::{Key, Table};
use crate::rules::token::{Token, differs};

/// The rules of a project's pipeline that may publish. A pull request's run publishes only where the publisher names
/// its ref.
pub(super) static RULES: Table = Table {
    fields: FIELDS,
    keys: &[
        Key::new(&ORGANIZATION, names::uuid).between("org/", ""),
        Key::new(&PROJECT, names::uuid).between("project/", ""),
        Key::new(&DEFINITION, names::id).between("definition/", ""),
    ],
    rules: &[&[
        Rule::Whole(&REPOSITORY, names::ascii),
        Rule::Ref(&REF),
        Rule::Without(&REF, is_no_pull_request),
    ]],
    ..Table::EMPTY
};

/// The prefix of the refs of pull requests, which anybody can make where a pipeline builds them from forks.
const PULL_REQUESTS: &str = "refs/pull/";

fn is_no_pull_request(token: &Token<'_>) -> Result<(), Mismatch> {
    let found = token.required(REF.claim)?;
    if !found.starts_with(PULL_REQUESTS) {
        return Ok(());
    }
    let fix = "publish after the merge, from a branch or a tag";
    Err(Mismatch::new(differs(&REF, &found, "no pull request's").fix(fix)))
}
