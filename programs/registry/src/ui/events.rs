//! The events that pages show: a bounded number of rows by an index, whatever there is of them.

use std::collections::BTreeMap;

use axum::http::StatusCode;
use oidc_exchange::server::StoreError;
use serde::Deserialize;
use serde_json::Value;
use sqlx::any::AnyRow;
use sqlx::{AssertSqlSafe, FromRow, Row as _};

use super::Ui;
use super::draft::Draft;
use super::refused::Refused;
use super::request::{Named, Visit};
use super::rows::{Rows, limit};
use crate::audit::set_readable_time;

/// The number of events of a page.
pub(super) const EVENTS: usize = 25;
/// The length of an event's id, in bytes.
const MAX_ID: usize = 64;

/// An event as it is stored.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) id: String,
    /// Seconds since 1970.
    pub(super) at: i64,
    event: String,
}

impl FromRow<'_, AnyRow> for Row {
    fn from_row(row: &AnyRow) -> Result<Self, sqlx::Error> {
        Ok(Self { id: row.try_get("id")?, at: row.try_get("at")?, event: row.try_get("event")? })
    }
}

/// The parts of a stored event that a page shows.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Stored {
    pub(super) action: String,
    pub(super) ecosystem: String,
    pub(super) package: Option<String>,
    pub(super) version: Option<String>,
    pub(super) outcome: String,
    pub(super) reason: String,
    pub(super) for_operator: Option<String>,
    pub(super) publisher: Option<String>,
    pub(super) issuer: Option<String>,
    pub(super) repository: Option<String>,
    pub(super) run_url: Option<String>,
    pub(super) subject: Option<String>,
    pub(super) settings: BTreeMap<String, String>,
}

impl Row {
    pub(super) fn stored(&self) -> Stored {
        serde_json::from_str(&self.event).unwrap_or_default()
    }

    /// The event for programs, with its id.
    pub(super) fn json(&self) -> Value {
        let mut event: Value = serde_json::from_str(&self.event).unwrap_or_default();
        set_readable_time(&mut event);
        if let Some(members) = event.as_object_mut() {
            members.insert("id".to_owned(), Value::from(&*self.id));
        }
        event
    }

    /// The beginning of the next page.
    pub(super) fn cursor(&self) -> String {
        format!("{}_{}", self.at, self.id)
    }
}

/// The events that are asked for.
#[derive(Clone, Debug)]
pub(super) struct Filter {
    /// Of all packages where there is none.
    pub(super) package: Option<Named>,
    /// Granted ones, or all others.
    pub(super) granted: Option<bool>,
    /// From this time, in seconds since 1970.
    pub(super) from: i64,
    /// Before this time.
    pub(super) until: i64,
    /// Behind the last event of the page before.
    pub(super) cursor: (i64, String),
}

impl Filter {
    /// The expression of the time by which the wanted index orders its events.
    ///
    /// PostgreSQL may choose any index that gives the order, and walk through all events to find a package that has few. With an
    /// expression of its own, no other index gives it.
    fn time(&self) -> &'static str {
        match (&self.package, self.granted) {
            (Some(_), _) => "at + 0",
            (None, Some(_)) => "at - 0",
            (None, None) => "at",
        }
    }

    /// The time and the id before which all wanted events are.
    fn end(&self) -> (i64, &str) {
        (self.until, "").min((self.cursor.0, &*self.cursor.1))
    }
}

/// The beginning of a page, read from the query's text.
pub(super) fn cursor(text: &str) -> (i64, String) {
    let read = text.split_once('_').and_then(|(at, id)| Some((at.parse().ok()?, id)));
    let is_id =
        |id: &str| id.len() <= MAX_ID && id.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
    match read {
        Some((at, id)) if is_id(id) => (at, id.to_owned()),
        _ => (i64::MAX, String::new()),
    }
}

