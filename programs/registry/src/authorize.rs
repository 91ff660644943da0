//! The seam between hosting and whatever issued the tokens: it decides who may do what.

use async_trait::async_trait;
use axum::http::StatusCode;
use data_encoding::HEXLOWER;
use oidc_core::shown;
use oidc_exchange::server::{Package, TokenHash};
use serde::{Deserialize, Serialize};

/// An action of a request on one package.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Add a version, and create the package when the principal may.
    Publish,
    /// Move or remove a distribution tag.
    SetTag,
    /// See the package's metadata and tarballs.
    Read,
    /// See and change who may publish the package.
    ManageTrust,
}

impl Action {
    /// Returns `true` if it changes what people install.
    pub(super) fn is_of_content(self) -> bool {
        match self {
            Self::Publish | Self::SetTag => true,
            Self::Read | Self::ManageTrust => false,
        }
    }
}

/// The principal on whose behalf a request is made.
///
/// It is stored in its serialized form with every version, so that the run that published a version can be found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Principal {
    /// Nobody in particular. Sees public packages.
    Anonymous,
    /// The registry's administrator.
    Admin,
    /// A CI job that exchanged its identity for a token of this package.
    TrustedPublisher {
        /// The platform, as in `github`.
        provider: String,
        /// The issuer of the job's identity.
        #[serde(default)]
        issuer: String,
        /// The registry's own id of the trusted publisher that matched.
        publisher: String,
        /// The claims that identify the run, by the platform's own names.
        run: serde_json::Value,
        /// `true` if the publisher is pending: it may create the package, and do nothing to one that exists.
        may_create: bool,
        /// The pending publisher that creates the package if there is none yet, where `publisher` is another: one for a prefix of
        /// names, which creates no package.
        #[serde(skip)]
        creator: Option<String>,
        /// The publish token, by which the transaction that publishes asks whether it is still valid. It is not stored.
        #[serde(skip)]
        token: Option<TokenHash>,
        /// The package that the trusted publisher is configured for, or a prefix of its name. It is not stored.
        #[serde(skip)]
        of: Option<Box<Package>>,
    },
}

impl Principal {
    /// Returns `true` if a publish by this principal creates a package that doesn't exist.
    #[must_use]
    pub fn may_create(&self) -> bool {
        matches!(
            self,
            Self::Admin
                | Self::TrustedPublisher { may_create: true, .. }
                | Self::TrustedPublisher { creator: Some(_), .. }
        )
    }

    /// The text by which uploads with a token are counted: the id of the trusted publisher, whose tokens are counted together, or
    /// the hash of a static token.
    #[must_use]
    pub fn counted_as(&self, token: &str) -> String {
        match self {
            Self::TrustedPublisher { publisher, .. } => publisher.clone(),
            Self::Admin | Self::Anonymous => HEXLOWER.encode(TokenHash::of(token).as_bytes()),
        }
    }

    /// The kind of principal, by its name in the stored form.
    fn kind(&self) -> &'static str {
        match self {
            Self::Anonymous => "anonymous",
            Self::Admin => "admin",
            Self::TrustedPublisher { .. } => "trusted-publisher",
        }
    }

    /// Logs a publish, with the fields of the trusted publisher where it was one.
    pub(super) fn log_publish(&self, ecosystem: &str, package: &str, version: &str) {
        let by = self.kind();
        if let Self::TrustedPublisher { provider, issuer, publisher, .. } = self {
            tracing::info!(ecosystem, package, version, by, provider, issuer, publisher, "published");
        } else {
            tracing::info!(ecosystem, package, version, by, "published");
        }
    }

    /// The principal of a publish that creates its package, if it `is_new`: with the publisher that does it.
    #[must_use]
    pub fn creating(&self, is_new: bool) -> Self {
        let mut by = self.clone();
        if let Self::TrustedPublisher { publisher, may_create, creator, .. } = &mut by
            && is_new
            && let Some(creator) = creator.take()
        {
            (*publisher, *may_create) = (creator, true);
        }
        by
    }
}

