//! The errors of the program.

use std::io;

use oidc_core::http::InvalidHttpSettings;
use oidc_core::{FileError, InvalidPublisher};

use super::command::child::ChildError;
use super::credential::NoCredential;
use super::ecosystem::Ecosystem;
use super::invalid_target::InvalidTarget;
use super::manifest::NoWorkspace;
use super::provenance::ProvenanceError;

/// `trusted-publish` failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PublishError {
    /// The registry's protocol is not one that the tool speaks.
    #[error("registry `{}` is not supported; supported: {}", .0.escape_debug(), Ecosystem::names())]
    Unsupported(String),
    /// The registry's URL or the package is not one.
    #[error(transparent)]
    Target(#[from] InvalidTarget),
    /// The packages of the workspace are not known.
    #[error("--workspace: {0}")]
    NoWorkspace(#[from] NoWorkspace),
    /// `doctor` looks at trusted publishing, which is switched off.
    #[error(
        "trusted publishing is switched off (`--trusted-publishing never`), so there is nothing to check"
    )]
    NothingToCheck,
    /// A field of the publisher is stated twice.
    #[error("--publisher states `{}` twice; state each field once", .0.escape_debug())]
    RepeatedField(String),
    /// The job's platform knows no such field.
    #[error("--publisher: {0}")]
    UnknownField(InvalidPublisher),
    /// There is nothing to publish with.
    #[error(transparent)]
    NoCredential(#[from] NoCredential),
    /// The command did not run.
    #[error(transparent)]
    Child(#[from] ChildError),
    /// Provenance was not made or not accepted.
    #[error(transparent)]
    Provenance(#[from] ProvenanceError),
    /// The file of certificates can't be read.
    #[error("--ca-file: {0}")]
    CaFile(#[from] FileError),
    /// A proxy of the environment or a certificate is not one.
    #[error(transparent)]
    Http(#[from] InvalidHttpSettings),
    /// Standard output or standard error is closed.
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl PublishError {
    /// The code of the diagnosis, where the error has one.
    pub fn code(&self) -> Option<&'static str> {
        match self {
            Self::NoCredential(NoCredential::Failed(why) | NoCredential::NoFallback { why, .. }) => {
                Some(why.diagnosis().code)
            }
            Self::Provenance(error) => error.code(),
            _ => None,
        }
    }

    /// The exit status: 2 for arguments that can't be meant, as for those that can't be read, and 1 for the rest.
    pub fn status(&self) -> u8 {
        if matches!(self, Self::RepeatedField(_) | Self::UnknownField(_)) { 2 } else { 1 }
    }
}
