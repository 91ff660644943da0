//! The workflows of a run on platforms where the one that was started can call another one: GitHub, and servers that
//! are compatible with it.

use std::borrow::Cow;

use oidc_core::{Diagnosis, Mismatch, Target, shown};

use super::compared::Compared;
use super::config::{Check, Config, Fault, invalid};
use super::glob::Pattern;
use super::held::{Held, words};
use super::several::Several;
use super::token::{Token, differs};
use super::workflow::{RunAt, split_repository};
use super::{Comparison, Field, names, paths};
use crate::codes;

/// The prefix of every tag's ref.
const TAGS: &str = "refs/tags/";

/// The workflows of a run, as a platform has them: the one that was started, and the one that holds the job, which may
/// be in another repository. They are the same where none was called.
#[derive(Debug)]
pub(crate) struct Workflows {
    /// The folder of workflows in a repository. Those in its subfolders are not run.
    pub(crate) folder: &'static str,
    /// The field of the run's repository.
    pub(crate) repository: &'static Field,
    /// The check of a repository's name in a configuration.
    pub(crate) is_repository: Check,
    /// The field of a file's name, with the claim of the workflow that was started.
    pub(crate) started: &'static Field,
    /// The same field, with the claim of the workflow that holds the job, for registries that compare that one.
    pub(crate) holding: &'static Field,
    /// The field of the workflow that holds the job, which a publisher may have beside the one that was started.
    pub(crate) called: &'static Field,
    /// The claim of the commit of the workflow that holds the job.
    pub(crate) commit: &'static str,
    /// The code of a claim that names no file which a registry accepts.
    pub(crate) unreadable: &'static str,
}

impl Workflows {
    /// Returns the field of a file's name with the claim that a registry compares.
    pub(crate) fn compared(&self, compared: Compared) -> &'static Field {
        if compared.is_called() { self.holding } else { self.started }
    }

    /// Returns the repository of a workflow, and its file with the revision.
    pub(crate) fn split<'a>(&self, text: &'a str) -> Option<(&'a str, &'a str)> {
        let (repository, path) = split_repository(text)?;
        Some((repository, path.strip_prefix(self.folder)?))
    }

    /// Finds the file of the workflow that a registry compares. The `expected` file is for messages alone.
    pub(crate) fn file<'t>(&self, token: &Token<'t>, expected: &str) -> Result<Cow<'t, str>, Mismatch> {
        let compared = token.comparison.workflow;
        let field = self.compared(compared);
        let workflow_ref = token.required(field.claim)?;
        let (repository, revision) = (token.required(self.repository.claim)?, revision(token)?);
        let whole = || format!("{repository}/{}{expected}@{revision}", self.folder);
        let is_own =
            |found| compared.is_anywhere() || token.comparison.same(self.repository, found, &repository);
        Err(Mismatch::new(match RunAt::of(token.claims).split(&workflow_ref, self.folder, compared) {
            Some((found, file)) if is_own(found) => return Ok(file.to_owned().into()),
            Some(_) => differs(field, &workflow_ref, &whole()).fix(compared.elsewhere()),
            None => self.unreadable(field.claim, "at the run's own ref", &workflow_ref).expected(whole()),
        }))
    }

    /// Finds the file of the workflow that was started, which is in the token's own repository.
    fn own_file<'t>(&self, token: &Token<'t>) -> Result<Cow<'t, str>, Mismatch> {
        let workflow_ref = token.required(self.started.claim)?;
        let (repository, _) = (token.required(self.repository.claim)?, revision(token)?);
        match RunAt::of(token.claims).split(&workflow_ref, self.folder, Compared::OWN) {
            Some((found, file)) if token.comparison.same(self.repository, found, &repository) => {
                Ok(file.to_owned().into())
            }
            _ => {
                let problem = "of the repository at the run's own ref";
                Err(Mismatch::new(self.unreadable(self.started.claim, problem, &workflow_ref)))
            }
        }
    }

    fn unreadable(&self, claim: &str, problem: &str, found: &str) -> Diagnosis {
        let target = Target::Claim(claim.to_owned());
        let problem = format!("claim `{claim}` is not a workflow's file {problem}");
        Diagnosis::new(self.unreadable, target, problem).found(found)
    }

    /// Returns the fix of a run that began with another file than the publisher's, where that file called the publisher's.
    fn fix_of_caller(&self, token: &Token<'_>, file: &str, expected: &str) -> Option<String> {
        let called = token.optional(self.called.claim).ok().flatten()?;
        let (repository, rest) = self.split(&called)?;
        let revision = rest.strip_prefix(expected)?.strip_prefix('@')?;
        // The hint names every tag of the called workflow, since each release makes a new tag.
        let revision = match revision.strip_prefix(TAGS) {
            Some(tag) if tag.contains('/') => format!("{TAGS}**"),
            Some(_) => format!("{TAGS}*"),
            None => revision.to_owned(),
        };
        Some(format!(
            "`{workflow}` was called by `{file}`: set `{started}` to `{file}`; to ask for the called one as well, set \
             `{called}` to `{repository}/{folder}{workflow}@{revision}`",
            workflow = shown(expected),
            repository = shown(repository),
            revision = shown(&revision),
            file = shown(file),
            started = self.started.key,
            called = self.called.key,
            folder = self.folder,
        ))
    }
}

