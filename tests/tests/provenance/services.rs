//! The library at the instance's services.

use ci_issuer::sigstore::Fault;
use ci_issuer::{GITHUB, GITLAB, Platform};
use oidc_core::{Ambient, Detection, Provider};
use oidc_provenance::{
    Artifact, Logged, Policy, Refusal, SignError, SignerRules, Statement, Verifier, codes, sign,
};
use oidc_providers::{GitHub, GitLab};
use serde_json::{Value, json};

use crate::world::{TARBALL, World};

async fn signed(world: &World) -> Result<oidc_provenance::Bundle, SignError> {
    let cx = world.context();
    let artifact = Artifact::npm("@acme/widget", "1.0.0", TARBALL);
    let statement = Statement::npm(&artifact, &cx).unwrap();
    let providers = oidc_providers::all();
    let source =
        Ambient::detect(&providers, Detection::new(&cx).token_variable("SIGSTORE_ID_TOKEN")).unwrap();
    sign(&statement, &source, &world.services(), &cx).await
}

fn verify(world: &World, bundle: &str, provider: &dyn Provider, publisher: &Value) -> Result<(), Refusal> {
    let signer = SignerRules::new(provider, publisher).unwrap().unwrap();
    let policy = Policy::new(&signer).public_source().hosted_runner();
    let artifact = Artifact::npm("@acme/widget", "1.0.0", TARBALL);
    Verifier::new(&world.trusted_root())?.verify(bundle.as_bytes(), &artifact, &policy).map(drop)
}

async fn round(platform: &'static Platform, publisher: Value) {
    let world = World::start(platform, None).await;
    let issuer = world.issuer.url().to_owned();
    let provider: Box<dyn Provider> = match platform.name {
        "gitlab" => Box::new(GitLab::at(&issuer).unwrap()),
        _ => Box::new(GitHub::at(&issuer).unwrap()),
    };
    let bundle = signed(&world).await.unwrap();
    verify(&world, bundle.as_str(), &*provider, &publisher).unwrap();
    assert_eq!(world.sigstore.entries(), 1);
    // The public instance's root trusts none of this.
    let artifact = Artifact::npm("@acme/widget", "1.0.0", TARBALL);
    let public = Verifier::new(oidc_provenance::PUBLIC_TRUSTED_ROOT).unwrap();
    assert!(public.authenticate(bundle.as_str().as_bytes(), &artifact).is_err());
}

#[tokio::test]
async fn a_job_on_github_signs_what_its_publisher_accepts() {
    round(&GITHUB, json!({ "repository": "acme/widget", "workflow": "publish.yml", "repository_id": "2" }))
        .await;
}

#[tokio::test]
async fn a_job_on_gitlab_signs_what_its_publisher_accepts() {
    round(
        &GITLAB,
        json!({ "project_path": "acme/group/widget", "ci_config": ".gitlab-ci.yml", "project_id": "2" }),
    )
    .await;
}

#[tokio::test]
async fn what_the_instance_does_wrong_is_refused_or_overcome() {
    let publisher = json!({ "repository": "acme/widget", "workflow": "publish.yml" });
    for (fault, code) in [
        (Fault::ExpiredCertificate, codes::PROVENANCE_CERTIFICATE),
        (Fault::WrongSct, codes::PROVENANCE_SCT),
        (Fault::WrongLogKey, codes::PROVENANCE_LOG),
    ] {
        let world = World::start(&GITHUB, Some(fault)).await;
        let provider = GitHub::at(world.issuer.url()).unwrap();
        let bundle = signed(&world).await.unwrap();
        let refusal = verify(&world, bundle.as_str(), &provider, &publisher).unwrap_err();
        assert_eq!(refusal.code(), code, "{fault:?}: {refusal}");
    }
    let world = World::start(&GITHUB, Some(Fault::EntryExists)).await;
    let bundle = signed(&world).await.unwrap();
    verify(&world, bundle.as_str(), &GitHub::at(world.issuer.url()).unwrap(), &publisher).unwrap();
    // The client does not even sign with such a certificate.
    let world = World::start(&GITHUB, Some(Fault::NoSct)).await;
    let error = signed(&world).await.unwrap_err();
    assert_eq!((error.diagnosis().code, error.logged()), (codes::PROVENANCE_AUTHORITY, Logged::No));
    assert_eq!(world.sigstore.entries(), 0);
    let world = World::start(&GITHUB, Some(Fault::LogDown)).await;
    let error = signed(&world).await.unwrap_err();
    assert_eq!(error.diagnosis().code, codes::PROVENANCE_LOGGING);
    assert_ne!(error.logged(), Logged::Yes);
}
