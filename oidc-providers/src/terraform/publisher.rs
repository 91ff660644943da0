use oidc_core::Mismatch;

use super::fields::{FIELDS, ORGANIZATION, ORGANIZATION_ID, PHASE, PROJECT, WORKSPACE, WORKSPACE_ID};
use crate::codes;
use crate::rules::config::{Fault, invalid};
use crate::rules::names;
use crate::rules::rule::Rule;
use crate::rules::table::{Ids, Key, Table};
use crate::rules::token::{Token, differs};

/// The rules of a workspace that may publish.
pub(super) static RULES: Table = Table {
    fields: FIELDS,
    keys: &[
        Key::new(&ORGANIZATION, is_name).between("organization/", ""),
        Key::new(&WORKSPACE, is_name).between("workspace/", ""),
    ],
    ids: Ids::new(&[&WORKSPACE_ID, &ORGANIZATION_ID], id, is_id),
    rules: &[&[
        Rule::Whole(&PROJECT, names::ascii),
        Rule::Choice(&PHASE),
        Rule::Without(&PHASE, is_applying),
    ]],
    ..Table::EMPTY
};

/// The phase that publishes where the publisher names none: a speculative plan runs for any change.
const APPLY: &str = "apply";

/// The limit on an id, in characters.
const MAX_ID: usize = 64;

fn is_applying(token: &Token<'_>) -> Result<(), Mismatch> {
    let found = token.required(PHASE.claim)?;
    if found == APPLY {
        return Ok(());
    }
    let fix = "publish in the apply phase: a plan may run for a change that nobody approved";
    Err(Mismatch::new(differs(&PHASE, &found, APPLY).fix(fix)))
}

/// Checks the name of an organization or a workspace: letters, digits, `-` and `_`.
fn is_name(key: &str, text: &str) -> Result<(), Fault> {
    names::ascii(key, text)?;
    if text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')) {
        return Ok(());
    }
    let fix = "write the name alone, as it stands in the web address: letters, digits, `-` and `_`";
    Err(invalid(codes::PUBLISHER_SLUG, key, "it is not a name as in a web address").found(text).fix(fix))
}

/// Checks an id such as `ws-mbsd5E3Ktt5Rg2Xm`.
fn id(key: &str, text: &str) -> Result<(), Fault> {
    if is_id(text) {
        return Ok(());
    }
    let fix = "write the id that the settings show, such as `ws-mbsd5E3Ktt5Rg2Xm`, or leave it out and let it be learned";
    Err(invalid(codes::PUBLISHER_ID, key, "it is not an id").found(text).fix(fix))
}

fn is_id(text: &str) -> bool {
    (1..=MAX_ID).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}
