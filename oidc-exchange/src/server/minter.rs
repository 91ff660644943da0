use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use oidc_core::{Random, RandomError, Secret};

use super::grant::Grant;
use super::token::TokenRecord;
use super::token_hash::TokenHash;

/// The limit on a publish token, in bytes. It has to fit into a request's header, and the client half accepts
/// no longer one.
pub const MAX_PUBLISH_TOKEN_BYTES: usize = 8 * 1024;

/// A maker of a registry's publish tokens: makes their texts and recognizes them.
///
/// [`MintPolicy`](super::MintPolicy) makes opaque tokens. A registry with a token format of its own
/// implements this trait and passes it to [`ExchangeBuilder::minter`](super::ExchangeBuilder::minter); every
/// endpoint then issues, finds and revokes tokens of this format.
///
/// There are two kinds of tokens:
///
/// - A **stored** token is a random text. The store keeps its hash and its rights, and deletes them when the
///   token is revoked or its publisher is removed.
/// - A **self-contained** token carries its rights, such as a [`TokenRecord`] and a signature. It is verified
///   without a database, and **no store can revoke it**: see [`NewToken::SelfContained`] for the
///   consequences.
///
/// ```
/// use std::time::Duration;
/// use oidc_core::{Random, Secret};
/// use oidc_exchange::server::{Grant, MintError, Minter, NewToken, Recognised};
///
/// /// Tokens such as `acme-publish-0123…`, kept by the store.
/// #[derive(Debug)]
/// struct Acme;
///
/// #[async_trait::async_trait]
/// impl Minter for Acme {
///     fn lifetime(&self) -> Duration {
///         Duration::from_secs(600)
///     }
///
///     async fn mint(&self, _: &Grant, random: &dyn Random) -> Result<NewToken, MintError> {
///         let mut bytes = [0; 32];
///         random.fill(&mut bytes)?;
///         let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
///         Ok(NewToken::Stored(Secret::new(format!("acme-publish-{digits}"))))
///     }
///
///     fn recognise(&self, text: &str) -> Option<Recognised> {
///         text.starts_with("acme-publish-").then_some(Recognised::Stored)
///     }
/// }
/// ```
#[cfg_attr(not(target_arch = "wasm32"), async_trait)]
#[cfg_attr(target_arch = "wasm32", async_trait(?Send))]
pub trait Minter: fmt::Debug + Send + Sync {
    /// Returns the lifetime of tokens.
    fn lifetime(&self) -> Duration;

    /// Returns the number of times that one identity token may be exchanged for one package. npm's dry run is
    /// an exchange too.
    fn max_uses(&self) -> u32 {
        1
    }

    /// Makes the text of a token for a grant, with randomness of the operating system. The text has at most
    /// [`MAX_PUBLISH_TOKEN_BYTES`].
    ///
    /// `async fn mint(&self, grant: &Grant, random: &dyn Random) -> Result<NewToken, MintError>`
    ///
    /// It is called before the identity token is used up, so that a failure uses nothing up. For a
    /// self-contained token it is called again with a smaller grant where packages are left out.
    ///
    /// # Errors
    ///
    /// When no token can be made. The caller is told that the registry failed; the reason is logged.
    async fn mint(&self, grant: &Grant, random: &dyn Random) -> Result<NewToken, MintError>;

    /// Recognizes a presented text of at most [`MAX_PUBLISH_TOKEN_BYTES`]; `None` where it is no token of
    /// this registry.
    ///
    /// A stored token is recognized by its form, whether it is valid or not. A self-contained token is
    /// recognized if its signature is valid; the exchange checks its expiry.
    fn recognise(&self, text: &str) -> Option<Recognised>;
}

/// A publish token that a [`Minter`] made.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum NewToken {
    /// A token whose hash the store keeps.
    Stored(Secret),
    /// A token that carries its rights, and that the store does not know.
    ///
    /// Until it expires, only a change of the signing key invalidates such a token:
    ///
    /// - [`Exchange::revoke`](super::Exchange::revoke) has no effect on it, and neither has crates.io's
    ///   `DELETE` or PyPI's `burn-token`, which answer as usual.
    /// - It stays valid when its publisher is removed or edited, and when its package is deleted or
    ///   transferred.
    /// - [`GrantedPackage::may_create`](super::GrantedPackage::may_create) has the value from the time when
    ///   the token was made. A token of a pending publisher still creates its package only once, since the
    ///   creation calls [`TrustStore::package_created_by`](super::TrustStore::package_created_by).
    ///
    /// Keep the lifetime short, and ask the store for the publisher
    /// ([`GrantedPackage::publisher`](super::GrantedPackage::publisher)) where a publish must not outlive the
    /// publisher.
    SelfContained(Secret),
}

impl NewToken {
    /// Returns the hash that the store keeps.
    pub(super) fn hash(&self) -> Option<TokenHash> {
        match self {
            Self::Stored(text) => Some(TokenHash::of(text.expose())),
            Self::SelfContained(_) => None,
        }
    }

    pub(super) fn text(&self) -> &Secret {
        match self {
            Self::Stored(text) | Self::SelfContained(text) => text,
        }
    }
}

/// A presented text that a [`Minter`] recognised.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Recognised {
    /// A token of this registry by its form. The store tells by its hash whether it is valid.
    Stored,
    /// A token that carries its rights, with a valid signature.
    SelfContained(TokenRecord),
}

/// An error of making a publish token. The reason is for the log, not for a caller.
#[derive(Debug, thiserror::Error)]
#[error("no publish token can be made")]
pub struct MintError {
    source: Box<dyn std::error::Error + Send + Sync>,
}

impl MintError {
    /// An error with its reason.
    pub fn new(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self { source: source.into() }
    }
}

impl From<RandomError> for MintError {
    fn from(error: RandomError) -> Self {
        Self::new(error)
    }
}
