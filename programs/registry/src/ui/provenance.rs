//! A version's provenance on its package's page, in the words and the order of OpenSSF's style guide for attestations: source, build,
//! integrity, attestation.

use std::collections::BTreeMap;

use maud::{Markup, html};
use oidc_exchange::server::StoreError;

use super::Ui;
use super::request::Named;
use super::rows::Version;
use super::values::{code, linked, row, time, value};
use crate::config::Ecosystem;
use crate::provenance::{self, Origin};

/// The origins of the versions of a page, by their files.
pub(super) struct Origins {
    name: Option<String>,
    by_file: BTreeMap<String, Vec<Origin>>,
}

impl Origins {
    /// The origins of a version, one for each attestation.
    pub(super) fn of(&self, version: &Version) -> &[Origin] {
        self.by_file.get(&file(self.name.as_deref(), version)).map_or(&[], Vec::as_slice)
    }
}

/// The name of a version's file: npm's have none of their own.
fn file(npm: Option<&str>, version: &Version) -> String {
    npm.map_or_else(|| version.file.clone(), |name| format!("{name}@{}", version.version))
}

impl Ui {
    /// The origins of these versions of a package.
    pub(super) async fn origins(&self, named: &Named, versions: &[Version]) -> Result<Origins, StoreError> {
        let name = (named.ecosystem == Ecosystem::Npm).then(|| named.name.clone());
        let files: Vec<String> = versions.iter().map(|version| file(name.as_deref(), version)).collect();
        let files: Vec<&str> = files.iter().map(String::as_str).collect();
        let by_file = provenance::origins(&self.0.store, named.ecosystem, &files).await?;
        Ok(Origins { name, by_file })
    }
}

/// The provenance of a version, unfolded where it is the latest.
pub(super) fn provenance(origins: &[Origin], is_latest: bool) -> Markup {
    html! {
        details .provenance open[is_latest] {
            summary { "Provenance" }
            @for origin in origins {
                div .cards {
                    (card("Source", &source(origin)))
                    (card("Build", &build(origin)))
                    (card("Integrity", &integrity(origin)))
                    (card("Attestation", &attestation(origin)))
                }
            }
            p .hint { "Provenance is not a promise that the code is safe." }
        }
    }
}

fn card(title: &str, content: &Markup) -> Markup {
    html! { div .card { h3 { (title) } (content) } }
}

fn source(origin: &Origin) -> Markup {
    let repository = origin.repository.as_deref().map(|url| linked(Some(url), url));
    let commit = origin.commit.as_deref().map(|commit| linked(origin.commit_url.as_deref(), commit));
    html! {
        dl {
            (row("Source repository", repository.as_ref()))
            (row("Source commit", commit.as_ref()))
            (row("Source ref", origin.git_ref.as_deref().map(code).as_ref()))
            (row("Visibility", origin.visibility.as_deref().map(value).as_ref()))
        }
    }
}

fn build(origin: &Origin) -> Markup {
    let workflow = origin.workflow.as_deref().map(|path| linked(origin.workflow_url.as_deref(), path));
    let run = origin.run_url.as_deref().map(|url| linked(Some(url), url));
    html! {
        dl {
            (row("Build workflow", workflow.as_ref()))
            (row("Build logs", run.as_ref()))
            (row("Trigger", origin.event.as_deref().map(value).as_ref()))
            (row("Environment", origin.environment.as_deref().map(value).as_ref()))
            (row("Runner", origin.runner.as_deref().map(value).as_ref()))
        }
    }
}

fn integrity(origin: &Origin) -> Markup {
    html! {
        dl { (row("Checksum", Some(&code(&origin.digest)))) }
        p .hint { "The checksum of the file that was signed. This registry compared it with the file that it serves." }
    }
}

fn attestation(origin: &Origin) -> Markup {
    let log = match &origin.log_entry_url {
        Some(url) => linked(Some(url), url),
        None => html! { "entry " (origin.log_index) },
    };
    let signed_at = i64::try_from(origin.signed_at).unwrap_or(i64::MAX);
    html! {
        p {
            strong { "Signed by the job " (code(&origin.signer)) }
            @if let Some(issuer) = &origin.issuer { ", whose identity " (code(issuer)) " confirmed" }
            "."
        }
        dl {
            (row("Signed", Some(&time(signed_at))))
            (row("Statement", origin.predicate_type.as_deref().map(code).as_ref()))
            (row("Transparency log", Some(&log)))
        }
    }
}
