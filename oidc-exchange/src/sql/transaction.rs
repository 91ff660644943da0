//! A transaction that the application shares with the store.

use std::collections::BTreeMap;
use std::fmt;

use async_trait::async_trait;
use data_encoding::HEXLOWER;
use oidc_core::Timestamp;
use sqlx::AssertSqlSafe;
use tokio::sync::Mutex;

use super::SqlStore;
use super::database::{Write, failed};
use super::prefixes::covering;
use super::rows::standing;
use super::{packages, proof, room, trust_store};
use crate::server::{
    EndedBefore, Package, PackageOwner, PublisherRecord, Room, StoreError, Stored, TokenHash, TrustStore,
};

/// A transaction that may write, made by [`SqlStore::begin`].
///
/// A registry that keeps its packages in the store's database runs its own statements in it (`connection`,
/// with feature `sqlx`), together with these calls about publishers and publish tokens:
///
/// | in the transaction that | call |
/// |---|---|
/// | publishes into a package, and creates it where it is the first publish | [`authorize`](Self::authorize), which has an example |
/// | creates a package by other means | [`package_created`](TrustStore::package_created) |
/// | removes, renames or transfers a package | [`package_removed`](TrustStore::package_removed), [`package_renamed`](TrustStore::package_renamed), [`package_transferred`](TrustStore::package_transferred) |
///
/// Where a step fails, drop the transaction: all its changes are rolled back. SQLite enforces foreign keys in it, also those
/// of the application's own tables.
///
/// It is a [`TrustStore`] as well, so that publishers can be added and removed in the same transaction as the
/// application's own rows; with [`Trust::add_within`](crate::server::Trust::add_within) they are validated.
pub struct Transaction {
    // The trait's methods take `&self`, and a connection is used by one caller at a time.
    write: Mutex<Write>,
}

impl Transaction {
    /// Returns the connection that the transaction runs on, for statements of the application. The application
    /// creates its own tables in this way too, with the role that [migrates](super::SqlOptions::migrate), under names
    /// that don't begin with `oidc_`:
    ///
    /// ```
    /// use oidc_exchange::server::StoreError;
    /// use oidc_exchange::sql::SqlStore;
    ///
    /// async fn create_tables(store: &SqlStore) -> Result<(), StoreError> {
    ///     let mut tx = store.begin().await?;
    ///     let package = "CREATE TABLE IF NOT EXISTS package (name TEXT PRIMARY KEY, owner TEXT NOT NULL)";
    ///     sqlx::query(package).execute(tx.connection()).await?;
    ///     tx.commit().await
    /// }
    ///
    /// /// Tells a row that exists already from a failure of the database.
    /// fn is_taken(error: &sqlx::Error) -> bool {
    ///     error.as_database_error().is_some_and(|error| error.is_unique_violation())
    /// }
    /// ```
    ///
    /// `?` converts a `sqlx::Error` to a [`StoreError`] or a [`TrustError`](crate::server::TrustError), which an endpoint answers with
    /// 500. Handle the errors that a caller may cause before that, or write `ON CONFLICT DO NOTHING` and read `rows_affected`. On
    /// PostgreSQL a statement that failed ends the transaction: drop it.
    ///
    /// Only here and in [`SqlStore::pool`] does a type of sqlx stand in the public interface: see the feature
    /// `sqlx`.
    #[cfg(feature = "sqlx")]
    pub fn connection(&mut self) -> &mut sqlx::AnyConnection {
        self.write.get_mut().connection()
    }

    /// Returns `true` if `publisher` is a regular publisher of the package. It stays so until the transaction
    /// ends: others that remove or replace it wait. A publisher for a prefix of the package's name does not
    /// count; see [`is_active_of`](Self::is_active_of).
    ///
    /// A registry that takes long to read an upload must ask again here, after
    /// [`TrustStore::package_created_by`] where the publish creates the package.
    ///
    /// # Errors
    ///
    /// When the store can't be reached.
    pub async fn is_active(&self, package: &Package, publisher: &str) -> Result<bool, StoreError> {
        self.is_active_of(package, &[], publisher).await
    }

    /// The same as [`is_active`](Self::is_active), and also `true` for a publisher of one of these owners for a
    /// [prefix](Package::prefix) of the package's name.
    ///
    /// The application reads the package's owners in this transaction, from rows that it locks, so that the
    /// package is not transferred meanwhile.
    ///
    /// # Errors
    ///
    /// When the store can't be reached.
    pub async fn is_active_of(
        &self,
        package: &Package,
        owners: &[PackageOwner],
        publisher: &str,
    ) -> Result<bool, StoreError> {
        let mut write = self.write.lock().await;
        let lock = write.for_share();
        let found = standing(write.connection(), publisher, lock).await.map_err(failed)?;
        Ok(found.is_some_and(|found| {
            let is_own = found.package == *package;
            !found.pending && (is_own || found.package.covers(package) && owners.contains(&found.owner))
        }))
    }

