use oidc_core::{Claims, Identity, InvalidPublisher, Match, Mismatch, Publisher, Unverified, Verified};
use serde_json::Value;

use super::fields::{FIELDS, ORGANIZATION, ORGANIZATION_ID, PHASE, PROJECT, WORKSPACE, WORKSPACE_ID};
use crate::codes;
use crate::rules::config::{Config, Fault, invalid};
use crate::rules::exact::{Asked, Exact};
use crate::rules::token::{Token, differs};
use crate::rules::{Comparison, Field, names};

static ASKED: &[Asked] = &[(&ORGANIZATION, is_name), (&WORKSPACE, is_name), (&PROJECT, names::ascii)];

/// The phase that publishes where the publisher names none: a speculative plan runs for any change.
const APPLY: &str = "apply";

/// The limit on an id, in characters.
const MAX_ID: usize = 64;

/// A workspace that may publish.
#[derive(Debug)]
pub(super) struct Rules {
    issuer: String,
    asked: Exact,
    ids: [(&'static Field, Option<String>); 2],
    phase: Option<String>,
    specificity: u32,
}

impl Rules {
    pub(super) fn read(issuer: &str, config: &Value) -> Result<Self, InvalidPublisher> {
        let mut config = Config::new(config, FIELDS);
        let rules = Self {
            issuer: issuer.to_owned(),
            asked: Exact::read(&mut config, ASKED),
            ids: config.ids([&WORKSPACE_ID, &ORGANIZATION_ID], id),
            phase: config.text(&PHASE, |key, phase| names::one_of(key, phase, PHASE.of.choices)),
            specificity: config.specificity(),
        };
        config.finish(rules)
    }

    /// Compares a token of the right issuer with every rule.
    fn hold(&self, token: &Token<'_>) -> Result<Match, Mismatch> {
        self.asked.check_names(token)?;
        let learned = token.pins(&self.ids, |id| token.learn(id, is_id).map(Some))?;
        self.asked.check_others(token)?;
        self.check_phase(token)?;
        Ok(Match::new(self.specificity, learned))
    }

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

impl Publisher for Rules {
    fn identity(&self) -> Identity {
        Identity::new(&self.issuer, key(self.asked.value(&ORGANIZATION), self.asked.value(&WORKSPACE)))
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
        self.asked.describe()
    }
}

/// The identity that a token proves.
pub(super) fn identity(issuer: &str, token: &Token<'_>) -> Result<Identity, Mismatch> {
    let (organization, workspace) = (token.required(ORGANIZATION.claim)?, token.required(WORKSPACE.claim)?);
    Ok(Identity::new(issuer, key(&organization, &workspace)))
}

fn key(organization: &str, workspace: &str) -> String {
    format!("organization/{organization}/workspace/{workspace}")
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