impl Ui {
    /// Some events, the latest first.
    pub(super) async fn events(&self, filter: &Filter) -> Result<Rows<Row>, StoreError> {
        let mut conditions = String::new();
        let mut number = 4;
        let mut and = |column: &str| {
            number += 1;
            conditions.push_str(&format!(" AND {column} = ${number}"));
        };
        if filter.granted.is_some() {
            and("granted");
        }
        if filter.package.is_some() {
            and("ecosystem");
            and("package");
        }
        let time = filter.time();
        let statement = format!(
            "SELECT id, at, event FROM registry_event WHERE {time} >= $1 AND {time} <= $2 AND ({time}, id) < ($2, $3){conditions} \
             ORDER BY {time} DESC, id DESC LIMIT $4"
        );
        let (before, id) = filter.end();
        let query = sqlx::query_as(AssertSqlSafe(statement)).bind(filter.from).bind(before);
        let mut query = query.bind(id).bind(limit(EVENTS));
        if let Some(granted) = filter.granted {
            query = query.bind(i64::from(granted));
        }
        if let Some(named) = &filter.package {
            query = query.bind(named.ecosystem.as_str()).bind(&named.name);
        }
        Ok(Rows::of(query.fetch_all(self.0.store.pool()).await?, EVENTS))
    }

    /// The last use of a publisher: the time, and its run.
    pub(super) async fn last_use(
        &self,
        publisher: &str,
    ) -> Result<Option<(i64, Option<String>)>, StoreError> {
        // A range of one value: with `=`, PostgreSQL may walk the index of all events by time, past a million others.
        let statement = "SELECT id, at, event FROM registry_event WHERE publisher >= $1 AND publisher <= $1
             ORDER BY publisher DESC, at DESC, id DESC LIMIT 1";
        let row: Option<Row> =
            sqlx::query_as(statement).bind(publisher).fetch_optional(self.0.store.pool()).await?;
        Ok(row.map(|row| (row.at, row.stored().run_url)))
    }

    async fn event(&self, id: &str) -> Result<Option<Row>, StoreError> {
        let statement = "SELECT id, at, event FROM registry_event WHERE id = $1";
        Ok(sqlx::query_as(statement).bind(id).fetch_optional(self.0.store.pool()).await?)
    }
}

impl Visit {
    /// The publisher that would accept a refused job. Its ids are taken over, so that nobody else takes its names over; what changes
    /// with every release, such as the tag, is not.
    pub(super) async fn refused_job(&self, named: &Named, event: &str) -> Result<Draft, Refused> {
        let gone = || {
            let message = "there is no such event; events are kept for 90 days";
            self.refused(StatusCode::NOT_FOUND, "No such event", message)
        };
        let (_, id) = cursor(&format!("0_{event}"));
        let row = self.ui.event(&id).await.map_err(|error| self.failed(&error))?.ok_or_else(gone)?;
        let stored = row.stored();
        let is_of_package = stored.package.as_ref().is_none_or(|package| *package == named.name);
        if stored.ecosystem != named.ecosystem.as_str() || !is_of_package {
            return Err(gone());
        }
        let mut draft = stored.issuer.as_deref().and_then(|issuer| self.ui.draft(issuer)).ok_or_else(gone)?;
        for field in draft.provider.publisher_fields() {
            let is_taken = field.required || field.recommended || field.learned;
            if let Some(text) = stored.settings.get(field.key).filter(|_| is_taken) {
                draft.texts.insert(field.key.to_owned(), text.clone());
            }
        }
        Ok(draft)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_ends_with_its_time_or_where_the_page_before_ended() {
        let end = |until, cursor: (i64, &str)| {
            let cursor = (cursor.0, cursor.1.to_owned());
            let filter = Filter { package: None, granted: None, from: 0, until, cursor };
            let (at, id) = filter.end();
            (at, id.to_owned())
        };
        assert_eq!(end(9, (i64::MAX, "")), (9, String::new()));
        assert_eq!(end(9, (8, "a")), (8, "a".to_owned()));
        assert_eq!(end(9, (9, "a")), (9, String::new()));
        assert_eq!(end(i64::MAX, (i64::MAX, "")), (i64::MAX, String::new()));
    }

    #[test]
    fn a_page_begins_where_the_one_before_ended_or_at_the_end() {
        assert_eq!(cursor("17_0a-000000000001"), (17, "0a-000000000001".to_owned()));
        for text in ["", "x", "17", "x_0a", "17_\0", "17_'; --", &format!("17_{}", "a".repeat(65))] {
            assert_eq!(cursor(text), (i64::MAX, String::new()), "{text}");
        }
    }
}
