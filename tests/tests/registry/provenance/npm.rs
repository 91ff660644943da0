//! Bundles at npm's endpoint.

use ci_issuer::sigstore;
use oidc_provenance::{Artifact, Statement};
use serde_json::{Value, json};
use tests::http;
use tests::scene::ADMIN;
use tests::uploads::Endpoint;

use super::{Job, NAME, STRANGERS, World, artifact, document};

#[tokio::test]
async fn a_bundle_of_another_job_or_of_another_statement_is_refused_and_nothing_is_stored() {
    let world = World::start(None, |config| config).await;
    // The publisher learns its ids.
    let first = world.sign_npm(Job::default(), &artifact(NAME, "0.9.0")).await;
    let token = Endpoint::Npm.token(&world.scene).await;
    let answer = world.publish(&document("0.9.0", Some(&first)), &token).await;
    assert_eq!(answer.status, 201, "{}", String::from_utf8_lossy(&answer.body));
    let before = world.stored().await;
    for (job, words) in STRANGERS {
        let bundle = world.sign_npm(*job, &artifact(NAME, "1.0.0")).await;
        let logged = world.instance.entries();
        let token = Endpoint::Npm.token(&world.scene).await;
        // With the publisher's token, and with a static one.
        let tokens = if *words == "another commit" { vec![token] } else { vec![token, ADMIN.to_owned()] };
        for token in tokens {
            let answer = world.publish(&document("1.0.0", Some(&bundle)), &token).await;
            let message = http::message(&answer);
            assert_eq!(answer.status, 422, "{words}: {message}");
            assert!(message.contains(words), "{words}: {message}");
            assert!(http::body(&answer)["diagnosis"]["code"].is_string(), "{message}");
        }
        assert_eq!(world.stored().await, before, "{words}");
        assert_eq!(world.instance.entries(), logged, "{words}: the registry attests nothing");
    }
}

#[tokio::test]
async fn a_bundle_for_something_else_is_refused_and_nothing_is_stored() {
    let world = World::start(None, |config| config).await;
    let token = Endpoint::Npm.token(&world.scene).await;
    let good = world.sign_npm(Job::default(), &artifact(NAME, "1.0.0")).await;
    let cases = [
        (artifact("gadget", "1.0.0"), "another name"),
        (artifact(NAME, "2.0.0"), "another name"),
        (Artifact::npm(NAME, "1.0.0", b"other bytes"), "other bytes"),
    ];
    for (artifact, words) in cases {
        let bundle = world.sign_npm(Job::default(), &artifact).await;
        let answer = world.publish(&document("1.0.0", Some(&bundle)), &token).await;
        assert_eq!(
            (answer.status, http::message(&answer).contains(words)),
            (422, true),
            "{}",
            http::message(&answer)
        );
    }
    let publish_attestation =
        world.sign(Job::default(), |_| Statement::pypi_publish(&artifact(NAME, "1.0.0"))).await;
    let tampered = good.replacen("\"sig\":\"ME", "\"sig\":\"MD", 1);
    for (bundle, words) in [
        (publish_attestation.as_str(), "attestations of this type"),
        (&*tampered, "provenance is not accepted"),
        ("{}", "provenance is not accepted"),
        ("no JSON", "provenance is not accepted"),
    ] {
        let answer = world.publish(&document("1.0.0", Some(bundle)), &token).await;
        assert_eq!(
            (answer.status, http::message(&answer).contains(words)),
            (422, true),
            "{}",
            http::message(&answer)
        );
    }
    let mut without = document("1.0.0", Some(&good));
    without["versions"]["1.0.0"].as_object_mut().unwrap().remove("repository");
    let answer = world.publish(&without, &token).await;
    assert_eq!(answer.status, 422);
    assert!(http::message(&answer).contains("has no `repository`"), "{}", http::message(&answer));
    let mut other = document("1.0.0", Some(&good));
    other["versions"]["1.0.0"]["repository"] = json!({ "url": "git+https://github.com/evil/widget.git" });
    assert_eq!(world.publish(&other, &token).await.status, 422);
    assert_eq!(world.stored().await, [""; 0]);
    assert_eq!(world.publish(&document("1.0.0", Some(&good)), &token).await.status, 201);
}

#[tokio::test]
async fn a_bundle_of_a_faulty_instance_is_refused_and_nothing_is_stored() {
    use sigstore::Fault;

    for (fault, code) in [
        (Fault::ExpiredCertificate, "provenance-certificate"),
        (Fault::WrongSct, "provenance-sct"),
        (Fault::WrongLogKey, "provenance-log"),
    ] {
        let world = World::start(Some(fault), |config| config).await;
        let bundle = world.sign_npm(Job::default(), &artifact(NAME, "1.0.0")).await;
        let token = Endpoint::Npm.token(&world.scene).await;
        let answer = world.publish(&document("1.0.0", Some(&bundle)), &token).await;
        let body = http::body(&answer);
        assert_eq!((answer.status, &body["diagnosis"]["code"]), (422, &json!(code)), "{fault:?}: {body}");
        assert_eq!(world.stored().await, [""; 0]);
    }
}

/// A bundle is changed here, and the reason that is given says this.
type Change = (&'static str, fn(&mut Value), &'static str);

const CHANGES: &[Change] = &[
    ("inclusionProof", |proof| *proof = Value::Null, "provenance-log"),
    ("inclusionProof/hashes", |hashes| *hashes = json!([format!("{}=", "A".repeat(43))]), "provenance-log"),
    ("inclusionProof/checkpoint", |checkpoint| *checkpoint = Value::Null, "provenance-bundle"),
    (
        "inclusionProof/checkpoint/envelope",
        |note| *note = json!(note.as_str().unwrap().replace("ci-issuer", "evil").replacen("\n", "x\n", 1)),
        "provenance-log",
    ),
    ("inclusionPromise", |promise| *promise = Value::Null, "provenance-timestamp"),
    ("inclusionPromise/signedEntryTimestamp", |promise| *promise = json!("MEUCIQ=="), "provenance-log"),
    ("integratedTime", |time| *time = json!("1"), "provenance-log"),
    ("canonicalizedBody", |body| *body = json!("e30="), "provenance-log"),
];

#[tokio::test]
async fn a_bundle_whose_log_entry_is_changed_is_refused_with_its_reason_and_nothing_is_stored() {
    let world = World::start(None, |config| config).await;
    let token = Endpoint::Npm.token(&world.scene).await;
    let good = world.sign_npm(Job::default(), &artifact(NAME, "1.0.0")).await;
    let logged = world.instance.entries();
    for (at, change, code) in CHANGES {
        let mut bundle: Value = serde_json::from_str(&good).unwrap();
        change(bundle.pointer_mut(&format!("/verificationMaterial/tlogEntries/0/{at}")).unwrap());
        let answer = world.publish(&document("1.0.0", Some(&bundle.to_string())), &token).await;
        let body = http::body(&answer);
        assert_eq!((answer.status, &body["diagnosis"]["code"]), (422, &json!(code)), "{at}: {body}");
    }
    assert_eq!(world.stored().await, [""; 0]);
    assert_eq!(world.instance.entries(), logged, "the registry attests nothing");
    assert_eq!(world.publish(&document("1.0.0", Some(&good)), &token).await.status, 201);
}
