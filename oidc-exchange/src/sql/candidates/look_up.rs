//! The look-up of the publishers of one identity for one package, in one round trip for all callers that look up at a time.
//!
//! It is that of nearly every exchange.

use std::sync::LazyLock;

use oidc_core::Identity;
use serde::Serialize;
use sqlx::any::AnyRow;
use sqlx::{AssertSqlSafe, Row as _};
use tokio::sync::OwnedMutexGuard;

use super::super::batch::Shared;
use super::super::database::{Database, failed};
use super::super::rows::JOINS;
use super::{Found, Group, Whose, columns, first, found};
use crate::server::{Candidates, MAX_CANDIDATES, StoreError};

/// The number of publishers of one look-up among others. Where there may be more, the caller looks them up alone.
const FEW: usize = 32;

/// A look-up of the publishers of one identity for one package.
#[derive(Debug)]
pub(in crate::sql) struct LookUp {
    pub(super) identity: Identity,
    pub(super) ecosystem: String,
    pub(super) package: String,
}

impl Shared for LookUp {
    /// The candidates, and `None` where there may be more than were looked up.
    type Answer = Result<Option<Candidates>, StoreError>;

    /// One waits for the database while the answer to another is read.
    fn servers(_: &Database) -> usize {
        2
    }

    async fn turn(_: &Database) -> Option<OwnedMutexGuard<()>> {
        None
    }

    fn may_join(&self, _: &[Self], _: &Database) -> bool {
        true
    }

    async fn serve(database: &Database, asked: Vec<Self>) -> Vec<Self::Answer> {
        if asked.len() > 1 {
            match together(database, &asked).await {
                Ok(answers) => return answers.into_iter().map(|found| Ok(complete(found, FEW))).collect(),
                // One of them may be the reason, which then fails alone.
                Err(error) => {
                    tracing::warn!(%error, look_ups = asked.len(), "look-ups that shared a statement are made one by one");
                }
            }
        }
        let mut answers = Vec::new();
        for look_up in &asked {
            answers.push(look_up.alone(database).await);
        }
        answers
    }

    fn unserved() -> Self::Answer {
        Err(failed(sqlx::Error::WorkerCrashed))
    }
}

impl LookUp {
    async fn alone(&self, database: &Database) -> Result<Option<Candidates>, StoreError> {
        let groups = vec![Group::new(&self.identity, Some(&self.package), Whose::Everybody)];
        let found = first(database, groups, &self.ecosystem, MAX_CANDIDATES).await?;
        Ok(complete(found, MAX_CANDIDATES))
    }
}

/// The candidates, unless there are as many as were asked for.
fn complete(found: Found, limit: usize) -> Option<Candidates> {
    (found.len() < limit).then(|| found.into_candidates())
}

/// A look-up, as the statements read it.
#[derive(Serialize)]
struct Wanted<'a> {
    place: usize,
    key: &'a str,
    issuer: &'a str,
    ecosystem: &'a str,
    package: &'a str,
}

/// The order in which [`Group::select`] takes the publishers of a package.
const ORDER: &str = "ORDER BY pending, package_turn, created_at, id";

/// The statement on PostgreSQL. Due to `OFFSET 0`, the inner part is planned and executed for each look-up apart, by the same
/// indexes as alone.
static POSTGRES: LazyLock<String> = LazyLock::new(|| {
    let columns = columns();
    format!(
        "SELECT w.place, q.* FROM json_to_recordset(CAST($1 AS JSON)) \
         AS w (place BIGINT, key TEXT, issuer TEXT, ecosystem TEXT, package TEXT) CROSS JOIN LATERAL ( \
             SELECT {columns} FROM (SELECT * FROM oidc_publisher WHERE identity_key = w.key AND issuer = w.issuer \
             AND ecosystem = w.ecosystem AND package = w.package {ORDER} LIMIT {FEW}) p {JOINS} OFFSET 0 \
         ) q ORDER BY w.place, q.created_at, q.id"
    )
});

/// The statement on SQLite, which knows no lateral joins.
static SQLITE: LazyLock<String> = LazyLock::new(|| {
    let columns = columns();
    format!(
        "SELECT w.value ->> 'place' AS place, {columns} FROM json_each($1) w CROSS JOIN oidc_publisher p ON p.id IN ( \
             SELECT id FROM oidc_publisher WHERE identity_key = w.value ->> 'key' AND issuer = w.value ->> 'issuer' \
             AND ecosystem = w.value ->> 'ecosystem' AND package = w.value ->> 'package' {ORDER} LIMIT {FEW} \
         ) {JOINS} ORDER BY 1, p.created_at, p.id"
    )
});

/// Looks all up in one statement, at most [`FEW`] publishers for each.
async fn together(database: &Database, asked: &[LookUp]) -> Result<Vec<Found>, StoreError> {
    let wanted = asked.iter().enumerate().map(|(place, LookUp { identity, ecosystem, package })| Wanted {
        place,
        key: &identity.key,
        issuer: &identity.issuer,
        ecosystem,
        package,
    });
    let wanted = serde_json::to_string(&wanted.collect::<Vec<_>>()).map_err(StoreError::new)?;
    let text: &'static str = if database.is_sqlite() { &SQLITE } else { &POSTGRES };
    let rows = database.read(sqlx::query(AssertSqlSafe(text)).bind(wanted)).await.map_err(failed)?;
    let mut answers: Vec<Found> = asked.iter().map(|_| Found::default()).collect();
    for rows in rows.chunk_by(|one, next| place(one) == place(next)) {
        let answer = rows.first().and_then(place).and_then(|place| answers.get_mut(place));
        *answer.ok_or_else(|| failed(sqlx::Error::RowNotFound))? = found(rows)?;
    }
    Ok(answers)
}

/// The place of the look-up that a row is for.
fn place(row: &AnyRow) -> Option<usize> {
    row.try_get::<i64, _>("place").ok().and_then(|place| usize::try_from(place).ok())
}
