use oidc_core::{InvalidPublisher, RandomError, UnknownPlatform};

use super::MAX_ACCOUNT;
use crate::server::chain::Chain;
use crate::server::package::InvalidPackage;
use crate::server::policy::PublisherLimit;
use crate::server::store_error::StoreError;

/// An error of configuring a publisher. [`TrustError::place`] returns its place on a form, and [`TrustError::of`] the
/// problems of one input; a [`PublisherForm`](crate::server::PublisherForm) shows each at its place.
///
/// ```
/// use oidc_core::testing::FakePlatform;
/// use oidc_core::ProviderSet;
/// use oidc_exchange::memory::MemoryStore;
/// use oidc_exchange::server::{ErrorPlace, Package, Trust};
///
/// let platforms = ProviderSet::of(FakePlatform::new());
/// let trust = Trust::new(platforms, MemoryStore::for_tests(), &FakePlatform::new().registry());
/// let rules = serde_json::json!({ "ref": " a" });
/// let error = trust.prepare(Package::new("npm", "widget"), "fake", None, rules).unwrap_err();
/// assert_eq!(error.place(), ErrorPlace::Fields);
/// assert_eq!(error.of("ref"), ["it has white space around it (found ` a`); write `a`"]);
/// assert_eq!(error.of("repository").len(), 1, "it is missing");
///
/// let error = trust.prepare(Package::new("npm", "widget"), "", None, serde_json::json!({})).unwrap_err();
/// assert_eq!(error.of("issuer"), ["no platform is named; this registry trusts fake"]);
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrustError {
    /// This registry knows no such platform, or none was named.
    #[error("{}", none_of("platform", .provider, .known))]
    Provider {
        /// The platform, fit to be shown; empty where none was named.
        provider: String,
        /// The platforms that this registry trusts.
        known: String,
    },
    /// This registry trusts the issuer for no platform, or none was chosen.
    #[error("{}", none_of("issuer", .issuer, .known))]
    UnknownIssuer {
        /// The issuer, fit to be shown; empty where none was chosen.
        issuer: String,
        /// The issuers that this registry trusts.
        known: String,
    },
    /// No package of the ecosystem can have the package's name.
    #[error(transparent)]
    Package(#[from] InvalidPackage),
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

impl From<UnknownPlatform> for TrustError {
    fn from(error: UnknownPlatform) -> Self {
        match error {
            UnknownPlatform::Issuer { provider, issuer, known } => Self::Issuer { provider, issuer, known },
            UnknownPlatform::WhichIssuer { provider, known } => Self::WhichIssuer { provider, known },
            UnknownPlatform::Provider { provider, known } => Self::Provider { provider, known },
            unknown => Self::Provider { provider: String::new(), known: unknown.to_string() },
        }
    }
}

impl From<TrustError> for http::Response<String> {
    /// The answer to a request that failed: the [status](TrustError::status), and the error as text. A handler of axum returns
    /// it as it is. An error of the application or the registry is for the log, where it is written by `tracing`; its
    /// caller is told that the registry failed.
    fn from(error: TrustError) -> Self {
        let status = http::StatusCode::from_u16(error.status());
        let message = match error.place() {
            ErrorPlace::Application => {
                tracing::error!(error = %Chain::of(&error), "a request failed");
                "the registry failed; try again later".to_owned()
            }
            _ => error.to_string(),
        };
        let mut answer = Self::new(message);
        *answer.status_mut() = status.unwrap_or(http::StatusCode::INTERNAL_SERVER_ERROR);
        let text = http::HeaderValue::from_static("text/plain; charset=utf-8");
        answer.headers_mut().insert(http::header::CONTENT_TYPE, text);
        answer
    }
}

impl From<StoreError> for http::Response<String> {
    /// The answer to a request that failed in the store, as for [`TrustError::Store`].
    fn from(error: StoreError) -> Self {
        TrustError::Store(error).into()
    }
}

/// The place of a [`TrustError`] on a form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorPlace {
    /// Beside the fields that the error names.
    Fields,
    /// Beside the choice of the platform and its issuer.
    Issuer,
    /// Beside the package's name.
    Package,
    /// Above the form: nothing that was typed is wrong by itself.
    Form,
    /// Not on the form: the application or the registry failed, which is answered with 500.
    Application,
}

impl TrustError {
    /// Returns the error's place on a form.
    pub fn place(&self) -> ErrorPlace {
        match self {
            Self::Publisher(_) => ErrorPlace::Fields,
            Self::Provider { .. }
            | Self::UnknownIssuer { .. }
            | Self::Issuer { .. }
            | Self::WhichIssuer { .. } => ErrorPlace::Issuer,
            Self::Package(_) | Self::Prefix | Self::PendingPrefix => ErrorPlace::Package,
            Self::Exists { .. } | Self::TooMany { .. } | Self::Missing => ErrorPlace::Form,
            Self::Account | Self::Random(_) | Self::Store(_) => ErrorPlace::Application,
        }
    }

    /// Returns the HTTP status of an answer: 404 for a publisher that is missing, 409 for one that exists or has no room, 500
    /// where the application or the registry failed, 422 for everything else that the caller can correct.
    pub fn status(&self) -> u16 {
        match self.place() {
            ErrorPlace::Application => 500,
            _ if matches!(self, Self::Missing) => 404,
            ErrorPlace::Form => 409,
            ErrorPlace::Fields | ErrorPlace::Issuer | ErrorPlace::Package => 422,
        }
    }

    /// Returns the problems of one input of a form, in words for its reader: of a field, by its
    /// [key](oidc_core::PublisherField::key), of the choice of the platform, by `issuer`, or of the package's name, by
    /// `package`. Empty where nothing is wrong with it.
    pub fn of(&self, input: &str) -> Vec<String> {
        match (self, self.place(), input) {
            (Self::Publisher(invalid), _, key) => invalid.of(key).map(ToString::to_string).collect(),
            (_, ErrorPlace::Issuer, "issuer") | (_, ErrorPlace::Package, "package") => vec![self.to_string()],
            _ => Vec::new(),
        }
    }
}

/// The problem of a name that is unknown or missing.
fn none_of(kind: &str, found: &str, known: &str) -> String {
    match found {
        "" => format!("no {kind} is named; this registry trusts {known}"),
        found => format!("this registry trusts no {kind} `{found}`; it trusts {known}"),
    }
}
