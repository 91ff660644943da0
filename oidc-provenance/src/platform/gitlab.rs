//! The extensions of a certificate for a job on GitLab CI/CD.

use super::template::{Part, Row};
use crate::extension::Extension;

/// The address of the platform's pages.
pub(super) const PUBLIC: &str = "https://gitlab.com";

const fn row(extension: Extension, template: &'static [Part]) -> Row {
    Row { extension, template }
}

const SLASH: Part = Part::Literal("/");

/// The URI of the CI configuration, which the claim has without a scheme.
const CONFIGURATION: &[Part] = &[Part::Literal("https://"), Part::Claim("ci_config_ref_uri")];

/// The table, in the order of the extensions' numbers: the project stands before the URLs that contain it.
pub(super) const ROWS: &[Row] = &[
    row(Extension::Issuer, &[Part::Claim("iss")]),
    row(Extension::BuildSignerUri, CONFIGURATION),
    row(Extension::BuildSignerDigest, &[Part::Claim("ci_config_sha")]),
    row(Extension::RunnerEnvironment, &[Part::Claim("runner_environment")]),
    row(Extension::SourceRepositoryUri, &[Part::Server, SLASH, Part::Claim("project_path")]),
    row(Extension::SourceRepositoryDigest, &[Part::Claim("sha")]),
    row(Extension::SourceRepositoryRef, &[Part::GitRef]),
    row(Extension::SourceRepositoryIdentifier, &[Part::Claim("project_id")]),
    row(Extension::SourceRepositoryOwnerUri, &[Part::Server, SLASH, Part::Claim("namespace_path")]),
    row(Extension::SourceRepositoryOwnerIdentifier, &[Part::Claim("namespace_id")]),
    row(Extension::BuildConfigUri, CONFIGURATION),
    row(Extension::BuildConfigDigest, &[Part::Claim("ci_config_sha")]),
    row(Extension::BuildTrigger, &[Part::Claim("pipeline_source")]),
    row(
        Extension::RunInvocationUri,
        &[Part::Server, SLASH, Part::Claim("project_path"), Part::Literal("/-/jobs/"), Part::Claim("job_id")],
    ),
    row(Extension::SourceRepositoryVisibility, &[Part::Claim("project_visibility")]),
    row(Extension::DeploymentEnvironment, &[Part::Claim("environment")]),
    row(Extension::TokenSubject, &[Part::Claim("sub")]),
];
