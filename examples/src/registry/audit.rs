//! The registry's memory of who did what: one row for every exchange attempt whose token's signature held and for
//! every publish, and a count of the refusals before that, which anybody can cause.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use data_encoding::HEXLOWER;
use oidc_core::{Context, RandomError, Timestamp, shown};
use oidc_exchange::server::{Event, EventSink};
use sqlx::{AnyConnection, Row as _};
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

/// How many events may wait to be written. What comes when they are that many is counted.
const QUEUE: usize = 4096;
/// How many events one transaction writes.
const BATCH: usize = 256;
/// How long events are kept.
const KEEP: Duration = Duration::from_secs(90 * 24 * 3600);
/// How many refusals of one hour are kept, of all and of one repository: anybody with a repository can cause them.
const REFUSALS_AN_HOUR: u32 = 2000;
const REFUSALS_OF_ONE: u32 = 1000;
/// How many of everything else are kept of one hour.
const GRANTS_AN_HOUR: u32 = 20_000;
/// What exceeds the above, or came faster than it could be written, is counted under this name.
const NOT_KEPT: &str = "not-kept";
/// A reason is kept up to this many characters.
const MAX_REASON: usize = 1000;

/// Takes events and writes them behind the request's back.
#[derive(Clone, Debug)]
pub(super) struct Audit {
    queue: mpsc::Sender<Event>,
    lost: Arc<AtomicU32>,
}

