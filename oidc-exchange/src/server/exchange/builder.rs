use std::future::Future;
use std::sync::Arc;

use oidc_core::HttpUrl;
use oidc_core::verify::Verifier;

use super::explained::Explained;
use super::{Exchange, Inner, Stores};
use crate::server::event::{EventSink, Events};
use crate::server::mint::MintPolicy;
use crate::server::minter::Minter;
use crate::server::package::Package;
use crate::server::package_owner::{OwnersBy, PackageOwner, PackageOwners};
use crate::server::policy::TrustPolicy;
use crate::server::store_error::StoreError;
use crate::server::validated::Validated;
use crate::server::wording::Wording;

/// The settings of an [`Exchange`]. [`Exchange::builder`] makes a builder.
///
/// ```
/// use oidc_core::HttpUrl;
/// use oidc_core::verify::Verifier;
/// use oidc_exchange::server::{Exchange, MintPolicy, PublisherStore, TokenStore, TrustPolicy};
/// # use std::time::Duration;
///
/// # fn example(
/// #     verifier: Verifier,
/// #     store: impl PublisherStore + TokenStore + 'static,
/// # ) -> Result<Exchange, Box<dyn std::error::Error>> {
/// let exchange = Exchange::builder(verifier, store)
///     .mint_policy(MintPolicy::default().prefix("acme_"))
///     .trust_policy(TrustPolicy::default().pending_for(Duration::from_secs(7 * 24 * 3600)))
///     .public_url(&HttpUrl::parse("https://registry.example/")?)
///     .build();
/// # Ok(exchange)
/// # }
/// ```
#[derive(Debug)]
#[must_use]
pub struct ExchangeBuilder(Inner);

impl ExchangeBuilder {
    pub(super) fn new(verifier: Verifier, stores: Arc<dyn Stores>) -> Self {
        Self(Inner {
            verifier,
            stores,
            minter: Arc::new(MintPolicy::default()),
            trust: TrustPolicy::default(),
            sinks: vec![Arc::new(Events)],
            unknown: Arc::default(),
            validated: Validated::default(),
            public_url: None,
            wording: Wording::default(),
            owners: None,
            explained: Explained::default(),
        })
    }

    /// Sets the form and the lifetime of publish tokens. The default is [`MintPolicy::default`].
    pub fn mint_policy(self, policy: MintPolicy) -> Self {
        self.minter(policy)
    }

    /// Sets the maker of publish tokens, for a registry with a token format of its own. It replaces
    /// [`mint_policy`](Self::mint_policy).
    pub fn minter(mut self, minter: impl Minter + 'static) -> Self {
        self.0.minter = Arc::new(minter);
        self
    }

    /// Sets the time for which unused publishers stay in force. The default is [`TrustPolicy::default`].
    pub fn trust_policy(mut self, policy: TrustPolicy) -> Self {
        self.0.trust = policy;
        self
    }

    /// Sets the URL that clients use for this registry. The refusal of a token with the audience of another
    /// registry names it.
    pub fn public_url(mut self, url: &HttpUrl) -> Self {
        self.0.public_url = Some(url.clone());
        self
    }

    /// Sets the variable that users of this registry put an identity token into. Refusals that ask for a new
    /// token name it. Without it, the endpoint of a public registry's protocol names that registry's own
    /// variable, and other endpoints name none.
    pub fn token_variable(mut self, name: impl Into<String>) -> Self {
        self.0.wording.token_variable = Some(name.into());
        self
    }

    /// Sets the command that compares a publisher with a job, such as `acme doctor --publisher KEY=VALUE`.
    /// The refusal of a job that no publisher trusts names it.
    pub fn checker(mut self, command: impl Into<String>) -> Self {
        self.0.wording.checker = Some(command.into());
        self
    }

    /// Sets a function that describes, in terms of the application's own configuration, how the operator
    /// would trust an issuer on loopback. It is used in the event of a token whose issuer is not trusted.
    /// Callers don't see it.
    pub fn issuer_hint(mut self, hint: fn(&str) -> String) -> Self {
        self.0.wording.issuer_hint = Some(hint);
        self
    }

    /// Sets the source of packages' owners. Without it, publishers for a [prefix](crate::server::Package::prefix) of names
    /// accept no token at endpoints that name a package.
    pub fn package_owners(mut self, owners: impl PackageOwners + 'static) -> Self {
        self.0.owners = Some(Arc::new(owners));
        self
    }

    /// Sets a function as the source of packages' owners, as [`package_owners`](Self::package_owners) does.
    ///
    /// ```
    /// use oidc_exchange::server::{ExchangeBuilder, Package, PackageOwner, StoreError};
    /// # #[derive(Clone)]
    /// # struct Table;
    /// # impl Table {
    /// #     async fn owner_of(&self, _: &str) -> Result<Option<String>, StoreError> { Ok(None) }
    /// # }
    ///
    /// fn with_owners(builder: ExchangeBuilder, table: Table) -> ExchangeBuilder {
    ///     builder.owners_by(move |package: Package| {
    ///         let table = table.clone();
    ///         async move { Ok(table.owner_of(&package.name).await?.map(PackageOwner::Account).into_iter().collect()) }
    ///     })
    /// }
    /// ```
    pub fn owners_by<F, O>(self, owners: F) -> Self
    where
        F: Fn(Package) -> O + Send + Sync + 'static,
        O: Future<Output = Result<Vec<PackageOwner>, StoreError>> + Send + 'static,
    {
        self.package_owners(OwnersBy(owners))
    }

    /// Adds a sink for events. Every exchange also has the sink [`Events`].
    pub fn sink(mut self, sink: impl EventSink + 'static) -> Self {
        self.0.sinks.push(Arc::new(sink));
        self
    }

    /// Makes the exchange. Its settings are final, and the same in every clone.
    #[must_use]
    pub fn build(self) -> Exchange {
        Exchange::of(self.0)
    }
}
