use oidc_core::{
    Certified, Claims, Diagnosis, Identity, InvalidPublisher, Match, Mismatch, Publisher, Target, Unverified,
    Verified, shown,
};
use serde_json::Value;

use super::claims::CiConfig;
use super::fields::{CI_CONFIG, CONSTRAINTS, FIELDS, NAMESPACE_ID, PROJECT, PROJECT_ID};
use super::names;
use crate::codes;
use crate::rules::config::Config;
use crate::rules::constraints::Constraints;
use crate::rules::events;
use crate::rules::link::is_id;
use crate::rules::token::{Token, differs};
use crate::rules::{self, Comparison, Field};

const NAMESPACE: Field = PROJECT.on("namespace_path", codes::GITLAB_NAMESPACE_PATH);
const JOB_PROJECT: Field = PROJECT.on("job_project_path", codes::GITLAB_JOB_PROJECT);
const JOB_PROJECT_ID: Field = PROJECT_ID.on("job_project_id", codes::GITLAB_JOB_PROJECT);

/// Pipelines of merge requests, a fork's included.
pub(super) const MERGE_REQUEST: &str = "merge_request_event";

/// The refs of merge requests' pipelines. Their child pipelines run on these refs too, with another source.
pub(super) const MERGE_REQUEST_REFS: &str = "refs/merge-requests/";

/// A project's CI configuration that may publish.
#[derive(Debug)]
pub(super) struct Rules {
    issuer: String,
    comparison: Comparison,
    project: String,
    ci_config: String,
    ids: [(&'static Field, Option<String>); 2],
    constraints: Constraints,
    specificity: u32,
}

impl Rules {
    pub(super) fn read(
        issuer: &str,
        comparison: Comparison,
        config: &Value,
    ) -> Result<Self, InvalidPublisher> {
        let mut config = Config::new(config, FIELDS);
        let project = |key: &str, text: &str| names::project(key, text, instance(issuer));
        let rules = Self {
            issuer: issuer.to_owned(),
            comparison,
            project: config.text(&PROJECT, project).unwrap_or_default(),
            ci_config: config.text(&CI_CONFIG, names::ci_config).unwrap_or_default(),
            ids: config.ids([&PROJECT_ID, &NAMESPACE_ID], rules::names::id),
            constraints: Constraints::read(&mut config, &CONSTRAINTS, names::environment, events::of_gitlab),
            specificity: config.specificity(),
        };
        config.finish(rules)
    }

    /// Compares a token of the right issuer with every rule.
    fn hold(&self, token: &Token<'_>) -> Result<Match, Mismatch> {
        let [(id, project_id), _] = &self.ids;
        let project = token.is_named(&PROJECT, &self.project, id, project_id.as_deref())?;
        let learned = token.pins(&self.ids, |id| token.learn(id, is_id).map(Some))?;
        // All groups of the project, which may be several.
        let (namespace, _) = project.rsplit_once('/').unwrap_or_default();
        token.agrees(&NAMESPACE, namespace)?;
        has_own_configuration(token.claims)?;
        self.check_job_project(token)?;
        self.check_ci_config(token)?;
        self.constraints.check(token)?;
        Ok(Match::new(self.specificity, learned))
    }

    /// Refuses a job that runs anywhere but in the project. Tokens of GitLab before 18.4 don't say where the
    /// job runs, and a merge request's pipeline may then run in a fork.
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
            // Both claims on the job's project were present and equal above.
            _ if is_told => return Ok(()),
            MERGE_REQUEST => (CONSTRAINTS.event.claim, source),
            _ if git_ref.starts_with(MERGE_REQUEST_REFS) => (CONSTRAINTS.git_ref.claim, git_ref),
            _ => return Ok(()),
        };
        let problem = "a merge request's pipeline may run in a fork, and the token doesn't say where it does";
        let subject = Target::Claim(claim.to_owned());
        let fix = "publish from a branch's or a tag's pipeline, or update GitLab to 18.4";
        Err(Mismatch::new(
            Diagnosis::new(codes::GITLAB_MERGE_REQUEST, subject, problem).found(found).fix(fix),
        ))
    }

    fn check_ci_config(&self, token: &Token<'_>) -> Result<(), Mismatch> {
        let uri = token.required(CI_CONFIG.claim)?;
        let project = token.required(PROJECT.claim)?;
        let (git_ref, sha) = (token.required(CONSTRAINTS.git_ref.claim)?, token.required("sha")?);
        let issuer = token.required("iss")?;
        let instance = instance(&issuer);
        let expected = format!("{instance}/{project}//{}@{git_ref}", self.ci_config);
        let found = CiConfig::parse(&uri, instance, &project, [&git_ref, &sha])
            // `CiConfig::parse` cuts the project off by its length alone.
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

impl Publisher for Rules {
    fn identity(&self) -> Identity {
        Identity::new(&self.issuer, self.comparison.key(&PROJECT, &self.project))
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
    let subject = Target::Claim(CI_CONFIG.claim.to_owned());
    let fix = "publish with a CI configuration that is a file of the project";
    Err(Mismatch::new(Diagnosis::new(codes::GITLAB_CI_CONFIG_OUTSIDE, subject, problem).fix(fix)))
}
