//! All versions of an ecosystem, in the order in which they were published.
//!
//! What was entered once stays as it is, and what is newer comes behind it. So a reader of the first so many entries reads the
//! same at any time, and whoever has them asks for the rest alone.

use async_trait::async_trait;
use axum::body::Bytes;
use oidc_core::Context;
use sqlx::AnyConnection;

use super::store::{File, Store};
use crate::registry::pieces::Pieces;

/// The tables. `entries` is how many there are; `series` is NULL for a version that is never the newest, and `superseded_at` the
/// number of the entry that was newer.
pub(in crate::registry) const SCHEMA: &[&str] = &[
    "CREATE TABLE IF NOT EXISTS hosted_catalog (
        ecosystem TEXT PRIMARY KEY,
        entries BIGINT NOT NULL
    )",
    "CREATE TABLE IF NOT EXISTS hosted_entry (
        ecosystem TEXT NOT NULL,
        number BIGINT NOT NULL,
        package TEXT NOT NULL,
        version TEXT NOT NULL,
        series TEXT,
        line TEXT NOT NULL,
        summary BYTES NOT NULL,
        is_first BIGINT NOT NULL,
        superseded_at BIGINT,
        PRIMARY KEY (ecosystem, number)
    )",
    "CREATE INDEX IF NOT EXISTS hosted_entry_series ON hosted_entry (ecosystem, package, series)",
];

/// How many entries are read together.
const ENTRIES: i64 = 256;

/// What of a file is read with all others of its ecosystem.
#[derive(Debug)]
pub(in crate::registry) struct Listing {
    /// Made of the package's name and all of its files, oldest first.
    pub(in crate::registry) index: fn(&str, &[File]) -> Indexed,
    /// The version without what else is in its number.
    pub(in crate::registry) version: String,
    /// The versions of the package of which this one may be the newest.
    pub(in crate::registry) series: Option<String>,
    /// Whether the first of two versions is newer.
    pub(in crate::registry) is_newer: fn(&str, &str) -> bool,
    /// Some bytes on the version.
    pub(in crate::registry) summary: Vec<u8>,
}

/// What a package's index comes to.
#[derive(Debug)]
pub(in crate::registry) struct Indexed {
    /// The line of its newest file among all files.
    pub(in crate::registry) line: String,
    /// What there is to know of its index without reading it.
    pub(in crate::registry) described: String,
}

/// Some of the entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::registry) enum Choice {
    /// Those that may be the newest of a series.
    Regular,
    /// The newest of each series.
    Newest,
    /// The others.
    Other,
}

impl Choice {
    /// The condition in SQL; `$2` is the number of entries that are looked at.
    fn condition(self) -> &'static str {
        match self {
            Self::Regular => "series IS NOT NULL",
            Self::Newest => "series IS NOT NULL AND (superseded_at IS NULL OR superseded_at >= $2)",
            Self::Other => "series IS NULL",
        }
    }
}

