//! Every platform as `ci-issuer` plays it, against a registry with npm's endpoint: what its source obtains its publisher
//! accepts, and nobody else's token is accepted.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

use std::io;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ci_issuer::{
    ACTIVESTATE, AWS, AZURE, BITBUCKET, BUILDKITE, CIRCLECI, Changes, FORGEJO, GENERIC, GITHUB, GITLAB,
    GOOGLE, PLATFORMS, Platform, SEMAPHORE, Settings, TERRAFORM,
};
use flate2::{Compression, write::GzEncoder};
use oidc_core::http::{HttpSettings, Method, Request, Response, message_of};
use oidc_core::verify::Verifier;
use oidc_core::verify::backend::AwsLc;
use oidc_core::{Ambient, Audience, Context, Detection, Environment, IdToken, ProviderSet, Secret};
use registry::{self, Config};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha512};
use tempfile::TempDir;

const EXCHANGE: &str = "-/npm/v1/oidc/token/exchange/package/@acme%2fwidget";
const AUDIENCE: &str = "npm:127.0.0.1";

/// A publisher on one platform, a job that it accepts, and changes for which it refuses a token.
struct Trusted {
    platform: &'static Platform,
    /// The publisher's rules in TOML.
    rules: &'static str,
    /// The changes that make a token of another organization.
    sibling: Value,
    /// The changes that make a token one that a single rule refuses. `null` leaves the claim out.
    refused: Value,
}

