//! Publishers of one issuer, as a platform's table has them.

use std::iter::zip;

use oidc_core::{
    Certified, Claims, Identity, InvalidPublisher, Match, Mismatch, Publisher, Unverified, Verified,
};
use serde_json::Value;

use super::Comparison;
use super::config::Config;
use super::held::{Held, Scope};
use super::table::{ConfiguredId, Table};
use super::token::Token;

/// A publisher of one issuer.
#[derive(Debug)]
pub(crate) struct Configured {
    table: &'static Table,
    issuer: String,
    comparison: Comparison,
    names: Vec<String>,
    ids: Vec<ConfiguredId>,
    /// The rules that the publisher has, those on the run's circumstances marked.
    rules: Vec<(bool, Box<dyn Held>)>,
    specificity: u32,
}

impl Configured {
    /// Reads a publisher's configuration. Its specificity is greater by `base` than that of its fields.
    pub(crate) fn read(
        table: &'static Table,
        issuer: &str,
        comparison: Comparison,
        base: u32,
        config: &Value,
    ) -> Result<Self, InvalidPublisher> {
        let mut config = Config::new(config, table.fields);
        let names: Vec<String> = table.keys.iter().map(|key| key.read(&mut config, issuer)).collect();
        let ids = table.ids.read(&mut config);
        let scope = Scope { comparison, names: &names };
        let rules = table.rules.iter().copied().flatten();
        let rules = rules
            .filter_map(|rule| Some((rule.is_circumstance(), rule.read(&mut config, &scope)?)))
            .collect();
        let specificity = base + config.specificity();
        let issuer = issuer.to_owned();
        config.finish(Self { table, issuer, comparison, names, ids, rules, specificity })
    }

    fn token<'t>(&self, claims: &'t Claims) -> Token<'t> {
        Token { claims, comparison: self.comparison }
    }

    /// Compares a token of the right issuer with every rule: the names by which the publisher is found, the ids, and
    /// then everything else.
    fn hold(&self, token: &Token<'_>) -> Result<Match, Mismatch> {
        (self.table.of_issuer)(token, &self.issuer)?;
        let id = self.table.ids.of_repository(&self.ids);
        for (key, name) in zip(self.table.keys, &self.names) {
            match id {
                Some((id, pinned)) => token.is_named(key.field, name, id, pinned.as_deref())?,
                None => token.is(key.field, name)?,
            }
        }
        let learned = self.table.ids.check(token, &self.ids)?;
        self.rules.iter().try_for_each(|(_, rule)| rule.check(token))?;
        Ok(Match::new(self.specificity, learned))
    }
}

impl Publisher for Configured {
    fn identity(&self) -> Identity {
        Identity::new(&self.issuer, self.table.key(self.comparison, &self.names))
    }

    fn check(&self, claims: &Verified<Claims>) -> Result<Match, Mismatch> {
        let token = self.token(claims);
        token.is_from(&self.issuer)?;
        self.hold(&token)
    }

    fn check_certified(&self, claims: &Certified<Claims>) -> Result<(), Mismatch> {
        if !self.table.is_certified {
            return Err(Mismatch::uncertified());
        }
        let token = self.token(claims);
        token.is_from(&self.issuer)?;
        self.hold(&token).map(drop)
    }

    fn explain(&self, claims: &Unverified<Claims>) -> Option<Mismatch> {
        self.hold(&self.token(claims.read_unverified())).err()
    }

    fn describe(&self) -> String {
        let names = zip(self.table.keys, &self.names).map(|(key, name)| key.words(name));
        let of_kind = |is_last: bool| {
            let rules = self.rules.iter().filter(move |(is_circumstance, _)| *is_circumstance == is_last);
            rules.filter_map(|(_, rule)| rule.describe())
        };
        names.chain(of_kind(false)).chain(of_kind(true)).collect::<Vec<_>>().join(", ")
    }
}
