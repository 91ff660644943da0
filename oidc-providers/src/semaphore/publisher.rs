use oidc_core::{Diagnosis, ImmutableId, Mismatch, PublisherField, Target, shown};

use super::fields::{FIELDS, ORGANIZATION, PROJECT, REF, REPOSITORY};
use crate::codes;
use crate::rules::config::Config;
use crate::rules::exact::{Asked, Exact};
use crate::rules::glob::Pattern;
use crate::rules::token::Token;
use crate::rules::{Field, configured, names};

static ASKED: &[Asked] =
    &[(&ORGANIZATION, names::uuid), (&PROJECT, names::uuid), (&REPOSITORY, names::ascii)];

/// The claim that says what the run is of, and those of its values that may publish.
const REF_TYPE: &str = "ref_type";
const BRANCH_OR_TAG: &[&str] = &["branch", "tag"];

/// The claim that tells a pipeline's jobs from those that a person debugs, and its value for a pipeline's.
const JOB_TYPE: &str = "job_type";
const OF_PIPELINE: &[&str] = &["pipeline_job"];

/// A project that may publish.
#[derive(Debug)]
pub(super) struct Rules {
    asked: Exact,
    git_ref: Option<Pattern>,
}

impl configured::Rules for Rules {
    const FIELDS: &'static [PublisherField] = FIELDS;
    const KEY: &'static [(&'static str, &'static Field)] = &[("org", &ORGANIZATION), ("project", &PROJECT)];

    fn read(config: &mut Config<'_>, _issuer: &str) -> Self {
        Self { asked: Exact::read(config, ASKED), git_ref: config.parse(&REF, Pattern::parse) }
    }

    fn value(&self, field: &Field) -> &str {
        self.asked.value(field)
    }

    fn hold(&self, token: &Token<'_>) -> Result<Vec<ImmutableId>, Mismatch> {
        self.asked.check_names(token)?;
        self.asked.check_others(token)?;
        let fix = "publish after the merge, from a branch or a tag";
        is_one_of(token, REF_TYPE, BRANCH_OR_TAG, codes::SEMAPHORE_PULL_REQUEST, fix)?;
        let fix = "run the pipeline: whoever is logged in to a debug job can take its token";
        is_one_of(token, JOB_TYPE, OF_PIPELINE, codes::SEMAPHORE_DEBUG_JOB, fix)?;
        if let Some(pattern) = &self.git_ref {
            pattern.check(token, &REF)?;
        }
        Ok(Vec::new())
    }

    fn describe(&self) -> String {
        let mut text = self.asked.describe();
        if let Some(pattern) = &self.git_ref {
            text.push_str(&format!(", ref {}", shown(pattern.as_str())));
        }
        text
    }
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