fn trusted() -> Vec<Trusted> {
    vec![
        Trusted {
            platform: &GITHUB,
            rules: "repository = \"acme/widget\"\nworkflow = \"publish.yml\"\nref = \"refs/tags/v*\"\nevent = \"push\"",
            sibling: json!({"repository": "evil/widget", "repository_id": "9", "repository_owner_id": "9"}),
            refused: json!({
                "repository": "acme/gadget", "repository_id": "9", "repository_owner_id": "9", "event_name": "pull_request",
                "ref": "refs/heads/main", "workflow_ref": "acme/widget/.github/workflows/ci.yml@refs/tags/v1.0.0",
            }),
        },
        Trusted {
            platform: &GITLAB,
            rules: "project_path = \"acme/group/widget\"\nci_config = \".gitlab-ci.yml\"\nref = \"refs/tags/v*\"",
            sibling: json!({"project_path": "evil/group/widget", "project_id": "9", "namespace_id": "9"}),
            refused: json!({
                "project_path": "acme/group/gadget", "project_id": "9", "namespace_id": "9", "ref_path": "refs/heads/main",
                "ci_config_ref_uri": "x//.gitlab-ci.yml@refs/tags/v1.0.0",
            }),
        },
        Trusted {
            platform: &CIRCLECI,
            rules: "org_id = \"11111111-1111-4111-8111-111111111111\"\n\
                    project_id = \"22222222-2222-4222-8222-222222222222\"\n\
                    pipeline_definition_id = \"33333333-3333-4333-8333-333333333333\"\n\
                    vcs_origin = \"github.com/acme/widget\"\nvcs_ref = \"refs/heads/main\"\n\
                    context_ids = \"44444444-4444-4444-8444-444444444444\"",
            sibling: json!({"oidc.circleci.com/org-id": "99999999-9999-4999-8999-999999999999"}),
            refused: json!({
                "oidc.circleci.com/org-id": "99999999-9999-4999-8999-999999999999",
                "oidc.circleci.com/project-id": "99999999-9999-4999-8999-999999999999",
                "oidc.circleci.com/pipeline-definition-id": "99999999-9999-4999-8999-999999999999",
                "oidc.circleci.com/vcs-origin": "github.com/evil/widget",
                "oidc.circleci.com/vcs-ref": "refs/heads/evil",
                "oidc.circleci.com/context-ids": [],
                "oidc.circleci.com/ssh-rerun": true,
            }),
        },
        Trusted {
            platform: &BUILDKITE,
            rules: "organization_slug = \"acme\"\npipeline_slug = \"widget\"\nbuild_branch = \"main\"\n\
                    build_tag = \"v*\"\nstep_key = \"publish\"",
            sibling: json!({"organization_slug": "evil"}),
            refused: json!({
                "organization_slug": "evil", "pipeline_slug": "gadget", "build_branch": "evil", "build_tag": "x",
                "step_key": "test", "organization_id": "99999999-9999-4999-8999-999999999999",
                "pipeline_id": "99999999-9999-4999-8999-999999999999",
            }),
        },
        Trusted {
            platform: &GOOGLE,
            rules: "email = \"publisher@acme.iam.gserviceaccount.com\"",
            sibling: json!({"email": "publisher@evil.iam.gserviceaccount.com", "sub": "9"}),
            refused: json!({"email": "other@acme.iam.gserviceaccount.com", "email_verified": false, "sub": "9"}),
        },
        Trusted {
            platform: &ACTIVESTATE,
            rules: "organization = \"acme\"\nproject = \"widget\"\n\
                    actor_id = \"00000000-0000-1000-8000-000000000002\"",
            sibling: json!({"organization": "evil"}),
            refused: json!({
                "organization": "evil", "project": "gadget", "actor_id": "00000000-0000-1000-8000-000000000003",
                "builder": "another", "sub": "org:acme:project:gadget",
                "organization_id": "99999999-9999-4999-8999-999999999999",
                "project_id": "99999999-9999-4999-8999-999999999999",
            }),
        },
        Trusted {
            platform: &FORGEJO,
            rules: "repository = \"acme/widget\"\nworkflow = \".forgejo/workflows/publish.yml\"\nref = \"refs/tags/v*\"\n\
                    ref_protected = true\nevent = \"push\"",
            sibling: json!({"repository": "evil/widget", "repository_id": "9", "repository_owner_id": "9"}),
            refused: json!({
                "repository": "acme/gadget", "repository_owner": "evil", "repository_id": "9", "repository_owner_id": "9",
                "event_name": "pull_request", "ref": "refs/heads/main", "ref_protected": "false",
                "workflow_ref": "acme/widget/.forgejo/workflows/ci.yml@refs/tags/v1.0.0",
            }),
        },
        Trusted {
            platform: &AZURE,
            rules: "organization_id = \"11111111-1111-4111-8111-111111111111\"\n\
                    project_id = \"22222222-2222-4222-8222-222222222222\"\ndefinition_id = \"7\"\n\
                    repository = \"https://github.com/acme/widget.git\"\nref = \"refs/tags/v*\"",
            sibling: json!({"org_id": "99999999-9999-4999-8999-999999999999"}),
            refused: json!({
                "org_id": "99999999-9999-4999-8999-999999999999", "prj_id": "99999999-9999-4999-8999-999999999999",
                "def_id": "8", "rpo_uri": "https://github.com/evil/widget.git", "rpo_ref": "refs/pull/7/merge",
                "aud": AUDIENCE, "jti": 7,
            }),
        },
        Trusted {
            platform: &BITBUCKET,
            rules: "workspace_uuid = \"{11111111-1111-4111-8111-111111111111}\"\n\
                    repository_uuid = \"{22222222-2222-4222-8222-222222222222}\"\n\
                    deployment_environment_uuid = \"{44444444-4444-4444-8444-444444444444}\"\nbranch = \"main\"",
            sibling: json!({"workspaceUuid": "{99999999-9999-4999-8999-999999999999}"}),
            refused: json!({
                "workspaceUuid": "{99999999-9999-4999-8999-999999999999}",
                "repositoryUuid": "{99999999-9999-4999-8999-999999999999}",
                "deploymentEnvironmentUuid": "{99999999-9999-4999-8999-999999999999}", "branchName": "evil",
            }),
        },
        Trusted {
            platform: &SEMAPHORE,
            rules: "organization_id = \"11111111-1111-4111-8111-111111111111\"\n\
                    project_id = \"22222222-2222-4222-8222-222222222222\"\nrepository = \"acme/widget\"\n\
                    ref = \"refs/tags/v*\"",
            sibling: json!({"org_id": "99999999-9999-4999-8999-999999999999"}),
            refused: json!({
                "org_id": "99999999-9999-4999-8999-999999999999", "prj_id": "99999999-9999-4999-8999-999999999999",
                "repo_slug": "evil/widget", "ref": "refs/heads/main", "ref_type": "pull-request",
                "job_type": "debug_job", "aud": AUDIENCE, "jti": 7,
            }),
        },
        Trusted {
            platform: &TERRAFORM,
            rules: "organization_name = \"acme\"\nworkspace_name = \"publish-widget\"\nproject_name = \"libraries\"",
            sibling: json!({"terraform_organization_name": "evil"}),
            refused: json!({
                "terraform_organization_name": "evil", "terraform_workspace_name": "publish-gadget",
                "terraform_organization_id": "org-9", "terraform_workspace_id": "ws-9",
                "terraform_project_name": "evil", "terraform_run_phase": "plan",
            }),
        },
        Trusted {
            platform: &AWS,
            rules: "role = \"arn:aws:iam::123456789012:role/publisher\"\norganization_id = \"o-abc1234567\"\n\
                    principal_tags = { project = \"widget\" }",
            sibling: json!({"sub": "arn:aws:iam::999999999999:role/publisher"}),
            refused: json!({
                "sub": "arn:aws:iam::123456789012:role/other",
                "https://sts.amazonaws.com/": { "aws_account": "123456789012", "org_id": "o-abc1234567" },
            }),
        },
        Trusted {
            platform: &GENERIC,
            rules: "claims = { sub = \"system:serviceaccount:acme:publisher\", tier = [1, 2], live = true }",
            sibling: json!({"sub": "system:serviceaccount:evil:publisher"}),
            refused: json!({"sub": "system:serviceaccount:acme:other", "tier": "1", "live": "true"}),
        },
    ]
}

