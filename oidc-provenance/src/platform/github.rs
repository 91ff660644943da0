//! The extensions of a certificate for a job on GitHub Actions.

use super::template::{Part, Row};
use crate::extension::Extension;

/// The address of the platform's pages.
pub(super) const PUBLIC: &str = "https://github.com";

const fn row(extension: Extension, template: &'static [Part]) -> Row {
    Row { extension, template }
}

const SLASH: Part = Part::Literal("/");

/// The table, in the order of the extensions' numbers: the repository stands before the URLs that contain it.
pub(super) const ROWS: &[Row] = &[
    row(Extension::Issuer, &[Part::Claim("iss")]),
    row(Extension::BuildSignerUri, &[Part::Server, SLASH, Part::Claim("job_workflow_ref")]),
    row(Extension::BuildSignerDigest, &[Part::Claim("job_workflow_sha")]),
    row(Extension::RunnerEnvironment, &[Part::Claim("runner_environment")]),
    row(Extension::SourceRepositoryUri, &[Part::Server, SLASH, Part::Claim("repository")]),
    row(Extension::SourceRepositoryDigest, &[Part::Claim("sha")]),
    row(Extension::SourceRepositoryRef, &[Part::Claim("ref")]),
    row(Extension::SourceRepositoryIdentifier, &[Part::Claim("repository_id")]),
    row(Extension::SourceRepositoryOwnerUri, &[Part::Server, SLASH, Part::Claim("repository_owner")]),
    row(Extension::SourceRepositoryOwnerIdentifier, &[Part::Claim("repository_owner_id")]),
    row(Extension::BuildConfigUri, &[Part::Server, SLASH, Part::Claim("workflow_ref")]),
    row(Extension::BuildConfigDigest, &[Part::Claim("workflow_sha")]),
    row(Extension::BuildTrigger, &[Part::Claim("event_name")]),
    row(
        Extension::RunInvocationUri,
        &[
            Part::Server,
            SLASH,
            Part::Claim("repository"),
            Part::Literal("/actions/runs/"),
            Part::Claim("run_id"),
            Part::Literal("/attempts/"),
            Part::Claim("run_attempt"),
        ],
    ),
    row(Extension::SourceRepositoryVisibility, &[Part::Claim("repository_visibility")]),
    row(Extension::DeploymentEnvironment, &[Part::Claim("environment")]),
    row(Extension::TokenSubject, &[Part::Claim("sub")]),
];
