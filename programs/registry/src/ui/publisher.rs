//! Adding and editing a trusted publisher: the platform, the form, what it means and how the job must look, and then it is saved.

use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use maud::{Markup, html};
use oidc_core::{InvalidPublisher, shown};
use oidc_exchange::server::{PublisherRecord, TrustError};

use super::draft::Draft;
use super::page::{Page, Tab, form_token, package_fields};
use super::preview::preview;
use super::refused::Refused;
use super::request::{Fields, Named, Visit, Write};
use super::rows::Existence;
use super::session::Session;
use super::values::words;
use crate::origin::PAGES;

/// The faults of a draft.
pub(super) enum Wrong {
    /// Some of its fields.
    Fields(InvalidPublisher),
    /// The whole of it.
    Whole(String),
}

/// The form, empty or filled with a stored publisher or with what a refused job had.
pub(super) async fn show(visit: Visit) -> Result<Page, Refused> {
    let session = visit.known()?.clone();
    if visit.query.text("name").is_empty() {
        return ask_package(&visit, &session).await;
    }
    let named = visit.managed(&visit.query).await?;
    let draft = if let Some(id) = visit.query.some("id") {
        Some(stored(&visit, &named, id).await?.1)
    } else if let Some(event) = visit.query.some("event") {
        Some(visit.refused_job(&named, event).await?)
    } else {
        visit.ui.only_platform().or(visit.ui.draft(visit.query.text("issuer")))
    };
    Ok(match draft {
        Some(draft) => form(&visit, &session, &named, &draft, None),
        None => choose(&visit, &session, &named),
    })
}

/// The question for the package, where a refused job did not name one.
async fn ask_package(visit: &Visit, session: &Session) -> Result<Page, Refused> {
    let (event, ecosystem) = (visit.query.text("event"), visit.query.text("ecosystem"));
    let body = html! {
        h1 { "Add a trusted publisher" }
        form action=(visit.ui.href("publisher", &[])) {
            input type="hidden" name="event" value=(event);
            input type="hidden" name="ecosystem" value=(ecosystem);
            label for="name" { "Package that the job is to publish" }
            input #name name="name" required autofocus autocomplete="off" spellcheck="false" autocapitalize="none";
            button { "Continue" }
        }
    };
    Ok(visit.ui.page(Some(session), "Add a trusted publisher", &body))
}

/// The choice of the platform.
fn choose(visit: &Visit, session: &Session, named: &Named) -> Page {
    let body = html! {
        (visit.ui.package_head(named, Tab::Publishers))
        h2 { "Add a trusted publisher" }
        form action=(visit.ui.href("publisher", &[])) {
            (package_fields(named))
            label for="issuer" { "Platform" }
            select #issuer name="issuer" {
                @for (title, issuer) in visit.ui.platforms() { option value=(issuer) { (title) " (" (issuer) ")" } }
            }
            button { "Continue" }
        }
    };
    visit.ui.page(Some(session), "Add a trusted publisher", &body)
}

fn form(visit: &Visit, session: &Session, named: &Named, draft: &Draft, wrong: Option<&Wrong>) -> Page {
    let invalid = wrong.and_then(|wrong| match wrong {
        Wrong::Fields(invalid) => Some(invalid),
        Wrong::Whole(_) => None,
    });
    let heading = if draft.id.is_some() { "Edit a trusted publisher" } else { "Add a trusted publisher" };
    let title = if wrong.is_some() { format!("Error: {heading}") } else { heading.to_owned() };
    let body = html! {
        (visit.ui.package_head(named, Tab::Publishers))
        h2 { (heading) }
        @if let Some(wrong) = wrong { (summary(draft, wrong)) }
        p { (draft.provider.title()) ", tokens of " (words(&format!("`{}`", draft.issuer))) }
        form .publisher method="post" action=(visit.ui.href("publisher", &[])) novalidate {
            // Enter in a field sends this one, and not an offer further down.
            button .sr tabindex="-1" aria-hidden="true" name="action" value="check" { "Continue" }
            (form_token(session))
            (package_fields(named))
            (draft.origin())
            (draft.fields(invalid))
            button name="action" value="check" { "Continue" }
        }
        p { a href=(visit.ui.of_package("settings", named, &[])) { "Back to the trusted publishers" } }
    };
    visit.ui.page(Some(session), &title, &body)
}

/// All that is wrong, with the way to each field.
fn summary(draft: &Draft, wrong: &Wrong) -> Markup {
    let fields = draft.provider.publisher_fields();
    html! {
        div .summary role="alert" {
            @match wrong {
                Wrong::Whole(message) => p { (words(message)) },
                Wrong::Fields(invalid) => {
                    p { "The publisher can't be saved yet:" }
                    ul {
                        @for field in fields.iter().filter(|field| invalid.of(field.key).next().is_some()) {
                            li { a href=(format!("#field-{}", field.key)) { (field.title) } }
                        }
                    }
                },
            }
        }
    }
}

