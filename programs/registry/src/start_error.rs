//! The reasons for which the registry does not start.

use std::io;
use std::net::SocketAddr;

use oidc_exchange::server::InvalidLifetime;

use super::config::InvalidConfig;

/// The registry did not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The configuration can't be used.
    #[error(transparent)]
    Config(#[from] InvalidConfig),
    /// A package or a publisher of the configuration can't be used.
    #[error("package `{package}`{publisher}: {reason}")]
    Package {
        /// The package.
        package: String,
        /// The publisher, by its position.
        publisher: String,
        /// The fault.
        reason: String,
    },
    /// A platform of the configuration can't be used.
    #[error("provider: {0}")]
    Provider(String),
    /// Publish tokens live too short or too long for a protocol.
    #[error("publish tokens: {0}")]
    Lifetime(#[from] InvalidLifetime),
    /// The publishers can't be stored.
    #[error("the publishers can't be stored: {0}")]
    Trust(String),
    /// The database can't be opened.
    #[error("the database `{url}`: {reason}; {}", database_fix(url))]
    Database {
        /// Its URL, without what may be a password.
        url: String,
        /// The reason.
        reason: String,
    },
    /// A file that the configuration names can't be used.
    #[error("{0}")]
    File(String),
    /// The address can't be listened on.
    #[error("can't listen on {address}: {reason}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// The reason.
        reason: io::Error,
    },
}

/// The fix for a database that can't be opened.
fn database_fix(url: &str) -> &'static str {
    if url.starts_with("postgres") {
        "is PostgreSQL running there, and are the user and the database's name right?"
    } else {
        "see that it is there, and its folder too, and may be written"
    }
}
