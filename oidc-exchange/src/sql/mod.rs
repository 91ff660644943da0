//! The server's stores over SQL, ready to use.
//!
//! [`SqlStore`] keeps publishers, publish tokens and replay records in SQLite or PostgreSQL, in tables whose
//! names begin with `oidc_`, so that it can share a database with the application: [`SqlStore::begin`]
//! returns a [`Transaction`] for both.
//!
//! No type of sqlx stands in a public signature, except behind the feature `sqlx`: with it, an application
//! whose tables are in the store's database runs its own statements on the store's connections, and creates its tables:
//! `Transaction::connection` has an example.

mod authorize;
mod batch;
mod candidates;
mod database;
mod insert;
mod migrations;
mod open_error;
mod options;
mod packages;
mod prefixes;
mod proof;
mod publishers;
mod redeem;
mod room;
mod rows;
mod schema;
mod target;
mod tokens;
mod transaction;
mod trust_store;
mod warm;

pub use self::authorize::Authorized;
use self::batch::Batches;
use self::candidates::LookUp;
use self::database::Database;
pub use self::database::retry;
pub use self::open_error::OpenError;
pub use self::options::SqlOptions;
use self::redeem::Values;
pub use self::transaction::Transaction;

/// All three stores over SQL. Clones share their connections.
///
/// Recording the use of an identity token and storing a publish token are one transaction. The answer is
/// given after its commit, so neither a crash nor a second process doubles or loses a token. Grants that come while
/// others are written share the next transaction.
///
/// ```
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use oidc_exchange::sql::SqlStore;
///
/// let store = SqlStore::open("sqlite:registry.db").await?;
/// # let _ = store;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct SqlStore {
    database: Database,
    grants: Batches<Values>,
    look_ups: Batches<LookUp>,
}

impl SqlStore {
    fn over(database: Database) -> Self {
        Self { database, grants: Batches::default(), look_ups: Batches::default() }
    }

    /// Opens the database at `url`, such as `sqlite:registry.db` (created when missing) or
    /// `postgres://user@host/registry?sslmode=verify-full`, and brings its tables up to date: see [`SqlOptions`].
    ///
    /// # Errors
    ///
    /// When the URL names no known kind of database, or the database can't be reached, written or brought up to date.
    pub async fn open(url: &str) -> Result<Self, OpenError> {
        SqlOptions::new(url).open().await
    }

    /// Returns the pool of connections, for statements of the application that only read.
    ///
    /// Statements that write must go through [`SqlStore::begin`].
    #[cfg(feature = "sqlx")]
    pub fn pool(&self) -> &sqlx::AnyPool {
        self.database.pool()
    }
}
