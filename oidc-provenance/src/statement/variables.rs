use oidc_core::{Diagnosis, Environment, Target};

use crate::codes;
use crate::platform::Kind;
use crate::refusal::Refusal;

/// The variables of a job, of which a statement is made.
#[derive(Debug)]
pub(crate) struct Variables<'a>(&'a Environment);

impl<'a> Variables<'a> {
    pub(crate) fn new(environment: &'a Environment) -> Self {
        Self(environment)
    }

    /// The platform that the job runs on.
    pub(crate) fn platform(&self) -> Result<Kind, Refusal> {
        if self.0.get("GITHUB_ACTIONS").is_some() {
            return Ok(Kind::GitHub);
        }
        if self.0.get("GITLAB_CI").is_some() {
            return Ok(Kind::GitLab);
        }
        let problem = "provenance is made in jobs on GitHub Actions and GitLab CI/CD, and this is none";
        let diagnosis = Diagnosis::new(codes::PROVENANCE_VARIABLE, Target::Platform, problem);
        Err(Refusal::new(diagnosis.fix("publish from such a job, or without provenance")))
    }

    /// A variable that the statement needs.
    pub(super) fn needed(&self, name: &str) -> Result<&'a str, Refusal> {
        self.0.get(name).ok_or_else(|| {
            let problem = format!("variable `{name}` is not set, and the statement needs it");
            let diagnosis =
                Diagnosis::new(codes::PROVENANCE_VARIABLE, Target::Variable(name.to_owned()), problem);
            Refusal::new(
                diagnosis.fix("make the statement in the CI job itself, with the platform's variables"),
            )
        })
    }

    /// A variable that the statement may have.
    pub(super) fn get(&self, name: &str) -> Option<&'a str> {
        self.0.get(name)
    }
}
