//! The requirement of provenance for a package's new versions, on its settings page.

use axum::http::StatusCode;
use axum::response::Response;
use maud::{Markup, html};
use oidc_core::shown;
use oidc_provenance::Requirement;

use super::page::{form_token, package_fields};
use super::refused::Refused;
use super::request::{Named, Visit, Write};
use super::session::Session;
use crate::config::Ecosystem;

/// The value of the form's field for provenance that every version needs.
const REQUIRED: &str = "required";

/// The requirement, with the form that changes it where it can be changed.
pub(super) async fn section(visit: &Visit, session: &Session, named: &Named) -> Result<Markup, Refused> {
    let ui = &visit.ui;
    let of_file = ui.0.requirements.get(&(named.ecosystem, named.name.clone()));
    let is_required = ui.0.choices.provenance_required(named.ecosystem.as_str(), &named.name).await;
    let is_required = is_required.map_err(|error| visit.failed(&error))?;
    Ok(html! {
        h2 { "Provenance" }
        @match of_file {
            _ if named.ecosystem == Ecosystem::Cargo => p { "The protocol of cargo's clients has no provenance." },
            Some(of_file) => p { (sentence(*of_file)) " The configuration file says so (" code { "provenance" } ")." },
            None if !ui.0.keeps_provenance && !is_required => p { "This registry keeps no provenance (" code { "[provenance]" } ")." },
            None => (form(visit, session, named, is_required)),
        }
    })
}

/// A requirement in words.
fn sentence(requirement: Requirement) -> &'static str {
    match requirement {
        Requirement::Required => "Every new version needs provenance.",
        _ => "A new version needs provenance if the version before has it.",
    }
}

fn form(visit: &Visit, session: &Session, named: &Named, is_required: bool) -> Markup {
    let choices = [("as-before", Requirement::AsBefore), (REQUIRED, Requirement::Required)];
    let chosen = if is_required { REQUIRED } else { "as-before" };
    html! {
        form method="post" action=(visit.ui.href("provenance", &[])) {
            (form_token(session))
            (package_fields(named))
            fieldset aria-describedby="provenance-hint" {
                legend { "Provenance of new versions" }
                @for (choice, requirement) in choices {
                    @let id = format!("provenance-{choice}");
                    div .check {
                        input id=(id) type="radio" name="provenance" value=(choice) checked[choice == chosen];
                        label for=(id) { (sentence(requirement)) }
                    }
                }
            }
            p #provenance-hint .hint { "A version without the provenance that it needs is refused, whoever publishes it." }
            button { "Save" }
        }
    }
}

/// Saves whether every new version needs provenance.
pub(super) async fn save(write: Write) -> Result<Response, Refused> {
    let Write { visit, session, form, .. } = write;
    let named = visit.named(&form)?;
    visit.existing(&named).await?;
    if visit.ui.0.requirements.contains_key(&(named.ecosystem, named.name.clone())) {
        let message = "the configuration file defines this setting; change it there";
        return Err(visit.refused(StatusCode::CONFLICT, "Defined in the file", message));
    }
    let is_required = form.text("provenance") == REQUIRED;
    if is_required && (!visit.ui.0.keeps_provenance || named.ecosystem == Ecosystem::Cargo) {
        let message =
            "no version of this package could be published: this registry keeps no provenance of it";
        return Err(visit.refused(StatusCode::CONFLICT, "Nothing was changed", message));
    }
    let choices = &visit.ui.0.choices;
    let saved = choices.set_provenance_required(named.ecosystem.as_str(), &named.name, is_required).await;
    saved.map_err(|error| visit.failed(&error))?;
    let account = shown(&session.account);
    tracing::info!(%account, package = named.name, provenance_required = is_required, "a package's setting was saved on its page");
    Ok(visit.ui.to(&visit.ui.of_package("settings", &named, &[("changed", "1")])))
}
