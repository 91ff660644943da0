//! The trusted publishers of a package or a prefix, and whether anybody else publishes it.

use axum::response::Response;
use maud::{Markup, html};
use oidc_core::shown;
use oidc_exchange::server::{PackageOwner, PublisherRecord};

use super::page::{Page, Tab, form_token, package_fields};
use super::platforms::description;
use super::publisher::is_of_operator;
use super::refused::Refused;
use super::request::{Named, Visit, Write};
use super::requirement;
use super::rows::Existence;
use super::session::Session;
use super::values::{code, linked, row, time, value};
use crate::origin::FILE;

/// The number of publishers that are shown. A package of the operator's own has 32 at most, unless its file has more.
const SHOWN: usize = 100;

pub(super) async fn show(visit: Visit) -> Result<Page, Refused> {
    let session = visit.known()?.clone();
    let named = visit.managed(&visit.query).await?;
    let existence = visit.ui.existence(&named).await.map_err(|error| visit.failed(&error))?;
    let owners = if existence == Existence::Absent { Vec::new() } else { vec![PackageOwner::Operator] };
    let records = visit.ui.0.trust.reaching(named.package(), &owners).await;
    let mut records = records.map_err(|error| visit.failed(&error))?;
    records.retain(is_of_operator);
    let mut shown = Vec::new();
    for record in records.iter().take(SHOWN) {
        shown.push(publisher(&visit, &named, record).await?);
    }
    let body = html! {
        (visit.ui.package_head(&named, Tab::Publishers))
        @if existence == Existence::Absent {
            p role="status" { "This package is not in this registry yet. A trusted publisher that is added here is pending: its first publish creates the package." }
        }
        (done(&visit))
        h2 { "Trusted publishers" }
        @if named.is_prefix() {
            p { "For every package of this registry whose name begins so, also for those that come later. They create none. They accept jobs beside a package's own trusted publishers, also those that these refuse." }
        }
        @if shown.is_empty() { p { (none(&named)) } }
        @for publisher in &shown { (publisher) }
        @if records.len() > SHOWN { p { (records.len() - SHOWN) " more are not shown." } }
        p { a .button href=(visit.ui.of_package("publisher", &named, &[])) { "Add a trusted publisher" } }
        p { a href=(visit.ui.href("prefixes", &[("ecosystem", named.ecosystem.as_str())])) { "Trusted publishers of several packages" } }
        @if matches!(existence, Existence::Public | Existence::Private) {
            (static_tokens(&visit, &session, &named).await?)
            (requirement::section(&visit, &session, &named).await?)
        }
    };
    Ok(visit.ui.page(Some(&session), &format!("Trusted publishers of {}", named.name), &body))
}

/// The sentence where there are no publishers.
fn none(named: &Named) -> &'static str {
    if named.is_prefix() { "None." } else { "None: no CI job can publish this package without a secret." }
}

/// The change that was made on the page before.
fn done(visit: &Visit) -> Markup {
    let done = [
        ("saved", "The trusted publisher was saved."),
        ("removed", "The trusted publisher was removed."),
        ("changed", "The setting was saved."),
    ];
    html! {
        @for (_, message) in done.iter().filter(|(key, _)| visit.query.text(key) == "1") {
            p .done role="status" { (message) }
        }
    }
}

async fn publisher(visit: &Visit, named: &Named, record: &PublisherRecord) -> Result<Markup, Refused> {
    let ui = &visit.ui;
    let last = ui.last_use(&record.id).await.map_err(|error| visit.failed(&error))?;
    let last = last
        .map(|(at, run)| html! { (time(at)) @if let Some(run) = &run { " by " (linked(Some(run), run)) } });
    let id = [("id", &*record.id)];
    let is_own = record.package == *named.package();
    let prefix = Named::prefix(named.ecosystem, &record.package.label()).ok().filter(|_| !is_own);
    let prefix = prefix.map(|of| html! { a href=(ui.of_package("settings", &of, &[])) { (code(&of.name)) } });
    let is_of_page = is_own && !ui.0.defined.has(record);
    Ok(html! {
        article .version {
            h3 { (description(ui, record)) }
            dl {
                (row("For all packages", prefix.as_ref()))
                (row("State", Some(&html! { (ui.0.trust.state(record).to_string()) })))
                (row("Issuer", Some(&code(&record.identity.issuer))))
                @for (claim, id) in &record.learned { (row(&format!("Learned {claim}"), Some(&code(id)))) }
                (row("Last use", Some(&last.unwrap_or_else(|| html! { "not used yet" }))))
                (row("Configured", Some(&html! { (record.created_at.to_string()) " by " (origin(&record.origin)) })))
            }
            @if is_of_page {
                p .actions {
                    a href=(ui.of_package("publisher", named, &id)) { "Edit" span .sr { " " (value(&record.id)) } }
                    a href=(ui.of_package("remove", named, &id)) { "Remove" span .sr { " " (value(&record.id)) } }
                }
            }
        }
    })
}

fn origin(origin: &str) -> Markup {
    match origin {
        FILE => html! { "the registry's configuration file, where it is changed too" },
        "api" => html! { "the API" },
        "pages" => html! { "these pages" },
        other => value(other),
    }
}

/// The part of the page with the choice that static tokens publish the package too.
async fn static_tokens(visit: &Visit, session: &Session, named: &Named) -> Result<Markup, Refused> {
    let ui = &visit.ui;
    let of_file = ui.0.trusted_only.contains(&(named.ecosystem, named.name.clone()));
    let is_set = ui.0.choices.trusted_only(named.ecosystem.as_str(), &named.name).await;
    let is_set = is_set.map_err(|error| visit.failed(&error))?;
    Ok(html! {
        h2 { "Static tokens" }
        @if of_file {
            p { "Trusted publishers only: the configuration file says so (" code { "trusted_only" } ")." }
        } @else {
            form method="post" action=(ui.href("settings", &[])) {
                (form_token(session))
                (package_fields(named))
                div .check {
                    input #trusted-only type="checkbox" name="trusted-only" value="1" checked[is_set] aria-describedby="trusted-only-hint";
                    label for="trusted-only" { "Trusted publishers only" }
                }
                p #trusted-only-hint .hint { "No static token publishes this package or sets its tags, the administrator's among them." }
                button { "Save" }
            }
        }
    })
}

/// Saves whether static tokens publish the package.
pub(super) async fn save(write: Write) -> Result<Response, Refused> {
    let Write { visit, session, form, .. } = write;
    let named = visit.named(&form)?;
    visit.existing(&named).await?;
    let is_set = form.text("trusted-only") == "1";
    let saved = visit.ui.0.choices.set_trusted_only(named.ecosystem.as_str(), &named.name, is_set).await;
    saved.map_err(|error| visit.failed(&error))?;
    let account = shown(&session.account);
    tracing::info!(%account, package = named.name, trusted_only = is_set, "a package's setting was saved on its page");
    Ok(visit.ui.to(&visit.ui.of_package("settings", &named, &[("changed", "1")])))
}
