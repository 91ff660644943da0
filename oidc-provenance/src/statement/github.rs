//! SLSA provenance v1 of a run on GitHub Actions. Every field of it is in the certificate too.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::Value;

use super::variables::Variables;
use crate::codes;
use crate::extension::{Extension, Extensions};
use crate::refusal::Refusal;

/// The type of build that npm writes.
const NPM: &str = "https://slsa-framework.github.io/github-actions-buildtypes/workflow/v1";

/// The type of build that GitHub's attestation action writes.
const ACTION: &str = "https://actions.github.io/buildtypes/workflow/v1";

/// The beginning of npm's name for the builder.
const RUNNER: &str = "https://github.com/actions/runner/";

/// One run of a workflow, read from the variables of its job or from a certificate.
#[derive(Debug)]
pub(super) struct WorkflowRun<'r> {
    repository: Cow<'r, str>,
    path: &'r str,
    workflow_ref: &'r str,
    git_ref: &'r str,
    sha: &'r str,
    event: &'r str,
    repository_id: &'r str,
    owner_id: &'r str,
    runner: &'r str,
    invocation: Cow<'r, str>,
    signer: Option<&'r str>,
}

impl<'r> WorkflowRun<'r> {
    /// The run, as its own variables tell it.
    pub(super) fn of_job(variables: &Variables<'r>) -> Result<Self, Refusal> {
        let name = variables.needed("GITHUB_REPOSITORY")?;
        let repository = format!("{}/{name}", variables.needed("GITHUB_SERVER_URL")?);
        let workflow = variables.needed("GITHUB_WORKFLOW_REF")?;
        let workflow =
            workflow.strip_prefix(name).and_then(|rest| rest.strip_prefix('/')).unwrap_or(workflow);
        // A tag's name may have further `@`.
        let (path, workflow_ref) = workflow.split_once('@').unwrap_or((workflow, ""));
        let (run, attempt) = (variables.needed("GITHUB_RUN_ID")?, variables.needed("GITHUB_RUN_ATTEMPT")?);
        Ok(Self {
            path,
            workflow_ref,
            git_ref: variables.needed("GITHUB_REF")?,
            sha: variables.needed("GITHUB_SHA")?,
            event: variables.needed("GITHUB_EVENT_NAME")?,
            repository_id: variables.needed("GITHUB_REPOSITORY_ID")?,
            owner_id: variables.needed("GITHUB_REPOSITORY_OWNER_ID")?,
            runner: variables.needed("RUNNER_ENVIRONMENT")?,
            invocation: format!("{repository}/actions/runs/{run}/attempts/{attempt}").into(),
            signer: None,
            repository: repository.into(),
        })
    }

    /// The run, as its certificate tells it.
    pub(super) fn of_certificate(extensions: &'r Extensions) -> Result<Self, Refusal> {
        let needed = |extension| needed(extensions, extension);
        let repository = needed(Extension::SourceRepositoryUri)?;
        let git_ref = needed(Extension::SourceRepositoryRef)?;
        let workflow = needed(Extension::BuildConfigUri)?;
        let path = workflow.strip_prefix(repository).and_then(|rest| rest.strip_prefix('/'));
        let path = path.and_then(|rest| rest.strip_suffix(git_ref)).and_then(|rest| rest.strip_suffix('@'));
        let path = path.ok_or_else(|| {
            let problem =
                "the workflow that the run began with is not in the run's repository at the run's ref";
            Refusal::of(codes::PROVENANCE_EXTENSION, Extension::BuildConfigUri.to_string(), problem)
                .found(workflow)
        })?;
        Ok(Self {
            path,
            workflow_ref: git_ref,
            git_ref,
            sha: needed(Extension::SourceRepositoryDigest)?,
            event: needed(Extension::BuildTrigger)?,
            repository_id: needed(Extension::SourceRepositoryIdentifier)?,
            owner_id: needed(Extension::SourceRepositoryOwnerIdentifier)?,
            runner: needed(Extension::RunnerEnvironment)?,
            invocation: needed(Extension::RunInvocationUri)?.into(),
            signer: Some(needed(Extension::BuildSignerUri)?),
            repository: repository.into(),
        })
    }

