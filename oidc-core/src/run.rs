//! The run that a token was made for.

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
