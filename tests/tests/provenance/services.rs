//! The library at the instance's services.

use std::time::Duration;

use ci_issuer::sigstore::Fault;
use ci_issuer::{GITHUB, GITLAB, Platform};
use oidc_core::{Ambient, Detection, HttpUrl, OperationPolicy, Provider};
use oidc_provenance::{
    Artifact, Bundle, Logged, Policy, Refusal, Services, SignError, SignerRules, Statement, Verifier, codes,
    sign,
};
use oidc_providers::{GitHub, GitLab};
use serde_json::{Value, json};

use crate::world::{TARBALL, World};

async fn signed(world: &World) -> Result<Bundle, SignError> {
    signed_at(world, &world.services()).await
}

async fn signed_at(world: &World, services: &Services) -> Result<Bundle, SignError> {
    // A service that is down is asked again at once.
    let policy = OperationPolicy::default().with_waits(Duration::ZERO, Duration::ZERO).unwrap();
    let cx = world.context().with_policy(policy);
    let artifact = Artifact::npm("@acme/widget", "1.0.0", TARBALL);
    let statement = Statement::npm(&artifact, &cx).unwrap();
    let providers = oidc_providers::all();
    let source =
        Ambient::detect(&providers, Detection::new(&cx).token_variable("SIGSTORE_ID_TOKEN")).unwrap();
    sign(&statement, &source, services, &cx).await
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

const PUBLISHER: &str = r#"{ "repository": "acme/widget", "workflow": "publish.yml" }"#;

fn verify_changed(world: &World, bundle: &Bundle, change: impl FnOnce(&mut Value)) -> Result<(), Refusal> {
    let provider = GitHub::at(world.issuer.url()).unwrap();
    let mut bundle: Value = serde_json::from_str(bundle.as_str()).unwrap();
    change(&mut bundle);
    verify(world, &bundle.to_string(), &provider, &serde_json::from_str(PUBLISHER).unwrap())
}

const TIMESTAMPS: &str = "/verificationMaterial/timestampVerificationData";

#[tokio::test]
async fn a_log_of_version_2_and_a_timestamp_authority_take_the_place_of_the_first_log() {
    let world = World::start(&GITHUB, None).await;
    let first = signed(&world).await.unwrap();
    let bundle = signed_at(&world, &world.tiled_services()).await.unwrap();
    let again = signed_at(&world, &world.tiled_services()).await.unwrap();
    assert_eq!(world.sigstore.entries(), 3);
    for bundle in [&first, &bundle, &again] {
        verify_changed(&world, bundle, |_| {}).unwrap();
    }
    let json: Value = serde_json::from_str(bundle.as_str()).unwrap();
    let entry = &json["verificationMaterial"]["tlogEntries"][0];
    assert_eq!(entry["kindVersion"], json!({ "kind": "hashedrekord", "version": "0.0.2" }));
    assert!(entry.get("inclusionPromise").is_none() && entry.get("integratedTime").is_none(), "{entry}");
    let verifier = Verifier::new(&world.trusted_root()).unwrap();
    let artifact = Artifact::npm("@acme/widget", "1.0.0", TARBALL);
    let attestation = verifier.authenticate(bundle.as_str().as_bytes(), &artifact).unwrap();
    assert_eq!(attestation.log_entry_url(), None, "such a log serves no single entries");
    // The first log with a timestamp as well, as the public instance is configured.
    let both = HttpUrl::parse(&world.sigstore.timestamp_url()).unwrap();
    let both = signed_at(&world, &world.services().with_timestamps(both)).await.unwrap();
    verify_changed(&world, &both, |_| {}).unwrap();
}

#[tokio::test]
async fn a_timestamp_that_is_missing_foreign_or_false_is_refused() {
    let world = World::start(&GITHUB, None).await;
    let bundle = signed_at(&world, &world.tiled_services()).await.unwrap();
    let other = signed_at(&world, &world.tiled_services()).await.unwrap();
    let other: Value = serde_json::from_str(other.as_str()).unwrap();
    let foreign = other.pointer(TIMESTAMPS).unwrap();
    for (timestamps, what) in [
        (json!({}), "missing"),
        (json!({ "rfc3161Timestamps": [] }), "missing"),
        (foreign.clone(), "of another signature"),
        (json!({ "rfc3161Timestamps": [{ "signedTimestamp": "MAA=" }] }), "false"),
    ] {
        let changed =
            verify_changed(&world, &bundle, |bundle| *bundle.pointer_mut(TIMESTAMPS).unwrap() = timestamps);
        let refusal = changed.unwrap_err();
        assert_eq!(refusal.code(), codes::PROVENANCE_TIMESTAMP, "{what}: {refusal}");
    }
    // A time that the log tells is no proof, since nothing signs it.
    let told = verify_changed(&world, &bundle, |bundle| {
        *bundle.pointer_mut(TIMESTAMPS).unwrap() = json!({});
        bundle["verificationMaterial"]["tlogEntries"][0]["integratedTime"] = json!("1790000000");
    });
    assert_eq!(told.unwrap_err().code(), codes::PROVENANCE_TIMESTAMP);

    let world = World::start(&GITHUB, Some(Fault::WrongTimestampKey)).await;
    let bundle = signed_at(&world, &world.tiled_services()).await.unwrap();
    let refusal = verify_changed(&world, &bundle, |_| {}).unwrap_err();
    assert_eq!(refusal.code(), codes::PROVENANCE_TIMESTAMP, "{refusal}");
    let world = World::start(&GITHUB, Some(Fault::WrongLogKey)).await;
    let bundle = signed_at(&world, &world.tiled_services()).await.unwrap();
    let refusal = verify_changed(&world, &bundle, |_| {}).unwrap_err();
    assert_eq!(refusal.code(), codes::PROVENANCE_LOG, "{refusal}");
}
