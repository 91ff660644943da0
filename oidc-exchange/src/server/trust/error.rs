use oidc_core::{InvalidPublisher, RandomError};

use super::MAX_ACCOUNT;
use crate::server::policy::PublisherLimit;
use crate::server::store_error::StoreError;

/// An error of configuring a publisher, with its place on a form:
///
/// | error | place |
/// |---|---|
/// | [`Publisher`](Self::Publisher) | beside the fields that it names ([`InvalidPublisher::of`]) |
/// | [`Provider`](Self::Provider), [`Issuer`](Self::Issuer), [`WhichIssuer`](Self::WhichIssuer) | beside the choice of the platform |
/// | [`Prefix`](Self::Prefix), [`PendingPrefix`](Self::PendingPrefix) | beside the package |
/// | [`Exists`](Self::Exists), [`TooMany`](Self::TooMany), [`Missing`](Self::Missing) | above the form |
/// | [`Account`](Self::Account), [`Random`](Self::Random), [`Store`](Self::Store) | not on the form: the application or the registry failed |
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrustError {
    /// This registry knows no such platform.
    #[error("this registry trusts no platform `{provider}`")]
    Provider {
        /// The platform, fit to be shown.
        provider: String,
    },
    /// This registry does not trust the issuer for that platform.
    #[error("this registry trusts no issuer `{issuer}` of `{provider}`; it trusts {known}")]
    Issuer {
        /// The platform, fit to be shown.
        provider: String,
        /// The issuer, fit to be shown.
        issuer: String,
        /// The issuers that this registry trusts for the platform.
        known: String,
    },
    /// The platform has several issuers here.
    #[error("`{provider}` has several issuers here; name one of {known} as `issuer`")]
    WhichIssuer {
        /// The platform, fit to be shown.
        provider: String,
        /// The issuers to choose from.
        known: String,
    },
    /// The platform refuses the configuration. The error contains every fault and its field
    /// ([`InvalidPublisher::of`]).
    #[error(transparent)]
    Publisher(#[from] InvalidPublisher),
    /// The account has this publisher for the package already. Publishers of other accounts are not reported.
    #[error("the package has this trusted publisher already")]
    Exists {
        /// The id of that publisher.
        id: String,
    },
    /// The record's account can't be the name of an account.
    #[error(
        "the publisher's account is empty or longer than {MAX_ACCOUNT} bytes, or has control characters; name the account, or \
         leave it out for a publisher of the operator's own"
    )]
    Account,
    /// The record is for a prefix of names, and the registry allows no such publishers; see
    /// [`TrustPolicy::prefixes_per_account`](crate::server::TrustPolicy::prefixes_per_account).
    #[error("this registry takes trusted publishers for one package each, not for a prefix of names")]
    Prefix,
    /// The record is for a prefix of names and pending.
    #[error(
        "a trusted publisher for a prefix of names creates no package; configure a pending one for the package that is to be created"
    )]
    PendingPrefix,
    /// The package has no publisher of this id.
    #[error("the package has no such trusted publisher")]
    Missing,
    /// The account has reached a limit.
    #[error("the {limit} {number} {} already; remove one first", limit.noun())]
    TooMany {
        /// The limit that is reached.
        limit: PublisherLimit,
        /// The number that the limit allows.
        number: u32,
    },
    /// No id could be made.
    #[error(transparent)]
    Random(#[from] RandomError),
    /// The store can't be reached.
    #[error(transparent)]
    Store(#[from] StoreError),
}
