//! The rules on the workflows of a run: the one that was started, and the one that holds the job.

use std::borrow::Cow;

use oidc_core::{Diagnosis, Mismatch, Target, shown};

use super::fields::{JOB_WORKFLOW, REPOSITORY, WORKFLOW};
use super::names;
use crate::codes;
use crate::rules::compared::Compared;
use crate::rules::config::{Config, Fault, invalid};
use crate::rules::glob::Pattern;
use crate::rules::held::Held;
use crate::rules::rule::Scope;
use crate::rules::token::{Token, differs};
use crate::rules::workflow::{RunAt, split_repository};
use crate::rules::{self, Field};

/// The folder of workflows in a repository; GitHub reads no workflows from its subfolders.
pub(super) const FOLDER: &str = ".github/workflows/";

/// The prefix of every tag's ref.
const TAGS: &str = "refs/tags/";

/// The workflow that holds the job, for registries that compare a publisher's `workflow` with it.
pub(super) const CALLED: Field = WORKFLOW.on("job_workflow_ref", codes::GITHUB_WORKFLOW);

/// Returns the field with the claim that a registry compares.
pub(super) fn compared_field(compared: Compared) -> &'static Field {
    if compared.is_called() { &CALLED } else { &WORKFLOW }
}

/// Returns the repository of a workflow, and its file with the revision.
pub(super) fn split_folder(text: &str) -> Option<(&str, &str)> {
    let (repository, path) = split_repository(text)?;
    Some((repository, path.strip_prefix(FOLDER)?))
}

/// Returns the revision of the workflow that was started. A deployment's run has no ref; its workflow is at the run's
/// commit.
pub(super) fn revision<'t>(token: &Token<'t>) -> Result<Cow<'t, str>, Mismatch> {
    token.optional("ref")?.map_or_else(|| token.required("sha"), Ok)
}

/// Returns the mismatch of a claim that names no file that a registry accepts.
pub(super) fn unreadable(claim: &str, problem: &str, found: &str) -> Diagnosis {
    let target = Target::Claim(claim.to_owned());
    let problem = format!("claim `{claim}` is not a workflow's file {problem}");
    Diagnosis::new(codes::GITHUB_WORKFLOW_REF, target, problem).found(found)
}

/// Finds the file of the workflow that a registry compares.
pub(super) fn file<'t>(
    field: &'static Field,
    token: &Token<'t>,
    expected: &str,
) -> Result<Cow<'t, str>, Mismatch> {
    let compared = token.comparison.workflow;
    let workflow_ref = token.required(field.claim)?;
    let (repository, revision) = (token.required(REPOSITORY.claim)?, revision(token)?);
    let whole = format!("{repository}/{FOLDER}{expected}@{revision}");
    let is_own = |found| compared.is_anywhere() || token.comparison.same(&REPOSITORY, found, &repository);
    Err(Mismatch::new(match RunAt::of(token.claims).split(&workflow_ref, FOLDER, compared) {
        Some((found, file)) if is_own(found) => return Ok(file.to_owned().into()),
        Some(_) => differs(field, &workflow_ref, &whole).fix(compared.elsewhere()),
        None => unreadable(field.claim, "at the run's own ref", &workflow_ref).expected(whole),
    }))
}

/// The mismatch of a run that began with another workflow, with a hint where that workflow called the configured one.
pub(super) fn other(token: &Token<'_>, field: &Field, file: &str, expected: &str) -> Diagnosis {
    let mismatch = differs(field, file, expected);
    let called = token.optional(JOB_WORKFLOW.claim).ok().flatten();
    let called = called
        .as_deref()
        .and_then(split_folder)
        .and_then(|(repository, rest)| Some((repository, rest.strip_prefix(expected)?.strip_prefix('@')?)));
    let Some((repository, revision)) = called else { return mismatch };
    // The hint names every tag of the called workflow, since each release makes a new tag.
    let revision = match revision.strip_prefix(TAGS) {
        Some(tag) if tag.contains('/') => format!("{TAGS}**"),
        Some(_) => format!("{TAGS}*"),
        None => revision.to_owned(),
    };
    mismatch.fix(format!(
        "`{workflow}` was called by `{file}`: set `workflow` to `{file}`; to ask for the called one as well, set \
         `job_workflow` to `{repository}/.github/workflows/{workflow}@{revision}`",
        workflow = shown(expected),
        repository = shown(repository),
        revision = shown(&revision),
        file = shown(file)
    ))
}