/// Returns the revision of the workflow that was started. A deployment's run has no ref; its workflow is at the run's
/// commit.
fn revision<'t>(token: &Token<'t>) -> Result<Cow<'t, str>, Mismatch> {
    token.optional("ref")?.map_or_else(|| token.required("sha"), Ok)
}

/// The file of the workflow that a registry compares.
#[derive(Debug)]
pub(super) struct ComparedFile {
    workflows: &'static Workflows,
    file: String,
}

impl ComparedFile {
    pub(super) fn read(workflows: &'static Workflows, config: &mut Config<'_>) -> Option<Self> {
        let check = |key: &str, text: &str| paths::file_in_folder(key, text, workflows.folder);
        Some(Self { workflows, file: config.text(workflows.started, check)? })
    }
}

impl Held for ComparedFile {
    fn check(&self, token: &Token<'_>) -> Result<(), Mismatch> {
        let compared = token.comparison.workflow;
        let field = self.workflows.compared(compared);
        let found = self.workflows.file(token, &self.file)?;
        if token.comparison.same(field, &found, &self.file) {
            return Ok(());
        }
        // Where the called workflow is compared, the hint on called workflows would be wrong.
        let is_started = !compared.is_called();
        let fix = is_started.then(|| self.workflows.fix_of_caller(token, &found, &self.file)).flatten();
        Err(Mismatch::new(fix.into_iter().fold(differs(field, &found, &self.file), Diagnosis::fix)))
    }

    fn describe(&self) -> Option<String> {
        Some(words(self.workflows.started, &self.file))
    }
}

/// The files of workflows that a run may begin with.
#[derive(Debug)]
pub(super) struct StartedFiles {
    workflows: &'static Workflows,
    files: Several,
}

impl StartedFiles {
    pub(super) fn read(
        field: &'static Field,
        workflows: &'static Workflows,
        config: &mut Config<'_>,
        comparison: Comparison,
    ) -> Self {
        let check = |key: &str, text: &str| paths::file_in_folder(key, text, workflows.folder);
        Self { workflows, files: Several::read(field, config, comparison, check) }
    }
}

impl Held for StartedFiles {
    fn check(&self, token: &Token<'_>) -> Result<(), Mismatch> {
        self.files.check(token, || self.workflows.own_file(token))
    }

    fn describe(&self) -> Option<String> {
        Some(self.files.words())
    }
}

/// The workflow that holds the job, which may be in another repository.
#[derive(Debug)]
pub(super) struct CalledWorkflow {
    workflows: &'static Workflows,
    text: String,
    repository: String,
    file: String,
    revision: Revision,
}

/// The end of a reference to a called workflow: its ref, or its commit where it was called by commit.
#[derive(Debug)]
enum Revision {
    Ref(Pattern),
    Commit(String),
}

impl CalledWorkflow {
    pub(super) fn read(workflows: &'static Workflows, config: &mut Config<'_>) -> Option<Self> {
        config.parse(workflows.called, |key, text| Self::parse(workflows, key, text))
    }

    fn parse(workflows: &'static Workflows, key: &str, text: &str) -> Result<Self, Fault> {
        names::one_script(key, text)?;
        let refuse = || {
            let problem = "it is not a workflow's file at a ref";
            let fix = format!("write it as `{}`", workflows.called.of.example);
            invalid(codes::PUBLISHER_JOB_WORKFLOW, key, problem).found(text).fix(fix)
        };
        let (repository, rest) = workflows.split(text).ok_or_else(refuse)?;
        (workflows.is_repository)(key, repository)?;
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
        names::yaml(key, file)?;
        let (repository, file) = (repository.to_owned(), file.to_owned());
        Ok(Self { workflows, text: text.to_owned(), repository, file, revision })
    }
}

impl Held for CalledWorkflow {
    fn check(&self, token: &Token<'_>) -> Result<(), Mismatch> {
        let field = self.workflows.called;
        let found = token.required(field.claim)?;
        let commit = token.optional(self.workflows.commit)?;
        let fits = self.workflows.split(&found).is_some_and(|(repository, rest)| {
            let revision = rest.strip_prefix(self.file.as_str()).and_then(|rest| rest.strip_prefix('@'));
            token.comparison.same(self.workflows.repository, repository, &self.repository)
                && revision.is_some_and(|revision| self.revision.fits(revision, commit.as_deref()))
        });
        if fits { Ok(()) } else { Err(Mismatch::new(differs(field, &found, &self.text))) }
    }

    fn describe(&self) -> Option<String> {
        Some(format!("job workflow {}", shown(&self.text)))
    }
}

impl Revision {
    fn fits(&self, found: &str, found_commit: Option<&str>) -> bool {
        match self {
            Self::Ref(pattern) => pattern.matches(found),
            Self::Commit(commit) => found == commit && found_commit == Some(commit),
        }
    }
}

/// Returns `true` if a text is the name of a commit, SHA-1 or SHA-256, in lower case.
fn is_commit(text: &str) -> bool {
    matches!(text.len(), 40 | 64) && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}
