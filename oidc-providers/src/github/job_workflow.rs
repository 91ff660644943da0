use oidc_core::Mismatch;

use super::claims::WorkflowPath;
use super::fields::{JOB_WORKFLOW, REPOSITORY};
use super::names;
use crate::codes;
use crate::rules;
use crate::rules::config::{Fault, invalid};
use crate::rules::glob::Pattern;
use crate::rules::token::{Token, differs};

/// A rule on the workflow that holds the job, which may be in another repository.
#[derive(Debug)]
pub(super) struct JobWorkflow {
    pub(super) text: String,
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
    pub(super) fn parse(key: &str, text: &str) -> Result<Self, Fault> {
        rules::names::one_script(key, text)?;
        let example = "write it as `acme/shared/.github/workflows/release.yml@refs/tags/*`";
        let refuse = || {
            invalid(codes::PUBLISHER_JOB_WORKFLOW, key, "it is not a workflow's file at a ref")
                .found(text)
                .fix(example)
        };
        let path = WorkflowPath::parse(text).ok_or_else(refuse)?;
        names::repository(key, path.repository)?;
        // No file of the folder has a `/` in its name, so the first `/` belongs to the ref.
        let (file, revision) = match path.rest.split_once('/') {
            Some((before, _)) => {
                let file = before.strip_suffix("@refs").ok_or_else(refuse)?;
                let pattern = path
                    .rest
                    .strip_prefix(file)
                    .and_then(|rest| rest.strip_prefix('@'))
                    .ok_or_else(refuse)?;
                (file, Revision::Ref(Pattern::parse(key, pattern)?))
            }
            None => {
                let (file, commit) =
                    path.rest.rsplit_once('@').filter(|(_, commit)| is_commit(commit)).ok_or_else(refuse)?;
                (file, Revision::Commit(commit.to_owned()))
            }
        };
        rules::names::yaml(key, file)?;
        Ok(Self {
            text: text.to_owned(),
            repository: path.repository.to_owned(),
            file: file.to_owned(),
            revision,
        })
    }

    pub(super) fn check(&self, token: &Token<'_>) -> Result<(), Mismatch> {
        let found = token.required(JOB_WORKFLOW.claim)?;
        let commit = token.optional("job_workflow_sha")?;
        let fits = WorkflowPath::parse(&found).is_some_and(|path| {
            let revision = path.rest.strip_prefix(self.file.as_str()).and_then(|rest| rest.strip_prefix('@'));
            token.comparison.same(&REPOSITORY, path.repository, &self.repository)
                && revision.is_some_and(|revision| self.revision.fits(revision, commit.as_deref()))
        });
        if fits { Ok(()) } else { Err(Mismatch::new(differs(&JOB_WORKFLOW, &found, &self.text))) }
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
