//! The registry's memory of who did what: one row for every exchange attempt whose token's signature held and for
//! every publish, and a count of the refusals before that, which anybody can cause.
//!
//! Exchanges and publishes that were granted are always kept. Everything else has a budget for each publisher, and a common one
//! for all jobs that none accepts; what exceeds it is counted and called that.

mod not_kept;
mod schema;
#[cfg(test)]
mod tests;
mod times;
mod waiting;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use data_encoding::HEXLOWER;
use oidc_core::{Context, RandomError, Timestamp, shown};
use oidc_exchange::server::{Event, EventSink, StoreError};
use oidc_exchange::sql::SqlStore;
use sqlx::{AnyConnection, Row as _};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use self::not_kept::NotKept;
pub(super) use self::schema::{SCHEMA, upgrade};
pub(super) use self::times::set_readable_time;
use self::waiting::{Batch, OF_ONE, OF_STRANGERS, Waiting};

/// The greatest number of events that one transaction writes.
const BATCH: usize = 256;
/// The number of attempts to write a batch. After the last one it waits for the next event.
const ATTEMPTS: u32 = 5;
/// The pause between two attempts.
const PAUSE: Duration = Duration::from_secs(1);
/// The age at which events are deleted.
const KEEP: Duration = Duration::from_secs(90 * 24 * 3600);
/// The number of events that are read together to be listed.
const READ: i64 = 500;
/// A reason is kept up to this many characters.
const MAX_REASON: usize = 1000;

/// Takes events, which a task writes after the request was answered.
#[derive(Clone, Debug)]
pub(super) struct Audit {
    waiting: Arc<Mutex<Waiting>>,
    wake: mpsc::Sender<()>,
}

impl EventSink for Audit {
    fn record(&self, event: &Event) {
        lock(&self.waiting).record(event);
        // Where a wake-up waits already, one is enough.
        let _woken = self.wake.try_send(());
    }
}

impl Audit {
    /// A sink, and the task that writes what it takes until every sink is gone.
    pub(super) fn start(database: SqlStore, cx: &Context) -> Result<(Self, JoinHandle<()>), RandomError> {
        let mut instance = [0; 8];
        cx.random().fill(&mut instance)?;
        let (wake, woken) = mpsc::channel(1);
        let audit = Self { waiting: Arc::default(), wake };
        let waiting = Arc::clone(&audit.waiting);
        let (instance, not_kept) = (HEXLOWER.encode(&instance), NotKept::default());
        let writer = Writer { database, instance, waiting, not_kept, cx: cx.clone() };
        Ok((audit, tokio::spawn(writer.write(woken))))
    }
}

fn lock(waiting: &Mutex<Waiting>) -> MutexGuard<'_, Waiting> {
    waiting.lock().unwrap_or_else(PoisonError::into_inner)
}

struct Writer {
    database: SqlStore,
    /// Tells this process's events from another's.
    instance: String,
    waiting: Arc<Mutex<Waiting>>,
    not_kept: NotKept,
    cx: Context,
}

impl Writer {
    async fn write(mut self, mut woken: mpsc::Receiver<()>) {
        while self.wait(&mut woken).await.is_some() {
            self.write_all().await;
            self.not_kept.warn(self.cx.clock().monotonic());
        }
        self.write_all().await;
        self.not_kept.warn_now(self.cx.clock().monotonic());
    }

    /// Waits for an event, or until a warning is due; `None` where there will be no event any more.
    async fn wait(&self, woken: &mut mpsc::Receiver<()>) -> Option<()> {
        let clock = self.cx.clock();
        let Some(left) = self.not_kept.due_in(clock.monotonic()) else { return woken.recv().await };
        tokio::select! {
            biased;
            more = woken.recv() => more,
            () = clock.sleep(left) => Some(()),
        }
    }

    /// Writes all that waits, unless the database fails again and again.
    async fn write_all(&mut self) {
        let mut failures = 0;
        while failures < ATTEMPTS {
            let batch = lock(&self.waiting).take(BATCH);
            if batch.is_empty() {
                return;
            }
            match self.store(&batch).await {
                Ok(()) => {
                    self.not_kept.add(&batch.not_kept);
                    failures = 0;
                }
                Err(error) => {
                    tracing::error!(%error, events = batch.events.len(), "events can't be written yet");
                    lock(&self.waiting).restore(batch);
                    failures += 1;
                    self.cx.clock().sleep(PAUSE).await;
                }
            }
        }
    }

    async fn store(&self, batch: &Batch) -> Result<(), StoreError> {
        let mut write = self.database.begin().await?;
        for (number, event) in &batch.events {
            let id = format!("{}-{number:012}", self.instance);
            insert(write.connection(), &id, event).await?;
        }
        for ((_, outcome), count) in &batch.refused {
            let statement = "INSERT INTO registry_refusals (outcome, refusals) VALUES ($1, $2) \
                 ON CONFLICT (outcome) DO UPDATE SET refusals = registry_refusals.refusals + excluded.refusals";
            sqlx::query(statement).bind(outcome).bind(i64::from(*count)).execute(write.connection()).await?;
        }
        for ((action, outcome), count) in &batch.not_kept {
            let statement = "INSERT INTO registry_not_kept (what, events) VALUES ($1, $2) \
                 ON CONFLICT (what) DO UPDATE SET events = registry_not_kept.events + excluded.events";
            let query = sqlx::query(statement).bind(format!("{action} {outcome}")).bind(i64::from(*count));
            query.execute(write.connection()).await?;
        }
        write.commit().await
    }
}

