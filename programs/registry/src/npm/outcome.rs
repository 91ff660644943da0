//! The outcomes of changes, and the answers to clients that follow from them.

use axum::Json;
use axum::http::StatusCode;
use axum::response::IntoResponse as _;
use oidc_provenance::Refusal;
use serde_json::json;

use super::Answer;
use super::failure::Failure;
use super::name::{PackageName, Version};
use crate::activation::Ended;

/// The outcome of a publish.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Published {
    /// The version is stored, durably.
    Done,
    /// The package doesn't exist, and the principal may not create it.
    NoPackage,
    /// The version exists already.
    VersionExists,
    /// The package has reached this limit of what is served of one package.
    Full(&'static str),
    /// The trusted publisher was removed, or it is pending and the package exists already.
    NotTrusted,
    /// The principal may no longer do it.
    Ended(Ended),
    /// The version lacks provenance.
    Unproven(Refusal),
    /// Another instance replaced the registry's key, with which the version was signed.
    KeyReplaced,
}

/// The outcome of a change of a tag.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Tagged {
    /// The tag is set or removed, durably.
    Done,
    /// There is no such version or tag.
    Missing,
    /// The package has the largest number of tags.
    TooMany,
    /// The trusted publisher was removed or is pending.
    NotTrusted,
    /// The principal may no longer do it.
    Ended(Ended),
}

impl Published {
    /// The answer to a client that published this version. A refusal of provenance is put into words by `unproven`.
    pub(super) fn answer(
        self,
        name: &PackageName,
        version: &Version,
        unproven: impl Fn(&Refusal) -> Failure,
    ) -> Answer {
        match self {
            Self::Done => Ok((StatusCode::CREATED, Json(json!({ "ok": true }))).into_response()),
            Self::NoPackage => {
                let message = format!("{name} is not in this registry, and this token may not create it");
                Err(Failure::new(StatusCode::NOT_FOUND, message))
            }
            Self::VersionExists => Err(exists(name, version)),
            Self::Unproven(refusal) => Err(unproven(&refusal)),
            Self::KeyReplaced => {
                let message = "the registry's signing key was replaced, and this instance has the one before; nothing was \
                               published. Its operator restarts it; then try again";
                Err(Failure::new(StatusCode::SERVICE_UNAVAILABLE, message))
            }
            Self::Full(most) => {
                let message = format!("{name} has as much as this registry serves of one package: {most}");
                Err(Failure::new(StatusCode::FORBIDDEN, message))
            }
            Self::NotTrusted => Err(not_trusted(name)),
            Self::Ended(ended) => Err(Failure::ended(ended, name.as_str())),
        }
    }
}

impl Tagged {
    /// The refusal that a client gets of a change of a tag; `missing` says what does not exist.
    pub(super) fn check(self, name: &PackageName, missing: &str) -> Result<(), Failure> {
        match self {
            Self::Done => Ok(()),
            Self::Missing => Err(Failure::not_found(missing)),
            Self::TooMany => {
                let message = format!("{name} has as many tags as a package may have; remove one");
                Err(Failure::new(StatusCode::FORBIDDEN, message))
            }
            Self::NotTrusted => Err(not_trusted(name)),
            Self::Ended(ended) => Err(Failure::ended(ended, name.as_str())),
        }
    }
}

/// The refusal of a version that was published before.
pub(super) fn exists(name: &PackageName, version: &Version) -> Failure {
    let message = format!("cannot publish over {version} of {name}: it was published before");
    Failure::new(StatusCode::FORBIDDEN, message)
}

fn not_trusted(name: &PackageName) -> Failure {
    let message = format!(
        "the trusted publisher of this token was removed, or it is pending and {name} exists already; configure it again"
    );
    Failure::new(StatusCode::FORBIDDEN, message)
}
