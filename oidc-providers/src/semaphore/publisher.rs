use oidc_core::{Diagnosis, Mismatch, Target};

use super::fields::{FIELDS, ORGANIZATION, PROJECT, REF, REPOSITORY};
use crate::codes;
use crate::rules::names;
use crate::rules::rule::Rule;
use crate::rules::table::{Key, Table};
use crate::rules::token::Token;

/// The rules of a project that may publish.
pub(super) static RULES: Table = Table {
    fields: FIELDS,
    keys: &[
        Key::new(&ORGANIZATION, names::uuid).between("org/", ""),
        Key::new(&PROJECT, names::uuid).between("project/", ""),
    ],
    rules: &[&[
        Rule::Whole(&REPOSITORY, names::ascii),
        Rule::Always(is_of_branch_or_tag),
        Rule::Always(is_of_pipeline),
        Rule::Ref(&REF),
    ]],
    ..Table::EMPTY
};

fn is_of_branch_or_tag(token: &Token<'_>) -> Result<(), Mismatch> {
    let fix = "publish after the merge, from a branch or a tag";
    is_one_of(token, "ref_type", &["branch", "tag"], codes::SEMAPHORE_PULL_REQUEST, fix)
}

/// Tells a pipeline's jobs from those that a person debugs.
fn is_of_pipeline(token: &Token<'_>) -> Result<(), Mismatch> {
    let fix = "run the pipeline: whoever is logged in to a debug job can take its token";
    is_one_of(token, "job_type", &["pipeline_job"], codes::SEMAPHORE_DEBUG_JOB, fix)
}

/// Checks a claim of which only some values may publish, whoever the publisher is.
fn is_one_of(
    token: &Token<'_>,
    claim: &'static str,
    allowed: &[&str],
    code: &'static str,
    fix: &str,
) -> Result<(), Mismatch> {
    let found = token.required(claim)?;
    if allowed.contains(&&*found) {
        return Ok(());
    }
    let problem =
        format!("no job publishes whose claim `{claim}` has another value than {}", allowed.join(" or "));
    let diagnosis = Diagnosis::new(code, Target::Claim(claim.to_owned()), problem);
    Err(Mismatch::new(diagnosis.found(found).expected(allowed.join(" or ")).fix(fix)))
}