/// The workflow that holds the job, which may be in another repository.
#[derive(Debug)]
pub(super) struct JobWorkflow {
    text: String,
    repository: String,
    file: String,
    revision: Revision,
}

/// The end of a `job_workflow_ref`: the called workflow's ref, or its commit where it was called by commit.
#[derive(Debug)]
enum Revision {
    Ref(Pattern),
    Commit(String),
}

impl JobWorkflow {
    pub(super) fn read(
        field: &'static Field,
        config: &mut Config<'_>,
        _scope: &Scope<'_>,
    ) -> Option<Box<dyn Held>> {
        Some(Box::new(config.parse(field, Self::parse)?))
    }

    fn parse(key: &str, text: &str) -> Result<Self, Fault> {
        rules::names::one_script(key, text)?;
        let refuse = || {
            let problem = "it is not a workflow's file at a ref";
            let fix = "write it as `acme/shared/.github/workflows/release.yml@refs/tags/*`";
            invalid(codes::PUBLISHER_JOB_WORKFLOW, key, problem).found(text).fix(fix)
        };
        let (repository, rest) = split_folder(text).ok_or_else(refuse)?;
        names::repository(key, repository)?;
        // No file of the folder has a `/` in its name, so the first `/` belongs to the ref.
        let (file, revision) = match rest.split_once('/') {
            Some((before, _)) => {
                let file = before.strip_suffix("@refs").ok_or_else(refuse)?;
                let pattern = rest.strip_prefix(file).and_then(|rest| rest.strip_prefix('@'));
                (file, Revision::Ref(Pattern::parse(key, pattern.ok_or_else(refuse)?)?))
            }
            None => {
                let at_commit = rest.rsplit_once('@').filter(|(_, commit)| is_commit(commit));
                let (file, commit) = at_commit.ok_or_else(refuse)?;
                (file, Revision::Commit(commit.to_owned()))
            }
        };
        rules::names::yaml(key, file)?;
        let (repository, file) = (repository.to_owned(), file.to_owned());
        Ok(Self { text: text.to_owned(), repository, file, revision })
    }
}

impl Held for JobWorkflow {
    fn check(&self, token: &Token<'_>) -> Result<(), Mismatch> {
        let found = token.required(JOB_WORKFLOW.claim)?;
        let commit = token.optional("job_workflow_sha")?;
        let fits = split_folder(&found).is_some_and(|(repository, rest)| {
            let revision = rest.strip_prefix(self.file.as_str()).and_then(|rest| rest.strip_prefix('@'));
            token.comparison.same(&REPOSITORY, repository, &self.repository)
                && revision.is_some_and(|revision| self.revision.fits(revision, commit.as_deref()))
        });
        if fits { Ok(()) } else { Err(Mismatch::new(differs(&JOB_WORKFLOW, &found, &self.text))) }
    }

    fn describe(&self) -> Option<String> {
        Some(format!("job workflow {}", shown(&self.text)))
    }
}

impl Revision {
    fn fits(&self, found: &str, job_workflow_sha: Option<&str>) -> bool {
        match self {
            Self::Ref(pattern) => pattern.matches(found),
            Self::Commit(commit) => found == commit && job_workflow_sha == Some(commit),
        }
    }
}

/// Returns `true` if a text is the name of a commit, SHA-1 or SHA-256, in lower case.
fn is_commit(text: &str) -> bool {
    matches!(text.len(), 40 | 64) && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}
