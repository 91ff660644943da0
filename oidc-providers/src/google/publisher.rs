use oidc_core::{ImmutableId, Mismatch, PublisherField};

use super::fields::{EMAIL, FIELDS, SUBJECT};
use crate::codes;
use crate::rules::config::{Config, Fault, invalid};
use crate::rules::exact::{Asked, Exact};
use crate::rules::token::Token;
use crate::rules::{Field, configured, names};

static ASKED: &[Asked] = &[(&EMAIL, is_address)];

/// The limit on a subject, in characters (OpenID Connect Core 1.0, section 2).
const MAX_SUBJECT: usize = 255;

/// An account that may publish.
#[derive(Debug)]
pub(super) struct Rules {
    account: Exact,
    ids: [(&'static Field, Option<String>); 1],
}

impl configured::Rules for Rules {
    const FIELDS: &'static [PublisherField] = FIELDS;
    const KEY: &'static [(&'static str, &'static Field)] = &[("", &EMAIL)];

    fn read(config: &mut Config<'_>, _issuer: &str) -> Self {
        Self { account: Exact::read(config, ASKED), ids: config.ids([&SUBJECT], subject) }
    }

    fn value(&self, field: &Field) -> &str {
        self.account.value(field)
    }

    fn hold(&self, token: &Token<'_>) -> Result<Vec<ImmutableId>, Mismatch> {
        self.account.check_names(token)?;
        let learned = token.pins(&self.ids, |id| token.learn(id, is_subject).map(Some))?;
        is_verified(token)?;
        Ok(learned)
    }

    /// Describes the account without its address, which may be a person's and does not belong in logs.
    fn describe(&self) -> String {
        let (_, domain) = self.account.value(&EMAIL).rsplit_once('@').unwrap_or_default();
        format!("an account of {domain}")
    }

    /// A token whose address Google did not verify has no identity.
    fn identifies(token: &Token<'_>, _issuer: &str) -> Result<(), Mismatch> {
        is_verified(token)
    }
}

/// Checks that a text is the address of an account, as Google writes it.
fn is_address(key: &str, text: &str) -> Result<(), Fault> {
    names::ascii(key, text)?;
    let parts = text.split_once('@').filter(|(name, domain)| {
        !name.is_empty()
            && domain.contains('.')
            && !domain.contains('@')
            && !text.contains(char::is_whitespace)
    });
    if parts.is_some() {
        return Ok(());
    }
    let fix = "write the service account's address, such as `publisher@project.iam.gserviceaccount.com`";
    Err(invalid(codes::PUBLISHER_EMAIL, key, "it is not an e-mail address").found(text).fix(fix))
}

fn is_verified(token: &Token<'_>) -> Result<(), Mismatch> {
    token.flag("email_verified", codes::GOOGLE_EMAIL_UNVERIFIED, true)
}

/// Checks that a text is an account's number.
fn subject(key: &str, text: &str) -> Result<(), Fault> {
    if is_subject(text) {
        return Ok(());
    }
    let fault = invalid(codes::PUBLISHER_ID, key, "it is not an account's number").found(text);
    Err(fault.fix("write the number, or leave it out and let it be learned"))
}

fn is_subject(text: &str) -> bool {
    (1..=MAX_SUBJECT).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}