    /// Returns `true` if a publish token is valid at `now` for the package by its publisher. It stays so
    /// until the transaction ends: others that revoke it wait.
    ///
    /// It knows stored tokens only. Of a self-contained token
    /// ([`NewToken::SelfContained`](crate::server::NewToken::SelfContained)), the registry verifies the text
    /// and asks [`Transaction::is_active`].
    ///
    /// Ask it after [`Transaction::is_active`], since rows are locked in the order publisher, token.
    ///
    /// # Errors
    ///
    /// When the store can't be reached.
    pub async fn is_granted(
        &self,
        token: &TokenHash,
        package: &Package,
        publisher: &str,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let mut write = self.write.lock().await;
        let found = standing(write.connection(), publisher, "").await.map_err(failed)?;
        let Some(found) = found.filter(|found| found.is_for(package)) else { return Ok(false) };
        let token = HEXLOWER.encode(token.as_bytes());
        let several = |table: &str| format!("oidc_token t JOIN {table} g ON g.token = t.hash");
        // A grant of a publisher for a prefix is for one package or for the whole prefix.
        let (places, whole) = match found.package.is_prefix() {
            true => (vec![("g", several("oidc_token_prefix"))], ""),
            false => {
                (vec![("t", "oidc_token t".to_owned()), ("g", several("oidc_token_package"))], &*package.name)
            }
        };
        for (row, tables) in places {
            let statement = format!(
                "SELECT t.hash FROM {tables} WHERE {row}.ecosystem = $1 AND {row}.package IN ($2, $3) AND {row}.publisher = $4 \
                 AND t.hash = $5 AND t.expires_at > $6{}",
                write.for_share()
            );
            let query = sqlx::query(AssertSqlSafe(statement)).bind(&package.ecosystem).bind(&package.name);
            let query = query.bind(whole).bind(publisher).bind(&token).bind(now.as_signed_secs());
            if query.fetch_optional(write.connection()).await.map_err(failed)?.is_some() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Commits the transaction.
    ///
    /// # Errors
    ///
    /// When the database refuses, and then nothing was changed, or when it can't be reached, and then the
    /// outcome is unknown.
    pub async fn commit(self) -> Result<(), StoreError> {
        self.write.into_inner().commit().await.map_err(failed)
    }
}

impl fmt::Debug for Transaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transaction").finish_non_exhaustive()
    }
}

impl SqlStore {
    /// Begins a transaction that may write. Dropping it without [`Transaction::commit`] rolls it back.
    ///
    /// On SQLite the writers of one process queue, first come, first served. The holder of a transaction
    /// holds up all others, so it must await nothing but the transaction; a write through the store itself
    /// would wait for ever. On PostgreSQL each statement sees the rows that were committed before it, and the
    /// server aborts a transaction where two wait for each other: [`retry`](super::retry) runs it again.
    ///
    /// # Errors
    ///
    /// When the store can't be reached.
    pub async fn begin(&self) -> Result<Transaction, StoreError> {
        Ok(Transaction { write: Mutex::new(self.database.write().await.map_err(failed)?) })
    }
}

#[async_trait]
impl TrustStore for Transaction {
    async fn list(&self, package: &Package) -> Result<Vec<PublisherRecord>, StoreError> {
        trust_store::list(self.write.lock().await.connection(), package).await
    }

    async fn of_origin(&self, origin: &str) -> Result<Vec<PublisherRecord>, StoreError> {
        trust_store::of_origin(self.write.lock().await.connection(), origin).await
    }

    async fn of_account(&self, account: &str) -> Result<Vec<PublisherRecord>, StoreError> {
        trust_store::of_account(self.write.lock().await.connection(), account).await
    }

    async fn covering(
        &self,
        package: &Package,
        owners: &[PackageOwner],
    ) -> Result<Vec<PublisherRecord>, StoreError> {
        covering(self.write.lock().await.connection(), package, owners).await
    }

    async fn live_tokens(
        &self,
        package: &Package,
        now: Timestamp,
    ) -> Result<BTreeMap<String, u64>, StoreError> {
        trust_store::live_tokens(self.write.lock().await.connection(), package, now).await.map_err(failed)
    }

    async fn purge_publishers(&self, ended: EndedBefore, limit: u32) -> Result<u64, StoreError> {
        room::purge(self.write.lock().await.connection(), ended, limit).await.map_err(failed)
    }

    async fn add(&self, publisher: &PublisherRecord, room: &Room) -> Result<Stored, StoreError> {
        trust_store::add(&mut *self.write.lock().await, publisher, room).await.map_err(failed)
    }

    async fn replace(
        &self,
        old: &PublisherRecord,
        publisher: &PublisherRecord,
        room: &Room,
    ) -> Result<Stored, StoreError> {
        trust_store::replace(&mut *self.write.lock().await, old, publisher, room).await.map_err(failed)
    }

    async fn remove(&self, package: &Package, id: &str) -> Result<bool, StoreError> {
        trust_store::remove(&mut *self.write.lock().await, package, id).await.map_err(failed)
    }

    async fn published(&self, package: &Package, by: &str, now: Timestamp) -> Result<bool, StoreError> {
        let mut write = self.write.lock().await;
        proof::published(write.connection(), package, by, now).await.map_err(failed)
    }

    async fn package_created_by(
        &self,
        package: &Package,
        by: &str,
    ) -> Result<Option<PackageOwner>, StoreError> {
        trust_store::package_created_by(&mut *self.write.lock().await, package, by).await.map_err(failed)
    }

    async fn package_created(&self, package: &Package) -> Result<(), StoreError> {
        trust_store::package_created(&mut *self.write.lock().await, package).await.map_err(failed)
    }

    async fn package_removed(&self, package: &Package) -> Result<(), StoreError> {
        packages::removed(&mut *self.write.lock().await, package).await
    }

    async fn package_renamed(&self, package: &Package, name: &str) -> Result<(), StoreError> {
        packages::renamed(&mut *self.write.lock().await, package, name).await
    }

    async fn package_transferred(
        &self,
        package: &Package,
        owner: &PackageOwner,
        kept: &[&str],
    ) -> Result<(), StoreError> {
        packages::transferred(&mut *self.write.lock().await, package, owner, kept).await
    }
}