/// The audience of a platform's tokens, given its issuer: npm's, unless the platform fixes another.
fn audience_of(platform: &str, issuer: &str) -> String {
    match platform {
        "azure" => "api://AzureADTokenExchange".to_owned(),
        "semaphore" => issuer.to_owned(),
        _ => AUDIENCE.to_owned(),
    }
}

/// A platform, as it is played, with a token for npm in its variables where jobs find theirs there.
fn settings(platform: &'static Platform) -> Settings {
    let makes_before =
        ["gitlab", "bitbucket", "terraform", "activestate", "generic"].contains(&platform.name);
    let audiences = if makes_before { vec![AUDIENCE.to_owned()] } else { Vec::new() };
    // What the generic publisher's rules name beside the sample's own claims.
    let changes = match platform.name {
        "generic" => Changes::default().claim("tier", 1).claim("live", true),
        _ => Changes::default(),
    };
    Settings { audiences, changes, ..Settings::new(platform) }
}

fn system(environment: Environment) -> Context {
    Context::system_with(environment, HttpSettings::default()).unwrap()
}

/// A token as a job's own source obtains it.
async fn obtained(issuer: &ci_issuer::Running, providers: &ProviderSet) -> IdToken {
    let fixed = Audience::new(audience_of(issuer.platform().name, issuer.url())).unwrap();
    let job = system(issuer.env().iter().cloned().collect()).with_commands(issuer.commands());
    let job = if fixed.as_str() == AUDIENCE { job } else { job.with_fixed_audience(fixed) };
    let detection = Detection::new(&job).token_variable("NPM_ID_TOKEN");
    let source = Ambient::detect(providers, detection).unwrap();
    source.token(&Audience::new(AUDIENCE).unwrap()).await.unwrap()
}

/// The head of a publisher's entry in `registry.toml`: of the package itself, and of a prefix of its name.
const OF_PACKAGE: &str = "[[package.publisher]]";
const OF_PREFIX: &str = "[[scope]]\necosystem = \"npm\"\nprefix = \"@acme/\"\n[[scope.publisher]]";

