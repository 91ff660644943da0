//! The bytes of published files, in pieces, so that none of them is ever in memory as a whole to be served.

use async_trait::async_trait;
use axum::body::Bytes;
use axum::http::header::CONTENT_LENGTH;
use axum::response::{IntoResponse as _, Response};
use oidc_exchange::sql::SqlStore;
use sqlx::AnyConnection;

use super::pieces::{self, Pieces};

/// The tables. A blob's name is unique within its ecosystem, and its pieces are counted from 0.
pub(super) const SCHEMA: &[&str] = &[
    "CREATE TABLE IF NOT EXISTS blob (
        ecosystem TEXT NOT NULL,
        name TEXT NOT NULL,
        length BIGINT NOT NULL,
        PRIMARY KEY (ecosystem, name)
    )",
    "CREATE TABLE IF NOT EXISTS blob_piece (
        ecosystem TEXT NOT NULL,
        name TEXT NOT NULL,
        number BIGINT NOT NULL,
        content BYTES NOT NULL,
        PRIMARY KEY (ecosystem, name, number),
        FOREIGN KEY (ecosystem, name) REFERENCES blob (ecosystem, name)
    )",
];

/// The size of a piece in bytes, unless it is the last.
const PIECE: usize = 128 << 10;

/// Stores a blob, as a part of the transaction that publishes it.
pub(super) async fn add(
    connection: &mut AnyConnection,
    ecosystem: &str,
    name: &str,
    content: &[u8],
) -> Result<(), sqlx::Error> {
    sqlx::query("INSERT INTO blob (ecosystem, name, length) VALUES ($1, $2, $3)")
        .bind(ecosystem)
        .bind(name)
        .bind(i64::try_from(content.len()).unwrap_or(i64::MAX))
        .execute(&mut *connection)
        .await?;
    for (number, piece) in (0_i64..).zip(content.chunks(PIECE)) {
        let statement = "INSERT INTO blob_piece (ecosystem, name, number, content) VALUES ($1, $2, $3, $4)";
        let query = sqlx::query(statement).bind(ecosystem).bind(name).bind(number).bind(piece);
        query.execute(&mut *connection).await?;
    }
    Ok(())
}

/// An answer that is a blob, if it is there.
pub(super) async fn answer(
    database: &SqlStore,
    ecosystem: &'static str,
    name: &str,
) -> Result<Option<Response>, sqlx::Error> {
    let length: Option<i64> =
        sqlx::query_scalar("SELECT length FROM blob WHERE ecosystem = $1 AND name = $2")
            .bind(ecosystem)
            .bind(name)
            .fetch_optional(database.pool())
            .await?;
    let Some(length) = length else { return Ok(None) };
    let body = pieces::body(Blob { database: database.clone(), ecosystem, name: name.to_owned(), number: 0 });
    Ok(Some(([(CONTENT_LENGTH, length)], body).into_response()))
}

/// A blob that is being sent, and the number of the next piece.
struct Blob {
    database: SqlStore,
    ecosystem: &'static str,
    name: String,
    number: i64,
}

#[async_trait]
impl Pieces for Blob {
    async fn next(&mut self) -> Result<Option<Bytes>, Box<dyn std::error::Error + Send + Sync>> {
        let statement = "SELECT content FROM blob_piece WHERE ecosystem = $1 AND name = $2 AND number = $3";
        let piece = sqlx::query_scalar(statement).bind(self.ecosystem).bind(&self.name).bind(self.number);
        let piece: Option<Vec<u8>> = piece.fetch_optional(self.database.pool()).await?;
        self.number = self.number.saturating_add(1);
        Ok(piece.map(Bytes::from))
    }
}
