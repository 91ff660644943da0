//! A job of `acme/widget` that publishes version 1.0.0 of `@acme/widget`.

use std::collections::BTreeMap;

use oidc_core::{Claims, Context, Environment, Provider};
use oidc_provenance::{Artifact, Platform, SignerRules, Statement};
use oidc_providers::sample::Overrides;
use oidc_providers::{GitHub, GitLab, github, gitlab};
use serde_json::{Value, json};

use super::{NOW, Signing, Template};

pub(crate) const TARBALL: &[u8] = b"the bytes of the tarball";

pub(crate) fn artifact() -> Artifact {
    Artifact::npm("@acme/widget", "1.0.0", TARBALL)
}

/// The claims of the job's identity token.
pub(crate) fn claims(overrides: &[(&str, &str)]) -> Claims {
    let mut all: Overrides = [("repository_visibility".to_owned(), Some(json!("public")))].into();
    all.extend(overrides.iter().map(|(name, value)| ((*name).to_owned(), Some(json!(value)))));
    let issuer = "https://token.actions.githubusercontent.com";
    Claims::parse(github::sample::claims_with(issuer, "sigstore", NOW, "id", &all).to_string()).unwrap()
}

/// The claims of the same job on GitLab.
pub(crate) fn gitlab_claims() -> Claims {
    let public: Overrides = [("project_visibility".to_owned(), Some(json!("public")))].into();
    let json = gitlab::sample::claims_with("https://gitlab.com", "sigstore", NOW, "id", &public);
    Claims::parse(json.to_string()).unwrap()
}

pub(crate) fn extensions(platform: &Platform, claims: &Claims) -> BTreeMap<u8, String> {
    platform
        .extensions(claims)
        .iter()
        .map(|(extension, value)| (extension.number(), value.to_owned()))
        .collect()
}

/// The job's variables.
pub(crate) fn context(claims: &Claims) -> Context {
    let text = |name: &str| claims.text(name).unwrap_or_default().into_owned();
    let variables = [
        ("GITHUB_ACTIONS", "true".to_owned()),
        ("GITHUB_SERVER_URL", "https://github.com".to_owned()),
        ("GITHUB_REPOSITORY", text("repository")),
        ("GITHUB_REPOSITORY_ID", text("repository_id")),
        ("GITHUB_REPOSITORY_OWNER_ID", text("repository_owner_id")),
        ("GITHUB_WORKFLOW_REF", text("workflow_ref")),
        ("GITHUB_REF", text("ref")),
        ("GITHUB_SHA", text("sha")),
        ("GITHUB_EVENT_NAME", text("event_name")),
        ("GITHUB_RUN_ID", text("run_id")),
        ("GITHUB_RUN_ATTEMPT", text("run_attempt")),
        ("RUNNER_ENVIRONMENT", text("runner_environment")),
    ];
    Context::default().with_environment(Environment::from_iter(variables))
}

/// The same job's variables on GitLab.
pub(crate) fn gitlab_context(claims: &Claims) -> Context {
    let text = |name: &str| claims.text(name).unwrap_or_default().into_owned();
    let project = format!("https://gitlab.com/{}", text("project_path"));
    let variables = [
        ("GITLAB_CI", "true".to_owned()),
        ("CI_SERVER_URL", "https://gitlab.com".to_owned()),
        ("CI_PROJECT_PATH", text("project_path")),
        ("CI_PROJECT_ID", text("project_id")),
        ("CI_PROJECT_VISIBILITY", text("project_visibility")),
        ("CI_COMMIT_SHA", text("sha")),
        ("CI_COMMIT_REF_NAME", text("ref")),
        ("CI_CONFIG_PATH", ".gitlab-ci.yml".to_owned()),
        ("CI_JOB_ID", text("job_id")),
        ("CI_JOB_NAME", "publish".to_owned()),
        ("CI_JOB_URL", format!("{project}/-/jobs/{}", text("job_id"))),
        ("CI_PIPELINE_ID", text("pipeline_id")),
        ("CI_PIPELINE_SOURCE", text("pipeline_source")),
        ("CI_RUNNER_ID", "12270831".to_owned()),
        ("CI_RUNNER_DESCRIPTION", "a machine".to_owned()),
        ("CI_PROJECT_URL", project),
    ];
    Context::default().with_environment(Environment::from_iter(variables))
}

/// The job with a statement of its own variables.
pub(crate) fn signing(overrides: &[(&str, &str)]) -> Signing {
    let claims = claims(overrides);
    let statement = Statement::npm(&artifact(), &context(&claims)).unwrap();
    Signing::new(Template::new(extensions(&Platform::github(), &claims)), statement.to_json())
}

pub(crate) fn gitlab_signing() -> Signing {
    let claims = gitlab_claims();
    let statement = Statement::npm(&artifact(), &gitlab_context(&claims)).unwrap();
    Signing::new(Template::new(extensions(&Platform::gitlab(), &claims)), statement.to_json())
}

/// The rules of the publisher that accepted the publish, with these changes.
pub(crate) fn signer(changes: &Value) -> SignerRules {
    let mut config = json!({ "repository": "acme/widget", "workflow": "publish.yml" });
    config.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    rules(&GitHub::public(), &config)
}

pub(crate) fn gitlab_signer() -> SignerRules {
    let config = json!({ "project_path": "acme/group/widget", "ci_config": ".gitlab-ci.yml" });
    rules(&GitLab::public(), &config)
}

fn rules(provider: &dyn Provider, config: &Value) -> SignerRules {
    SignerRules::new(provider, config).unwrap().unwrap()
}