/// A registry that trusts some issuers of a platform, the first one's publisher with one package.
async fn registry(trusted: &Trusted, issuers: &[&str]) -> (registry::Running, TempDir) {
    registry_with(trusted, issuers, OF_PACKAGE).await
}

async fn registry_with(trusted: &Trusted, issuers: &[&str], head: &str) -> (registry::Running, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let kind = trusted.platform.name;
    let providers: String = issuers
        .iter()
        .map(|issuer| {
            let fixed = audience_of(kind, issuer);
            let fixed =
                if fixed == AUDIENCE { String::new() } else { format!("fixed_audience = \"{fixed}\"\n") };
            format!("[[provider]]\nkind = \"{kind}\"\nissuer = \"{issuer}\"\n{fixed}")
        })
        .collect();
    let text = format!(
        "listen = \"127.0.0.1:0\"\npublic_url = \"http://127.0.0.1:0/\"\ndatabase = \"sqlite:{}\"\n{providers}\
         [[package]]\necosystem = \"npm\"\nname = \"@acme/widget\"\n\
         {head}\nprovider = \"{kind}\"\nissuer = \"{}\"\n{}\n",
        folder.path().join("registry.db").display(),
        issuers[0],
        trusted.rules
    );
    let config = Config::parse(&text).unwrap();
    (registry::Running::start(config, &system(Environment::default())).await.unwrap(), folder)
}

async fn exchange(registry: &registry::Running, token: &str) -> Response {
    let request = Request::post(registry.public_url().below(EXCHANGE)).bearer(&Secret::new(token));
    system(Environment::default()).http().send(request).await.unwrap()
}

/// Publishes as npm does: one document with the tarball in it.
async fn publish(registry: &registry::Running, token: &Secret) -> Response {
    let manifest = json!({ "name": "@acme/widget", "version": "1.0.0" });
    let tarball = tarball(&manifest).unwrap();
    let integrity = format!("sha512-{}", STANDARD.encode(Sha512::digest(&tarball)));
    let mut version = manifest;
    version["_id"] = json!("@acme/widget@1.0.0");
    version["dist"] = json!({ "integrity": integrity, "tarball": "" });
    let attachment = json!({
        "content_type": "application/octet-stream", "data": STANDARD.encode(&tarball), "length": tarball.len(),
    });
    let document = json!({
        "_id": "@acme/widget", "name": "@acme/widget", "dist-tags": { "latest": "1.0.0" },
        "versions": { "1.0.0": version }, "_attachments": { "@acme/widget-1.0.0.tgz": attachment },
    });
    let url = registry.public_url().below("@acme%2fwidget");
    let request = Request::new(Method::Put, url).bearer(token).body("application/json", document.to_string());
    system(Environment::default()).http().send(request).await.unwrap()
}

fn tarball(manifest: &Value) -> io::Result<Vec<u8>> {
    let mut archive = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::default()));
    let content = manifest.to_string();
    let mut header = tar::Header::new_gnu();
    header.set_size(content.len() as u64);
    header.set_mode(0o644);
    archive.append_data(&mut header, "package/package.json", content.as_bytes())?;
    archive.into_inner()?.finish()
}

fn changes(claims: &Value) -> Changes {
    claims.as_object().unwrap().iter().fold(Changes::default(), |changes, (name, value)| match value {
        Value::Null => changes.unset(name),
        value => changes.claim(name, value.clone()),
    })
}

#[track_caller]
fn assert_refused(answer: &Response, what: &str) {
    let message = message_of(answer).unwrap_or_default();
    assert!([401, 403, 404].contains(&answer.status), "{what}: {} {message}", answer.status);
    assert!(!message.is_empty(), "{what}");
}

