use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use oidc_core::Context;
use oidc_core::testing::FakeIssuer;
use oidc_providers::sample::Overrides;
use serde_json::{Value, json};

use super::{Changes, Platform};

/// The fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "cli", derive(clap::ValueEnum))]
pub enum Fault {
    /// Tokens are over a day old.
    Expired,
    /// Tokens are signed with a key that the JWKS lacks, under that key's id.
    UnpublishedKey,
    /// A second token for the same audience and changes is the first one again.
    SameToken,
    /// Discovery, JWKS and the token endpoint answer late.
    Slow,
    /// Discovery, JWKS and the token endpoint answer 503.
    Down,
    /// Tokens say that they are of another issuer.
    WrongIssuer,
}

/// The age of an expired token, in seconds, in addition to its lifetime.
const EXPIRED_SINCE: u64 = 24 * 60 * 60;

/// The issuer that tokens name under [`Fault::WrongIssuer`]. Nothing can be at this name (RFC 6761, section
/// 6.4).
const WRONG_ISSUER: &str = "https://wrong-issuer.invalid";

/// Makes tokens.
#[derive(Debug)]
pub(super) struct Minter {
    pub(super) platform: &'static Platform,
    pub(super) issuer: FakeIssuer,
    pub(super) changes: Changes,
    /// In seconds; the platform's usual one where there is none.
    pub(super) lifetime: Option<u64>,
    pub(super) fault: Option<Fault>,
    pub(super) context: Context,
    /// Under [`Fault::SameToken`], what was made.
    pub(super) made: Mutex<BTreeMap<String, String>>,
}

impl Minter {
    /// A token for an audience, with the issuer's changes and then these.
    pub(super) fn token(&self, audience: &str, changes: &Changes) -> String {
        if self.fault != Some(Fault::SameToken) {
            return self.sign(&self.claims(audience, changes));
        }
        let key = json!([audience, changes]).to_string();
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        made.entry(key).or_insert_with(|| self.sign(&self.claims(audience, changes))).clone()
    }

    /// The claims that a token for an audience has now.
    pub(super) fn claims(&self, audience: &str, changes: &Changes) -> Value {
        let (now, id) = (self.now(), FakeIssuer::unique_id());
        let sample =
            |overrides: &Overrides| (self.platform.claims)(self.issuer.url(), audience, now, &id, overrides);
        let usual = sample(&Overrides::new());
        let mut overrides = Overrides::new();
        if let Some(lifetime) = self.lifetime {
            overrides.insert("exp".to_owned(), Some(json!(now.saturating_add(lifetime))));
        }
        if self.fault == Some(Fault::WrongIssuer) {
            overrides.insert("iss".to_owned(), Some(json!(WRONG_ISSUER)));
        }
        self.changes.apply(&usual, &mut overrides);
        changes.apply(&usual, &mut overrides);
        sample(&overrides)
    }

    fn now(&self) -> u64 {
        let now = self.context.clock().now().as_secs();
        match self.fault {
            Some(Fault::Expired) => {
                now.saturating_sub(EXPIRED_SINCE).saturating_sub(self.lifetime.unwrap_or_default())
            }
            _ => now,
        }
    }

    fn sign(&self, claims: &Value) -> String {
        match self.fault {
            Some(Fault::UnpublishedKey) => self.issuer.sign_unpublished(claims),
            _ => self.issuer.sign(claims),
        }
    }
}
