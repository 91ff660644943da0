//! The registry's own key.

use ci_issuer::GITHUB;
use serde_json::{Value, json};
use tests::http;
use tests::uploads::Endpoint;

use super::{NAME, World, document};

#[tokio::test]
async fn a_new_key_takes_over_and_the_old_one_stays_known() {
    let world = World::start(None, |config| config).await;
    let token = Endpoint::Npm.token(&world.scene).await;
    assert_eq!(world.publish(&document("1.0.0", None), &token).await.status, 201);
    let before = world.get("/-/npm/v1/keys").await;
    assert_eq!(before["keys"].as_array().unwrap().len(), 1);
    assert_eq!(before["keys"][0]["expires"], json!(null));
    let signed = world.get("/widget").await["versions"]["1.0.0"]["dist"]["signatures"][0].clone();
    assert_eq!(signed["keyid"], before["keys"][0]["keyid"]);

    // Another registry over the same database, with a key of its own.
    let folder = world.scene.folder().to_owned();
    let config = |key: &str| {
        let config = tests::scene::config(&GITHUB, world.scene.issuer.url(), &folder, "", &[NAME], "");
        let (root, key) = (folder.join("trusted_root.json"), folder.join(key));
        let text = format!(
            "{config}\n[provenance]\ntrusted_root = \"{}\"\nsigning_key = \"{}\"\n",
            root.display(),
            key.display()
        );
        registry::Config::parse(&text).unwrap()
    };
    let second = registry::Running::start(config("second-key.pem"), &world.scene.cx).await.unwrap();
    let keys = world.get("/-/npm/v1/keys").await;
    let expires: Vec<(&Value, bool)> = keys["keys"]
        .as_array()
        .unwrap()
        .iter()
        .map(|key| (&key["keyid"], key["expires"].is_string()))
        .collect();
    assert_eq!(expires.len(), 2);
    assert!(expires.contains(&(&signed["keyid"], true)), "{keys}");
    // Whoever has the old key signs nothing more with it.
    let stored = world.stored().await;
    let answer = world.publish(&document("1.1.0", None), &token).await;
    assert_eq!(answer.status, 503);
    assert!(http::message(&answer).contains("signing key was replaced"), "{}", http::message(&answer));
    assert_eq!(world.stored().await, stored);
    second.stop().await;
    // The key that was replaced does not come back.
    let refused = registry::Running::start(config("registry-key.pem"), &world.scene.cx).await.unwrap_err();
    assert!(refused.to_string().contains("was replaced"), "{refused}");
}

#[cfg(unix)]
#[tokio::test]
async fn the_registrys_key_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt as _;

    let world = World::start(None, |config| config).await;
    let key = std::fs::metadata(world.scene.folder().join("registry-key.pem")).unwrap();
    assert_eq!(key.permissions().mode() & 0o777, 0o600);
}
