use oidc_core::{
    Claims, Identity, InvalidPublisher, Match, Mismatch, Publisher, Unverified, Verified, shown,
};
use serde_json::Value;

use super::fields::{BRANCH, ENVIRONMENT, FIELDS, REPOSITORY, WORKSPACE};
use crate::codes;
use crate::rules::Comparison;
use crate::rules::config::{Config, Fault, invalid};
use crate::rules::exact::{Asked, Exact};
use crate::rules::glob::Name;
use crate::rules::link::is_uuid;
use crate::rules::token::Token;

static ASKED: &[Asked] =
    &[(&WORKSPACE, is_in_braces), (&REPOSITORY, is_in_braces), (&ENVIRONMENT, is_in_braces)];

/// A repository that may publish.
#[derive(Debug)]
pub(super) struct Rules {
    issuer: String,
    asked: Exact,
    branch: Option<Name>,
    specificity: u32,
}

impl Rules {
    pub(super) fn read(issuer: &str, config: &Value) -> Result<Self, InvalidPublisher> {
        let mut config = Config::new(config, FIELDS);
        let rules = Self {
            issuer: issuer.to_owned(),
            asked: Exact::read(&mut config, ASKED),
            branch: config.parse(&BRANCH, Name::parse),
            specificity: config.specificity(),
        };
        config.finish(rules)
    }

    /// Compares a token of the right issuer with every rule.
    fn hold(&self, token: &Token<'_>) -> Result<Match, Mismatch> {
        self.asked.check_names(token)?;
        self.asked.check_others(token)?;
        if let Some(branch) = &self.branch {
            branch.check(token, &BRANCH)?;
        }
        Ok(Match::new(self.specificity, Vec::new()))
    }
}

impl Publisher for Rules {
    fn identity(&self) -> Identity {
        Identity::new(&self.issuer, key(self.asked.value(&WORKSPACE), self.asked.value(&REPOSITORY)))
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
        if let Some(branch) = &self.branch {
            text.push_str(&format!(", branch {}", shown(branch.as_str())));
        }
        text
    }
}

/// The identity that a token proves.
pub(super) fn identity(issuer: &str, token: &Token<'_>) -> Result<Identity, Mismatch> {
    let (workspace, repository) = (token.required(WORKSPACE.claim)?, token.required(REPOSITORY.claim)?);
    Ok(Identity::new(issuer, key(&workspace, &repository)))
}

fn key(workspace: &str, repository: &str) -> String {
    format!("workspace/{workspace}/repository/{repository}")
}

/// Checks that a text is a UUID as Bitbucket writes it, in braces.
fn is_in_braces(key: &str, text: &str) -> Result<(), Fault> {
    let bare = text.trim_start_matches('{').trim_end_matches('}').to_ascii_lowercase();
    let written = format!("{{{bare}}}");
    if is_uuid(&bare) && text == written {
        return Ok(());
    }
    let fix = if is_uuid(&bare) {
        format!("write `{written}`")
    } else {
        "write the UUID that the repository's settings show, such as `{0184990a-477b-4fa8-9968-496074483cee}`"
            .to_owned()
    };
    Err(invalid(codes::PUBLISHER_ID, key, "it is not a UUID in braces and lower case").found(text).fix(fix))
}
