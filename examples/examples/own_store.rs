//! A store of one's own: here one around another that puts a deadline on every call, so that a database that hangs makes no
//! request hang. `tests/examples/own_store.rs` holds it against the suite that every store has to pass.
//!
//! `cargo run --example own_store -- sqlite:widgets.db npm:registry.example` serves npm's exchange over it at `127.0.0.1:8080`.

use std::collections::BTreeMap;
use std::error::Error;
use std::time::Duration;

use async_trait::async_trait;
use oidc_core::verify::{Verifier, backend::AwsLc};
use oidc_core::{Audience, Context, Identity, ImmutableId, Timestamp};
use oidc_exchange::server::{
    self, Candidates, EndedBefore, Exchange, Grant, Package, PackageOwner, PublisherRecord, PublisherStore,
    Redeemed, Room, StoreError, Stored, TokenHash, TokenRecord, TokenStore, TrustStore,
};
use oidc_exchange::sql::SqlStore;

/// A store whose calls fail after a while. The rules of a store say that a call whose future is dropped has done all or nothing.
#[derive(Clone, Debug)]
pub(crate) struct Deadlines<S> {
    pub(crate) store: S,
    pub(crate) limit: Duration,
    /// Whose clock measures.
    pub(crate) cx: Context,
}

impl<S> Deadlines<S> {
    pub(crate) async fn within<T>(
        &self,
        call: impl Future<Output = Result<T, StoreError>> + Send,
    ) -> Result<T, StoreError> {
        tokio::select! {
            biased;
            answer = call => answer,
            () = self.cx.clock().sleep(self.limit) => Err(StoreError::new("the store did not answer in time")),
        }
    }
}

#[async_trait]
impl<S: PublisherStore> PublisherStore for Deadlines<S> {
    async fn candidates(
        &self,
        identities: &[Identity],
        ecosystem: &str,
        package: Option<&str>,
    ) -> Result<Candidates, StoreError> {
        self.within(self.store.candidates(identities, ecosystem, package)).await
    }

    async fn of_immutable_id(
        &self,
        issuer: &str,
        id: &ImmutableId,
        ecosystem: &str,
        package: Option<&str>,
    ) -> Result<Vec<PublisherRecord>, StoreError> {
        self.within(self.store.of_immutable_id(issuer, id, ecosystem, package)).await
    }

    async fn of_prefixes(
        &self,
        identities: &[Identity],
        owners: &[PackageOwner],
        prefixes: &[Package],
    ) -> Result<Vec<PublisherRecord>, StoreError> {
        self.within(self.store.of_prefixes(identities, owners, prefixes)).await
    }

    async fn is_proven(
        &self,
        account: &str,
        identity: &Identity,
        id: &ImmutableId,
    ) -> Result<bool, StoreError> {
        self.within(self.store.is_proven(account, identity, id)).await
    }

    async fn of_package(&self, package: &Package) -> Result<Vec<PublisherRecord>, StoreError> {
        self.within(self.store.of_package(package)).await
    }

    async fn of_ecosystem(&self, ecosystem: &str) -> Result<Vec<PublisherRecord>, StoreError> {
        self.within(self.store.of_ecosystem(ecosystem)).await
    }

    async fn redeem(&self, grant: &Grant) -> Result<Redeemed, StoreError> {
        self.within(self.store.redeem(grant)).await
    }
}

#[async_trait]
impl<S: TokenStore> TokenStore for Deadlines<S> {
    async fn find(&self, token: &TokenHash, now: Timestamp) -> Result<Option<TokenRecord>, StoreError> {
        self.within(self.store.find(token, now)).await
    }

    async fn revoke(&self, token: &TokenHash) -> Result<(), StoreError> {
        self.within(self.store.revoke(token)).await
    }

    async fn purge(&self, now: Timestamp, limit: u32) -> Result<u64, StoreError> {
        self.within(self.store.purge(now, limit)).await
    }
}

#[async_trait]
impl<S: TrustStore> TrustStore for Deadlines<S> {
    async fn list(&self, package: &Package) -> Result<Vec<PublisherRecord>, StoreError> {
        self.within(self.store.list(package)).await
    }

    async fn of_origin(&self, origin: &str) -> Result<Vec<PublisherRecord>, StoreError> {
        self.within(self.store.of_origin(origin)).await
    }

    async fn of_account(&self, account: &str) -> Result<Vec<PublisherRecord>, StoreError> {
        self.within(self.store.of_account(account)).await
    }

    async fn live_tokens(
        &self,
        package: &Package,
        now: Timestamp,
    ) -> Result<BTreeMap<String, u64>, StoreError> {
        self.within(self.store.live_tokens(package, now)).await
    }

    async fn purge_publishers(&self, ended: EndedBefore, limit: u32) -> Result<u64, StoreError> {
        self.within(self.store.purge_publishers(ended, limit)).await
    }

    async fn add(&self, publisher: &PublisherRecord, room: &Room) -> Result<Stored, StoreError> {
        self.within(self.store.add(publisher, room)).await
    }

    async fn replace(
        &self,
        old: &PublisherRecord,
        publisher: &PublisherRecord,
    ) -> Result<Stored, StoreError> {
        self.within(self.store.replace(old, publisher)).await
    }

    async fn remove(&self, package: &Package, id: &str) -> Result<bool, StoreError> {
        self.within(self.store.remove(package, id)).await
    }

    async fn published(&self, package: &Package, by: &str, now: Timestamp) -> Result<bool, StoreError> {
        self.within(self.store.published(package, by, now)).await
    }

    async fn package_created(&self, package: &Package, by: Option<&str>) -> Result<bool, StoreError> {
        self.within(self.store.package_created(package, by)).await
    }

    async fn package_removed(&self, package: &Package) -> Result<(), StoreError> {
        self.within(self.store.package_removed(package)).await
    }

    async fn package_renamed(&self, package: &Package, name: &str) -> Result<(), StoreError> {
        self.within(self.store.package_renamed(package, name)).await
    }

    async fn package_transferred(
        &self,
        package: &Package,
        account: Option<&str>,
        kept: &[&str],
    ) -> Result<(), StoreError> {
        self.within(self.store.package_transferred(package, account, kept)).await
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let database = arguments.next().ok_or("which database?")?;
    let audience = Audience::new(arguments.next().ok_or("which audience?")?)?;
    let cx = Context::system()?;
    let verifier = Verifier::new(AwsLc, [audience], &oidc_providers::all(), &cx)?;
    let store = Deadlines { store: SqlStore::open(&database).await?, limit: Duration::from_secs(2), cx };
    let npm = server::npm(Exchange::builder(verifier, store).build());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:8080").await?;
    Ok(axum::serve(listener, axum::Router::new().nest_service("/-/npm/v1/oidc", npm)).await?)
}
