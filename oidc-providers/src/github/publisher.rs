use oidc_core::{
    Certified, Claims, Diagnosis, Identity, InvalidPublisher, Match, Mismatch, Publisher, Target, Unverified,
    Verified, shown,
};
use serde_json::Value;

use super::claims::WorkflowPath;
use super::compared::{Compared, RunAt};
use super::fields::{CONSTRAINTS, JOB_WORKFLOW, OWNER_ID, REPOSITORY, REPOSITORY_ID, WORKFLOW};
use super::job_workflow::JobWorkflow;
use super::names;
use crate::codes;
use crate::rules::config::Config;
use crate::rules::constraints::Constraints;
use crate::rules::link::is_id;
use crate::rules::token::{Token, differs};
use crate::rules::{self, Comparison, Field, workflow};

const OWNER: Field = REPOSITORY.on("repository_owner", codes::GITHUB_REPOSITORY_OWNER);

/// The events that publish where the publisher names none: only people with write access to the repository
/// start them. Every other event, including any that GitHub adds later, publishes only where the publisher
/// names it: anybody can start `issue_comment`, `fork`, `watch` and similar ones, and `workflow_run` follows
/// any other workflow.
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

/// The prefix of every tag's ref.
const TAGS: &str = "refs/tags/";

/// A repository's workflow that may publish.
#[derive(Debug)]
pub(super) struct Rules {
    issuer: String,
    comparison: Comparison,
    compared: Compared,
    repository: String,
    workflow: String,
    ids: [(&'static Field, Option<String>); 2],
    job_workflow: Option<JobWorkflow>,
    constraints: Constraints,
    specificity: u32,
}

impl Rules {
    pub(super) fn read(
        issuer: &str,
        comparison: Comparison,
        compared: Compared,
        base: u32,
        config: &Value,
    ) -> Result<Self, InvalidPublisher> {
        let mut config = Config::new(config, compared.fields());
        let rules = Self {
            issuer: issuer.to_owned(),
            comparison,
            compared,
            repository: config.text(&REPOSITORY, names::repository).unwrap_or_default(),
            workflow: config.text(&WORKFLOW, names::workflow).unwrap_or_default(),
            ids: config.ids([&REPOSITORY_ID, &OWNER_ID], rules::names::id),
            job_workflow: config.parse(&JOB_WORKFLOW, JobWorkflow::parse),
            constraints: Constraints::read(&mut config, &CONSTRAINTS, names::environment, workflow::event),
            specificity: base + config.specificity(),
        };
        config.finish(rules)
    }

    /// Compares a token of the right issuer with every rule.
    fn hold(&self, token: &Token<'_>) -> Result<Match, Mismatch> {
        let [(id, repository_id), _] = &self.ids;
        let repository = token.is_named(&REPOSITORY, &self.repository, id, repository_id.as_deref())?;
        let learned = token.pins(&self.ids, |id| token.learn(id, is_id).map(Some))?;
        token.agrees(&OWNER, repository.split('/').next().unwrap_or_default())?;
        self.check_workflow(token, &repository)?;
        if let Some(job_workflow) = &self.job_workflow {
            job_workflow.check(token)?;
        }
        check_event(token, self.compared, &self.constraints)?;
        self.constraints.check(token)?;
        Ok(Match::new(self.specificity, learned))
    }

    fn check_workflow(&self, token: &Token<'_>, repository: &str) -> Result<(), Mismatch> {
        if self.compared.is_neither() {
            return Ok(());
        }
        let field = self.compared.field();
        let workflow_ref = token.required(field.claim)?;
        // A deployment's run has no ref; its workflow is at the run's commit.
        let revision = match token.optional("ref")? {
            Some(git_ref) => git_ref,
            None => token.required("sha")?,
        };
        let expected = || format!("{repository}/.github/workflows/{}@{revision}", self.workflow);
        match self.compared.split(&workflow_ref, &RunAt::of(token.claims)) {
            Some((found, _))
                if !self.comparison.same(&REPOSITORY, found, repository) && !self.compared.is_anywhere() =>
            {
                let diagnosis = differs(field, &workflow_ref, &expected()).fix(self.compared.elsewhere());
                Err(Mismatch::new(diagnosis))
            }
            Some((_, file)) if self.comparison.same(&WORKFLOW, file, &self.workflow) => Ok(()),
            // Here the found file is that of the called workflow already, so the hint on called workflows
            // would be wrong.
            Some((_, file)) if self.compared.is_called() => {
                Err(Mismatch::new(differs(field, file, &self.workflow)))
            }
            Some((_, file)) => Err(self.other_workflow(token, file)),
            None => {
                let problem =
                    format!("claim `{}` is not a workflow's file at the run's own ref", field.claim);
                let subject = Target::Claim(field.claim.to_owned());
                Err(Mismatch::new(
                    Diagnosis::new(codes::GITHUB_WORKFLOW_REF, subject, problem)
                        .found(&*workflow_ref)
                        .expected(expected()),
                ))
            }
        }
    }

    /// The mismatch of a run that began with another workflow, with a hint where that workflow called the
    /// configured one.
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
        // The hint names every tag of the called workflow, since each release makes a new tag.
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
}

impl Publisher for Rules {
    fn identity(&self) -> Identity {
        Identity::new(&self.issuer, self.comparison.key(&REPOSITORY, &self.repository))
    }

    fn check(&self, claims: &Verified<Claims>) -> Result<Match, Mismatch> {
        let token = Token { claims, comparison: self.comparison };
        token.is_from(&self.issuer)?;
        self.hold(&token)
    }

    fn check_certified(&self, claims: &Certified<Claims>) -> Result<(), Mismatch> {
        let token = Token { claims, comparison: self.comparison };
        token.is_from(&self.issuer)?;
        self.hold(&token).map(drop)
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

/// Checks the event that started the run.
pub(super) fn check_event(
    token: &Token<'_>,
    compared: Compared,
    constraints: &Constraints,
) -> Result<(), Mismatch> {
    if compared.is_of_other_registry() {
        // Public registries have their own rules on events, and no such field in a publisher.
        return Ok(());
    }
    workflow::check_event(token, &CONSTRAINTS.event, DEFAULT_EVENTS, constraints)
}
