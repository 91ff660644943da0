//! The server's stores over SQL, ready to use.
//!
//! [`SqlStore`] keeps publishers, publish tokens and replay records in SQLite or PostgreSQL, in tables that begin with
//! `oidc_`, so that it can share a database with the application's own. No type of sqlx stands in a public signature.
//!
//! # A package that a pending publisher creates
//!
//! A registry that keeps its packages in the same database says so in the transaction that creates the package: it
//! executes [`MAKE_REGULAR`], if a publish token's publisher created it, which has to change one row, and
//! [`END_PENDING`]. Both take the same three parameters: the ecosystem, the package, and the publisher's id, or an empty
//! text. Then the package exists exactly if the publisher is a regular one.

mod database;
mod publishers;
mod redeem;
mod rows;
mod tokens;
mod trust;

use self::database::Database;
pub use self::database::OpenError;

/// Makes the pending publisher `$3` of the package `$2` of the ecosystem `$1` a regular one. It changes one row, or the
/// publisher is none of the package's pending ones.
pub const MAKE_REGULAR: &str =
    "UPDATE oidc_publisher SET pending = 0 WHERE ecosystem = $1 AND package = $2 AND id = $3 AND pending = 1";

/// Selects a row if `$3` is a regular publisher of the package `$2` of the ecosystem `$1` at this moment. A registry that
/// takes long to read what is published asks once more in the transaction that stores it, on PostgreSQL with ` FOR SHARE`
/// behind it, so that whoever removes the publisher waits for that transaction's end.
pub const IS_REGULAR: &str =
    "SELECT id FROM oidc_publisher WHERE ecosystem = $1 AND package = $2 AND id = $3 AND pending = 0";

/// Selects a row if the publish token with the hash `$4` is valid at the time `$5` for the package `$2` of the ecosystem
/// `$1`, by its publisher `$3`. The hash is a [`TokenHash`](crate::server::TokenHash) in lower-case hexadecimal digits, the
/// time in seconds since the epoch. A registry asks last in the transaction that stores what the token publishes, on
/// PostgreSQL with ` FOR SHARE` behind it, so that whoever revokes the token waits for that transaction's end. Ask for
/// [`IS_REGULAR`] before: rows are locked in the order publisher, token.
pub const IS_GRANTED: &str = "SELECT t.hash FROM oidc_token t JOIN oidc_token_package p ON p.token = t.hash \
     WHERE p.ecosystem = $1 AND p.package = $2 AND p.publisher = $3 AND t.hash = $4 AND t.expires_at > $5";

/// Removes every pending publisher of the package `$2` of the ecosystem `$1` but `$3`, and ends their tokens.
pub const END_PENDING: &str =
    "DELETE FROM oidc_publisher WHERE ecosystem = $1 AND package = $2 AND id <> $3 AND pending = 1";

/// All three stores over SQL. Clones share their connections.
///
/// Burning an identity token and minting a publish token are one transaction; an answer is given after its commit, so
/// neither a crash nor a second process doubles or loses one.
#[derive(Clone, Debug)]
pub struct SqlStore {
    database: Database,
}

impl SqlStore {
    /// Opens the database at `url`, such as `sqlite:registry.db` (created when missing) or
    /// `postgres://user@host/registry`, and brings its tables up to date. Several processes may use one database.
    ///
    /// To PostgreSQL it speaks TLS as the URL's `sslmode` says: only `verify-full` asks who it is that answers, by the
    /// system's roots or the one in the file `sslrootcert`; the default, `prefer`, believes anybody and does without TLS too.
    ///
    /// # Errors
    ///
    /// When the URL names no known kind of database, or the database can't be reached, written or brought up to date.
    pub async fn open(url: &str) -> Result<Self, OpenError> {
        Ok(Self { database: Database::open(url).await? })
    }
}
