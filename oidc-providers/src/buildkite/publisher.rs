use oidc_core::{ImmutableId, Mismatch, PublisherField, shown};

use super::fields::{BRANCH, FIELDS, ORGANIZATION, ORGANIZATION_ID, PIPELINE, PIPELINE_ID, STEP, TAG};
use crate::rules::config::Config;
use crate::rules::exact::{Asked, Exact};
use crate::rules::glob::Name;
use crate::rules::link::is_uuid;
use crate::rules::token::Token;
use crate::rules::{Field, configured, names};

static ASKED: &[Asked] = &[(&ORGANIZATION, names::slug), (&PIPELINE, names::slug), (&STEP, names::ascii)];

/// A pipeline that may publish.
#[derive(Debug)]
pub(super) struct Rules {
    asked: Exact,
    ids: [(&'static Field, Option<String>); 2],
    refs: Vec<(&'static Field, Name)>,
}

impl Rules {
    /// Checks the pinned ids and learns the others. A job has to ask for the ids. Where an id is pinned, a
    /// token without it is a stranger's, and only the registry's operator is told of the fix.
    fn pins(&self, token: &Token<'_>) -> Result<Vec<ImmutableId>, Mismatch> {
        token.pins(&self.ids, |id| token.learn(id, is_uuid).map(Some)).map_err(|mismatch| {
            if mismatch.diagnosis().code != oidc_core::codes::CLAIM_MISSING {
                return mismatch;
            }
            let fix = "ask for it: `buildkite-agent oidc request-token --claim organization_id --claim pipeline_id`, \
                       or set `BUILDKITE_OIDC_TOKEN_CLAIMS` to `organization_id,pipeline_id`";
            let diagnosis = mismatch.diagnosis().clone().fix(fix);
            // Only the fix is replaced: who may be told of the mismatch stays as `Token::pins` decided.
            if mismatch.is_stranger() { Mismatch::stranger(diagnosis) } else { Mismatch::new(diagnosis) }
        })
    }

    fn check_refs(&self, token: &Token<'_>) -> Result<(), Mismatch> {
        self.refs.iter().try_for_each(|(field, pattern)| pattern.check(token, field))
    }
}

impl configured::Rules for Rules {
    const FIELDS: &'static [PublisherField] = FIELDS;
    const KEY: &'static [(&'static str, &'static Field)] = &[("", &ORGANIZATION), ("", &PIPELINE)];

    fn read(config: &mut Config<'_>, _issuer: &str) -> Self {
        Self {
            asked: Exact::read(config, ASKED),
            ids: config.ids([&PIPELINE_ID, &ORGANIZATION_ID], names::uuid),
            refs: [&BRANCH, &TAG]
                .into_iter()
                .filter_map(|field| Some((field, config.parse(field, Name::parse)?)))
                .collect(),
        }
    }

    fn value(&self, field: &Field) -> &str {
        self.asked.value(field)
    }

    fn hold(&self, token: &Token<'_>) -> Result<Vec<ImmutableId>, Mismatch> {
        self.asked.check_names(token)?;
        let learned = self.pins(token)?;
        self.asked.check_others(token)?;
        self.check_refs(token)?;
        Ok(learned)
    }

    fn describe(&self) -> String {
        let mut text = self.asked.describe();
        for (field, pattern) in &self.refs {
            text.push_str(&format!(", {} {}", field.name(), shown(pattern.as_str())));
        }
        text
    }
}