async fn insert(connection: &mut AnyConnection, id: &str, event: &Event) -> Result<(), sqlx::Error> {
    let mut kept = event.clone();
    kept.reason = kept_of(&event.reason);
    kept.for_operator = event.for_operator.as_deref().map(kept_of);
    kept.repository = event.repository.as_deref().map(without_addresses);
    kept.settings.values_mut().for_each(|text| *text = without_addresses(text));
    let statement = "INSERT INTO registry_event (id, at, ecosystem, package, event, granted, publisher) \
         VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (id) DO NOTHING";
    sqlx::query(statement)
        .bind(id)
        .bind(i64::try_from(kept.time).unwrap_or(i64::MAX))
        .bind(&kept.ecosystem)
        .bind(kept.package.as_deref())
        .bind(serde_json::to_string(&kept).unwrap_or_default())
        .bind(i64::from(kept.outcome == "granted"))
        .bind(kept.publisher.as_deref())
        .execute(connection)
        .await?;
    Ok(())
}

/// The part of a reason that is kept.
fn kept_of(reason: &str) -> String {
    without_addresses(&shown(reason).up_to(MAX_REASON).to_string())
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
pub(super) async fn purge(database: &SqlStore, now: Timestamp) -> Result<(), StoreError> {
    let mut write = database.begin().await?;
    let statement =
        "DELETE FROM registry_event WHERE id IN (SELECT id FROM registry_event WHERE at < $1 LIMIT 1000)";
    sqlx::query(statement).bind(now.minus(KEEP).as_signed_secs()).execute(write.connection()).await?;
    write.commit().await
}

/// The stored events, oldest first, of one package or of all, of which few are in memory at a time.
pub(super) struct Events<'a> {
    database: &'a SqlStore,
    package: Option<&'a str>,
    /// The time and the id of the last one that was read.
    last: (i64, String),
}

impl<'a> Events<'a> {
    pub(super) fn of(database: &'a SqlStore, package: Option<&'a str>) -> Self {
        Self { database, package, last: (i64::MIN, String::new()) }
    }

    /// The next ones as JSON objects in ASCII, fit for a terminal; none behind the last one.
    pub(super) async fn next(&mut self) -> Result<Vec<String>, sqlx::Error> {
        let statement = "SELECT at, id, event FROM registry_event
             WHERE (package = $1 OR $2 = 1) AND (at > $3 OR at = $3 AND id > $4) ORDER BY at, id LIMIT $5";
        let (package, is_of_all) = (self.package.unwrap_or_default(), i64::from(self.package.is_none()));
        let query = sqlx::query(statement).bind(package).bind(is_of_all);
        let query = query.bind(self.last.0).bind(&self.last.1).bind(READ);
        let rows = query.fetch_all(self.database.pool()).await?;
        if let Some(last) = rows.last() {
            self.last = (last.try_get("at")?, last.try_get("id")?);
        }
        rows.iter().map(|row| Ok(ascii(&times::readable(&row.try_get::<String, _>("event")?)))).collect()
    }
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

/// The events that are counted and not listed.
#[derive(Debug, Default)]
pub(super) struct Counted {
    /// Attempts that were refused before their token's signature held, by outcome.
    pub(super) refused: Vec<(String, i64)>,
    /// Events that were not kept, by action and outcome.
    pub(super) not_kept: Vec<(String, i64)>,
}

impl Counted {
    /// Reads the counts of all packages since the database was made.
    pub(super) async fn read(database: &SqlStore) -> Result<Self, sqlx::Error> {
        let refused = sqlx::query_as("SELECT outcome, refusals FROM registry_refusals ORDER BY outcome");
        let not_kept = sqlx::query_as("SELECT what, events FROM registry_not_kept ORDER BY what");
        Ok(Self {
            refused: refused.fetch_all(database.pool()).await?,
            not_kept: not_kept.fetch_all(database.pool()).await?,
        })
    }

    /// A summary for a person: the number of events listed, of one package or of all, and those that were not, with the reason.
    pub(super) fn summary(&self, listed: usize, package: Option<&str>) -> String {
        let of = package.map_or_else(String::new, |package| format!(" of {}", shown(package)));
        let mut summary = format!("listed: {listed}{of}");
        if let Some(not_kept) = each(&self.not_kept) {
            summary.push_str(&format!(
                "; not kept, of all packages: {not_kept}, which exceeded {OF_ONE} an hour of one publisher, {OF_STRANGERS} of \
                 all that none accepts, or what could be written in time (exchanges and publishes that were granted are \
                 always kept)"
            ));
        }
        match each(&self.refused) {
            Some(refused) => summary.push_str(&format!(
                "; counted only, of all packages, since they proved nothing: {refused}, with a line for each in the \
                 registry's log"
            )),
            None => summary.push_str("; counted only: none"),
        }
        summary
    }
}

/// The sum of the counts with its parts; `None` where there are none.
fn each(counts: &[(String, i64)]) -> Option<String> {
    let total: i64 = counts.iter().map(|(_, count)| count).sum();
    let each: Vec<String> = counts.iter().map(|(what, count)| format!("{what} {count}")).collect();
    (total > 0).then(|| format!("{total} ({})", each.join(", ")))
}