/// Checks that each claim which a configured or a learned field reads is among those that are changed.
fn assert_every_rule_is_attacked(trusted: &Trusted, issuer: &str) {
    let provider = oidc_providers::at(trusted.platform.name, issuer).unwrap();
    let rules: Value = toml::from_str(trusted.rules).unwrap();
    let fields = provider.publisher_fields().iter();
    let read = fields.filter(|field| field.learned || rules.get(field.key).is_some());
    for claim in read.filter_map(|field| field.claim) {
        assert!(trusted.refused.get(claim).is_some(), "{}: {claim}", trusted.platform.name);
    }
}

/// A trusted publish, and refusals of a sibling's token and of tokens that one rule keeps out.
async fn holds(trusted: &Trusted, head: &str) {
    let platform = trusted.platform.name;
    let issuer =
        ci_issuer::Running::start(settings(trusted.platform), &system(Environment::default())).await.unwrap();
    assert_every_rule_is_attacked(trusted, issuer.url());
    let (registry, _folder) = registry_with(trusted, &[issuer.url()], head).await;

    let token = obtained(&issuer, &oidc_providers::all()).await;
    let granted = exchange(&registry, token.secret().expose()).await;
    assert_eq!(granted.status, 201, "{platform}: {:?}", message_of(&granted));
    let granted: Value = granted.json().unwrap();
    let published = publish(&registry, &Secret::new(granted["token"].as_str().unwrap())).await;
    assert!(published.is_success(), "{platform}: {:?}", message_of(&published));

    let audience = audience_of(platform, issuer.url());
    let of = |claims: &Value| issuer.token(&audience, &changes(claims));
    let again = exchange(&registry, &of(&json!({}))).await;
    assert_eq!(again.status, 201, "{platform}: another token of the same job: {:?}", message_of(&again));
    assert_refused(
        &exchange(&registry, token.secret().expose()).await,
        &format!("{platform}: the same token"),
    );
    assert_refused(&exchange(&registry, &of(&trusted.sibling)).await, &format!("{platform}: a sibling"));
    for (claim, value) in trusted.refused.as_object().unwrap() {
        let answer = exchange(&registry, &of(&json!({ claim: value }))).await;
        assert_refused(&answer, &format!("{platform}: {claim} = {value}"));
        let answer = exchange(&registry, &of(&json!({ claim: null }))).await;
        assert_refused(&answer, &format!("{platform}: no {claim}"));
    }
    registry.stop().await;
    issuer.stop().await;
}

#[tokio::test]
async fn every_platform_publishes_and_refuses_everybody_else() {
    let trusted = trusted();
    assert_eq!(trusted.len(), PLATFORMS.len());
    for one in &trusted {
        holds(one, OF_PACKAGE).await;
    }
}

/// A publisher of a prefix is matched as one of a package is.
#[tokio::test]
async fn every_platform_publishes_by_a_prefix_and_refuses_everybody_else() {
    for one in &trusted() {
        holds(one, OF_PREFIX).await;
    }
}

#[tokio::test]
async fn what_a_source_obtains_its_publisher_accepts() {
    for trusted in trusted() {
        let cx = system(Environment::default());
        let issuer = ci_issuer::Running::start(settings(trusted.platform), &cx).await.unwrap();
        let provider = oidc_providers::at(trusted.platform.name, issuer.url()).unwrap();
        let providers: ProviderSet = [provider.clone()].into_iter().collect();
        let token = obtained(&issuer, &providers).await;
        let audience = Audience::new(audience_of(trusted.platform.name, issuer.url())).unwrap();
        let verifier = Verifier::new(AwsLc, [audience], &providers, &cx).unwrap();
        let claims = verifier.verify(token.secret().expose()).await.unwrap();
        let rules: Value = toml::from_str(trusted.rules).unwrap();
        let publisher = provider.publisher(&rules).unwrap();
        publisher.check(&claims).unwrap();
        let identities = provider.identities(&claims).unwrap();
        assert!(identities.contains(&publisher.identity()), "{}", trusted.platform.name);
        issuer.stop().await;
    }
}

