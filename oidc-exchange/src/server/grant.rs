use oidc_core::{Pin, Run, Timestamp};

use super::mint::TokenHash;
use super::package::{Package, PackageOwner};
use super::token::{GrantedPackage, TokenRecord};

/// A decision to mint, ready to be stored. Only [`Exchange`](super::Exchange) makes one, so that a store can't
/// compute one wrongly: it gets the replay key, how long to remember it, and the publish token's hash where there is one to
/// store.
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

/// One package of a grant, and the publisher that lets the token in.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct GrantedBy {
    /// The package; of a publisher for a prefix, the prefix where the request named no package.
    pub package: Package,
    /// The publisher's id in the store.
    pub publisher: String,
    /// Whether the publisher was pending when it was decided: see [`GrantedPackage::may_create`].
    pub may_create: bool,
    /// Whose the package has to be when it is published: see [`GrantedPackage::only_of`].
    pub only_of: Option<PackageOwner>,
    /// Ids that the publisher learns from this token.
    pub learned: Vec<Pin>,
}

impl Grant {
    /// What identifies this use of the identity token: to be unique among what is remembered.
    pub fn replay_key(&self) -> &[u8; 32] {
        &self.replay_key
    }

    /// Returns the earliest moment by this registry's clock at which the identity token can have been issued: its `iat`, less the
    /// verifier's leeway. A store that has forgotten uses from before some moment refuses tokens that are older.
    pub fn issued_at(&self) -> Timestamp {
        self.issued_at
    }

    /// How long to remember the use. It outlives the identity token.
    pub fn remember_until(&self) -> Timestamp {
        self.remember_until
    }

    /// How often the identity token may be used under this replay key.
    pub fn max_uses(&self) -> u32 {
        self.max_uses
    }

    /// Returns the publish token's hash; `None` where there is no token to store.
    pub fn token(&self) -> Option<&TokenHash> {
        self.token.as_ref()
    }

    /// Returns the rights of a publish token for this grant.
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

    /// The same without the packages of these publishers.
    pub(super) fn without(mut self, publishers: &[String]) -> Self {
        self.packages.retain(|by| !publishers.contains(&by.publisher));
        self
    }

    /// Now.
    pub fn created_at(&self) -> Timestamp {
        self.created_at
    }

    /// When the publish token ends.
    pub fn expires_at(&self) -> Timestamp {
        self.expires_at
    }

    /// What the publish token publishes, and who let it: each package once, and once more for each publisher of a prefix, in the
    /// order of the publishers' ids, so that stores that lock in this order never wait for each other in a circle.
    pub fn packages(&self) -> &[GrantedBy] {
        &self.packages
    }

    /// The platform that the run is on.
    pub fn provider(&self) -> &str {
        &self.provider
    }

    /// The issuer that the run's identity is from.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// The run that the token is minted for.
    pub fn run(&self) -> &Run {
        &self.run
    }
}
