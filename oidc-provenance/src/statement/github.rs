//! SLSA provenance v1 of a run on GitHub Actions. Every field of it is in the certificate too.

use serde_json::{Value, json};

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
pub(super) struct WorkflowRun {
    repository: String,
    path: String,
    workflow_ref: String,
    git_ref: String,
    sha: String,
    event: String,
    repository_id: String,
    owner_id: String,
    runner: String,
    invocation: String,
    signer: Option<String>,
}

impl WorkflowRun {
    /// The run, as its own variables tell it.
    pub(super) fn of_job(variables: &Variables<'_>) -> Result<Self, Refusal> {
        let name = variables.needed("GITHUB_REPOSITORY")?;
        let repository = format!("{}/{name}", variables.needed("GITHUB_SERVER_URL")?);
        let workflow = variables.needed("GITHUB_WORKFLOW_REF")?;
        let workflow =
            workflow.strip_prefix(name).and_then(|rest| rest.strip_prefix('/')).unwrap_or(workflow);
        // A tag's name may have further `@`.
        let (path, workflow_ref) = workflow.split_once('@').unwrap_or((workflow, ""));
        let (run, attempt) = (variables.needed("GITHUB_RUN_ID")?, variables.needed("GITHUB_RUN_ATTEMPT")?);
        Ok(Self {
            path: path.to_owned(),
            workflow_ref: workflow_ref.to_owned(),
            git_ref: variables.needed("GITHUB_REF")?.to_owned(),
            sha: variables.needed("GITHUB_SHA")?.to_owned(),
            event: variables.needed("GITHUB_EVENT_NAME")?.to_owned(),
            repository_id: variables.needed("GITHUB_REPOSITORY_ID")?.to_owned(),
            owner_id: variables.needed("GITHUB_REPOSITORY_OWNER_ID")?.to_owned(),
            runner: variables.needed("RUNNER_ENVIRONMENT")?.to_owned(),
            invocation: format!("{repository}/actions/runs/{run}/attempts/{attempt}"),
            signer: None,
            repository,
        })
    }

    /// The run, as its certificate tells it.
    pub(super) fn of_certificate(extensions: &Extensions) -> Result<Self, Refusal> {
        let needed = |extension| needed(extensions, extension);
        let repository = needed(Extension::SourceRepositoryUri)?;
        let git_ref = needed(Extension::SourceRepositoryRef)?;
        let workflow = needed(Extension::BuildConfigUri)?;
        let path = workflow.strip_prefix(&repository).and_then(|rest| rest.strip_prefix('/'));
        let path = path.and_then(|rest| rest.strip_suffix(&git_ref)).and_then(|rest| rest.strip_suffix('@'));
        let path = path.ok_or_else(|| {
            let problem =
                "the workflow that the run began with is not in the run's repository at the run's ref";
            Refusal::of(codes::PROVENANCE_EXTENSION, Extension::BuildConfigUri.to_string(), problem)
                .found(&workflow)
        })?;
        Ok(Self {
            path: path.to_owned(),
            workflow_ref: git_ref.clone(),
            git_ref,
            sha: needed(Extension::SourceRepositoryDigest)?,
            event: needed(Extension::BuildTrigger)?,
            repository_id: needed(Extension::SourceRepositoryIdentifier)?,
            owner_id: needed(Extension::SourceRepositoryOwnerIdentifier)?,
            runner: needed(Extension::RunnerEnvironment)?,
            invocation: needed(Extension::RunInvocationUri)?,
            signer: Some(needed(Extension::BuildSignerUri)?),
            repository,
        })
    }

    /// The predicate that npm writes.
    pub(super) fn npm_predicate(&self) -> Value {
        let github = json!({
            "event_name": self.event,
            "repository_id": self.repository_id,
            "repository_owner_id": self.owner_id,
        });
        self.predicate(NPM, &github, &format!("{RUNNER}{}", self.runner))
    }

    /// The predicate that GitHub's attestation action writes.
    pub(super) fn action_predicate(&self) -> Result<Value, Refusal> {
        let github = json!({
            "event_name": self.event,
            "repository_id": self.repository_id,
            "repository_owner_id": self.owner_id,
            "runner_environment": self.runner,
        });
        let signer = self.signer.as_deref().ok_or_else(|| missing(Extension::BuildSignerUri))?;
        Ok(self.predicate(ACTION, &github, signer))
    }

    fn predicate(&self, build_type: &str, github: &Value, builder: &str) -> Value {
        json!({
            "buildDefinition": {
                "buildType": build_type,
                "externalParameters": {
                    "workflow": { "ref": self.workflow_ref, "repository": self.repository, "path": self.path },
                },
                "internalParameters": { "github": github },
                "resolvedDependencies": [{
                    "uri": format!("git+{}@{}", self.repository, self.git_ref),
                    "digest": { "gitCommit": self.sha },
                }],
            },
            "runDetails": { "builder": { "id": builder }, "metadata": { "invocationId": self.invocation } },
        })
    }
}

/// The predicate that the certificate proves, of the type of build that the found predicate names.
pub(super) fn expected(found: &Value, extensions: &Extensions) -> Result<Value, Refusal> {
    let run = WorkflowRun::of_certificate(extensions)?;
    match found.pointer("/buildDefinition/buildType").and_then(Value::as_str) {
        Some(ACTION) => run.action_predicate(),
        // Any other type of build then differs from npm's.
        _ => Ok(run.npm_predicate()),
    }
}

/// An extension that the certificate must have.
pub(super) fn needed(extensions: &Extensions, extension: Extension) -> Result<String, Refusal> {
    extensions.get(extension).map(str::to_owned).ok_or_else(|| missing(extension))
}

fn missing(extension: Extension) -> Refusal {
    let problem = format!("`{extension}` is missing from the signing certificate");
    let refusal = Refusal::of(codes::PROVENANCE_EXTENSION, extension.to_string(), problem);
    refusal.fix("run the job on a branch or tag, with a check-out of it")
}
