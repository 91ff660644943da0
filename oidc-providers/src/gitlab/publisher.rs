use oidc_core::{
    Claims, Diagnosis, Identity, InvalidPublisher, Match, Mismatch, Publisher, Subject, Unverified, Verified,
    shown,
};
use serde_json::Value;

use super::claims::CiConfig;
use super::names;
use crate::rules::config::Config;
use crate::rules::constraints::{Constraints, Fields};
use crate::rules::link::is_id;
use crate::rules::token::{Token, differs};
use crate::rules::{Comparison, Field};

pub(super) const PROJECT: Field = Field::ignoring_case("project_path", "project_path", "gitlab-project-path");
const NAMESPACE: Field = Field::ignoring_case("project_path", "namespace_path", "gitlab-namespace-path");
const PROJECT_ID: Field = Field::exact("project_id", "project_id", "gitlab-project-id");
const NAMESPACE_ID: Field = Field::exact("namespace_id", "namespace_id", "gitlab-namespace-id");
const JOB_PROJECT: Field = Field::ignoring_case("project_path", "job_project_path", "gitlab-job-project");
const JOB_PROJECT_ID: Field = Field::exact("project_id", "job_project_id", "gitlab-job-project");
const CI_CONFIG: Field = Field::exact("ci_config", "ci_config_ref_uri", "gitlab-ci-config");

/// The rules that can be added on top.
static CONSTRAINTS: Fields = Fields {
    environment: Field::exact("environment", "environment", "gitlab-environment"),
    git_ref: Field::exact("ref", "ref_path", "gitlab-ref"),
    ref_protected: Field::exact("ref_protected", "ref_protected", "gitlab-ref-protected"),
    event: Field::exact("event", "pipeline_source", "gitlab-event"),
    runner_environment: Field::exact("runner_environment", "runner_environment", "gitlab-runner-environment"),
    runners: &["gitlab-hosted", "self-hosted"],
};

/// Every key that a configuration may have.
const KEYS: &[&str] = &[
    PROJECT.key,
    CI_CONFIG.key,
    "environment",
    PROJECT_ID.key,
    NAMESPACE_ID.key,
    "ref",
    "ref_protected",
    "event",
    "runner_environment",
];

/// Pipelines of merge requests, a fork's included.
pub(super) const MERGE_REQUEST: &str = "merge_request_event";

/// The refs that such a pipeline runs on. Its child pipelines run there too, with another source.
pub(super) const MERGE_REQUEST_REFS: &str = "refs/merge-requests/";

/// A project's CI configuration that may publish.
#[derive(Debug)]
pub(super) struct GitLabPublisher {
    issuer: String,
    comparison: Comparison,
    project: String,
    ci_config: String,
    project_id: Option<String>,
    namespace_id: Option<String>,
    constraints: Constraints,
}

impl GitLabPublisher {
    pub(super) fn read(
        issuer: &str,
        comparison: Comparison,
        config: &Value,
    ) -> Result<Self, InvalidPublisher> {
        let config = Config::new(config, KEYS)?;
        let project = config.required(PROJECT.key, "acme/group/widget")?;
        names::project(PROJECT.key, project, instance(issuer))?;
        let ci_config = config.required(CI_CONFIG.key, ".gitlab-ci.yml")?;
        names::ci_config(CI_CONFIG.key, ci_config)?;
        let constraints = Constraints::read(&config, &CONSTRAINTS)?;
        if let Some(environment) = constraints.environment() {
            names::environment(CONSTRAINTS.environment.key, environment)?;
        }
        Ok(Self {
            issuer: issuer.to_owned(),
            comparison,
            project: project.to_owned(),
            ci_config: ci_config.to_owned(),
            project_id: config.id(PROJECT_ID.key)?,
            namespace_id: config.id(NAMESPACE_ID.key)?,
            constraints,
        })
    }

    /// Holds a token of the right issuer against every rule.
    fn hold(&self, token: &Token<'_>) -> Result<Match, Mismatch> {
        let project_id = self.project_id.as_deref();
        let project = token.is_named(&PROJECT, &self.project, &PROJECT_ID, project_id)?;
        let ids = [(&PROJECT_ID, project_id), (&NAMESPACE_ID, self.namespace_id.as_deref())];
        let learned = token.pins(&ids, |id| token.learn(id, is_id).map(Some))?;
        let (namespace, _) = project.rsplit_once('/').unwrap_or_default();
        token.agrees(&NAMESPACE, namespace)?;
        has_own_configuration(token.claims)?;
        self.check_job_project(token)?;
        self.check_ci_config(token)?;
        self.constraints.check(token)?;
        Ok(Match::new(self.constraints.specificity(), learned))
    }

