use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use oidc_core::{Random, RandomError, Secret};

use super::grant::Grant;
use super::mint::TokenHash;
use super::token::TokenRecord;

/// A publish token may have this many bytes: it has to fit into a request's header, and the client half takes no longer one.
pub const MAX_PUBLISH_TOKEN_BYTES: usize = 8 * 1024;

/// The publish tokens of a registry: makes their texts and recognises them.
///
/// [`MintPolicy`](super::MintPolicy) makes opaque ones. A registry with a format of its own implements this trait and passes it
/// to [`ExchangeBuilder::minter`](super::ExchangeBuilder::minter); every endpoint then issues, finds and ends its tokens.
///
/// There are two sorts:
///
/// - A **stored** token is a random text. The store keeps its hash with what it may do, and ends it when it is revoked or its
///   publisher is removed.
/// - A **self-contained** token carries what it may do, such as a [`TokenRecord`] and a signature. It is verified without a
///   database, and **no store can end it**: see [`NewToken::SelfContained`] for what is lost.
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
    /// Returns how long a token lives.
    fn lifetime(&self) -> Duration;

    /// Returns how often one identity token may be exchanged for one package. npm's dry run is an exchange too.
    fn max_uses(&self) -> u32 {
        1
    }

    /// Makes the text of a token for a grant, from randomness of the operating system. It has at most
    /// [`MAX_PUBLISH_TOKEN_BYTES`].
    ///
    /// It is called before the identity token is burned, so that a failure uses nothing up. For a self-contained token it is
    /// called once more with a smaller grant where packages turn out to be left out.
    ///
    /// # Errors
    ///
    /// When no token can be made. The caller learns that the registry failed, the log why.
    async fn mint(&self, grant: &Grant, random: &dyn Random) -> Result<NewToken, MintError>;

    /// Recognises a presented text of at most [`MAX_PUBLISH_TOKEN_BYTES`]; `None` where it is no token of this registry.
    ///
    /// A stored token is recognised by its form, whether it is valid or not. A self-contained one is recognised if its
    /// signature holds; the exchange asks whether it has expired.
    fn recognise(&self, text: &str) -> Option<Recognised>;
}

/// A publish token that a [`Minter`] made.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum NewToken {
    /// The store keeps its hash.
    Stored(Secret),
    /// The text carries what it may do, and the store knows nothing of it.
    ///
    /// Until it expires, nothing ends such a token but another key:
    ///
    /// - [`Exchange::revoke`](super::Exchange::revoke) has no effect on it, and neither has crates.io's `DELETE` or PyPI's
    ///   `burn-token`, which answer as they always do.
    /// - A publisher that is removed or edited, and a package that is deleted or transferred, leave it valid.
    /// - [`GrantedPackage::may_create`](super::GrantedPackage::may_create) is as it was when it was made. A token of a pending
    ///   publisher still creates its package once only, because
    ///   [`TrustStore::package_created`](super::TrustStore::package_created) is asked then.
    ///
    /// Keep its lifetime short, and ask the store for the publisher
    /// ([`GrantedPackage::publisher`](super::GrantedPackage::publisher)) where a publish may not outlive it.
    SelfContained(Secret),
}

impl NewToken {
    /// The hash that the store keeps.
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
    /// The store knows whether it is valid, by its hash.
    Stored,
    /// The text says what it may do, and its signature holds.
    SelfContained(TokenRecord),
}

/// No publish token can be made. The reason is for the log, not for a caller.
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