/// Checks what was typed; saves it where it was shown before what it means.
pub(super) async fn submit(write: Write) -> Result<Response, Refused> {
    let Write { visit, session, form: typed, .. } = write;
    let named = visit.managed(&typed).await?;
    let draft = visit.ui.draft(typed.text("issuer"));
    let draft = draft.ok_or_else(|| {
        visit.refused(StatusCode::BAD_REQUEST, "No such platform", "this registry trusts no such issuer")
    })?;
    let mut draft = Draft { id: typed.some("id").map(str::to_owned), ..draft.typed(&typed) };
    let is_offer = take_offer(&mut draft, &typed);
    let outcome = prepare(&visit, &named, &draft).await?;
    Ok(match (outcome, typed.text("action")) {
        (Err(wrong), _) => refuse(&visit, &session, &named, &draft, &wrong),
        (Ok(_), "change") => form(&visit, &session, &named, &draft, None).into_response(),
        (Ok(record), "save") if !is_offer => match save(&visit, &session, &named, &draft, record).await? {
            Ok(()) => visit.ui.to(&visit.ui.of_package("settings", &named, &[("saved", "1")])),
            Err(wrong) => refuse(&visit, &session, &named, &draft, &wrong),
        },
        (Ok(record), _) => preview(&visit, &session, &named, &draft, &record).into_response(),
    })
}

fn refuse(visit: &Visit, session: &Session, named: &Named, draft: &Draft, wrong: &Wrong) -> Response {
    let page = form(visit, session, named, draft, Some(wrong));
    page.with_status(StatusCode::UNPROCESSABLE_ENTITY).into_response()
}

/// Puts what was offered for a field into it, if somebody took it.
fn take_offer(draft: &mut Draft, typed: &Fields) -> bool {
    let Some((key, text)) = typed.some("offer").and_then(|offer| offer.split_once('=')) else { return false };
    let is_known = draft.provider.publisher_fields().iter().any(|field| field.key == key);
    is_known && draft.texts.insert(key.to_owned(), text.to_owned()).is_some()
}

/// The publisher that a draft means, to be added to a package that exists or to a prefix, or pending for a package that is still to
/// be created.
async fn prepare(
    visit: &Visit,
    named: &Named,
    draft: &Draft,
) -> Result<Result<PublisherRecord, Wrong>, Refused> {
    let (trust, issuer) = (&visit.ui.0.trust, Some(&*draft.issuer));
    let mut record = match trust.prepare(named.package().clone(), draft.provider.id(), issuer, draft.config())
    {
        Ok(record) => record,
        Err(error) => return wrong(visit, error).map(Err),
    };
    let existence = visit.ui.existence(named).await.map_err(|error| visit.failed(&error))?;
    record.pending = existence == Existence::Absent;
    PAGES.clone_into(&mut record.origin);
    Ok(Ok(record))
}

async fn save(
    visit: &Visit,
    session: &Session,
    named: &Named,
    draft: &Draft,
    record: PublisherRecord,
) -> Result<Result<(), Wrong>, Refused> {
    let saved = match &draft.id {
        Some(id) => {
            stored(visit, named, id).await?;
            visit.ui.0.trust.edit(id, record).await
        }
        None => visit.ui.0.trust.add(&record).await,
    };
    match saved {
        Ok(stored) => {
            let account = shown(&session.account);
            tracing::info!(%account, package = %stored.package, publisher = stored.id, "a trusted publisher was saved on its page");
            Ok(Ok(()))
        }
        Err(error) => wrong(visit, error).map(Err),
    }
}

/// The faults that a person can correct. Any other error is the registry's failure.
fn wrong(visit: &Visit, error: TrustError) -> Result<Wrong, Refused> {
    match error {
        TrustError::Publisher(invalid) => Ok(Wrong::Fields(invalid)),
        TrustError::Store(_) | TrustError::Random(_) => Err(visit.failed(&error)),
        other => Ok(Wrong::Whole(other.to_string())),
    }
}

/// A stored publisher that these pages may change, and its draft.
pub(super) async fn stored(
    visit: &Visit,
    named: &Named,
    id: &str,
) -> Result<(PublisherRecord, Draft), Refused> {
    let records = visit.ui.0.trust.list(named.package()).await.map_err(|error| visit.failed(&error))?;
    let record = records.into_iter().find(|record| record.id == id && is_of_operator(record));
    let record = record.ok_or_else(|| {
        let message = "there is no such trusted publisher; it may have been removed or changed meanwhile";
        visit.refused(StatusCode::NOT_FOUND, "No such publisher", message)
    })?;
    if visit.ui.0.defined.has(&record) {
        let message =
            "this trusted publisher is defined in the registry's configuration file; change it there";
        return Err(visit.refused(StatusCode::CONFLICT, "Defined in the file", message));
    }
    let draft = visit.ui.draft(&record.identity.issuer).ok_or_else(|| {
        let message = format!("this registry no longer trusts the issuer {}", record.identity.issuer);
        visit.refused(StatusCode::CONFLICT, "No such platform", &message)
    })?;
    let draft = Draft { id: Some(record.id.clone()), ..draft.of_config(&record.config) };
    Ok((record, draft))
}

/// Returns `true` for a publisher that these pages manage: of a prefix, each account has its own, and this registry's packages are
/// the operator's.
pub(super) fn is_of_operator(record: &PublisherRecord) -> bool {
    !record.package.is_prefix() || record.account.is_none()
}
