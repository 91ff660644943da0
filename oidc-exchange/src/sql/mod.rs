//! The server's stores over SQL, ready to use.
//!
//! [`SqlStore`] keeps publishers, publish tokens and replay records in SQLite, in tables that begin with `oidc_`, so
//! that it can share a database with the application's own. No type of sqlx stands in a public signature.

mod database;
mod publishers;
mod tokens;

use self::database::Database;
pub use self::database::OpenError;

/// All three stores over SQL. Clones share their connections.
///
/// Burning an identity token and minting a publish token are one transaction; an answer is given after its commit, so
/// neither a crash nor a second process doubles or loses one.
#[derive(Clone, Debug)]
pub struct SqlStore {
    database: Database,
}

impl SqlStore {
    /// Opens the database at `url`, such as `sqlite:registry.db` (created when missing), and brings its tables up to
    /// date.
    ///
    /// # Errors
    ///
    /// When the URL names no known kind of database, or the database can't be reached, written or brought up to date.
    pub async fn open(url: &str) -> Result<Self, OpenError> {
        Ok(Self { database: Database::open(url).await? })
    }
}