/// The refusal of a request that the principal may not make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Denied {
    /// The status to answer with.
    pub status: StatusCode,
    /// The message to the caller. Control characters are escaped when it is sent.
    pub message: String,
}

impl Denied {
    /// The refusal of a static token by a package that only its trusted publishers change.
    pub(super) fn trusted_only(package: &str) -> Self {
        let message = format!(
            "{} takes no static token (`trusted_only`): it is changed by its trusted publishers only; do this in a CI job that is \
             configured as one of them",
            shown(package)
        );
        Self { status: StatusCode::FORBIDDEN, message }
    }
}

/// An action of a principal that was done or refused.
#[derive(Debug, Clone)]
pub struct Use<'a> {
    /// The action.
    pub action: Action,
    /// The package.
    pub package: &'a str,
    /// The version, where one was published.
    pub version: Option<&'a str>,
    /// The reason of a refusal; `None` where the action was done.
    pub refusal: Option<&'a str>,
}

/// Decides on requests by the token they carry.
#[async_trait]
pub trait Authorize: Send + Sync {
    /// Returns the principal that may do `action` to `package`. `bearer` is the token the request carries, unchecked.
    ///
    /// Reading is open to [`Principal::Anonymous`], as far as the package is public. Clients send the token that they
    /// publish with on reads too, so a valid one must be accepted there; one that speaks for another package, or for one
    /// that is still to be created, is anonymous.
    ///
    /// # Errors
    ///
    /// The token is missing, unknown, expired, or speaks for another package.
    async fn authorize(
        &self,
        bearer: Option<&str>,
        package: &str,
        action: Action,
    ) -> Result<Principal, Denied>;

    /// Checks that a token is for a package of this ecosystem, before work is done for its holder. Returns the text by which the
    /// holder's uploads are counted, as [`Principal::counted_as`] does.
    ///
    /// # Errors
    ///
    /// The token is unknown or expired, or for packages of other ecosystems alone.
    async fn recognise(&self, token: &str) -> Result<String, Denied>;

    /// Records the outcome of a request that [`Authorize::authorize`] allowed. Does nothing by default.
    fn used(&self, _principal: &Principal, _use: &Use<'_>) {}
}

#[cfg(test)]
mod tests {
    use std::fs::{File, read_to_string};
    use std::sync::Mutex;

    use super::*;

    fn job() -> Principal {
        Principal::TrustedPublisher {
            provider: "github".to_owned(),
            issuer: "https://issuer.example".to_owned(),
            publisher: "a-publisher".to_owned(),
            run: serde_json::json!({ "repository": "acme/widget" }),
            may_create: false,
            creator: None,
            token: Some(TokenHash::of("hunter2")),
            of: None,
        }
    }

    #[test]
    fn uploads_are_counted_by_trusted_publisher_and_by_static_token() {
        assert_eq!(job().counted_as("hunter2"), job().counted_as("another"));
        assert_eq!(Principal::Admin.counted_as("hunter2"), Principal::Admin.counted_as("hunter2"));
        let counted_as = Principal::Admin.counted_as("hunter2");
        assert_ne!(counted_as, Principal::Admin.counted_as("another"));
        assert!(!counted_as.contains("hunter2"));
    }

    #[test]
    fn the_log_of_a_publish_names_its_fields_and_prints_no_struct() {
        let principal = job();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        let writer = Mutex::new(File::create(&path).unwrap());
        let subscriber = tracing_subscriber::fmt().with_ansi(false).with_writer(writer).finish();
        tracing::subscriber::with_default(subscriber, || principal.log_publish("npm", "widget", "1.0.0"));
        let log = read_to_string(&path).unwrap();
        let fields = r#"published ecosystem="npm" package="widget" version="1.0.0" by="trusted-publisher" provider="github" issuer="https://issuer.example" publisher="a-publisher""#;
        assert!(log.contains(fields) && !log.contains('{') && log.lines().count() == 1, "{log}");
    }
}
