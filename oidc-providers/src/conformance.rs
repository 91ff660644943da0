//! Every platform under the suite that third parties' platforms run. Its jobs are the cases of its client half.

use std::sync::Arc;

use oidc_core::testing::conformance::{self, AUDIENCE, Harness, Job, NOW};
use oidc_core::{
    Claims, Detection, FieldValue, Identity, InvalidPublisher, Mismatch, Profile, Provider, Publisher,
    PublisherField, Run, SourceError, TokenSource, Unverified, Verified,
};
use serde_json::{Value, json};

use crate::cases::{Platform, jobs};
use crate::harness::{overrides, same_up_to_case};
use crate::{
    activestate, aws, azure, bitbucket, buildkite, circleci, forgejo, generic, github, gitlab, google,
    semaphore, terraform,
};

/// A platform under test.
struct Under {
    platform: Platform,
    issuers: [&'static str; 2],
    /// Claims beside the sample's, so that every field has a value.
    claims: Value,
    /// A publisher with rules that no job's token proposes.
    config: Option<Value>,
    /// The members of claims that its rules read.
    members: &'static [&'static str],
    jobs: Vec<Job>,
}

impl Under {
    fn new(platform: Platform) -> Self {
        let issuers = ["https://issuer.example", "https://other.example"];
        Self { platform, issuers, claims: json!({}), config: None, members: &[], jobs: jobs(platform) }
    }
}

impl Harness for Under {
    fn provider(&self, issuer: &str) -> Arc<dyn Provider> {
        (self.platform.at)(issuer).unwrap()
    }

    fn issuers(&self) -> [String; 2] {
        self.issuers.map(str::to_owned)
    }

    fn claims(&self, issuer: &str, audience: &str, now: u64) -> Value {
        (self.platform.claims)(issuer, audience, now, "id", &overrides(&self.claims))
    }

    fn config(&self) -> Option<Value> {
        self.config.clone()
    }

    fn members(&self) -> Vec<String> {
        self.members.iter().map(|&pointer| pointer.to_owned()).collect()
    }

    fn jobs(&self) -> Vec<Job> {
        self.jobs.clone()
    }

    /// The repository of a called workflow, which no field has alone, is compared as repositories are.
    fn is_same(&self, claim: &str, one: &str, other: &str) -> bool {
        let repository = one.find("/.github/");
        claim == "job_workflow_ref" && repository.is_some_and(|end| same_up_to_case(one, other, end))
    }
}

fn holds(under: &Under) {
    assert!(under.jobs.len() > 2, "{} has few jobs", under.platform.name);
    every_rule_is_under_test(under);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(conformance::all(under));
}

/// Checks that the suite's publisher has a rule in every field of the platform's table, so that the claim of each is changed.
fn every_rule_is_under_test(under: &impl Harness) {
    let [issuer, _] = under.issuers();
    let provider = under.provider(&issuer);
    let claims = Claims::parse(under.claims(&issuer, AUDIENCE, NOW).to_string()).unwrap();
    let proposed = FieldValue::config(&provider.settings(&Unverified::new(claims)));
    let config = under.config().unwrap_or(proposed);
    let is_rule = |key: &str| config.get(key).is_some_and(|value| *value != json!(false));
    let without: Vec<&str> =
        provider.publisher_fields().iter().map(|field| field.key).filter(|key| !is_rule(key)).collect();
    assert!(without.is_empty(), "{} {without:?}", provider.id());
}

#[test]
fn github_conforms() {
    let at = |issuer: &str| Ok(Arc::new(crate::GitHub::at(issuer)?) as _);
    let platform = Platform { name: github::ID, at, claims: github::sample::claims_with };
    let called = "acme/shared/.github/workflows/release.yml@refs/tags/v2.0.0";
    let claims = json!({ "environment": "publish", "job_workflow_ref": called });
    holds(&Under { claims, ..Under::new(platform) });
}

#[test]
fn gitlab_conforms() {
    let at = |issuer: &str| Ok(Arc::new(crate::GitLab::at(issuer)?) as _);
    let platform = Platform { name: gitlab::ID, at, claims: gitlab::sample::claims_with };
    holds(&Under { claims: json!({ "environment": "publish" }), ..Under::new(platform) });
}

