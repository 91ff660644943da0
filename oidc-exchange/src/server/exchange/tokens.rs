//! Publish tokens after the exchange: they are found, revoked and purged.

use std::time::Duration;

use http::HeaderMap;

use super::Exchange;
use crate::server::minter::{MAX_PUBLISH_TOKEN_BYTES, Recognised};
use crate::server::presented::presented_token;
use crate::server::store_error::StoreError;
use crate::server::token::TokenRecord;
use crate::server::token_hash::TokenHash;

/// The time for which expired records are kept before they are purged: the clock of another process may run
/// behind, and a request that was verified in time may have waited for the store.
const PURGE_GRACE: Duration = Duration::from_secs(120);

impl Exchange {
    /// Returns the rights of a presented publish token; `None` where it is no token of this registry, has
    /// expired, or was revoked.
    ///
    /// # Errors
    ///
    /// When the store can't be reached.
    pub async fn find(&self, token: &str) -> Result<Option<TokenRecord>, StoreError> {
        match self.recognise(token) {
            Some(Recognised::Stored) => {
                let hash = TokenHash::of(token);
                let found = self.0.stores.find(&hash, self.now()).await?;
                Ok(found.map(|record| record.stored_as(hash)))
            }
            Some(Recognised::SelfContained(record)) => {
                Ok(Some(record).filter(|record| !record.has_expired(self.now())))
            }
            None => Ok(None),
        }
    }

    /// Returns the rights of the publish token that a request carries, as [`presented_token`] reads it. Returns `None`
    /// where [`Exchange::find`] does, and for a request without a token.
    ///
    /// An upload endpoint answers `None` with 401, and a token that is for other packages with 403:
    ///
    /// ```
    /// use oidc_exchange::server::{Exchange, Package, StoreError};
    ///
    /// async fn status(exchange: &Exchange, headers: &http::HeaderMap, package: &Package) -> Result<u16, StoreError> {
    ///     let Some(token) = exchange.find_in(headers).await? else { return Ok(401) };
    ///     Ok(if token.for_package(package).is_some() { 201 } else { 403 })
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// When the store can't be reached.
    pub async fn find_in(&self, headers: &HeaderMap) -> Result<Option<TokenRecord>, StoreError> {
        match presented_token(headers) {
            Some(token) => self.find(token.expose()).await,
            None => Ok(None),
        }
    }

    /// Returns `true` if a text has the form of this registry's publish tokens, valid or not.
    pub fn is_ours(&self, token: &str) -> bool {
        self.recognise(token).is_some()
    }

    /// Revokes a publish token. The result does not tell whether the token existed. A
    /// [self-contained](crate::server::NewToken::SelfContained) token can't be revoked.
    ///
    /// # Errors
    ///
    /// When the store can't be reached.
    pub async fn revoke(&self, token: &str) -> Result<(), StoreError> {
        match self.recognise(token) {
            Some(Recognised::Stored) => self.0.stores.revoke(&TokenHash::of(token)).await,
            Some(Recognised::SelfContained(_)) | None => Ok(()),
        }
    }

    fn recognise(&self, token: &str) -> Option<Recognised> {
        // Bounded before a minter of the application works on it.
        if token.len() > MAX_PUBLISH_TOKEN_BYTES {
            return None;
        }
        self.0.minter.recognise(token)
    }

    /// Purges records that expired more than two minutes ago, in batches of `limit`, until none are left. A limit of 0 counts
    /// as 1, since it decides about the time alone. Returns the number of records.
    ///
    /// Exchanges may have to wait for a batch, so a [pause](crate::server::TokenStore::purge_pause) follows each, and a small batch
    /// is better than a large one: 20, for one.
    ///
    /// # Errors
    ///
    /// When the store can't be reached.
    pub async fn purge(&self, limit: u32) -> Result<u64, StoreError> {
        let (clock, limit) = (self.context().clock(), limit.max(1));
        let mut total = 0;
        loop {
            let began = clock.monotonic();
            let purged = self.0.stores.purge(self.now().minus(PURGE_GRACE), limit).await?;
            total += purged;
            if purged < u64::from(limit) {
                return Ok(total);
            }
            let batch = clock.monotonic().saturating_sub(began);
            clock.sleep(self.0.stores.purge_pause(batch)).await;
        }
    }
}
