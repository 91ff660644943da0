use oidc_core::{
    Claims, Identity, InvalidPublisher, Match, Mismatch, Pin, Publisher, Setting, Unverified, Verified, shown,
};
use serde_json::Value;

use crate::rules::config::Config;
use crate::rules::exact::{self, Asked, Exact};
use crate::rules::glob::Pattern;
use crate::rules::link::is_uuid;
use crate::rules::names;
use crate::rules::token::{Token, differs};
use crate::rules::{Comparison, Field};

const ORGANIZATION: Field = Field::exact("organization_slug", "organization_slug", "buildkite-organization");
const PIPELINE: Field = Field::exact("pipeline_slug", "pipeline_slug", "buildkite-pipeline");
const ORGANIZATION_ID: Field =
    Field::exact("organization_id", "organization_id", "buildkite-organization-id");
const PIPELINE_ID: Field = Field::exact("pipeline_id", "pipeline_id", "buildkite-pipeline-id");
const BRANCH: Field = Field::exact("build_branch", "build_branch", "buildkite-branch");
const TAG: Field = Field::exact("build_tag", "build_tag", "buildkite-tag");
const STEP: Field = Field::exact("step_key", "step_key", "buildkite-step");

static ASKED: &[Asked] = &[
    Asked::name(ORGANIZATION, "organisation", "acme", names::slug),
    Asked::name(PIPELINE, "pipeline", "widget", names::slug),
    Asked::optional(STEP, "step", names::ascii),
];

/// Every key that a configuration may have.
const KEYS: &[&str] =
    &[ORGANIZATION.key, PIPELINE.key, ORGANIZATION_ID.key, PIPELINE_ID.key, BRANCH.key, TAG.key, STEP.key];

/// What a branch's or tag's name lacks of a ref, which is what patterns are for.
const REF: &str = "refs/";

/// A pipeline that may publish.
#[derive(Debug)]
pub(super) struct BuildkitePublisher {
    issuer: String,
    asked: Exact,
    ids: [(&'static Field, Option<String>); 2],
    refs: Vec<(&'static Field, Pattern)>,
}

impl BuildkitePublisher {
    pub(super) fn read(issuer: &str, config: &Value) -> Result<Self, InvalidPublisher> {
        let config = Config::new(config, KEYS)?;
        let id = |field: &'static Field| -> Result<_, InvalidPublisher> {
            let id = config.text(field.key)?;
            id.map_or(Ok(()), |id| names::uuid(field.key, id))?;
            Ok((field, id.map(str::to_owned)))
        };
        let mut refs = Vec::new();
        for field in [&BRANCH, &TAG] {
            if let Some(text) = config.text(field.key)? {
                refs.push((field, Pattern::parse(field.key, &format!("{REF}{text}"))?));
            }
        }
        Ok(Self {
            issuer: issuer.to_owned(),
            asked: Exact::read(&config, ASKED)?,
            ids: [id(&ORGANIZATION_ID)?, id(&PIPELINE_ID)?],
            refs,
        })
    }

    /// Holds a token of the right issuer against every rule.
    fn hold(&self, token: &Token<'_>) -> Result<Match, Mismatch> {
        self.asked.check_names(token)?;
        let learned = self.pins(token)?;
        self.asked.check_others(token)?;
        self.check_refs(token)?;
        let refs = self.refs.iter().map(|_| 1_u32).sum::<u32>();
        Ok(Match::new(self.asked.specificity() + refs, learned))
    }

    /// A job has to ask for the ids. Where one is pinned, only who runs the registry is told so.
    fn pins(&self, token: &Token<'_>) -> Result<Vec<Pin>, Mismatch> {
        let ids = self.ids.each_ref().map(|(field, id)| (*field, id.as_deref()));
        token.pins(&ids, |id| token.learn(id, is_uuid).map(Some)).map_err(|mismatch| {
            if mismatch.diagnosis().code != "claim-missing" {
                return mismatch;
            }
            let fix = "ask for it: `buildkite-agent oidc request-token --claim organization_id --claim pipeline_id`, \
                       or set `BUILDKITE_OIDC_TOKEN_CLAIMS` to `organization_id,pipeline_id`";
            let diagnosis = mismatch.diagnosis().clone().fix(fix);
            if mismatch.is_stranger() { Mismatch::stranger(diagnosis) } else { Mismatch::new(diagnosis) }
        })
    }

    fn check_refs(&self, token: &Token<'_>) -> Result<(), Mismatch> {
        for (field, pattern) in &self.refs {
            let found = token.required(field.claim)?;
            if !pattern.matches(&format!("{REF}{found}")) {
                let fix = "build a branch or tag that fits, or change the pattern (`*` stops at `/`, `**` does not)";
                return Err(Mismatch::new(differs(field, &found, name(pattern)).fix(fix)));
            }
        }
        Ok(())
    }
}

impl Publisher for BuildkitePublisher {
    fn identity(&self) -> Identity {
        let (organization, pipeline) = (self.asked.value(ORGANIZATION.key), self.asked.value(PIPELINE.key));
        Identity::new(&self.issuer, format!("{organization}/{pipeline}"))
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
        for (field, pattern) in &self.refs {
            let what = if field.key == TAG.key { "tag" } else { "branch" };
            text.push_str(&format!(", {what} {}", shown(name(pattern))));
        }
        text
    }
}

/// What a publisher that lets this job in is configured with.
pub(super) fn settings(claims: &Claims) -> Vec<Setting> {
    exact::settings(
        claims,
        &[&ORGANIZATION, &PIPELINE],
        &[&ORGANIZATION_ID, &PIPELINE_ID, &BRANCH, &TAG, &STEP],
    )
}

/// Whom a token speaks for.
pub(super) fn identity(issuer: &str, token: &Token<'_>) -> Result<Identity, Mismatch> {
    let (organization, pipeline) = (token.required(ORGANIZATION.claim)?, token.required(PIPELINE.claim)?);
    Ok(Identity::new(issuer, format!("{organization}/{pipeline}")))
}

fn name(pattern: &Pattern) -> &str {
    pattern.as_str().strip_prefix(REF).unwrap_or_default()
}
