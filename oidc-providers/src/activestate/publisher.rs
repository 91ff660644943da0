use oidc_core::{Diagnosis, ImmutableId, Mismatch, PublisherField, Target};

use super::fields::{ACTOR, FIELDS, ORGANIZATION, ORGANIZATION_ID, PROJECT, PROJECT_ID};
use crate::codes;
use crate::rules::config::Config;
use crate::rules::exact::{Asked, Exact};
use crate::rules::link::is_uuid;
use crate::rules::token::{Token, differs};
use crate::rules::{Field, configured, names};

const SUBJECT: Field = PROJECT.on("sub", codes::ACTIVESTATE_SUBJECT);

static ASKED: &[Asked] = &[(&ORGANIZATION, names::ascii), (&PROJECT, names::ascii), (&ACTOR, names::uuid)];

/// The claim that names the builder.
const BUILDER: &str = "builder";

/// The builder that ActiveState has for publishing.
const PUBLISHER: &str = "pypi-publisher";

/// A project that a user may publish from.
#[derive(Debug)]
pub(super) struct Rules {
    asked: Exact,
    ids: [(&'static Field, Option<String>); 2],
}

impl Rules {
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

impl configured::Rules for Rules {
    const FIELDS: &'static [PublisherField] = FIELDS;
    const KEY: &'static [(&'static str, &'static Field)] = &[("", &ORGANIZATION), ("", &PROJECT)];

    fn read(config: &mut Config<'_>, _issuer: &str) -> Self {
        Self {
            asked: Exact::read(config, ASKED),
            ids: config.ids([&PROJECT_ID, &ORGANIZATION_ID], names::uuid),
        }
    }

    fn value(&self, field: &Field) -> &str {
        self.asked.value(field)
    }

    fn hold(&self, token: &Token<'_>) -> Result<Vec<ImmutableId>, Mismatch> {
        self.asked.check_names(token)?;
        let learned = self.pins(token)?;
        self.asked.check_others(token)?;
        is_publishing(token)?;
        self.check_subject(token)?;
        Ok(learned)
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
