//! The preview of a publisher before it is saved: the jobs that it accepts, and the form of such a job.

use maud::{Markup, html};
use oidc_core::PublisherField;
use oidc_exchange::server::PublisherRecord;

use super::draft::Draft;
use super::page::{Page, Tab, form_token, package_fields};
use super::platforms::description;
use super::request::{Named, Visit};
use super::session::Session;
use super::snippet::Snippet;
use super::values::{code, row, value};

pub(super) fn preview(
    visit: &Visit,
    session: &Session,
    named: &Named,
    draft: &Draft,
    record: &PublisherRecord,
) -> Page {
    let ui = &visit.ui;
    let snippet = Snippet::of(&ui.0.public_url, named.ecosystem, draft);
    let body = html! {
        (ui.package_head(named, Tab::Publishers))
        h2 { "Check and save" }
        p { "This trusted publisher accepts: " (description(ui, record)) }
        dl {
            @for field in draft.provider.publisher_fields() {
                (row(field.title, rule(draft, field).as_ref()))
            }
            (row("State when saved", Some(&html! { (ui.0.trust.state(record).to_string()) })))
        }
        @if named.is_prefix() {
            p { "It publishes every package of this registry whose name begins so, also those that come later, and creates none." }
        }
        @if record.pending { p { "The package is not in this registry yet. The first publish by this job creates it." } }
        (job(&snippet))
        form method="post" action=(ui.href("publisher", &[])) {
            (form_token(session))
            (package_fields(named))
            (draft.hidden())
            button name="action" value="save" { "Save" }
            button .plain name="action" value="change" { "Change" }
        }
    };
    ui.page(Some(session), "Check and save", &body)
}

fn rule(draft: &Draft, field: &PublisherField) -> Option<Markup> {
    Some(draft.text(field.key)).filter(|text| !text.is_empty()).map(code)
}

fn job(snippet: &Snippet) -> Markup {
    html! {
        h3 { "How the job must look" }
        p { "In " (value(&snippet.file)) ":" }
        pre .snippet tabindex="0" role="group" aria-label="Job" { code { (snippet.text) } }
        @for note in &snippet.notes { p .hint { (super::values::words(note)) } }
    }
}
