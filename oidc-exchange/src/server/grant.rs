use oidc_core::{ImmutableId, Run, Timestamp};

use super::package::Package;
use super::package_owner::PackageOwner;
use super::token::{GrantedPackage, TokenRecord};
use super::token_hash::TokenHash;

/// A decision to mint, ready to be stored. Only [`Exchange`](super::Exchange) makes a grant, so that a store
/// can't make a wrong one: a store gets the replay key, the time for which to remember it, and the hash of
/// the publish token, where there is a token to store.
#[derive(Clone, Debug)]
pub struct Grant {
    pub(super) replay_key: [u8; 32],
    pub(super) issued_at: Timestamp,
    pub(super) remember_until: Timestamp,
    pub(super) max_uses: u32,
    pub(super) token: Option<TokenHash>,
    pub(super) created_at: Timestamp,
    pub(super) expires_at: Timestamp,
    pub(super) packages: Vec<GrantedBy>,
    pub(super) provider: String,
    pub(super) issuer: String,
    pub(super) run: Run,
}

/// One package of a grant, with the publisher that accepted the token.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct GrantedBy {
    /// The package; or the prefix, if the publisher is for a prefix of names and the request named no package.
    pub package: Package,
    /// The publisher's id in the store.
    pub publisher: String,
    /// `true` if the publisher was pending at the time of the decision: see [`GrantedPackage::may_create`].
    pub may_create: bool,
    /// The required owner of the package when it is published; see [`GrantedPackage::only_of`].
    pub only_of: Option<PackageOwner>,
    /// Ids that the publisher learns from this token.
    pub learned: Vec<ImmutableId>,
}

impl Grant {
    /// Returns the key of this use of the identity token, which must be unique among the remembered uses.
    pub fn replay_key(&self) -> &[u8; 32] {
        &self.replay_key
    }

    /// Returns the earliest time by this registry's clock at which the identity token can have been issued: its `iat`
    /// minus the verifier's leeway. A store that has lost the records of uses before some time refuses tokens that
    /// may have been issued before it.
    pub fn issued_at(&self) -> Timestamp {
        self.issued_at
    }

    /// Returns the time until which to remember the use. It is later than the identity token's `exp`.
    pub fn remember_until(&self) -> Timestamp {
        self.remember_until
    }

    /// Returns the number of times that the identity token may be used with this replay key.
    pub fn max_uses(&self) -> u32 {
        self.max_uses
    }

    /// Returns the publish token's hash; `None` where there is no token to store.
    pub fn token(&self) -> Option<&TokenHash> {
        self.token.as_ref()
    }

    /// Returns the record of a publish token for this grant: its packages, its run and its expiry.
    pub fn record(&self) -> TokenRecord {
        let granted = |by: &GrantedBy| {
            GrantedPackage::new(by.package.clone(), by.publisher.clone(), by.may_create)
                .only_of(by.only_of.clone())
        };
        TokenRecord::new(
            self.packages.iter().map(granted).collect(),
            self.expires_at,
            self.provider.clone(),
            self.issuer.clone(),
            self.run.clone(),
        )
    }

    /// Returns the grant without the packages of these publishers.
    pub(super) fn without(mut self, publishers: &[String]) -> Self {
        self.packages.retain(|by| !publishers.contains(&by.publisher));
        self
    }

    /// Returns the time of the decision.
    pub fn created_at(&self) -> Timestamp {
        self.created_at
    }

    /// Returns the time at which the publish token expires.
    pub fn expires_at(&self) -> Timestamp {
        self.expires_at
    }

    /// Returns the packages of the publish token, each with the publisher that accepted the identity token.
    /// Each package occurs once, and once more for each publisher for a prefix. The order is that of the
    /// publishers' ids, so that stores that lock in this order don't deadlock.
    pub fn packages(&self) -> &[GrantedBy] {
        &self.packages
    }

    /// Returns the platform of the run.
    pub fn provider(&self) -> &str {
        &self.provider
    }

    /// Returns the issuer of the run's identity.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// Returns the run that the token is minted for.
    pub fn run(&self) -> &Run {
        &self.run
    }
}
