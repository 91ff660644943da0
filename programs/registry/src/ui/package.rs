//! A package's page: its versions, each with the job that published it and, where there is one, its provenance.

use axum::http::StatusCode;
use maud::{Markup, html};
use oidc_core::Run;

use super::page::{Page, Tab};
use super::provenance::provenance;
use super::refused::Refused;
use super::request::{Named, Visit};
use super::rows::{Existence, Version};
use super::values::{code, linked, row, time, value};
use crate::authorize::Principal;
use crate::provenance::Origin;

/// The number of characters of a commit that tell it from others.
const SHORT_COMMIT: usize = 12;

pub(super) async fn show(visit: Visit) -> Result<Page, Refused> {
    let named = visit.named(&visit.query)?;
    match visit.ui.existence(&named).await.map_err(|error| visit.failed(&error))? {
        Existence::Public => {}
        Existence::Private if visit.session.is_some() => {}
        // Nobody else learns that there is such a package.
        Existence::Private | Existence::Absent | Existence::Prefix => return absent(&visit, &named),
    }
    let before = visit.query.text("before").parse().unwrap_or(i64::MAX);
    let versions = visit.ui.versions(&named, before).await.map_err(|error| visit.failed(&error))?;
    let origins = visit.ui.origins(&named, &versions.rows).await.map_err(|error| visit.failed(&error))?;
    let next = versions.rows.last().filter(|_| versions.has_more).map(|last| last.position.to_string());
    let body = html! {
        (visit.ui.package_head(&named, Tab::Versions))
        @if versions.rows.is_empty() { p { "No version has been published yet." } }
        @for (at, version) in versions.rows.iter().enumerate() {
            (shown(&visit, version, origins.of(version), at == 0))
        }
        @if let Some(next) = next {
            p { a href=(visit.ui.of_package("package", &named, &[("before", &next)])) { "Earlier versions" } }
        }
        p .hint {
            "The job of a version is what its CI platform signed in the job's identity token. Neither that nor provenance is a promise
             that the code is safe."
        }
    };
    Ok(visit.ui.page(visit.session.as_ref(), &named.name, &body))
}

fn absent(visit: &Visit, named: &Named) -> Result<Page, Refused> {
    let body = html! {
        p .ecosystem { (named.ecosystem.as_str()) }
        h1 { (value(&named.name)) }
        p role="alert" { "This package is not in this registry." }
        @if visit.session.is_some() {
            p { a href=(visit.ui.of_package("settings", named, &[])) { "Trusted publishers that may create it" } }
        }
    };
    Ok(visit.ui.page(visit.session.as_ref(), "No such package", &body).with_status(StatusCode::NOT_FOUND))
}

fn shown(visit: &Visit, version: &Version, origins: &[Origin], is_latest: bool) -> Markup {
    let file = Some(&version.file).filter(|file| !file.is_empty());
    html! {
        article .version {
            h2 { (value(&version.version)) }
            dl {
                (row("Published", Some(&time(version.published_at))))
                (row("File", file.map(|file| value(file)).as_ref()))
                (origin(visit, &version.published_by))
                (row("Integrity", Some(&code(&version.digest))))
            }
            @if !origins.is_empty() { (provenance(origins, is_latest)) }
        }
    }
}

/// The publisher of a version, with the run.
fn origin(visit: &Visit, published_by: &str) -> Markup {
    match serde_json::from_str(published_by) {
        Ok(Principal::TrustedPublisher { provider, run, .. }) => {
            let run: Run = serde_json::from_value(run).unwrap_or_default();
            of_run(visit, &provider, &run)
        }
        Ok(Principal::Admin) => row("Published by", Some(&html! { "static token of the administrator" })),
        Ok(Principal::Anonymous) | Err(_) => row("Published by", Some(&html! { "not known" })),
    }
}

fn of_run(visit: &Visit, provider: &str, run: &Run) -> Markup {
    let title = visit.ui.platform_title(provider);
    let source = run.source.as_deref().cloned().unwrap_or_default();
    let commit = run.sha.as_deref().map(|sha| {
        let short = sha.get(..SHORT_COMMIT).unwrap_or(sha);
        code_link(source.commit_url.as_deref(), short)
    });
    let workflow = source.workflow.as_deref().map(|path| code_link(source.workflow_url.as_deref(), path));
    let build = run.url.as_deref().map(|url| linked(Some(url), url));
    html! {
        (row("Published by", Some(&html! { "trusted publisher on " (value(title)) })))
        (row("Source repository", run.repository.as_deref().map(value).as_ref()))
        (row("Source commit", commit.as_ref()))
        (row("Source ref", run.r#ref.as_deref().map(code).as_ref()))
        (row("Build file", workflow.as_ref()))
        (row("Build run", build.as_ref()))
    }
}

fn code_link(url: Option<&str>, text: &str) -> Markup {
    html! { code { (linked(url, text)) } }
}