    /// A job that runs anywhere but in the project is refused. Tokens of GitLab before 18.4 don't say where it runs,
    /// and a merge request's pipeline may then run in a fork.
    fn check_job_project(&self, token: &Token<'_>) -> Result<(), Mismatch> {
        let mut is_told = true;
        for (of_job, of_project) in [(&JOB_PROJECT, &PROJECT), (&JOB_PROJECT_ID, &PROJECT_ID)] {
            if token.claims.get(of_job.claim).is_none() {
                is_told = false;
                continue;
            }
            let project = token.required(of_project.claim)?;
            let found = token.required(of_job.claim)?;
            if !token.comparison.same(of_job, &found, &project) {
                let fix = "run the publish in the project itself, not in a fork's pipeline";
                return Err(Mismatch::new(differs(of_job, &found, &project).fix(fix)));
            }
        }
        let source = token.required(CONSTRAINTS.event.claim)?;
        let git_ref = token.required(CONSTRAINTS.git_ref.claim)?;
        let (claim, found) = match &*source {
            _ if is_told => return Ok(()),
            MERGE_REQUEST => (CONSTRAINTS.event.claim, source),
            _ if git_ref.starts_with(MERGE_REQUEST_REFS) => (CONSTRAINTS.git_ref.claim, git_ref),
            _ => return Ok(()),
        };
        let problem = "a merge request's pipeline may run in a fork, and the token doesn't say where it does";
        let subject = Subject::Claim(claim.to_owned());
        let fix = "publish from a branch's or a tag's pipeline, or update GitLab to 18.4";
        Err(Mismatch::new(Diagnosis::new("gitlab-merge-request", subject, problem).found(found).fix(fix)))
    }

    fn check_ci_config(&self, token: &Token<'_>) -> Result<(), Mismatch> {
        let uri = token.required(CI_CONFIG.claim)?;
        let project = token.required(PROJECT.claim)?;
        let (git_ref, sha) = (token.required(CONSTRAINTS.git_ref.claim)?, token.required("sha")?);
        let issuer = token.required("iss")?;
        let instance = instance(&issuer);
        let expected = format!("{instance}/{project}//{}@{git_ref}", self.ci_config);
        let found = CiConfig::parse(&uri, instance, &project, [&git_ref, &sha])
            .filter(|found| token.comparison.same(&PROJECT, found.project, &project));
        match found {
            Some(found) if token.comparison.same(&CI_CONFIG, found.file, &self.ci_config) => Ok(()),
            Some(found) => Err(Mismatch::new(differs(&CI_CONFIG, found.file, &self.ci_config))),
            None => {
                let fix = "publish with a CI configuration of the project itself, at the pipeline's own ref";
                Err(Mismatch::new(differs(&CI_CONFIG, &uri, &expected).fix(fix)))
            }
        }
    }
}

impl Publisher for GitLabPublisher {
    fn identity(&self) -> Identity {
        Identity::new(&self.issuer, self.comparison.key(&PROJECT, &self.project))
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
        let text = format!("project {}, CI configuration {}", shown(&self.project), shown(&self.ci_config));
        text + &self.constraints.describe()
    }
}

/// The issuer as `ci_config_ref_uri` begins: host, port and path, without the scheme.
pub(super) fn instance(issuer: &str) -> &str {
    issuer.split_once("://").map_or(issuer, |(_, rest)| rest).trim_end_matches('/')
}

/// GitLab writes `null` where the configuration is not a file of a project on the instance.
fn has_own_configuration(claims: &Claims) -> Result<(), Mismatch> {
    if !claims.get(CI_CONFIG.claim).is_some_and(|uri| uri.is_null()) {
        return Ok(());
    }
    let problem = "claim `ci_config_ref_uri` is null: the CI configuration is outside of the project";
    let subject = Subject::Claim(CI_CONFIG.claim.to_owned());
    let fix = "publish with a CI configuration that is a file of the project";
    Err(Mismatch::new(Diagnosis::new("gitlab-ci-config-outside", subject, problem).fix(fix)))
}
