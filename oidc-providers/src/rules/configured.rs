//! Publishers of one issuer: the part of every platform's publisher that does not depend on the platform.

use std::borrow::Cow;
use std::fmt;
use std::iter::zip;

use oidc_core::{
    Claims, Identity, ImmutableId, InvalidPublisher, Match, Mismatch, Publisher, PublisherField, Unverified,
    Verified,
};
use serde_json::Value;

use super::config::Config;
use super::token::Token;
use super::{Comparison, Field};

/// The rules of a platform's publisher.
pub(crate) trait Rules: fmt::Debug + Send + Sync + Sized + 'static {
    /// Every field of a publisher.
    const FIELDS: &'static [PublisherField];
    /// The fields by which a publisher is found. In its key, each stands behind its text, unless that is empty.
    const KEY: &'static [(&'static str, &'static Field)];

    /// Reads the rules of a configuration for an issuer.
    fn read(config: &mut Config<'_>, issuer: &str) -> Self;

    /// Returns the value of one of the fields by which the publisher is found.
    fn value(&self, field: &Field) -> &str;

    /// Compares a token of the right issuer with every rule, and returns the ids to be learned.
    fn hold(&self, token: &Token<'_>) -> Result<Vec<ImmutableId>, Mismatch>;

    /// Returns the rules in words for a person.
    fn describe(&self) -> String;

    /// Checks that a token has an identity at all, where its key is not all there is to it.
    fn identifies(_token: &Token<'_>, _issuer: &str) -> Result<(), Mismatch> {
        Ok(())
    }
}

/// A publisher of one issuer.
#[derive(Debug)]
pub(crate) struct Configured<R> {
    issuer: String,
    rules: R,
    specificity: u32,
}

impl<R: Rules> Configured<R> {
    /// Reads a publisher's configuration.
    pub(crate) fn read(issuer: &str, config: &Value) -> Result<Box<dyn Publisher>, InvalidPublisher> {
        let mut config = Config::new(config, R::FIELDS);
        let rules = R::read(&mut config, issuer);
        let specificity = config.specificity();
        Ok(Box::new(config.finish(Self { issuer: issuer.to_owned(), rules, specificity })?))
    }

    /// Returns the identity that a token proves.
    pub(crate) fn identify(claims: &Verified<Claims>) -> Result<Identity, Mismatch> {
        let token = Token::of(claims);
        R::identifies(&token, claims.issuer())?;
        let values: Result<Vec<_>, _> = R::KEY.iter().map(|(_, field)| token.required(field.claim)).collect();
        Ok(Identity::new(claims.issuer(), key::<R>(values?)))
    }
}

impl<R: Rules> Publisher for Configured<R> {
    fn identity(&self) -> Identity {
        let values = R::KEY.iter().map(|(_, field)| Cow::Borrowed(self.rules.value(field)));
        Identity::new(&self.issuer, key::<R>(values))
    }

    fn check(&self, claims: &Verified<Claims>) -> Result<Match, Mismatch> {
        let token = Token::of(claims);
        token.is_from(&self.issuer)?;
        Ok(Match::new(self.specificity, self.rules.hold(&token)?))
    }

    fn explain(&self, claims: &Unverified<Claims>) -> Option<Mismatch> {
        self.rules.hold(&Token::of(claims.read_unverified())).err()
    }

    fn describe(&self) -> String {
        self.rules.describe()
    }
}

/// The key of these values of the fields by which publishers are found, the same for values that are compared as equal.
fn key<'v, R: Rules>(values: impl IntoIterator<Item = Cow<'v, str>>) -> String {
    let part = |((before, field), value): (&(&str, &Field), Cow<'_, str>)| {
        let value = Comparison::default().key(field, &value);
        if before.is_empty() { value } else { format!("{before}/{value}") }
    };
    zip(R::KEY, values).map(part).collect::<Vec<_>>().join("/")
}