    /// The predicate that npm writes.
    pub(super) fn npm_predicate(&self) -> Predicate<'_> {
        self.predicate(NPM, None, format!("{RUNNER}{}", self.runner).into())
    }

    /// The predicate that GitHub's attestation action writes.
    pub(super) fn action_predicate(&self) -> Result<Predicate<'_>, Refusal> {
        let signer = self.signer.ok_or_else(|| missing(Extension::BuildSignerUri))?;
        Ok(self.predicate(ACTION, Some(self.runner), signer.into()))
    }

    fn predicate<'p>(
        &'p self,
        build_type: &'p str,
        runner_environment: Option<&'p str>,
        builder: Cow<'p, str>,
    ) -> Predicate<'p> {
        let workflow = Workflow { r#ref: self.workflow_ref, repository: &self.repository, path: self.path };
        let github = Properties {
            event_name: self.event,
            repository_id: self.repository_id,
            repository_owner_id: self.owner_id,
            runner_environment,
        };
        let source = Source {
            uri: format!("git+{}@{}", self.repository, self.git_ref),
            digest: Commit { git_commit: self.sha },
        };
        Predicate {
            build_definition: BuildDefinition {
                build_type,
                external_parameters: External { workflow },
                internal_parameters: Internal { github },
                resolved_dependencies: [source],
            },
            run_details: RunDetails {
                builder: Builder { id: builder },
                metadata: Metadata { invocation_id: &self.invocation },
            },
        }
    }
}

/// A predicate, with its members in the order in which the tools write them.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Predicate<'p> {
    build_definition: BuildDefinition<'p>,
    run_details: RunDetails<'p>,
}

impl Predicate<'_> {
    /// Returns the JSON text. Texts alone are in it, so that it can always be written.
    pub(super) fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Returns `true` if this is how a tool writes the predicate.
    fn is_written(&self, found: &str) -> bool {
        let mut written = Vec::with_capacity(found.len());
        serde_json::to_writer(&mut written, self).is_ok() && written == found.as_bytes()
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct BuildDefinition<'p> {
    build_type: &'p str,
    external_parameters: External<'p>,
    internal_parameters: Internal<'p>,
    resolved_dependencies: [Source<'p>; 1],
}

#[derive(Serialize)]
struct External<'p> {
    workflow: Workflow<'p>,
}

#[derive(Serialize)]
struct Workflow<'p> {
    r#ref: &'p str,
    repository: &'p str,
    path: &'p str,
}

#[derive(Serialize)]
struct Internal<'p> {
    github: Properties<'p>,
}

#[derive(Serialize)]
struct Properties<'p> {
    event_name: &'p str,
    repository_id: &'p str,
    repository_owner_id: &'p str,
    #[serde(skip_serializing_if = "Option::is_none")]
    runner_environment: Option<&'p str>,
}

#[derive(Serialize)]
struct Source<'p> {
    uri: String,
    digest: Commit<'p>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Commit<'p> {
    git_commit: &'p str,
}

#[derive(Serialize)]
struct RunDetails<'p> {
    builder: Builder<'p>,
    metadata: Metadata<'p>,
}

#[derive(Serialize)]
struct Builder<'p> {
    id: Cow<'p, str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Metadata<'p> {
    invocation_id: &'p str,
}

/// The predicate that the certificate proves, of the type of build that the found predicate names; `None` where the found text is
/// the one that a tool writes for this run.
pub(super) fn expected(
    found: &str,
    is_npms: bool,
    extensions: &Extensions,
) -> Result<Option<Value>, Refusal> {
    let run = WorkflowRun::of_certificate(extensions)?;
    let npms = run.npm_predicate();
    let actions = if is_npms { None } else { Some(run.action_predicate()?) };
    // Values are compared only where the text is another one: they take several times as long.
    if npms.is_written(found) || actions.as_ref().is_some_and(|predicate| predicate.is_written(found)) {
        return Ok(None);
    }
    let found: Value = serde_json::from_str(found).unwrap_or_default();
    let is_actions = found.pointer("/buildDefinition/buildType").and_then(Value::as_str) == Some(ACTION);
    // Any other type of build then differs from npm's.
    let expected = actions.filter(|_| is_actions).unwrap_or(npms);
    Ok(Some(serde_json::to_value(expected).unwrap_or_default()))
}

/// An extension that the certificate must have.
pub(super) fn needed(extensions: &Extensions, extension: Extension) -> Result<&str, Refusal> {
    extensions.get(extension).ok_or_else(|| missing(extension))
}

fn missing(extension: Extension) -> Refusal {
    let problem = format!("`{extension}` is missing from the signing certificate");
    let refusal = Refusal::of(codes::PROVENANCE_EXTENSION, extension.to_string(), problem);
    refusal.fix("run the job on a branch or tag, with a check-out of it")
}
