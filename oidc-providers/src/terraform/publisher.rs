use oidc_core::{ImmutableId, Mismatch, PublisherField};

use super::fields::{FIELDS, ORGANIZATION, ORGANIZATION_ID, PHASE, PROJECT, WORKSPACE, WORKSPACE_ID};
use crate::codes;
use crate::rules::config::{Config, Fault, invalid};
use crate::rules::exact::{Asked, Exact};
use crate::rules::token::{Token, differs};
use crate::rules::{Field, configured, names};

static ASKED: &[Asked] = &[(&ORGANIZATION, is_name), (&WORKSPACE, is_name), (&PROJECT, names::ascii)];

/// The phase that publishes where the publisher names none: a speculative plan runs for any change.
const APPLY: &str = "apply";

/// The limit on an id, in characters.
const MAX_ID: usize = 64;

/// A workspace that may publish.
#[derive(Debug)]
pub(super) struct Rules {
    asked: Exact,
    ids: [(&'static Field, Option<String>); 2],
    phase: Option<String>,
}

impl Rules {
    fn check_phase(&self, token: &Token<'_>) -> Result<(), Mismatch> {
        if let Some(phase) = &self.phase {
            return token.is(&PHASE, phase);
        }
        let found = token.required(PHASE.claim)?;
        if found == APPLY {
            return Ok(());
        }
        let fix = "publish in the apply phase: a plan may run for a change that nobody approved";
        Err(Mismatch::new(differs(&PHASE, &found, APPLY).fix(fix)))
    }
}

impl configured::Rules for Rules {
    const FIELDS: &'static [PublisherField] = FIELDS;
    const KEY: &'static [(&'static str, &'static Field)] =
        &[("organization", &ORGANIZATION), ("workspace", &WORKSPACE)];

    fn read(config: &mut Config<'_>, _issuer: &str) -> Self {
        Self {
            asked: Exact::read(config, ASKED),
            ids: config.ids([&WORKSPACE_ID, &ORGANIZATION_ID], id),
            phase: config.text(&PHASE, |key, phase| names::one_of(key, phase, PHASE.of.choices)),
        }
    }

    fn value(&self, field: &Field) -> &str {
        self.asked.value(field)
    }

    fn hold(&self, token: &Token<'_>) -> Result<Vec<ImmutableId>, Mismatch> {
        self.asked.check_names(token)?;
        let learned = token.pins(&self.ids, |id| token.learn(id, is_id).map(Some))?;
        self.asked.check_others(token)?;
        self.check_phase(token)?;
        Ok(learned)
    }

    fn describe(&self) -> String {
        self.asked.describe()
    }
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
