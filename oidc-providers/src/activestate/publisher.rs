use oidc_core::{
    Claims, Identity, InvalidPublisher, Match, Mismatch, Pin, Publisher, Setting, Unverified, Verified,
};
use serde_json::Value;

use crate::rules::config::Config;
use crate::rules::exact::{self, Asked, Exact};
use crate::rules::link::is_uuid;
use crate::rules::names;
use crate::rules::token::{Token, differs};
use crate::rules::{Comparison, Field};

const ORGANIZATION: Field = Field::exact("organization", "organization", "activestate-organization");
const PROJECT: Field = Field::exact("project", "project", "activestate-project");
const ACTOR: Field = Field::exact("actor_id", "actor_id", "activestate-actor");
const ORGANIZATION_ID: Field =
    Field::exact("organization_id", "organization_id", "activestate-organization-id");
const PROJECT_ID: Field = Field::exact("project_id", "project_id", "activestate-project-id");
const BUILDER: Field = Field::exact("builder", "builder", "activestate-builder");
const SUBJECT: Field = Field::exact("project", "sub", "activestate-subject");

static ASKED: &[Asked] = &[
    Asked::name(ORGANIZATION, "organisation", "acme", names::ascii),
    Asked::name(PROJECT, "project", "widget", names::ascii),
    Asked::required(ACTOR, "actor", "00000000-0000-1000-8000-000000000002", names::uuid),
];

/// Every key that a configuration may have.
const KEYS: &[&str] = &[ORGANIZATION.key, PROJECT.key, ACTOR.key, ORGANIZATION_ID.key, PROJECT_ID.key];

/// The one of ActiveState's builders that publishes.
const PUBLISHER: &str = "pypi-publisher";

/// A project that a user may publish from.
#[derive(Debug)]
pub(super) struct ActiveStatePublisher {
    issuer: String,
    asked: Exact,
    ids: [(&'static Field, Option<String>); 2],
}

impl ActiveStatePublisher {
    pub(super) fn read(issuer: &str, config: &Value) -> Result<Self, InvalidPublisher> {
        let config = Config::new(config, KEYS)?;
        let id = |field: &'static Field| -> Result<_, InvalidPublisher> {
            let id = config.text(field.key)?;
            id.map_or(Ok(()), |id| names::uuid(field.key, id))?;
            Ok((field, id.map(str::to_owned)))
        };
        Ok(Self {
            issuer: issuer.to_owned(),
            asked: Exact::read(&config, ASKED)?,
            ids: [id(&ORGANIZATION_ID)?, id(&PROJECT_ID)?],
        })
    }

    /// Holds a token of the right issuer against every rule.
    fn hold(&self, token: &Token<'_>) -> Result<Match, Mismatch> {
        self.asked.check_names(token)?;
        let learned = self.pins(token)?;
        self.asked.check_others(token)?;
        token.is(&BUILDER, PUBLISHER)?;
        self.check_subject(token)?;
        Ok(Match::new(0, learned))
    }

    /// Not every token has the ids. One that lacks a pinned id is refused.
    fn pins(&self, token: &Token<'_>) -> Result<Vec<Pin>, Mismatch> {
        let ids = self.ids.each_ref().map(|(field, id)| (*field, id.as_deref()));
        token.pins(&ids, |id| match token.optional(id.claim)? {
            Some(_) => token.learn(id, is_uuid).map(Some),
            None => Ok(None),
        })
    }

    fn check_subject(&self, token: &Token<'_>) -> Result<(), Mismatch> {
        let (organization, project) = (self.asked.value(ORGANIZATION.key), self.asked.value(PROJECT.key));
        let expected = format!("org:{organization}:project:{project}");
        let found = token.required(SUBJECT.claim)?;
        match found.strip_prefix(&expected) {
            Some(rest) if rest.is_empty() || rest.starts_with(':') => Ok(()),
            _ => {
                let fix = "the token contradicts itself; tell the platform's operator";
                Err(Mismatch::new(differs(&SUBJECT, &found, &expected).fix(fix)))
            }
        }
    }
}

impl Publisher for ActiveStatePublisher {
    fn identity(&self) -> Identity {
        let (organization, project) = (self.asked.value(ORGANIZATION.key), self.asked.value(PROJECT.key));
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

/// What a publisher that lets this job in is configured with.
pub(super) fn settings(claims: &Claims) -> Vec<Setting> {
    exact::settings(claims, &[&ORGANIZATION, &PROJECT, &ACTOR], &[&ORGANIZATION_ID, &PROJECT_ID])
}

/// Whom a token speaks for.
pub(super) fn identity(issuer: &str, token: &Token<'_>) -> Result<Identity, Mismatch> {
    let (organization, project) = (token.required(ORGANIZATION.claim)?, token.required(PROJECT.claim)?);
    Ok(Identity::new(issuer, format!("{organization}/{project}")))
}
