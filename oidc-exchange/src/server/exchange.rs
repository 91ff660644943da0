mod builder;
mod caller;
mod configured;
mod decide;
mod explained;
mod prefixes;
mod recording;
mod tokens;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use oidc_core::verify::Verifier;
use oidc_core::{Claims, Context, HttpUrl, Mismatch, Timestamp, Verified};

pub use self::builder::ExchangeBuilder;
use self::caller::Caller;
use self::explained::Explained;
use self::recording::Asked;
use super::event::EventSink;
use super::granted::Granted;
use super::minter::Minter;
use super::package_owner::PackageOwners;
use super::policy::TrustPolicy;
use super::refusal::Refusal;
use super::refusal_kind::RefusalKind;
use super::request::{ExchangeRequest, Minted};
use super::store::{PublisherStore, TokenStore};
use super::token::TokenRecord;
use super::unknown::UnknownClaims;
use super::validated::Validated;
use super::wording::Wording;

/// Both stores that an exchange works on.
trait Stores: PublisherStore + TokenStore {}
impl<T: PublisherStore + TokenStore> Stores for T {}

/// The exchange of identity tokens for publish tokens: verify, find candidates, match, use up and mint.
///
/// An endpoint such as [`npm`](super::npm) serves a registry's protocol with it. A protocol of the
/// application's own calls [`Exchange::exchange`]. Cloning is cheap, and all clones have the same settings.
///
/// ```
/// use oidc_core::verify::Verifier;
/// use oidc_exchange::server::{self, Exchange, NpmExchange, PublisherStore, TokenStore};
///
/// fn endpoint(verifier: Verifier, store: impl PublisherStore + TokenStore + 'static) -> NpmExchange {
///     server::npm(Exchange::builder(verifier, store).build())
/// }
/// ```
#[derive(Clone, Debug)]
pub struct Exchange(Arc<Inner>);

/// The parts of an exchange, which its clones share.
struct Inner {
    verifier: Verifier,
    stores: Arc<dyn Stores>,
    minter: Arc<dyn Minter>,
    trust: TrustPolicy,
    sinks: Vec<Arc<dyn EventSink>>,
    unknown: Arc<UnknownClaims>,
    validated: Validated,
    public_url: Option<HttpUrl>,
    wording: Wording,
    owners: Option<Arc<dyn PackageOwners>>,
    explained: Explained,
}

impl fmt::Debug for Inner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Exchange")
            .field("verifier", &self.verifier)
            .field("minter", &self.minter)
            .field("trust", &self.trust)
            .finish_non_exhaustive()
    }
}

impl Exchange {
    /// Begins to build an exchange with a verifier and a store. It uses the platforms and the context of the
    /// verifier.
    pub fn builder(verifier: Verifier, store: impl PublisherStore + TokenStore + 'static) -> ExchangeBuilder {
        ExchangeBuilder::new(verifier, Arc::new(store))
    }

    fn of(inner: Inner) -> Self {
        Self(Arc::new(inner))
    }

    /// Returns the verifier.
    pub fn verifier(&self) -> &Verifier {
        &self.0.verifier
    }

    /// Returns the lifetime of publish tokens.
    pub fn lifetime(&self) -> Duration {
        self.0.minter.lifetime()
    }

    /// Exchanges an identity token for a publish token.
    ///
    /// # Errors
    ///
    /// With the first step that fails. Nothing is used up before the last step, so that a misconfiguration
    /// can be corrected and the same token tried again.
    pub async fn exchange(&self, token: &str, request: &ExchangeRequest) -> Result<Minted, Refusal> {
        let granted = self.attempt(token, request, Some(&*self.0.minter)).await?;
        granted.into_minted().ok_or_else(|| Refusal::internal("the exchange made no publish token"))
    }

    /// Decides on an identity token and uses it up, like [`Exchange::exchange`], without making or storing a
    /// publish token: for a registry that issues tokens itself, or accepts the request at once. The record
    /// holds the rights of a token for it.
    ///
    /// ```
    /// use oidc_exchange::server::{Exchange, ExchangeRequest, Package, Refusal};
    ///
    /// /// The repository whose job may publish the package, once for each identity token.
    /// async fn publisher(exchange: &Exchange, identity_token: &str) -> Result<Option<String>, Refusal> {
    ///     let request = ExchangeRequest::package("npm", "@acme/widget");
    ///     let record = exchange.authorize(identity_token, &request).await?;
    ///     assert!(record.for_package(&Package::new("npm", "@acme/widget")).is_some());
    ///     Ok(record.run.repository)
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// The same as those of [`Exchange::exchange`].
    pub async fn authorize(&self, token: &str, request: &ExchangeRequest) -> Result<TokenRecord, Refusal> {
        Ok(self.attempt(token, request, None).await?.record())
    }

    /// Verifies, decides, uses the token up, mints if there is a minter, and records the outcome.
    async fn attempt(
        &self,
        token: &str,
        request: &ExchangeRequest,
        minter: Option<&dyn Minter>,
    ) -> Result<Granted, Refusal> {
        let asked = Asked { request, began: self.context().clock().monotonic() };
        let verified = match self.0.verifier.verify(token).await {
            Ok(verified) => verified,
            Err(error) => return Err(self.unverified(asked, error)),
        };
        let caller = match self.caller(&verified) {
            Ok(caller) => caller,
            Err(refusal) => return Err(self.unidentified(&verified, asked, refusal)),
        };
        match self.decide(&verified, &caller, request, minter).await {
            Ok(granted) => {
                self.granted(&verified, &caller.run, asked, &granted);
                Ok(granted)
            }
            Err(refusal) if refusal.kind() == RefusalKind::NotTrusted => {
                self.explain(&verified, caller, asked, &refusal).await;
                Err(refusal)
            }
            Err(refusal) => Err(self.refused_to(&verified, &caller, asked, refusal)),
        }
    }

    fn caller(&self, verified: &Verified<Claims>) -> Result<Caller, Refusal> {
        let provider = self.0.verifier.provider_of(verified).map(Arc::clone);
        let provider =
            provider.ok_or_else(|| Refusal::internal("the token was verified by another verifier"))?;
        self.0.unknown.report(provider.profile(), verified);
        let unidentified = |mismatch: Mismatch| Refusal::unidentified(&mismatch);
        let identity = provider.identify(verified).map_err(unidentified)?;
        let identities = provider.identities(verified).map_err(unidentified)?;
        let run = provider.run(verified);
        Ok(Caller { provider, identity, identities, run })
    }

    fn context(&self) -> &Context {
        self.0.verifier.context()
    }

    /// Returns the time by the clock of the verifier's context, at which the exchange judges tokens and publishers.
    pub fn now(&self) -> Timestamp {
        self.context().clock().now()
    }
}
