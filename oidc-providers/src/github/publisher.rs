use oidc_core::{
    Claims, Diagnosis, Identity, InvalidPublisher, Match, Mismatch, Publisher, Subject, Unverified, Verified,
    shown,
};
use serde_json::Value;

use super::claims::WorkflowPath;
use super::compared::Compared;
use super::job_workflow::JobWorkflow;
use super::names;
use crate::rules::config::{Config, invalid};
use crate::rules::constraints::{Constraints, Fields};
use crate::rules::link::is_id;
use crate::rules::token::{Token, differs};
use crate::rules::{Comparison, Field};

pub(super) const REPOSITORY: Field = Field::ignoring_case("repository", "repository", "github-repository");
const OWNER: Field = Field::ignoring_case("repository", "repository_owner", "github-repository-owner");
const REPOSITORY_ID: Field = Field::exact("repository_id", "repository_id", "github-repository-id");
const OWNER_ID: Field =
    Field::exact("repository_owner_id", "repository_owner_id", "github-repository-owner-id");
pub(super) const WORKFLOW: Field = Field::exact("workflow", "workflow_ref", "github-workflow");
pub(super) const JOB_WORKFLOW: Field =
    Field::exact("job_workflow", "job_workflow_ref", "github-job-workflow");

/// The rules that can be added on top.
static CONSTRAINTS: Fields = Fields {
    environment: Field::ignoring_case("environment", "environment", "github-environment"),
    git_ref: Field::exact("ref", "ref", "github-ref"),
    ref_protected: Field::exact("ref_protected", "ref_protected", "github-ref-protected"),
    event: Field::exact("event", "event_name", "github-event"),
    runner_environment: Field::exact("runner_environment", "runner_environment", "github-runner-environment"),
    runners: &["github-hosted", "self-hosted"],
};

/// Every key that a configuration may have.
const KEYS: &[&str] = &[
    REPOSITORY.key,
    WORKFLOW.key,
    "environment",
    REPOSITORY_ID.key,
    OWNER_ID.key,
    "ref",
    "ref_protected",
    "event",
    JOB_WORKFLOW.key,
    "runner_environment",
];

/// Runs with the base repository's rights on a fork's request: nobody is let in by it.
pub(super) const PULL_REQUEST_TARGET: &str = "pull_request_target";

/// Events that publish where the publisher names none: whoever starts one may write to the repository. Every other event,
/// one that GitHub adds later included, publishes only where the publisher names it: `issue_comment`, `fork`, `watch` and
/// their like are started by anybody, and `workflow_run` after any other workflow.
const DEFAULT_EVENTS: &[&str] = &[
    "push",
    "release",
    "workflow_dispatch",
    "repository_dispatch",
    "schedule",
    "merge_group",
    "create",
    "deployment",
];

/// What every tag's ref begins with.
const TAGS: &str = "refs/tags/";

/// A repository's workflow that may publish.
#[derive(Debug)]
pub(super) struct GitHubPublisher {
    issuer: String,
    comparison: Comparison,
    compared: Compared,
    repository: String,
    workflow: String,
    repository_id: Option<String>,
    owner_id: Option<String>,
    job_workflow: Option<JobWorkflow>,
    constraints: Constraints,
}

impl GitHubPublisher {
    pub(super) fn read(
        issuer: &str,
        comparison: Comparison,
        compared: Compared,
        config: &Value,
    ) -> Result<Self, InvalidPublisher> {
        let config = Config::new(config, KEYS)?;
        let repository = config.required(REPOSITORY.key, "acme/widget")?;
        names::repository(REPOSITORY.key, repository)?;
        let workflow = config.required(WORKFLOW.key, "publish.yml")?;
        names::workflow(WORKFLOW.key, workflow)?;
        let job_workflow = config.text(JOB_WORKFLOW.key)?.map(JobWorkflow::parse).transpose()?;
        let constraints = Constraints::read(&config, &CONSTRAINTS)?;
        if let Some(environment) = constraints.environment() {
            names::environment(CONSTRAINTS.environment.key, environment)?;
        }
        if constraints.names_event(PULL_REQUEST_TARGET) {
            return Err(invalid(
                "publisher-event",
                CONSTRAINTS.event.key,
                "an event that strangers can start lets nobody publish",
            )
            .found(PULL_REQUEST_TARGET)
            .fix("write `push`, `release` or `workflow_dispatch`")
            .into());
        }
        Ok(Self {
            issuer: issuer.to_owned(),
            comparison,
            compared,
            repository: repository.to_owned(),
            workflow: workflow.to_owned(),
            repository_id: config.id(REPOSITORY_ID.key)?,
            owner_id: config.id(OWNER_ID.key)?,
            job_workflow,
            constraints,
        })
    }

