//! The registry's memory of who did what: one row for every exchange attempt whose token's signature held and for
//! every publish, and a count of the refusals before that, which anybody can cause.

use std::time::Duration;

use oidc_core::Timestamp;
use oidc_exchange::server::{Event, EventSink};
use sqlx::Row as _;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::database::Database;

/// The tables of this module.
pub(super) const SCHEMA: &[&str] = &[
    "CREATE TABLE IF NOT EXISTS registry_event (id TEXT PRIMARY KEY, at BIGINT NOT NULL, ecosystem TEXT NOT NULL, \
     package TEXT, event TEXT NOT NULL)",
    "CREATE INDEX IF NOT EXISTS registry_event_by_time ON registry_event (at)",
    "CREATE TABLE IF NOT EXISTS registry_refusals (outcome TEXT PRIMARY KEY, refusals BIGINT NOT NULL)",
];

/// How many events may wait to be written. What comes when they are that many is counted as dropped.
const QUEUE: usize = 4096;
/// How many events one transaction writes.
const BATCH: usize = 256;
/// How long events are kept.
const KEEP: Duration = Duration::from_secs(90 * 24 * 3600);

/// Takes events and writes them behind the request's back.
#[derive(Clone, Debug)]
pub(super) struct Audit {
    queue: mpsc::Sender<Event>,
}

impl EventSink for Audit {
    fn record(&self, event: &Event) {
        if self.queue.try_send(event.clone()).is_err() {
            tracing::warn!("more events than can be written; one is dropped");
        }
    }
}

impl Audit {
    /// A sink, and the task that writes what it takes until every sink is gone.
    pub(super) fn start(database: Database) -> (Self, JoinHandle<()>) {
        let (queue, events) = mpsc::channel(QUEUE);
        (Self { queue }, tokio::spawn(write(database, events)))
    }
}

async fn write(database: Database, mut events: mpsc::Receiver<Event>) {
    let mut batch = Vec::new();
    let mut number: u64 = 0;
    let instance = oidc_core::testing::FakeIssuer::unique_id();
    while events.recv_many(&mut batch, BATCH).await > 0 {
        let ids: Vec<String> = batch
            .iter()
            .map(|_| {
                number += 1;
                format!("{instance}-{number:012}")
            })
            .collect();
        if let Err(error) = store(&database, &ids, &batch).await {
            tracing::error!(%error, events = batch.len(), "events can't be written");
        }
        batch.clear();
    }
}

async fn store(database: &Database, ids: &[String], events: &[Event]) -> Result<(), sqlx::Error> {
    let mut write = database.write().await?;
    for (id, event) in ids.iter().zip(events) {
        if !event.is_verified() {
            let statement = "INSERT INTO registry_refusals (outcome, refusals) VALUES ($1, 1) \
                 ON CONFLICT (outcome) DO UPDATE SET refusals = registry_refusals.refusals + 1";
            sqlx::query(statement).bind(event.outcome).execute(write.connection()).await?;
            continue;
        }
        let statement =
            "INSERT INTO registry_event (id, at, ecosystem, package, event) VALUES ($1, $2, $3, $4, $5)";
        sqlx::query(statement)
            .bind(id)
            .bind(i64::try_from(event.time).unwrap_or(i64::MAX))
            .bind(&event.ecosystem)
            .bind(event.package.as_deref())
            .bind(serde_json::to_string(event).unwrap_or_default())
            .execute(write.connection())
            .await?;
    }
    write.commit().await
}

/// Forgets events that are older than is kept.
pub(super) async fn purge(database: &Database, now: Timestamp) -> Result<(), sqlx::Error> {
    let mut write = database.write().await?;
    let statement =
        "DELETE FROM registry_event WHERE id IN (SELECT id FROM registry_event WHERE at < $1 LIMIT 1000)";
    sqlx::query(statement).bind(now.minus(KEEP).as_signed_secs()).execute(write.connection()).await?;
    write.commit().await
}

/// The stored events as JSON objects, oldest first, of one package or of all.
pub(super) async fn events(database: &Database, package: Option<&str>) -> Result<Vec<String>, sqlx::Error> {
    let statement = "SELECT event FROM registry_event WHERE package = $1 OR $2 = 1 ORDER BY at, id";
    let query = sqlx::query(statement).bind(package.unwrap_or_default()).bind(i64::from(package.is_none()));
    query.fetch_all(database.pool()).await?.iter().map(|row| row.try_get("event")).collect()
}

/// How many attempts were refused before their token's signature held, by outcome.
pub(super) async fn refusals(database: &Database) -> Result<Vec<(String, i64)>, sqlx::Error> {
    let query = sqlx::query("SELECT outcome, refusals FROM registry_refusals ORDER BY outcome");
    let rows = query.fetch_all(database.pool()).await?;
    rows.iter().map(|row| Ok((row.try_get("outcome")?, row.try_get("refusals")?))).collect()
}
