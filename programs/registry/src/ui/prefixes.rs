//! The way to the trusted publishers of all packages whose names begin so: the question for that beginning.

use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use maud::{Markup, html};

use super::home::choice_of_ecosystem;
use super::page::Page;
use super::refused::Refused;
use super::request::{Named, Visit};
use super::session::Session;
use super::values::words;
use crate::config::Ecosystem;

const TITLE: &str = "Trusted publishers of several packages";

/// The question, or the way to the prefix that is asked for.
pub(super) async fn show(visit: Visit) -> Result<Response, Refused> {
    let session = visit.known()?.clone();
    let ecosystem = Ecosystem::named(visit.query.text("ecosystem")).unwrap_or(Ecosystem::Npm);
    let asked = visit.query.some("prefix").map(|text| Named::prefix(ecosystem, text));
    Ok(match asked {
        Some(Ok(named)) => visit.ui.to(&visit.ui.of_package("settings", &named, &[])),
        Some(Err(error)) => {
            let page = form(&visit, &session, ecosystem, Some(&error.to_string()));
            page.with_status(StatusCode::UNPROCESSABLE_ENTITY).into_response()
        }
        None => form(&visit, &session, ecosystem, None).into_response(),
    })
}

fn form(visit: &Visit, session: &Session, ecosystem: Ecosystem, wrong: Option<&str>) -> Page {
    let title = if wrong.is_some() { format!("Error: {TITLE}") } else { TITLE.to_owned() };
    let body = html! {
        h1 { (TITLE) }
        p {
            "A trusted publisher can be for all packages whose names begin with a prefix, also for those that come later. It creates no
             package. It accepts jobs beside a package's own trusted publishers, also those that these refuse."
        }
        form action=(visit.ui.href("prefixes", &[])) novalidate {
            div .field { (choice_of_ecosystem(ecosystem)) }
            (field(visit.query.text("prefix"), wrong))
            button { "Continue" }
        }
    };
    visit.ui.page(Some(session), &title, &body)
}

fn field(text: &str, wrong: Option<&str>) -> Markup {
    html! {
        div .field .wrong[wrong.is_some()] {
            label for="prefix" { "Names begin with" span .mark { " (required)" } }
            @if let Some(wrong) = wrong {
                div .error #error-prefix { p { span .sr { "Error: " } (words(wrong)) } }
            }
            input #prefix name="prefix" value=(text) placeholder="@acme/" autocomplete="off" spellcheck="false" autocapitalize="none"
                aria-required="true" aria-invalid=[wrong.map(|_| "true")]
                aria-describedby=(if wrong.is_some() { "error-prefix hint-prefix" } else { "hint-prefix" });
            p .hint #hint-prefix {
                "The beginning of the names up to a separator, such as " code { "acme-" } "; an npm scope with its slash, such as " code { "@acme/" } "."
            }
        }
    }
}
