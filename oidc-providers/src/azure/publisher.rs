use oidc_core::{
    Claims, Identity, InvalidPublisher, Match, Mismatch, Publisher, Unverified, Verified, shown,
};
use serde_json::Value;

use super::fields::{DEFINITION, FIELDS, ORGANIZATION, PROJECT, REF, REPOSITORY};
use crate::rules::config::Config;
use crate::rules::exact::{Asked, Exact};
use crate::rules::glob::Pattern;
use crate::rules::token::{Token, differs};
use crate::rules::{Comparison, names};

static ASKED: &[Asked] = &[
    (&ORGANIZATION, names::uuid),
    (&PROJECT, names::uuid),
    (&DEFINITION, names::id),
    (&REPOSITORY, names::ascii),
];

/// The prefix of the refs of pull requests, which anybody can make where a pipeline builds them from forks.
const PULL_REQUESTS: &str = "refs/pull/";

/// A project's pipeline that may publish.
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
        self.check_ref(token)?;
        Ok(Match::new(self.specificity, Vec::new()))
    }

    /// Checks the ref. A pull request's run publishes only where the publisher names its ref.
    fn check_ref(&self, token: &Token<'_>) -> Result<(), Mismatch> {
        if let Some(pattern) = &self.git_ref {
            return pattern.check(token, &REF);
        }
        let found = token.required(REF.claim)?;
        if !found.starts_with(PULL_REQUESTS) {
            return Ok(());
        }
        let fix = "publish after the merge, from a branch or a tag";
        Err(Mismatch::new(differs(&REF, &found, "no pull request's").fix(fix)))
    }
}

impl Publisher for Rules {
    fn identity(&self) -> Identity {
        let value = |field| self.asked.value(field);
        Identity::new(&self.issuer, key(value(&ORGANIZATION), value(&PROJECT), value(&DEFINITION)))
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
    let organization = token.required(ORGANIZATION.claim)?;
    let (project, definition) = (token.required(PROJECT.claim)?, token.required(DEFINITION.claim)?);
    Ok(Identity::new(issuer, key(&organization, &project, &definition)))
}

fn key(organization: &str, project: &str, definition: &str) -> String {
    format!("org/{organization}/project/{project}/definition/{definition}")
}
