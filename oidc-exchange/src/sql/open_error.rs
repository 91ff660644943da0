use std::error::Error;

/// The database could not be opened or brought up to date.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The URL or another option can't be used.
    #[error("the database's options can't be used: {reason}")]
    Options {
        /// The reason, without the URL.
        reason: String,
    },
    /// The database can't be reached, or refuses the connection. The source is the reason.
    #[error("the database can't be opened")]
    Connect(#[source] Box<dyn Error + Send + Sync>),
    /// The tables are older than this release needs, or missing.
    #[error(
        "the tables are at version {found}, and this program needs version {needed}: bring them up to date \
         (`SqlOptions::migrate`), with a role that may create tables"
    )]
    OutOfDate {
        /// The version of the tables; 0 where there are none.
        found: i64,
        /// The version that is needed.
        needed: i64,
    },
    /// The tables can't be brought up to date. The source is the reason.
    #[error("the database's tables can't be brought up to date")]
    Migrate(#[source] Box<dyn Error + Send + Sync>),
}

impl OpenError {
    pub(super) fn options(reason: impl Into<String>) -> Self {
        Self::Options { reason: reason.into() }
    }

    pub(super) fn memory() -> Self {
        Self::options(
            "a database in memory ends with the store that made it; only `SqlOptions::open` makes one",
        )
    }

    pub(super) fn connect(error: sqlx::Error) -> Self {
        Self::Connect(error.into())
    }
}
