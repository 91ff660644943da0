//! Publishers for every repository of an owner.

use oidc_core::{
    Claims, Diagnosis, Identity, InvalidPublisher, Match, Mismatch, Publisher, Target, Unverified, Verified,
    shown,
};
use serde_json::Value;

use super::claims::split_workflow_ref;
use super::compared::Compared;
use super::fields::{CONSTRAINTS, JOB_WORKFLOW, OWNER_ID, REPOSITORY};
use super::job_workflow::JobWorkflow;
use super::names;
use super::owner_fields::{OWNER, OWNER_FIELDS, REPOSITORIES, WORKFLOWS};
use super::publisher::check_event;
use crate::codes;
use crate::rules::config::{Config, Fault, invalid};
use crate::rules::constraints::Constraints;
use crate::rules::glob::Glob;
use crate::rules::link::is_id;
use crate::rules::token::{Token, differs};
use crate::rules::{self, Comparison, Field, workflow};

/// The rest of an identity's key behind an owner's name. No repository is called so.
const ANY_REPOSITORY: &str = "/*";

/// An owner whose repositories may publish.
#[derive(Debug)]
pub(super) struct OwnerRules {
    issuer: String,
    comparison: Comparison,
    owner: String,
    ids: [(&'static Field, Option<String>); 1],
    repositories: Option<Glob>,
    workflows: Option<Glob>,
    job_workflow: Option<JobWorkflow>,
    constraints: Constraints,
    specificity: u32,
}

/// Returns `true` if a configuration is that of a publisher for an owner.
pub(super) fn is_of_owner(config: &Value) -> bool {
    config.get(OWNER.key).is_some_and(|owner| !owner.is_null())
}

impl OwnerRules {
    pub(super) fn read(
        issuer: &str,
        comparison: Comparison,
        config: &Value,
    ) -> Result<Self, InvalidPublisher> {
        let mut config = Config::new(config, OWNER_FIELDS);
        let owner = config.text(&OWNER, names::owner).unwrap_or_default();
        let of_owner = |key: &str, text: &str| {
            is_of(key, text, &owner)?;
            Glob::parse(key, &comparison.key(&REPOSITORY, text))
        };
        let rules = Self {
            repositories: config.parse(&REPOSITORIES, of_owner),
            workflows: config.parse(&WORKFLOWS, files),
            ids: config.ids([&OWNER_ID], rules::names::id),
            job_workflow: config.parse(&JOB_WORKFLOW, JobWorkflow::parse),
            constraints: Constraints::read(&mut config, &CONSTRAINTS, names::environment, workflow::event),
            specificity: config.specificity(),
            issuer: issuer.to_owned(),
            comparison,
            owner,
        };
        config.finish(rules)
    }

    /// Compares a token of the right issuer with every rule.
    fn hold(&self, token: &Token<'_>) -> Result<Match, Mismatch> {
        let [(id, owner_id)] = &self.ids;
        token.is_named(&OWNER, &self.owner, id, owner_id.as_deref())?;
        let learned = token.pins(&self.ids, |id| token.learn(id, is_id).map(Some))?;
        let repository = token.required(REPOSITORY.claim)?;
        let (owner, name) = repository.split_once('/').unwrap_or_default();
        let is_name = !name.is_empty() && !name.contains('/');
        if !is_name || !token.comparison.same(&OWNER, owner, &self.owner) {
            let fix = "the token contradicts itself; tell the platform's operator";
            return Err(Mismatch::new(differs(&REPOSITORIES, &repository, &self.owner).fix(fix)));
        }
        self.check_repository(token, &repository)?;
        self.check_workflow(token, &repository)?;
        if let Some(job_workflow) = &self.job_workflow {
            job_workflow.check(token)?;
        }
        check_event(token, Compared::default(), &self.constraints)?;
        self.constraints.check(token)?;
        Ok(Match::new(self.specificity, learned))
    }

    fn check_repository(&self, token: &Token<'_>, repository: &str) -> Result<(), Mismatch> {
        let Some(pattern) = &self.repositories else { return Ok(()) };
        if pattern.matches(&token.comparison.key(&REPOSITORY, repository)) {
            return Ok(());
        }
        let fix = "publish from a repository that fits, or change the pattern";
        Err(Mismatch::new(differs(&REPOSITORIES, repository, pattern.as_str()).fix(fix)))
    }

    fn check_workflow(&self, token: &Token<'_>, repository: &str) -> Result<(), Mismatch> {
        let Some(pattern) = &self.workflows else { return Ok(()) };
        let workflow_ref = token.required(WORKFLOWS.claim)?;
        // A deployment's run has no ref; its workflow is at the run's commit.
        let revision = match token.optional("ref")? {
            Some(git_ref) => git_ref,
            None => token.required("sha")?,
        };
        match split_workflow_ref(&workflow_ref, &revision) {
            Some((found, file)) if token.comparison.same(&REPOSITORY, found, repository) => {
                if pattern.matches(file) {
                    return Ok(());
                }
                let fix = "publish from a workflow that fits, or change the pattern";
                Err(Mismatch::new(differs(&WORKFLOWS, file, pattern.as_str()).fix(fix)))
            }
            _ => {
                let problem =
                    "claim `workflow_ref` is not a workflow's file of the repository at the run's own ref";
                let target = Target::Claim(WORKFLOWS.claim.to_owned());
                let diagnosis = Diagnosis::new(codes::GITHUB_WORKFLOW_REF, target, problem);
                Err(Mismatch::new(diagnosis.found(&*workflow_ref)))
            }
        }
    }
}

impl Publisher for OwnerRules {
    fn identity(&self) -> Identity {
        Identity::new(&self.issuer, key(self.comparison, &self.owner))
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
        let mut text = format!("owner {}", shown(&self.owner));
        let mut add = |name: &str, value: &str| text.push_str(&format!(", {name} {}", shown(value)));
        add("repositories", self.repositories.as_ref().map_or("all", Glob::as_str));
        add("workflows", self.workflows.as_ref().map_or("all", Glob::as_str));
        if let Some(job_workflow) = &self.job_workflow {
            add("job workflow", &job_workflow.text);
        }
        text + &self.constraints.describe()
    }
}

/// The identity of its repository's owner that a token proves.
pub(super) fn identity(issuer: &str, token: &Token<'_>) -> Result<Identity, Mismatch> {
    let owner = token.required(OWNER.claim)?;
    Ok(Identity::new(issuer, key(token.comparison, &owner)))
}

/// Returns `true` if an identity is that of an owner.
pub(super) fn is_owners(identity: &Identity) -> bool {
    identity.key.ends_with(ANY_REPOSITORY)
}

fn key(comparison: Comparison, owner: &str) -> String {
    comparison.key(&OWNER, owner) + ANY_REPOSITORY
}

/// Checks that a pattern is for repositories of the owner.
fn is_of(key: &str, text: &str, owner: &str) -> Result<(), Fault> {
    rules::names::ascii(key, text)?;
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'*');
    let name =
        text.split_once('/').filter(|(found, _)| owner.is_empty() || found.eq_ignore_ascii_case(owner));
    if name.is_some_and(|(_, name)| !name.is_empty() && name.bytes().all(is_word)) {
        return Ok(());
    }
    let problem = "it is no pattern for repositories of the owner";
    let example = if owner.is_empty() { "acme" } else { owner };
    let fix = format!("write it as `{0}/widget-*`, or leave it out for all of `{0}`", shown(example));
    Err(invalid(codes::PUBLISHER_REPOSITORY, key, problem).found(text).fix(fix))
}

/// Reads a pattern for workflows' files.
fn files(key: &str, text: &str) -> Result<Glob, Fault> {
    names::workflow(key, text)?;
    Glob::parse(key, text)
}
