//! The publishers that are configured, for the registry's operator only.

use std::cmp::Reverse;
use std::sync::Arc;

use oidc_core::{Identity, Provider, shown};

use super::Exchange;
use super::explained::OfPackage;
use crate::server::chain::Chain;
use crate::server::choose::common;
use crate::server::event::Event;
use crate::server::package::Package;
use crate::server::record::PublisherRecord;
use crate::server::request::ExchangeRequest;
use crate::server::store::MAX_OF_PACKAGE;
use crate::server::store_error::StoreError;

/// The number of a package's publishers that are named.
const MAX_CONFIGURED: usize = 4;

/// The event of a refusal that tells the caller nothing. It is recorded together with the configured
/// publishers.
///
/// They are looked up after the caller was answered, where there is a runtime, so that the time of an answer
/// does not reveal whether there was anything to look up.
pub(super) struct Explanation {
    pub(super) exchange: Exchange,
    pub(super) event: Event,
    pub(super) provider: Arc<dyn Provider>,
    pub(super) identity: Identity,
    pub(super) request: ExchangeRequest,
}

impl Explanation {
    /// Records the event now or soon. The number of look-ups at the same time is bounded; further events are recorded without a
    /// look-up.
    pub(super) async fn give(self) {
        let Ok(turn) = Arc::clone(&self.exchange.0.explained.turns).try_acquire_owned() else {
            return self.record("not looked up, since very many are refused at the same time", None);
        };
        let lookup = async move {
            let (configured, nearest) = match self.configured().await {
                Ok(configured) => configured,
                Err(error) => {
                    tracing::error!(error = %Chain::of(&error), "what is configured can't be looked up");
                    ("not looked up, since the store failed".to_owned(), None)
                }
            };
            self.record(&configured, nearest);
            drop(turn);
        };
        // A runtime accepts only futures that are `Send`, which those of stores on wasm32 need not be.
        #[cfg(not(target_arch = "wasm32"))]
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(lookup);
            return;
        }
        lookup.await;
    }

    fn record(mut self, configured: &str, nearest: Option<String>) {
        let text = format!("{}; configured: {configured}", self.event.operator_text());
        self.event.nearest = self.event.nearest.or(nearest);
        self.exchange.record(self.event.for_operator(text));
    }

    /// The configured publishers in words, and the id of the package's publisher that is most similar to the
    /// token's identity.
    async fn configured(&self) -> Result<(String, Option<String>), StoreError> {
        let stores = &self.exchange.0.stores;
        let is_asked_for = |record: &PublisherRecord| self.request.is_for(&record.package);
        let ecosystem = self.request.ecosystem;
        if let Some(package) = &self.request.package {
            let found = self.of_package(package).await?;
            let nearest = found.publishers.iter().min_by_key(|(_, identity)| self.distance(identity));
            return Ok((found.text.clone(), nearest.map(|(id, _)| id.clone())));
        }
        let mut publishers = stores.of_ecosystem(ecosystem).await?;
        publishers.retain(is_asked_for);
        Ok((self.describe_nearest(publishers), None))
    }

    /// The publishers of a package, as they were a short time ago.
    async fn of_package(&self, name: &str) -> Result<Arc<OfPackage>, StoreError> {
        let Explanation { exchange, request, .. } = self;
        let (key, now) = (
            (request.ecosystem, name.to_owned(), self.provider.id()),
            exchange.context().clock().monotonic(),
        );
        if let Some(recent) = exchange.0.explained.recent(&key, now) {
            return Ok(recent);
        }
        let mut publishers = exchange.0.stores.of_package(&Package::new(request.ecosystem, name)).await?;
        publishers.retain(|record| request.is_for(&record.package));
        let text = self.describe(&publishers);
        let publishers = publishers.into_iter().map(|record| (record.id, record.identity)).collect();
        let found = Arc::new(OfPackage { text, publishers });
        exchange.0.explained.remember(key, now, Arc::clone(&found));
        Ok(found)
    }

    /// Orders identities by their similarity to the token's, the most similar first.
    fn distance(&self, identity: &Identity) -> Reverse<(usize, bool)> {
        Reverse((common(&identity.key, &self.identity.key), identity.issuer == self.identity.issuer))
    }

    /// Describes a package's publishers in one line, at most [`MAX_CONFIGURED`] of them. Publishers of
    /// another platform than the token's are described by platform and issuer only, since the key of an
    /// identity may be a person's address.
    fn describe(&self, publishers: &[PublisherRecord]) -> String {
        let one = |record: &PublisherRecord| {
            let is_own = record.provider == self.provider.id();
            let read = is_own.then(|| self.provider.publisher(&record.rules()).ok()).flatten();
            let rules = read.map_or_else(String::new, |publisher| format!(": {}", publisher.describe()));
            let pending = if record.pending { ", pending" } else { "" };
            format!("{} of `{}`{rules}{pending}", record.provider, shown(&record.identity.issuer))
        };
        let mut all: Vec<String> = publishers.iter().take(MAX_CONFIGURED).map(one).collect();
        match publishers.len().saturating_sub(MAX_CONFIGURED) {
            0 if all.is_empty() => all.push("nothing".to_owned()),
            0 => {}
            more if publishers.len() < MAX_OF_PACKAGE => all.push(format!("{more} more")),
            more => all.push(format!("at least {more} more")),
        }
        all.join("; ")
    }

    /// Describes publishers of an ecosystem with their packages, the most similar to the token's identity
    /// first.
    fn describe_nearest(&self, mut publishers: Vec<PublisherRecord>) -> String {
        publishers.sort_by_key(|record| self.distance(&record.identity));
        publishers.truncate(MAX_CONFIGURED);
        if publishers.is_empty() {
            return self.describe(&publishers);
        }
        let one = |record: &PublisherRecord| {
            format!("`{}` by {}", shown(&record.package.label()), self.describe(std::slice::from_ref(record)))
        };
        format!("nearest {}", publishers.iter().map(one).collect::<Vec<_>>().join("; "))
    }
}
