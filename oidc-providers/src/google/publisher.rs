use oidc_core::{
    Claims, Identity, InvalidPublisher, Match, Mismatch, Publisher, Setting, Unverified, Verified,
};
use serde_json::Value;

use crate::rules::config::{Config, invalid};
use crate::rules::exact::{self, Asked, Exact};
use crate::rules::token::Token;
use crate::rules::{Comparison, Field, names};

const EMAIL: Field = Field::exact("email", "email", "google-email");
const VERIFIED: Field = Field::exact("email", "email_verified", "google-email-unverified");
const SUBJECT: Field = Field::exact("sub", "sub", "google-subject");

static ASKED: &[Asked] =
    &[Asked::name(EMAIL, "account", "publisher@project.iam.gserviceaccount.com", is_address)];

/// Every key that a configuration may have.
const KEYS: &[&str] = &[EMAIL.key, SUBJECT.key];

/// A subject has so many characters at most (OpenID Connect Core 1.0, section 2).
const MAX_SUBJECT: usize = 255;

/// An account that may publish.
#[derive(Debug)]
pub(super) struct GooglePublisher {
    issuer: String,
    account: Exact,
    subject: Option<String>,
}

impl GooglePublisher {
    pub(super) fn read(issuer: &str, config: &Value) -> Result<Self, InvalidPublisher> {
        let config = Config::new(config, KEYS)?;
        let subject = config.text(SUBJECT.key)?;
        if let Some(subject) = subject.filter(|subject| !is_subject(subject)) {
            let refused = invalid("publisher-id", SUBJECT.key, "it is not an account's number");
            return Err(refused
                .found(subject)
                .fix("write the number, or leave it out and let it be learned")
                .into());
        }
        Ok(Self {
            issuer: issuer.to_owned(),
            account: Exact::read(&config, ASKED)?,
            subject: subject.map(str::to_owned),
        })
    }

    /// Holds a token of the right issuer against every rule.
    fn hold(&self, token: &Token<'_>) -> Result<Match, Mismatch> {
        self.account.check_names(token)?;
        let ids = [(&SUBJECT, self.subject.as_deref())];
        let learned = token.pins(&ids, |id| token.learn(id, is_subject).map(Some))?;
        token.flag(&VERIFIED, true)?;
        Ok(Match::new(0, learned))
    }
}

impl Publisher for GooglePublisher {
    fn identity(&self) -> Identity {
        Identity::new(&self.issuer, self.account.value(EMAIL.key))
    }

    fn check(&self, claims: &Verified<Claims>) -> Result<Match, Mismatch> {
        let token = Token { claims, comparison: Comparison::default() };
        token.is_from(&self.issuer)?;
        self.hold(&token)
    }

    fn explain(&self, claims: &Unverified<Claims>) -> Option<Mismatch> {
        self.hold(&Token { claims: claims.read_unverified(), comparison: Comparison::default() }).err()
    }

    /// Without the address, which may be a person's and doesn't belong into logs.
    fn describe(&self) -> String {
        let (_, domain) = self.account.value(EMAIL.key).rsplit_once('@').unwrap_or_default();
        format!("an account of {domain}")
    }
}

/// What a publisher that lets this job in is configured with.
pub(super) fn settings(claims: &Claims) -> Vec<Setting> {
    exact::settings(claims, &[&EMAIL], &[&SUBJECT])
}

/// Whom a token speaks for. An address that Google didn't verify speaks for nobody.
pub(super) fn identity(issuer: &str, token: &Token<'_>) -> Result<Identity, Mismatch> {
    token.flag(&VERIFIED, true)?;
    Ok(Identity::new(issuer, token.required(EMAIL.claim)?))
}

/// An address of an account, as Google writes it.
fn is_address(key: &str, text: &str) -> Result<(), InvalidPublisher> {
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
    Err(invalid("publisher-email", key, "it is not an e-mail address").found(text).fix(fix).into())
}

fn is_subject(text: &str) -> bool {
    (1..=MAX_SUBJECT).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}