impl Store {
    /// Enters a file that is being published. Until the transaction ends, no other is entered.
    pub(super) async fn enter(
        &self,
        connection: &mut AnyConnection,
        package: &str,
        listing: Listing,
        line: &str,
        is_first: bool,
    ) -> Result<(), sqlx::Error> {
        let begin = "INSERT INTO hosted_catalog (ecosystem, entries) VALUES ($1, 0) ON CONFLICT DO NOTHING";
        sqlx::query(begin).bind(self.ecosystem).execute(&mut *connection).await?;
        let next = "UPDATE hosted_catalog SET entries = entries + 1 WHERE ecosystem = $1 RETURNING entries";
        let entries: i64 =
            sqlx::query_scalar(next).bind(self.ecosystem).fetch_one(&mut *connection).await?;
        let number = entries.saturating_sub(1);
        let superseded_at = self.supersede(connection, package, &listing, number).await?;
        let statement = "INSERT INTO hosted_entry
                 (ecosystem, number, package, version, series, line, summary, is_first, superseded_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
        sqlx::query(statement)
            .bind(self.ecosystem)
            .bind(number)
            .bind(package)
            .bind(&listing.version)
            .bind(&listing.series)
            .bind(line)
            .bind(listing.summary)
            .bind(i64::from(is_first))
            .bind(superseded_at)
            .execute(connection)
            .await
            .map(|_| ())
    }

    /// Lets the newest of a series be superseded by the entry `number`, or else that one by itself.
    async fn supersede(
        &self,
        connection: &mut AnyConnection,
        package: &str,
        listing: &Listing,
        number: i64,
    ) -> Result<Option<i64>, sqlx::Error> {
        let newest = "SELECT number, version FROM hosted_entry
             WHERE ecosystem = $1 AND package = $2 AND series = $3 AND superseded_at IS NULL";
        let newest = sqlx::query_as(newest).bind(self.ecosystem).bind(package).bind(&listing.series);
        let newest: Option<(i64, String)> = newest.fetch_optional(&mut *connection).await?;
        let Some((newest, version)) = newest else { return Ok(None) };
        if !(listing.is_newer)(&listing.version, &version) {
            return Ok(Some(number));
        }
        let supersede = "UPDATE hosted_entry SET superseded_at = $3 WHERE ecosystem = $1 AND number = $2";
        let supersede = sqlx::query(supersede).bind(self.ecosystem).bind(newest).bind(number);
        supersede.execute(connection).await?;
        Ok(None)
    }

    /// How many entries there are.
    pub(super) async fn entries(&self) -> Result<i64, sqlx::Error> {
        let statement = "SELECT entries FROM hosted_catalog WHERE ecosystem = $1";
        let query = sqlx::query_scalar(statement).bind(self.ecosystem);
        Ok(query.fetch_optional(self.database.pool()).await?.unwrap_or(0))
    }

    /// Some entries from the number `from` on, of the first `until`: each with its number, package and line, and whether it is
    /// the package's first.
    async fn lines(&self, from: i64, until: i64) -> Result<Vec<Line>, sqlx::Error> {
        let statement = "SELECT number, package, line, is_first FROM hosted_entry
             WHERE ecosystem = $1 AND number < $2 AND number >= $3 ORDER BY number LIMIT $4";
        let query = sqlx::query_as(statement).bind(self.ecosystem).bind(until).bind(from).bind(ENTRIES);
        query.fetch_all(self.database.pool()).await
    }

    async fn count(&self, choice: Choice, until: i64) -> Result<i64, sqlx::Error> {
        let statement = sqlx::AssertSqlSafe(format!(
            "SELECT COUNT(*) FROM hosted_entry WHERE ecosystem = $1 AND number < $2 AND {}",
            choice.condition()
        ));
        let query = sqlx::query_scalar(statement).bind(self.ecosystem).bind(until);
        query.fetch_one(self.database.pool()).await
    }

    async fn summaries(
        &self,
        choice: Choice,
        from: i64,
        until: i64,
    ) -> Result<Vec<(i64, Vec<u8>)>, sqlx::Error> {
        let statement = sqlx::AssertSqlSafe(format!(
            "SELECT number, summary FROM hosted_entry
             WHERE ecosystem = $1 AND number < $2 AND number >= $3 AND {} ORDER BY number LIMIT $4",
            choice.condition()
        ));
        let query = sqlx::query_as(statement).bind(self.ecosystem).bind(until).bind(from).bind(ENTRIES);
        query.fetch_all(self.database.pool()).await
    }
}

/// An entry's line.
#[derive(Debug, sqlx::FromRow)]
pub(in crate::registry) struct Line {
    number: i64,
    pub(in crate::registry) package: String,
    pub(in crate::registry) line: String,
    is_first: i64,
}

impl Line {
    /// Whether its package has no older entry.
    pub(in crate::registry) fn is_first(&self) -> bool {
        self.is_first != 0
    }
}

/// The lines of the first entries, or of those behind others.
pub(in crate::registry) struct Lines {
    store: Store,
    next: Option<i64>,
    until: i64,
    entry: fn(&Line) -> Option<&str>,
}

impl Lines {
    pub(super) fn new(store: Store, from: i64, until: i64, entry: fn(&Line) -> Option<&str>) -> Self {
        Self { store, next: Some(from), until, entry }
    }
}

#[async_trait]
impl Pieces for Lines {
    async fn next(&mut self) -> Result<Option<Bytes>, Box<dyn std::error::Error + Send + Sync>> {
        let Some(from) = self.next else { return Ok(None) };
        let lines = self.store.lines(from, self.until).await?;
        self.next = lines.last().map(|line| line.number.saturating_add(1));
        let piece: String = lines.iter().filter_map(self.entry).collect();
        Ok(Some(piece.into()))
    }
}

/// The summaries of the entries of a choice, and before them what is made of their number.
pub(in crate::registry) struct Summaries {
    store: Store,
    choice: Choice,
    next: Option<i64>,
    until: i64,
    head: Option<Vec<u8>>,
}

impl Summaries {
    pub(super) async fn new(
        store: Store,
        choice: Choice,
        head: fn(usize) -> Vec<u8>,
    ) -> Result<Self, sqlx::Error> {
        let until = store.entries().await?;
        let count = usize::try_from(store.count(choice, until).await?).unwrap_or(0);
        Ok(Self { store, choice, next: Some(0), until, head: Some(head(count)) })
    }
}

#[async_trait]
impl Pieces for Summaries {
    async fn next(&mut self) -> Result<Option<Bytes>, Box<dyn std::error::Error + Send + Sync>> {
        let Some(from) = self.next else { return Ok(None) };
        let summaries = self.store.summaries(self.choice, from, self.until).await?;
        self.next = summaries.last().map(|(number, _)| number.saturating_add(1));
        let mut piece = self.head.take().unwrap_or_default();
        piece.extend(summaries.into_iter().flat_map(|(_, summary)| summary));
        Ok(Some(piece.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
}