#[test]
fn circleci_conforms() {
    let at = |issuer: &str| Ok(Arc::new(crate::CircleCi::at(issuer)?) as _);
    let platform = Platform { name: circleci::ID, at, claims: circleci::sample::claims_with };
    let issuers =
        ["https://oidc.circleci.com", "https://oidc.circleci.com/org/11111111-1111-4111-8111-111111111111"];
    holds(&Under { issuers, ..Under::new(platform) });
}

#[test]
fn buildkite_conforms() {
    let at = |issuer: &str| Ok(Arc::new(crate::Buildkite::at(issuer)?) as _);
    let platform = Platform { name: buildkite::ID, at, claims: buildkite::sample::claims_with };
    holds(&Under::new(platform));
}

#[test]
fn google_conforms() {
    let at = |issuer: &str| Ok(Arc::new(crate::Google::at(issuer)?) as _);
    let platform = Platform { name: google::ID, at, claims: google::sample::claims_with };
    holds(&Under::new(platform));
}

#[test]
fn activestate_conforms() {
    let at = |issuer: &str| Ok(Arc::new(crate::ActiveState::at(issuer)?) as _);
    let platform = Platform { name: activestate::ID, at, claims: activestate::sample::claims_with };
    holds(&Under::new(platform));
}

#[test]
fn the_generic_platform_conforms() {
    let at = |issuer: &str| Ok(Arc::new(crate::Generic::at(issuer)?) as _);
    let platform = Platform { name: generic::ID, at, claims: generic::sample::claims_with };
    let claims = json!({ "tier": 1, "live": true, "groups": ["releasers", "users"], "ref": "main" });
    let rules = json!({
        "sub": "system:serviceaccount:acme:publisher",
        "/kubernetes.io/namespace": "acme",
        "/kubernetes.io/serviceaccount/uid": "11111111-1111-4111-8111-111111111111",
        "tier": [1, 2],
        "live": true,
        "groups": { "contains": "releasers" },
        "ref": { "matches": "main" },
    });
    let config = Some(json!({ "found_by": "sub", "claims": rules }));
    let members = &[
        "/kubernetes.io/namespace",
        "/kubernetes.io/serviceaccount/uid",
        "/tier",
        "/live",
        "/groups",
        "/ref",
    ];
    holds(&Under { claims, config, members, ..Under::new(platform) });
}

#[test]
fn forgejo_conforms() {
    let at = |issuer: &str| Ok(Arc::new(crate::Forgejo::at(issuer)?) as _);
    let platform = Platform { name: forgejo::ID, at, claims: forgejo::sample::claims_with };
    holds(&Under::new(platform));
}

#[test]
fn azure_pipelines_conforms() {
    let at = |issuer: &str| Ok(Arc::new(crate::AzurePipelines::at(issuer)?) as _);
    let platform = Platform { name: azure::ID, at, claims: azure::sample::claims_with };
    holds(&Under::new(platform));
}

#[test]
fn bitbucket_conforms() {
    let at = |issuer: &str| Ok(Arc::new(crate::Bitbucket::at(issuer)?) as _);
    let platform = Platform { name: bitbucket::ID, at, claims: bitbucket::sample::claims_with };
    holds(&Under::new(platform));
}

#[test]
fn semaphore_conforms() {
    let at = |issuer: &str| Ok(Arc::new(crate::Semaphore::at(issuer)?) as _);
    let platform = Platform { name: semaphore::ID, at, claims: semaphore::sample::claims_with };
    holds(&Under::new(platform));
}

#[test]
fn hcp_terraform_conforms() {
    let at = |issuer: &str| Ok(Arc::new(crate::Terraform::at(issuer)?) as _);
    let platform = Platform { name: terraform::ID, at, claims: terraform::sample::claims_with };
    holds(&Under::new(platform));
}

