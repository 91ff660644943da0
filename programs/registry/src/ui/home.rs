//! The first page: the packages of an ecosystem, and the way to one by its name.

use maud::{Markup, html};

use super::Ui;
use super::page::Page;
use super::refused::Refused;
use super::request::{Named, Visit};
use super::values::value;
use crate::config::Ecosystem;

pub(super) async fn show(visit: Visit) -> Result<Page, Refused> {
    let ecosystem = Ecosystem::named(visit.query.text("ecosystem")).unwrap_or(Ecosystem::Npm);
    // A name that none can have is not passed on to the database.
    let after =
        visit.query.some("after").and_then(|after| ecosystem.normalized(after).ok()).unwrap_or_default();
    let with_private = visit.session.is_some();
    let packages = visit.ui.packages(ecosystem, &after, with_private).await;
    let packages = packages.map_err(|error| visit.failed(&error))?;
    let ui = &visit.ui;
    let next = packages.rows.last().filter(|_| packages.has_more);
    let body = html! {
        h1 { "Packages" }
        (look_up(ui, ecosystem))
        @if visit.session.is_some() {
            p { a href=(ui.href("prefixes", &[("ecosystem", ecosystem.as_str())])) { "Trusted publishers of several packages" } }
        }
        h2 { "Packages of " (ecosystem.as_str()) }
        @if packages.rows.is_empty() { p { "None." } }
        ul .packages {
            @for name in &packages.rows {
                @let named = Named::new(ecosystem, name.clone());
                li { a href=(ui.of_package("package", &named, &[])) { (value(name)) } }
            }
        }
        @if let Some(last) = next {
            p { a href=(ui.href("", &[("ecosystem", ecosystem.as_str()), ("after", last)])) { "More packages" } }
        }
    };
    Ok(ui.page(visit.session.as_ref(), "Packages", &body))
}

fn look_up(ui: &Ui, current: Ecosystem) -> Markup {
    html! {
        form .look-up action=(ui.href("package", &[])) {
            div { (choice_of_ecosystem(current)) }
            div .wide {
                label for="name" { "Package" }
                input #name name="name" required autocomplete="off" spellcheck="false" autocapitalize="none";
            }
            button { "Open" }
        }
        nav .tabs aria-label="Ecosystems" {
            @for ecosystem in Ecosystem::ALL {
                a href=(ui.href("", &[("ecosystem", ecosystem.as_str())]))
                    aria-current=[(ecosystem == current).then_some("page")] { (ecosystem.as_str()) }
            }
        }
    }
}

/// The choice of an ecosystem in a form.
pub(super) fn choice_of_ecosystem(current: Ecosystem) -> Markup {
    html! {
        label for="ecosystem" { "Ecosystem" }
        select #ecosystem name="ecosystem" {
            @for ecosystem in Ecosystem::ALL {
                option value=(ecosystem.as_str()) selected[ecosystem == current] { (ecosystem.as_str()) }
            }
        }
    }
}