impl EventSink for Audit {
    fn record(&self, event: &Event) {
        if self.queue.try_send(event.clone()).is_err() {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Audit {
    /// A sink, and the task that writes what it takes until every sink is gone.
    pub(super) fn start(database: Database, cx: &Context) -> Result<(Self, JoinHandle<()>), RandomError> {
        let mut instance = [0; 8];
        cx.random().fill(&mut instance)?;
        let (queue, events) = mpsc::channel(QUEUE);
        let audit = Self { queue, lost: Arc::default() };
        let instance = HEXLOWER.encode(&instance);
        let writer =
            Writer { database, instance, number: 0, rate: Rate::default(), lost: Arc::clone(&audit.lost) };
        Ok((audit, tokio::spawn(writer.write(events))))
    }
}

struct Writer {
    database: Database,
    /// Tells this process's events from another's.
    instance: String,
    number: u64,
    rate: Rate,
    lost: Arc<AtomicU32>,
}

impl Writer {
    async fn write(mut self, mut events: mpsc::Receiver<Event>) {
        let mut batch = Vec::new();
        while events.recv_many(&mut batch, BATCH).await > 0 {
            if let Err(error) = self.store(&batch).await {
                tracing::error!(%error, events = batch.len(), "events can't be written");
            }
            batch.clear();
        }
    }

    async fn store(&mut self, events: &[Event]) -> Result<(), sqlx::Error> {
        let mut counts: BTreeMap<&str, u32> = BTreeMap::new();
        let mut write = self.database.write().await?;
        for event in events {
            if !event.is_verified() {
                *counts.entry(event.outcome).or_default() += 1;
            } else if self.rate.admits(event) {
                self.number += 1;
                let id = format!("{}-{:012}", self.instance, self.number);
                insert(write.connection(), &id, event).await?;
            } else {
                *counts.entry(NOT_KEPT).or_default() += 1;
            }
        }
        let lost = self.lost.swap(0, Ordering::Relaxed);
        if lost > 0 {
            tracing::warn!(events = lost, "more events than can be written");
            *counts.entry(NOT_KEPT).or_default() += lost;
        }
        for (outcome, count) in counts {
            let statement = "INSERT INTO registry_refusals (outcome, refusals) VALUES ($1, $2) \
                 ON CONFLICT (outcome) DO UPDATE SET refusals = registry_refusals.refusals + excluded.refusals";
            sqlx::query(statement).bind(outcome).bind(i64::from(count)).execute(write.connection()).await?;
        }
        write.commit().await
    }
}

async fn insert(connection: &mut AnyConnection, id: &str, event: &Event) -> Result<(), sqlx::Error> {
    let mut kept = event.clone();
    kept.reason = without_addresses(&shown(&event.reason).up_to(MAX_REASON).to_string());
    kept.repository = event.repository.as_deref().map(without_addresses);
    let statement =
        "INSERT INTO registry_event (id, at, ecosystem, package, event) VALUES ($1, $2, $3, $4, $5)";
    sqlx::query(statement)
        .bind(id)
        .bind(i64::try_from(kept.time).unwrap_or(i64::MAX))
        .bind(&kept.ecosystem)
        .bind(kept.package.as_deref())
        .bind(serde_json::to_string(&kept).unwrap_or_default())
        .execute(connection)
        .await?;
    Ok(())
}

/// How many events of the current hour were kept.
#[derive(Default)]
struct Rate {
    hour: u64,
    grants: u32,
    refusals: u32,
    refusals_of: HashMap<String, u32>,
}

impl Rate {
    fn admits(&mut self, event: &Event) -> bool {
        let hour = event.time / 3600;
        if self.hour != hour {
            *self = Self { hour, ..Self::default() };
        }
        if event.outcome == "granted" {
            self.grants += 1;
            return self.grants <= GRANTS_AN_HOUR;
        }
        if self.refusals >= REFUSALS_AN_HOUR {
            return false;
        }
        let whose = format!("{:?} {:?}", event.issuer, event.repository);
        let of_one = self.refusals_of.entry(whose).or_default();
        if *of_one >= REFUSALS_OF_ONE {
            return false;
        }
        *of_one += 1;
        self.refusals += 1;
        true
    }
}

/// A text with every e-mail address replaced: a branch or an environment may be named after one.
fn without_addresses(text: &str) -> String {
    let is_separator = |c: char| c.is_whitespace() || "`'\"<>()[]{},;:/\\".contains(c);
    let mut out = String::with_capacity(text.len());
    for piece in text.split_inclusive(is_separator) {
        let word = piece.trim_end_matches(is_separator);
        let rest = piece.strip_prefix(word).unwrap_or_default();
        out.push_str(if is_address(word) { "(an address)" } else { word });
        out.push_str(rest);
    }
    out
}

/// `local@domain.tld`. A file at a ref (`publish.yml@refs`) and a version (`widget@1.0.0`) are none.
fn is_address(word: &str) -> bool {
    let Some((local, domain)) = word.trim_end_matches('.').rsplit_once('@') else { return false };
    let Some((_, top)) = domain.rsplit_once('.') else { return false };
    !local.is_empty() && top.chars().count() >= 2 && top.chars().all(char::is_alphabetic)
}

/// Forgets events that are older than is kept.
pub(super) async fn purge(database: &Database, now: Timestamp) -> Result<(), sqlx::Error> {
    let mut write = database.write().await?;
    let statement =
        "DELETE FROM registry_event WHERE id IN (SELECT id FROM registry_event WHERE at < $1 LIMIT 1000)";
    sqlx::query(statement).bind(now.minus(KEEP).as_signed_secs()).execute(write.connection()).await?;
    write.commit().await
}

/// The stored events as JSON objects in ASCII, fit for a terminal, oldest first, of one package or of all.
pub(super) async fn events(database: &Database, package: Option<&str>) -> Result<Vec<String>, sqlx::Error> {
    let statement = "SELECT event FROM registry_event WHERE package = $1 OR $2 = 1 ORDER BY at, id";
    let query = sqlx::query(statement).bind(package.unwrap_or_default()).bind(i64::from(package.is_none()));
    let rows = query.fetch_all(database.pool()).await?;
    rows.iter().map(|row| Ok(ascii(&row.try_get::<String, _>("event")?))).collect()
}

/// The same JSON with every character escaped that a terminal may not show as what it is. They stand in texts only.
fn ascii(json: &str) -> String {
    let mut ascii = String::with_capacity(json.len());
    for character in json.chars() {
        if matches!(character, ' '..='~') {
            ascii.push(character);
        } else {
            let mut units = [0; 2];
            ascii.extend(character.encode_utf16(&mut units).iter().map(|unit| format!("\\u{unit:04x}")));
        }
    }
    ascii
}

/// How many attempts were refused before their token's signature held, by outcome.
pub(super) async fn refusals(database: &Database) -> Result<Vec<(String, i64)>, sqlx::Error> {
    let query = sqlx::query("SELECT outcome, refusals FROM registry_refusals ORDER BY outcome");
    let rows = query.fetch_all(database.pool()).await?;
    rows.iter().map(|row| Ok((row.try_get("outcome")?, row.try_get("refusals")?))).collect()
}

#[cfg(test)]
mod tests {
    use oidc_core::Run;

    use super::*;

    #[test]
    fn addresses_are_replaced_and_nothing_else_is() {
        for (text, kept) in [
            ("found `alice@example.com`, expected `publish`", "found `(an address)`, expected `publish`"),
            ("<bob.b+ci@mail.example.org>.", "<(an address)>."),
            ("refs/heads/alice@example.com/fix", "refs/heads/(an address)/fix"),
            ("write to alice@example.com.", "write to (an address)"),
            (
                "package `@acme/widget`, `publish.yml@refs/tags/v1`",
                "package `@acme/widget`, `publish.yml@refs/tags/v1`",
            ),
            ("widget@1.0.0 and @ and a@b", "widget@1.0.0 and @ and a@b"),
        ] {
            assert_eq!(without_addresses(text), kept);
        }
    }

    #[test]
    fn refusals_of_one_repository_leave_room_for_others_and_all_have_an_end() {
        let event = |time: u64, outcome, repository: &str| {
            let mut run = Run::default();
            run.repository = Some(repository.to_owned());
            Event::new(Timestamp::from_secs(time), "exchange", "npm", outcome, "").verified("issuer", &run)
        };
        let mut rate = Rate::default();
        let admitted = |rate: &mut Rate, time, outcome, repository: &str| {
            (0..5000).filter(|_| rate.admits(&event(time, outcome, repository))).count()
        };
        assert_eq!(admitted(&mut rate, 0, "not-trusted", "evil/one"), 1000);
        assert_eq!(admitted(&mut rate, 0, "not-trusted", "evil/two"), 1000);
        assert_eq!(admitted(&mut rate, 0, "not-trusted", "acme/widget"), 0);
        assert_eq!(admitted(&mut rate, 0, "granted", "acme/widget"), 5000);
        assert_eq!(admitted(&mut rate, 3600, "not-trusted", "evil/one"), 1000);
    }
}