#[tokio::test]
async fn an_unverified_address_publishes_nothing() {
    let trusted = trusted().into_iter().find(|trusted| trusted.platform.name == "google").unwrap();
    let cx = system(Environment::default());
    let issuer = ci_issuer::Running::start(settings(&GOOGLE), &cx).await.unwrap();
    let (registry, _folder) = registry(&trusted, &[issuer.url()]).await;
    for value in [json!(false), json!("true"), json!("false"), json!(1), json!(null), json!([true])] {
        let token = issuer.token(AUDIENCE, &Changes::default().claim("email_verified", value.clone()));
        assert_refused(&exchange(&registry, &token).await, &value.to_string());
    }
}

#[tokio::test]
async fn an_organization_of_circleci_speaks_for_itself_alone() {
    let trusted = trusted().into_iter().find(|trusted| trusted.platform.name == "circleci").unwrap();
    let cx = system(Environment::default());
    let of = async |id: &str| {
        let settings = Settings { issuer_path: format!("/org/{id}"), ..Settings::new(&CIRCLECI) };
        ci_issuer::Running::start(settings, &cx).await.unwrap()
    };
    let ours = of("11111111-1111-4111-8111-111111111111").await;
    let sibling = of("99999999-9999-4999-8999-999999999999").await;
    let untrusted = of("88888888-8888-4888-8888-888888888888").await;
    let (registry, _folder) = registry(&trusted, &[ours.url(), sibling.url()]).await;

    let token = obtained(&ours, &oidc_providers::all()).await;
    assert_eq!(exchange(&registry, token.secret().expose()).await.status, 201);
    let claiming_ours =
        Changes::default().claim("oidc.circleci.com/org-id", "11111111-1111-4111-8111-111111111111");
    for (issuer, changes) in [
        (&sibling, &Changes::default()),
        (&sibling, &claiming_ours),
        (&untrusted, &Changes::default()),
        (&untrusted, &claiming_ours),
    ] {
        assert_refused(&exchange(&registry, &issuer.token(AUDIENCE, changes)).await, issuer.url());
    }
}

/// A registry that does not say so accepts no token of a platform with one audience for all services.
#[tokio::test]
async fn a_fixed_audience_is_off_by_default_and_on_for_its_issuer_alone() {
    for platform in [&AZURE, &SEMAPHORE] {
        let trusted = trusted().into_iter().find(|trusted| trusted.platform.name == platform.name).unwrap();
        let cx = system(Environment::default());
        let issuer = ci_issuer::Running::start(settings(platform), &cx).await.unwrap();
        let other = ci_issuer::Running::start(Settings::new(&GITHUB), &cx).await.unwrap();
        let fixed = audience_of(platform.name, issuer.url());
        let (registry, folder) = registry(&trusted, &[issuer.url()]).await;
        let off = Config::parse(&format!(
            "listen = \"127.0.0.1:0\"\npublic_url = \"http://127.0.0.1:0/\"\ndatabase = \"sqlite:{}\"\n\
             [[provider]]\nkind = \"{}\"\nissuer = \"{}\"\n\
             [[provider]]\nkind = \"github\"\nissuer = \"{}\"\n",
            folder.path().join("off.db").display(),
            platform.name,
            issuer.url(),
            other.url(),
        ));
        let off = registry::Running::start(off.unwrap(), &cx).await.unwrap();
        let token = issuer.token(&fixed, &Changes::default());
        assert_eq!(exchange(&off, &token).await.status, 401, "{}", platform.name);
        assert_eq!(exchange(&off, &other.token(&fixed, &Changes::default())).await.status, 401);
        assert_eq!(exchange(&registry, &token).await.status, 201);
        assert_refused(&exchange(&registry, &token).await, "the same token");
        // A job that was not told to presents no such token.
        let job = system(issuer.env().iter().cloned().collect()).with_commands(issuer.commands());
        let source = Ambient::detect(&oidc_providers::all(), Detection::new(&job)).unwrap();
        let refused = source.token(&Audience::new(AUDIENCE).unwrap()).await.unwrap_err();
        assert!(refused.diagnosis().to_text().contains(&fixed), "{refused:?}");
    }
}
