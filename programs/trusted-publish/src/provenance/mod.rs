//! Provenance: `attest` signs it, `exec --provenance` hands it to a publish tool, `verify` says whose it is.

mod attest;
mod fetch;
mod hand;
mod preflight;
mod signing;
mod tarball;
mod verify;

use std::io;
use std::path::Path;

use oidc_core::http::HttpError;
use oidc_core::{Context, Diagnosis, FileError, InvalidPublisher, InvalidUrl, SourceError};
use oidc_provenance::{Artifact, Refusal, SignError};

pub(super) use attest::{Attest, HELP as ATTEST_HELP};
pub(super) use hand::Handed;
pub(super) use preflight::{Wish, findings};
pub(super) use signing::ServiceOptions;
pub(super) use verify::{HELP as VERIFY_HELP, Verify};

/// GitLab's variable for the token that becomes a certificate.
const VARIABLE: &str = "SIGSTORE_ID_TOKEN";

/// The limit on a published file, in bytes.
const MAX_FILE: usize = 1024 * 1024 * 1024;

/// Provenance was not made, or is not what was asked for.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProvenanceError {
    /// The arguments do not fit each other.
    #[error("{0}")]
    Arguments(&'static str),
    /// A file can't be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// A tarball has no manifest that names its package.
    #[error(
        "`{}` has no package.json that names the package and its version; make the tarball with `npm pack`",
        .0.escape_debug()
    )]
    NoManifest(String),
    /// A file can't be written.
    #[error("`{}` can't be written: {error}", .path.escape_debug())]
    Write {
        /// The file.
        path: String,
        /// The reason.
        error: io::Error,
    },
    /// A URL is not one.
    #[error(transparent)]
    Url(#[from] InvalidUrl),
    /// The platform gave no identity token.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// A statement can't be made, or provenance is not accepted.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// Nothing was signed.
    #[error("{}{}", .0.diagnosis(), logged(.0))]
    Sign(#[from] SignError),
    /// The rules that the signer has to meet are none of the platform's.
    #[error("--repository, --workflow, --publisher: {0}")]
    Rules(InvalidPublisher),
    /// The registry gave no answer.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// The registry's answer is of no use.
    #[error("{0}")]
    Answer(Box<Diagnosis>),
    /// Standard output is closed.
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl ProvenanceError {
    /// The code of the diagnosis, where the error has one.
    pub(super) fn code(&self) -> Option<&'static str> {
        match self {
            Self::Source(error) => Some(error.diagnosis().code),
            Self::Refused(refusal) => Some(refusal.code()),
            Self::Sign(error) => Some(error.diagnosis().code),
            Self::Answer(diagnosis) => Some(diagnosis.code),
            Self::Http(error) => error.code(),
            _ => None,
        }
    }
}

/// The traces of a failure in public.
fn logged(error: &SignError) -> &'static str {
    match error.logged() {
        oidc_provenance::Logged::No => "; nothing was written to the public log",
        oidc_provenance::Logged::Perhaps => "; the public log may have the entry, which does no harm",
        _ => "; the entry is in the public log, which does no harm",
    }
}

/// A package's name and version.
fn package(text: &str) -> Result<(String, String), String> {
    match text.rsplit_once('@') {
        Some((name, version)) if !name.is_empty() && !version.is_empty() => {
            Ok((name.to_owned(), version.to_owned()))
        }
        _ => Err("expected `NAME@VERSION`, such as `@acme/widget@1.0.0`".to_owned()),
    }
}

/// A file as a statement names it: npm's by the package, others by their own name.
fn artifact(
    cx: &Context,
    path: &Path,
    package: Option<&(String, String)>,
) -> Result<Artifact, ProvenanceError> {
    let bytes = cx.files().read(path, MAX_FILE)?;
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    Ok(match package {
        Some((name, version)) => Artifact::npm(name, version, &bytes),
        None => Artifact::file(name, &bytes),
    })
}