#[test]
fn aws_conforms() {
    let at = |issuer: &str| Ok(Arc::new(crate::Aws::at(issuer)?) as _);
    let platform = Platform { name: aws::ID, at, claims: aws::sample::claims_with };
    let config = Some(json!({
        "role": "arn:aws:iam::123456789012:role/publisher",
        "organization_id": "o-abc1234567",
        "region": "eu-central-1",
        "lambda_function": "arn:aws:lambda:eu-central-1:123456789012:function:publish",
        "principal_tags": { "project": "widget", "stage": "release" },
    }));
    let members = &[
        "/https:~1~1sts.amazonaws.com~1/aws_account",
        "/https:~1~1sts.amazonaws.com~1/org_id",
        "/https:~1~1sts.amazonaws.com~1/source_region",
        "/https:~1~1sts.amazonaws.com~1/lambda_source_function_arn",
        "/https:~1~1sts.amazonaws.com~1/principal_tags/project",
        "/https:~1~1sts.amazonaws.com~1/principal_tags/stage",
    ];
    holds(&Under { config, members, ..Under::new(platform) });
}

/// GitHub as a platform whose publishers are those for an owner: their fields and their identity in the place of a repository's.
#[derive(Debug)]
struct ForOwners(crate::GitHub);

impl Provider for ForOwners {
    fn id(&self) -> &'static str {
        self.0.id()
    }

    fn title(&self) -> &'static str {
        self.0.title()
    }

    fn profile(&self) -> &Profile {
        self.0.profile()
    }

    fn detect(&self, detection: &Detection<'_>) -> Result<Option<Box<dyn TokenSource>>, SourceError> {
        self.0.detect(detection)
    }

    fn identify(&self, claims: &Verified<Claims>) -> Result<Identity, Mismatch> {
        let own = self.0.identify(claims)?;
        let mut others = self.0.identities(claims)?;
        others.retain(|identity| *identity != own);
        Ok(others.remove(0))
    }

    fn publisher_fields(&self) -> &'static [PublisherField] {
        crate::GitHub::owner_fields()
    }

    fn publisher(&self, config: &Value) -> Result<Box<dyn Publisher>, InvalidPublisher> {
        self.0.publisher(config)
    }

    fn settings(&self, claims: &Unverified<Claims>) -> Vec<FieldValue> {
        let own = self.0.settings(claims);
        let value = |field: &'static PublisherField| {
            let found = own.iter().find(|setting| setting.field.key == field.key);
            let proposed = || FieldValue::of_claim(field, claims);
            found.map_or_else(proposed, |setting| FieldValue::new(field, setting.value.clone()))
        };
        self.publisher_fields().iter().map(value).collect()
    }

    fn run(&self, claims: &Verified<Claims>) -> Run {
        self.0.run(claims)
    }
}

/// Publishers for an owner under test.
struct Owners;

impl Harness for Owners {
    fn provider(&self, issuer: &str) -> Arc<dyn Provider> {
        Arc::new(ForOwners(crate::GitHub::at(issuer).unwrap().allowing_owners()))
    }

    fn claims(&self, issuer: &str, audience: &str, now: u64) -> Value {
        let called = "acme/shared/.github/workflows/release.yml@refs/tags/v2.0.0";
        let claims = json!({ "environment": "publish", "job_workflow_ref": called });
        github::sample::claims_with(issuer, audience, now, "id", &overrides(&claims))
    }

    /// Its client half is that of any job on GitHub.
    fn jobs(&self) -> Vec<Job> {
        Vec::new()
    }

    /// Repositories are compared as they are everywhere.
    fn is_same(&self, claim: &str, one: &str, other: &str) -> bool {
        match claim {
            "repository" => one.eq_ignore_ascii_case(other),
            _ => one.find("/.github/").is_some_and(|end| same_up_to_case(one, other, end)),
        }
    }
}

/// Without the configurations, since one without `owner` is read as a repository's.
#[tokio::test]
async fn publishers_for_an_owner_conform() {
    every_rule_is_under_test(&Owners);
    conformance::tables(&Owners);
    conformance::matching(&Owners).await;
    conformance::identities(&Owners).await;
    conformance::learning(&Owners).await;
}
