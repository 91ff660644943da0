//! Attestations of Python's projects (PEP 740).

use axum::http::HeaderMap;
use axum::http::header::ACCEPT;
use oidc_core::{Diagnosis, Target};
use oidc_provenance::{Artifact, Attestation, Bundle, Extension, Refusal, codes};
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::hosting::Vouches;
use crate::provenance::{Rules, Vouched};

/// The media type of a file's provenance.
pub(super) const INTEGRITY: &str = "application/vnd.pypi.integrity.v1+json";
/// The types of attestations that there may be, one of each.
const PREDICATES: [&str; 2] =
    ["https://docs.pypi.org/attestations/publish/v1", "https://slsa.dev/provenance/v1"];

/// A form's attestations can't be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum InvalidAttestations {
    #[error("the form's `attestations` is no array of attestations: {0}")]
    Form(#[from] serde_json::Error),
    #[error("the form's `attestations` has {0} of them, expected one or two, of different types")]
    Number(usize),
    #[error(transparent)]
    Attestation(#[from] Refusal),
}

impl InvalidAttestations {
    /// The reason for programs.
    pub(super) fn diagnosis(&self) -> Diagnosis {
        match self {
            Self::Attestation(refusal) => refusal.diagnosis().clone(),
            Self::Form(_) | Self::Number(_) => {
                let field = Target::Field("attestations".to_owned());
                Diagnosis::new(codes::PROVENANCE_BUNDLE, field, self.to_string())
            }
        }
    }
}

/// The attestations of a file, unverified.
pub(super) fn parse(field: &str, file: &str, content: &[u8]) -> Result<Vouches, InvalidAttestations> {
    let sent: Vec<&RawValue> = serde_json::from_str(field)?;
    if !(1..=PREDICATES.len()).contains(&sent.len()) {
        return Err(InvalidAttestations::Number(sent.len()));
    }
    let bundle = |sent: &&RawValue| {
        Bundle::from_pep_740(sent.get().as_bytes()).map(|bundle| bundle.as_str().to_owned())
    };
    let bundles = sent.iter().map(bundle).collect::<Result<_, Refusal>>()?;
    let rules = Rules {
        predicates: &PREDICATES,
        public_source_and_hosted_runner: false,
        plain_signatures_of_today: false,
        repository: None,
    };
    Ok(Vouches {
        vouched: Vouched { artifact: Artifact::file(file, content), bundles, rules },
        sent: sent.iter().map(|sent| sent.get().to_owned()).collect(),
        document,
    })
}

/// A file's provenance as it is served: the attestations, and whose they are.
fn document(sent: &[String], attestations: &[Attestation]) -> String {
    let sent: Vec<Value> = sent.iter().filter_map(|sent| serde_json::from_str(sent).ok()).collect();
    let publisher = attestations.first().map(publisher);
    json!({ "version": 1, "attestation_bundles": [{ "publisher": publisher, "attestations": sent }] })
        .to_string()
}

/// The publisher in the form that `pypi-attestations` compares with the certificate.
fn publisher(attestation: &Attestation) -> Value {
    let value = |extension| attestation.extension(extension).unwrap_or_default();
    let (source, file) = (value(Extension::SourceRepositoryUri), value(Extension::BuildConfigUri));
    let environment = attestation.extension(Extension::DeploymentEnvironment);
    let repository = below_host(source);
    let file = below_host(file).strip_prefix(repository).unwrap_or_default();
    let file = file.split('@').next().unwrap_or_default();
    match file.strip_prefix("/.github/workflows/") {
        Some(workflow) => json!({
            "kind": "GitHub", "repository": repository, "workflow": workflow, "environment": environment,
        }),
        None => json!({
            "kind": "GitLab",
            "repository": repository,
            "workflow_filepath": file.trim_start_matches('/'),
            "environment": environment,
        }),
    }
}

/// The path of a URL, without the slash at its beginning.
fn below_host(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.split_once('/').map_or("", |(_, path)| path)
}

/// Returns `true` if a client takes provenance in the form that there is.
pub(super) fn is_acceptable(headers: &HeaderMap) -> bool {
    let mut accepted = headers.get_all(ACCEPT).into_iter().filter_map(|value| value.to_str().ok()).peekable();
    let takes = |value: &str| {
        let mut kinds = value.split(',').filter_map(|kind| kind.split(';').next()).map(str::trim);
        kinds.any(|kind| [INTEGRITY, "application/json", "application/*", "*/*"].contains(&kind))
    };
    accepted.peek().is_none() || accepted.any(takes)
}
