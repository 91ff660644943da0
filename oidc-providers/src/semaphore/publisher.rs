use oidc_core::{
    Claims, Diagnosis, Identity, InvalidPublisher, Match, Mismatch, Publisher, Target, Unverified, Verified,
    shown,
};
use serde_json::Value;

use super::fields::{FIELDS, ORGANIZATION, PROJECT, REF, REPOSITORY};
use crate::codes;
use crate::rules::config::Config;
use crate::rules::exact::{Asked, Exact};
use crate::rules::glob::Pattern;
use crate::rules::token::Token;
use crate::rules::{Comparison, names};

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
    issuer: String,
    asked: Exact,
    git_ref: Option<Pattern>,
    specificity: u32,
}

impl Rules {
    pub(super) fn read(issuer: &str, config: &Value) -> Result<Self, InvalidPublisher> {
        let mut config = Config::new(config, FIELDS);
        let rules = Self {
            issuer: issuer.to_owned(),
            asked: Exact::read(&mut config, ASKED),
            git_ref: config.parse(&REF, Pattern::parse),
            specificity: config.specificity(),
        };
        config.finish(rules)
    }

    /// Compares a token of the right issuer with every rule.
    fn hold(&self, token: &Token<'_>) -> Result<Match, Mismatch> {
        self.asked.check_names(token)?;
        self.asked.check_others(token)?;
        let fix = "publish after the merge, from a branch or a tag";
        is_one_of(token, REF_TYPE, BRANCH_OR_TAG, codes::SEMAPHORE_PULL_REQUEST, fix)?;
        let fix = "run the pipeline: whoever is logged in to a debug job can take its token";
        is_one_of(token, JOB_TYPE, OF_PIPELINE, codes::SEMAPHORE_DEBUG_JOB, fix)?;
        if let Some(pattern) = &self.git_ref {
            pattern.check(token, &REF)?;
        }
        Ok(Match::new(self.specificity, Vec::new()))
    }
}

impl Publisher for Rules {
    fn identity(&self) -> Identity {
        Identity::new(&self.issuer, key(self.asked.value(&ORGANIZATION), self.asked.value(&PROJECT)))
    }

    fn check(&self, claims: &Verified<Claims>) -> Result<Match, Mismatch> {
        let token = Token { claims, comparison: Comparison::default() };
        token.is_from(&self.issuer)?;
        self.hold(&token)
    }

    fn explain(&self, claims: &Unverified<Claims>) -> Option<Mismatch> {
        self.hold(&Token { claims: claims.read_unverified(), comparison: Comparison::default() }).err()
    }

    fn describe(&self) -> String {
        let mut text = self.asked.describe();
        if let Some(pattern) = &self.git_ref {
            text.push_str(&format!(", ref {}", shown(pattern.as_str())));
        }
        text
    }
}

/// The identity that a token proves.
pub(super) fn identity(issuer: &str, token: &Token<'_>) -> Result<Identity, Mismatch> {
    let (organization, project) = (token.required(ORGANIZATION.claim)?, token.required(PROJECT.claim)?);
    Ok(Identity::new(issuer, key(&organization, &project)))
}

fn key(organization: &str, project: &str) -> String {
    format!("org/{organization}/project/{project}")
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
