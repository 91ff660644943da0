use oidc_core::{
    Claims, Diagnosis, Identity, ImmutableId, InvalidPublisher, Match, Mismatch, Publisher, Target,
    Unverified, Verified,
};
use serde_json::Value;

use super::fields::{ACTOR, FIELDS, ORGANIZATION, ORGANIZATION_ID, PROJECT, PROJECT_ID};
use crate::codes;
use crate::rules::config::Config;
use crate::rules::exact::{Asked, Exact};
use crate::rules::link::is_uuid;
use crate::rules::names;
use crate::rules::token::{Token, differs};
use crate::rules::{Comparison, Field};

const SUBJECT: Field = PROJECT.on("sub", codes::ACTIVESTATE_SUBJECT);

static ASKED: &[Asked] = &[(&ORGANIZATION, names::ascii), (&PROJECT, names::ascii), (&ACTOR, names::uuid)];

/// The claim that names the builder.
const BUILDER: &str = "builder";

/// The builder that ActiveState has for publishing.
const PUBLISHER: &str = "pypi-publisher";

/// A project that a user may publish from.
#[derive(Debug)]
pub(super) struct Rules {
    issuer: String,
    asked: Exact,
    ids: [(&'static Field, Option<String>); 2],
}

impl Rules {
    pub(super) fn read(issuer: &str, config: &Value) -> Result<Self, InvalidPublisher> {
        let mut config = Config::new(config, FIELDS);
        let rules = Self {
            issuer: issuer.to_owned(),
            asked: Exact::read(&mut config, ASKED),
            ids: config.ids([&PROJECT_ID, &ORGANIZATION_ID], names::uuid),
        };
        config.finish(rules)
    }

    /// Compares a token of the right issuer with every rule.
    fn hold(&self, token: &Token<'_>) -> Result<Match, Mismatch> {
        self.asked.check_names(token)?;
        let learned = self.pins(token)?;
        self.asked.check_others(token)?;
        is_publishing(token)?;
        self.check_subject(token)?;
        Ok(Match::new(0, learned))
    }

    /// Checks the pinned ids. Not every token has the ids, and a token without a pinned id is refused.
    fn pins(&self, token: &Token<'_>) -> Result<Vec<ImmutableId>, Mismatch> {
        token.pins(&self.ids, |id| match token.optional(id.claim)? {
            Some(_) => token.learn(id, is_uuid).map(Some),
            None => Ok(None),
        })
    }

    fn check_subject(&self, token: &Token<'_>) -> Result<(), Mismatch> {
        let (organization, project) = (self.asked.value(&ORGANIZATION), self.asked.value(&PROJECT));
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
}

impl Publisher for Rules {
    fn identity(&self) -> Identity {
        let (organization, project) = (self.asked.value(&ORGANIZATION), self.asked.value(&PROJECT));
        Identity::new(&self.issuer, format!("{organization}/{project}"))
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

/// The identity that a token proves.
pub(super) fn identity(issuer: &str, token: &Token<'_>) -> Result<Identity, Mismatch> {
    let (organization, project) = (token.required(ORGANIZATION.claim)?, token.required(PROJECT.claim)?);
    Ok(Identity::new(issuer, format!("{organization}/{project}")))
}
