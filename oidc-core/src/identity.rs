//! The identity that a token proves, and the run that it was made for.

/// The identity that a token proves: an issuer, and a key within that issuer, such as a repository.
///
/// Publishers are looked up by it. It contains the issuer and not the provider, so that a token of a
/// self-managed instance never has an identity of the public instance.
#[derive(Clone, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[non_exhaustive]
pub struct Identity {
    /// The issuer, as configured.
    pub issuer: String,
    /// The key, normalized by the platform's one casing rule.
    pub key: String,
}

impl Identity {
    /// An identity of an issuer and a key.
    pub fn new(issuer: impl Into<String>, key: impl Into<String>) -> Self {
        Self { issuer: issuer.into(), key: key.into() }
    }
}

/// The run that a token was made for. It holds no personal data.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[non_exhaustive]
pub struct Run {
    /// The repository or project, in the platform's spelling.
    pub repository: Option<String>,
    /// A link to the run or job for a person.
    pub url: Option<String>,
    /// The commit.
    pub sha: Option<String>,
    /// The branch or tag.
    pub r#ref: Option<String>,
    /// The source that the run built, where the platform has pages for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<Box<RunSource>>,
}

/// The commit and the workflow that a run was started with, with links to them for a person.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[non_exhaustive]
pub struct RunSource {
    /// A link to the commit.
    pub commit_url: Option<String>,
    /// The path of the file that the run began with, in the repository: a workflow, or a CI configuration.
    pub workflow: Option<String>,
    /// A link to that file at the commit.
    pub workflow_url: Option<String>,
}
