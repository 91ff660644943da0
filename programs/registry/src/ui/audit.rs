//! The audit: exchanges and publishes of a package or of all, for people and as JSON.

use axum::Json;
use axum::response::{IntoResponse as _, Response};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use maud::{Markup, html};
use serde_json::json;

use super::events::{Filter, Row, Stored, cursor};
use super::page::{Page, Tab, headers, package_fields};
use super::refused::Refused;
use super::request::{Named, Visit};
use super::rows::Rows;
use super::values::{code, linked, row, time, value, words};
use crate::config::Ecosystem;

/// The parameters of the query, with the faults in them.
struct Asked {
    filter: Filter,
    faults: [Option<&'static str>; 2],
}

pub(super) async fn show(visit: Visit) -> Result<Page, Refused> {
    let session = visit.known()?.clone();
    let asked = asked(&visit)?;
    let events = visit.ui.events(&asked.filter).await.map_err(|error| visit.failed(&error))?;
    let named = asked.filter.package.as_ref();
    let body = html! {
        @match named {
            Some(named) => (visit.ui.package_head(named, Tab::Audit)),
            None => h1 { "Audit" },
        }
        (filter_form(&visit, &asked))
        p { a href=(page(&visit, "audit.json", None)) { "The same as JSON" } }
        @if events.rows.is_empty() { p { "No events." } }
        ul .events { @for row in &events.rows { li { (event(&visit, named, row)) } } }
        @if let Some(last) = next(&events) { p { a href=(page(&visit, "audit", Some(&last))) { "Earlier events" } } }
    };
    let title = named.map_or_else(|| "Audit".to_owned(), |named| format!("Audit of {}", named.name));
    Ok(visit.ui.page(Some(&session), &title, &body))
}

/// The same events as JSON, with the address of the next page.
pub(super) async fn json(visit: Visit) -> Result<Response, Refused> {
    visit.known()?;
    let asked = asked(&visit)?;
    let events = visit.ui.events(&asked.filter).await.map_err(|error| visit.failed(&error))?;
    let next = next(&events).map(|last| page(&visit, "audit.json", Some(&last)));
    let events: Vec<_> = events.rows.iter().map(Row::json).collect();
    let body = Json(json!({ "events": events, "next": next }));
    Ok((headers("application/json", "no-store"), body).into_response())
}

fn asked(visit: &Visit) -> Result<Asked, Refused> {
    let query = &visit.query;
    let package = query.some("name").map(|_| visit.named(query)).transpose()?;
    let granted = match query.text("outcome") {
        "granted" => Some(true),
        "refused" => Some(false),
        _ => None,
    };
    let from = query.some("from").map(|text| instant(text, 0));
    let until = query.some("until").map(|text| instant(text, 1));
    let fault = |read: &Option<Option<i64>>| {
        matches!(read, Some(None)).then_some("This is not a date; write it as 2026-11-29.")
    };
    let faults = [fault(&from), fault(&until)];
    let (from, until) = (from.flatten().unwrap_or(0), until.flatten().unwrap_or(i64::MAX));
    let cursor = cursor(query.text("before"));
    Ok(Asked { filter: Filter { package, granted, from, until, cursor }, faults })
}

/// The beginning of a day, some days later, or a point in time as RFC 3339 has it; in seconds since 1970.
fn instant(text: &str, days: i64) -> Option<i64> {
    if let Ok(at) = text.parse::<jiff::Timestamp>() {
        return Some(at.as_second());
    }
    let day = text.parse::<Date>().ok()?.to_zoned(TimeZone::UTC).ok()?;
    day.timestamp().as_second().checked_add(days.checked_mul(24 * 3600)?)
}

fn next(events: &Rows<Row>) -> Option<String> {
    events.rows.last().filter(|_| events.has_more).map(Row::cursor)
}

/// The address of a page with the same filter.
fn page(visit: &Visit, page: &str, before: Option<&str>) -> String {
    let kept = ["ecosystem", "name", "outcome", "from", "until"];
    let kept = kept.iter().filter_map(|key| Some((*key, visit.query.some(key)?)));
    let query: Vec<(&str, &str)> = kept.chain(before.map(|before| ("before", before))).collect();
    visit.ui.href(page, &query)
}

fn filter_form(visit: &Visit, asked: &Asked) -> Markup {
    let outcome = visit.query.text("outcome");
    let outcomes = [("", "all"), ("granted", "granted"), ("refused", "refused")];
    let [from, until] = asked.faults;
    html! {
        form .look-up action=(visit.ui.href("audit", &[])) {
            @if let Some(named) = &asked.filter.package { (package_fields(named)) }
            div {
                label for="outcome" { "Outcome" }
                select #outcome name="outcome" {
                    @for (choice, title) in outcomes { option value=(choice) selected[choice == outcome] { (title) } }
                }
            }
            (date(visit, "from", "From (UTC)", from))
            (date(visit, "until", "To, inclusive (UTC)", until))
            button { "Filter" }
        }
    }
}

