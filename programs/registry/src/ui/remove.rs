//! Removing a trusted publisher, after a question.

use axum::response::Response;
use maud::html;
use oidc_core::shown;

use super::page::{Page, Tab, form_token, package_fields};
use super::platforms::description;
use super::publisher::stored;
use super::refused::Refused;
use super::request::{Visit, Write};

pub(super) async fn ask(visit: Visit) -> Result<Page, Refused> {
    let session = visit.known()?.clone();
    let named = visit.managed(&visit.query).await?;
    let (record, _) = stored(&visit, &named, visit.query.text("id")).await?;
    let body = html! {
        (visit.ui.package_head(&named, Tab::Publishers))
        h2 { "Remove a trusted publisher" }
        p { (description(&visit.ui, &record)) }
        p { "Its publish tokens end at once, and its jobs publish no more." }
        form method="post" action=(visit.ui.href("remove", &[])) {
            (form_token(&session))
            (package_fields(&named))
            input type="hidden" name="id" value=(record.id);
            button .danger { "Remove" }
        }
        p { a href=(visit.ui.of_package("settings", &named, &[])) { "Keep it" } }
    };
    Ok(visit.ui.page(Some(&session), "Remove a trusted publisher", &body))
}

pub(super) async fn remove(write: Write) -> Result<Response, Refused> {
    let Write { visit, session, form, .. } = write;
    let named = visit.managed(&form).await?;
    let (record, _) = stored(&visit, &named, form.text("id")).await?;
    let removed = visit.ui.0.trust.remove(&record.package, &record.id).await;
    removed.map_err(|error| visit.failed(&error))?;
    let account = shown(&session.account);
    tracing::info!(%account, package = %record.package, publisher = record.id, "a trusted publisher was removed on its page");
    Ok(visit.ui.to(&visit.ui.of_package("settings", &named, &[("removed", "1")])))
}
