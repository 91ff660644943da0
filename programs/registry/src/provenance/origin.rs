//! The origin of a published file, as its verified provenance tells it, for pages and audits.

use std::collections::BTreeMap;

use oidc_core::Timestamp;
use oidc_exchange::server::StoreError;
use oidc_exchange::sql::SqlStore;
use oidc_provenance::{Artifact, Attestation, Extension, Statement};
use serde::{Deserialize, Serialize};

use super::rows;
use crate::config::Ecosystem;

/// The origin of a file: the job that signed it, by a certificate that this registry verified before it stored the file.
///
/// The texts are the certificate's. Its authority vouches for them, so that they are no text of the publisher's; a page
/// escapes them all the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Origin {
    /// The type of the statement's predicate; `None` where the file itself is signed, without a statement.
    pub predicate_type: Option<String>,
    /// The digest of the signed file, as `algorithm:hexadecimal digits`.
    pub digest: String,
    /// The issuer of the job's identity token.
    pub issuer: Option<String>,
    /// The URL of the source repository.
    pub repository: Option<String>,
    /// The visibility of the repository when the file was signed, such as `public`.
    pub visibility: Option<String>,
    /// The commit that the job ran on.
    pub commit: Option<String>,
    /// The URL of the page of the commit.
    pub commit_url: Option<String>,
    /// The full name of the branch or tag.
    pub git_ref: Option<String>,
    /// The path of the workflow file that the run began with.
    pub workflow: Option<String>,
    /// The URL of that file at the commit.
    pub workflow_url: Option<String>,
    /// The certificate's name: the URL of the workflow that holds the job, at its revision.
    pub signer: String,
    /// The URL of the run or the job.
    pub run_url: Option<String>,
    /// The event that started the run.
    pub event: Option<String>,
    /// The job's environment.
    pub environment: Option<String>,
    /// The kind of machine, such as `github-hosted`.
    pub runner: Option<String>,
    /// The proven time of the signature, in seconds since 1970.
    pub signed_at: u64,
    /// The number of the entry in the transparency log.
    pub log_index: u64,
    /// The URL at which the entry can be read, where the log has one for each entry.
    pub log_entry_url: Option<String>,
}

/// The origins of an artifact, by the attestations that were verified for it, as they are stored.
pub(super) fn stored(attestations: &[Attestation], artifact: &Artifact) -> String {
    let origins: Vec<Origin> =
        attestations.iter().map(|attestation| Origin::of(attestation, artifact)).collect();
    // Texts and numbers can be written always.
    serde_json::to_string(&origins).unwrap_or_default()
}

impl Origin {
    fn of(attestation: &Attestation, artifact: &Artifact) -> Self {
        let text = |extension| attestation.extension(extension).map(str::to_owned);
        let source = Source::of(attestation);
        let page = |kind: &str, rest: &str| source.as_ref().map(|source| source.page(kind, rest));
        let commit = text(Extension::SourceRepositoryDigest);
        Self {
            predicate_type: attestation.statement().map(Statement::predicate_type).map(str::to_owned),
            digest: format!("{:?}", artifact.digest()),
            issuer: text(Extension::Issuer),
            repository: text(Extension::SourceRepositoryUri),
            visibility: text(Extension::SourceRepositoryVisibility),
            commit_url: commit.as_deref().and_then(|commit| page("commit", commit)),
            git_ref: text(Extension::SourceRepositoryRef),
            workflow: source.as_ref().map(|source| source.path.to_owned()),
            workflow_url: commit
                .as_deref()
                .and_then(|commit| page("blob", &format!("{commit}/{}", source.as_ref()?.path))),
            commit,
            signer: attestation.identity().to_owned(),
            run_url: text(Extension::RunInvocationUri),
            event: text(Extension::BuildTrigger),
            environment: text(Extension::DeploymentEnvironment),
            runner: text(Extension::RunnerEnvironment),
            signed_at: seconds(attestation.signed_at()),
            log_index: attestation.log_index(),
            log_entry_url: attestation.log_entry_url().map(str::to_owned),
        }
    }
}

/// The repository and the workflow file in it, by the URLs of a certificate.
struct Source<'a> {
    repository: &'a str,
    /// The path between a repository and its pages: GitLab separates them.
    separator: &'static str,
    path: &'a str,
}

impl<'a> Source<'a> {
    /// `None` where the workflow is not in the repository.
    fn of(attestation: &'a Attestation) -> Option<Self> {
        let repository = attestation.extension(Extension::SourceRepositoryUri)?;
        let workflow = attestation.extension(Extension::BuildConfigUri)?.strip_prefix(repository)?;
        let (path, _) = workflow.strip_prefix('/')?.split_once('@')?;
        // GitLab's URLs have two slashes before the path.
        let (separator, path) = path.strip_prefix('/').map_or(("", path), |path| ("/-", path));
        Some(Self { repository, separator, path })
    }

    fn page(&self, kind: &str, rest: &str) -> String {
        format!("{}{}/{kind}/{rest}", self.repository, self.separator)
    }
}

fn seconds(at: Timestamp) -> u64 {
    at.as_signed_secs().try_into().unwrap_or_default()
}

/// Returns the origins of stored files: of versions `NAME@VERSION` in npm's half, and of files by their names in the others.
/// A file without provenance is missing from the answer; a file may have several attestations.
///
/// # Errors
///
/// When the database can't be read.
pub async fn origins(
    database: &SqlStore,
    ecosystem: Ecosystem,
    files: &[&str],
) -> Result<BTreeMap<String, Vec<Origin>>, StoreError> {
    let rows = rows::origins(database, ecosystem.as_str(), files).await?;
    let read = |(file, origins): (String, String)| {
        serde_json::from_str(&origins).map(|origins| (file, origins)).map_err(StoreError::new)
    };
    rows.into_iter().map(read).collect()
}