fn date(visit: &Visit, key: &str, title: &str, fault: Option<&str>) -> Markup {
    let error = format!("error-{key}");
    html! {
        div {
            label for=(key) { (title) }
            input id=(key) name=(key) type="date" value=(visit.query.text(key)) aria-describedby=[fault.map(|_| &error)];
            @if let Some(fault) = fault { p .error id=(error) { (fault) } }
        }
    }
}

fn event(visit: &Visit, named: Option<&Named>, at: &Row) -> Markup {
    let stored = at.stored();
    let is_granted = stored.outcome == "granted";
    let outcome = if is_granted { "granted".to_owned() } else { format!("refused: {}", stored.outcome) };
    let reason = stored.for_operator.as_deref().unwrap_or(&stored.reason);
    html! {
        article .event .refused[!is_granted] {
            h2 { (value(&stored.action)) " " span .outcome { (value(&outcome)) } }
            dl {
                (row("Time", Some(&time(at.at))))
                @if named.is_none() { (row("Package", Some(&package(visit, &stored)))) }
                (row("Version", stored.version.as_deref().map(value).as_ref()))
                (row("Repository", stored.repository.as_deref().map(value).as_ref()))
                (row("Run", stored.run_url.as_deref().map(|url| linked(Some(url), url)).as_ref()))
                (row("About", stored.subject.as_deref().filter(|_| !is_granted).map(words).as_ref()))
                (row("Reason", Some(&words(reason))))
                (row("Issuer", stored.issuer.as_deref().map(code).as_ref()))
                (row("Trusted publisher", stored.publisher.as_deref().map(code).as_ref()))
            }
            @if let Some(href) = configure(visit, &stored, at) {
                p .actions { a href=(href) { "Configure a trusted publisher for this job" } }
            }
        }
    }
}

/// The package of an event, with the way to its page where it is one package.
fn package(visit: &Visit, stored: &Stored) -> Markup {
    let Some(name) = &stored.package else { return html! { "none named (" (value(&stored.ecosystem)) ")" } };
    match Ecosystem::named(&stored.ecosystem) {
        Some(ecosystem) if ecosystem.normalized(name).as_ref() == Ok(name) => {
            let named = Named::new(ecosystem, name.clone());
            html! { a href=(visit.ui.of_package("audit", &named, &[])) { (value(name)) } " (" (ecosystem.as_str()) ")" }
        }
        _ => html! { (value(name)) " (" (value(&stored.ecosystem)) ")" },
    }
}

/// The way from a refused job to the form that is filled with what it had.
fn configure(visit: &Visit, stored: &Stored, at: &Row) -> Option<String> {
    let is_known = stored.issuer.as_deref().is_some_and(|issuer| visit.ui.draft(issuer).is_some());
    if stored.outcome == "granted" || stored.settings.is_empty() || !is_known {
        return None;
    }
    let ecosystem = Ecosystem::named(&stored.ecosystem)?;
    let name = stored.package.as_deref().unwrap_or_default();
    let query = [("ecosystem", ecosystem.as_str()), ("name", name), ("event", &*at.id)];
    Some(visit.ui.href("publisher", &query))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_ends_with_its_last_second_and_an_instant_is_exact() {
        assert_eq!(instant("1970-01-02", 0), Some(86_400));
        assert_eq!(instant("1970-01-02", 1), Some(2 * 86_400));
        assert_eq!(instant("1970-01-01T00:00:07Z", 1), Some(7));
        for text in ["", "yesterday", "2026-13-01", "2026-02-30", "1970-01-02'", "9999999999-01-01"] {
            assert_eq!(instant(text, 0), None, "{text}");
        }
    }
}
