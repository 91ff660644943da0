//! Versions without provenance, and a log that is down.

use ci_issuer::sigstore;
use tests::http;
use tests::scene::ADMIN;
use tests::uploads::Endpoint;

use super::{Job, NAME, World, artifact, document};

#[tokio::test]
async fn provenance_is_not_lost_and_a_static_token_is_no_way_around() {
    let world = World::start(None, |config| config).await;
    let token = Endpoint::Npm.token(&world.scene).await;
    assert_eq!(world.publish(&document("1.0.0", None), &token).await.status, 201, "there was none before");
    let bundle = world.sign_npm(Job::default(), &artifact(NAME, "1.1.0")).await;
    // A static token with a bundle of the package's publisher.
    let answer = world.publish(&document("1.1.0", Some(&bundle)), ADMIN).await;
    assert_eq!(answer.status, 201, "{}", String::from_utf8_lossy(&answer.body));
    let before = world.stored().await;
    for token in [&*Endpoint::Npm.token(&world.scene).await, ADMIN] {
        let answer = world.publish(&document("1.2.0", None), token).await;
        assert_eq!(http::body(&answer)["diagnosis"]["code"], "provenance-lost");
        assert_eq!(answer.status, 422);
    }
    assert_eq!(world.stored().await, before);
}

#[tokio::test]
async fn a_package_that_requires_provenance_takes_no_version_without() {
    let required = |config: String| {
        config.replacen("name = \"widget\"\n", "name = \"widget\"\nprovenance = \"required\"\n", 1)
    };
    let world = World::start(None, required).await;
    for token in [&*Endpoint::Npm.token(&world.scene).await, ADMIN] {
        let answer = world.publish(&document("1.0.0", None), token).await;
        assert_eq!(http::body(&answer)["diagnosis"]["code"], "provenance-required");
    }
    assert_eq!(world.stored().await, [""; 0]);
}

#[tokio::test]
async fn a_publish_waits_for_no_log_that_is_down_and_is_not_stored() {
    let world = World::start(Some(sigstore::Fault::LogDown), |config| config).await;
    let token = Endpoint::Npm.token(&world.scene).await;
    let answer = world.publish(&document("1.0.0", None), &token).await;
    assert_eq!(answer.status, 503);
    assert_eq!(world.stored().await, [""; 0]);
}