    /// Holds a token of the right issuer against every rule.
    fn hold(&self, token: &Token<'_>) -> Result<Match, Mismatch> {
        let repository_id = self.repository_id.as_deref();
        let repository = token.is_named(&REPOSITORY, &self.repository, &REPOSITORY_ID, repository_id)?;
        let ids = [(&REPOSITORY_ID, repository_id), (&OWNER_ID, self.owner_id.as_deref())];
        let learned = token.pins(&ids, |id| token.learn(id, is_id).map(Some))?;
        token.agrees(&OWNER, repository.split('/').next().unwrap_or_default())?;
        self.check_workflow(token, &repository)?;
        if let Some(job_workflow) = &self.job_workflow {
            job_workflow.check(token)?;
        }
        self.check_event(token)?;
        self.constraints.check(token)?;
        let specificity = self.constraints.specificity() + u32::from(self.job_workflow.is_some());
        Ok(Match::new(specificity, learned))
    }

    fn check_workflow(&self, token: &Token<'_>, repository: &str) -> Result<(), Mismatch> {
        let field = self.compared.field();
        let workflow_ref = token.required(field.claim)?;
        let revision = match token.optional("ref")? {
            Some(git_ref) => git_ref,
            None => token.required("sha")?,
        };
        let expected = || format!("{repository}/.github/workflows/{}@{revision}", self.workflow);
        match self.compared.split(&workflow_ref, &revision) {
            Some((found, _))
                if !self.comparison.same(&REPOSITORY, found, repository) && !self.compared.is_anywhere() =>
            {
                let diagnosis = differs(field, &workflow_ref, &expected()).fix(self.compared.elsewhere());
                Err(Mismatch::new(diagnosis))
            }
            Some((_, file)) if self.comparison.same(&WORKFLOW, file, &self.workflow) => Ok(()),
            Some((_, file)) if self.compared.is_called() => {
                Err(Mismatch::new(differs(field, file, &self.workflow)))
            }
            Some((_, file)) => Err(self.other_workflow(token, file)),
            None => {
                let problem =
                    format!("claim `{}` is not a workflow's file at the run's own ref", field.claim);
                let subject = Subject::Claim(field.claim.to_owned());
                Err(Mismatch::new(
                    Diagnosis::new("github-workflow-ref", subject, problem)
                        .found(&*workflow_ref)
                        .expected(expected()),
                ))
            }
        }
    }

    /// The mismatch of a run that began with another workflow, with a hint where it called the configured one.
    fn other_workflow(&self, token: &Token<'_>, file: &str) -> Mismatch {
        let mismatch = differs(&WORKFLOW, file, &self.workflow);
        let called = token.optional(JOB_WORKFLOW.claim).ok().flatten();
        let path = called.as_deref().and_then(WorkflowPath::parse);
        let revision = |path: WorkflowPath<'_>| {
            path.rest.strip_prefix(self.workflow.as_str())?.strip_prefix('@').map(ToOwned::to_owned)
        };
        let Some((path, revision)) = path.and_then(|path| Some((path, revision(path)?))) else {
            return Mismatch::new(mismatch);
        };
        // Every tag of the called workflow, since there is a new one for each release.
        let revision = match revision.strip_prefix(TAGS) {
            Some(tag) if tag.contains('/') => format!("{TAGS}**"),
            Some(_) => format!("{TAGS}*"),
            None => revision,
        };
        Mismatch::new(mismatch.fix(format!(
            "`{workflow}` was called by `{file}`: set `workflow` to `{file}`; to ask for the called one as well, set \
             `job_workflow` to `{repository}/.github/workflows/{workflow}@{revision}`",
            workflow = shown(&self.workflow),
            repository = shown(path.repository),
            revision = shown(&revision),
            file = shown(file)
        )))
    }

    fn check_event(&self, token: &Token<'_>) -> Result<(), Mismatch> {
        let field = &CONSTRAINTS.event;
        if self.compared.is_of_other_registry() {
            // It has rules of its own on events, and asks for none in a publisher.
            return Ok(());
        }
        let event = token.required(field.claim)?;
        let fix = if event == PULL_REQUEST_TARGET {
            "publish by another event, such as `push`, `release` or `workflow_dispatch`".to_owned()
        } else if DEFAULT_EVENTS.contains(&&*event) || self.constraints.names_event(&event) {
            return Ok(());
        } else {
            let event = shown(&event);
            format!(
                "publish by another event, such as `push` or `release`, or name `{event}` in the publisher's `event`"
            )
        };
        let problem = "an event that strangers can start lets nobody publish";
        let subject = Subject::Claim(field.claim.to_owned());
        Err(Mismatch::new(Diagnosis::new(field.code, subject, problem).found(event).fix(fix)))
    }
}

impl Publisher for GitHubPublisher {
    fn identity(&self) -> Identity {
        Identity::new(&self.issuer, self.comparison.key(&REPOSITORY, &self.repository))
    }

    fn check(&self, claims: &Verified<Claims>) -> Result<Match, Mismatch> {
        let token = Token { claims, comparison: self.comparison };
        token.is_from(&self.issuer)?;
        self.hold(&token)
    }

    fn explain(&self, claims: &Unverified<Claims>) -> Option<Mismatch> {
        self.hold(&Token { claims: claims.read_unverified(), comparison: self.comparison }).err()
    }

    fn describe(&self) -> String {
        let mut text = format!("repository {}, workflow {}", shown(&self.repository), shown(&self.workflow));
        if let Some(job_workflow) = &self.job_workflow {
            text.push_str(&format!(", job workflow {}", shown(&job_workflow.text)));
        }
        text + &self.constraints.describe()
    }
}
