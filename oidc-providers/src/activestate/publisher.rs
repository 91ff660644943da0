use oidc_core::{Diagnosis, Mismatch, Target};

use super::fields::{ACTOR, FIELDS, ORGANIZATION, ORGANIZATION_ID, PROJECT, PROJECT_ID};
use crate::codes;
use crate::rules::rule::Rule;
use crate::rules::table::{Ids, Key, Table};
use crate::rules::token::{Token, differs};
use crate::rules::{Field, names};

/// The rules of a project that a user may publish from. Not every token has the ids.
pub(super) static RULES: Table = Table {
    fields: FIELDS,
    keys: &[Key::new(&ORGANIZATION, names::ascii), Key::new(&PROJECT, names::ascii)],
    ids: Ids::uuids(&[&PROJECT_ID, &ORGANIZATION_ID]).may_lack(),
    rules: &[&[Rule::Whole(&ACTOR, names::uuid), Rule::Always(is_publishing), Rule::Always(has_own_subject)]],
    ..Table::EMPTY
};

const SUBJECT: Field = PROJECT.on("sub", codes::ACTIVESTATE_SUBJECT);

/// The claim that names the builder.
const BUILDER: &str = "builder";

/// The builder that ActiveState has for publishing.
const PUBLISHER: &str = "pypi-publisher";

/// Checks that the token belongs to the builder that ActiveState has for publishing.
fn is_publishing(token: &Token<'_>) -> Result<(), Mismatch> {
    let found = token.required(BUILDER)?;
    if found == PUBLISHER {
        return Ok(());
    }
    let problem = "claim `builder` is not the builder that publishes";
    let diagnosis = Diagnosis::new(codes::ACTIVESTATE_BUILDER, Target::Claim(BUILDER.to_owned()), problem);
    let fix = "publish by the builder that ActiveState has for it";
    Err(Mismatch::new(diagnosis.found(found).expected(PUBLISHER).fix(fix)))
}

/// Checks that the subject is that of the token's organization and project.
fn has_own_subject(token: &Token<'_>) -> Result<(), Mismatch> {
    let (organization, project) = (token.required(ORGANIZATION.claim)?, token.required(PROJECT.claim)?);
    let expected = format!("org:{organization}:project:{project}");
    let found = token.required(SUBJECT.claim)?;
    match found.strip_prefix(&expected) {
        // Without the `:`, the subject of a project `widget-2` would fit the project `widget`.
        Some(rest) if rest.is_empty() || rest.starts_with(':') => Ok(()),
        _ => {
            let fix = "the token contradicts itself; tell the platform's operator";
            Err(Mismatch::new(differs(&SUBJECT, &found, &expected).fix(fix)))
        }
    }
}
