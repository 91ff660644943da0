//! Attestations at PyPI's and at RubyGems' endpoint.

use oidc_provenance::{Artifact, Statement};
use serde_json::{Value, json};
use tests::scene::ADMIN;
use tests::uploads::Endpoint;
use tests::{gems, http};

use super::{Job, NAME, STRANGERS, World, file_of};

#[tokio::test]
async fn attestations_of_a_python_project_are_verified_and_served_in_both_forms_of_the_index() {
    let world = World::start(None, |config| config).await;
    let (name, content) = file_of("1.0.0");
    let attest = async |job, name: &str, content: &[u8]| {
        let artifact = Artifact::file(name, content);
        world.sign(job, |_| Statement::pypi_publish(&artifact)).await.to_pep_740().unwrap()
    };
    let good = attest(Job::default(), &name, &content).await;
    let (evil, _) = STRANGERS[0];
    let foreign = attest(evil, &name, &content).await;
    let elsewhere = attest(Job::default(), "widget-9.tar.gz", &content).await;
    let other_bytes = attest(Job::default(), &name, b"other").await;
    let token = Endpoint::Pypi.token(&world.scene).await;
    for attestations in [
        json!([]),
        json!({}),
        json!([{}]),
        json!([foreign]),
        json!([elsewhere]),
        json!([other_bytes]),
        json!([good, good]),
        json!([good, foreign]),
        json!([good, good, good]),
    ] {
        for token in [&*token, ADMIN] {
            let answer = world.upload("1.0.0", Some(&attestations.to_string()), token).await;
            assert_eq!(answer.status, 400, "{attestations}: {}", String::from_utf8_lossy(&answer.body));
            assert_eq!(world.stored().await, [""; 0]);
        }
    }
    let answer = world.upload("1.0.0", Some(&json!([good]).to_string()), &token).await;
    assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));

    let url = format!("{}integrity/widget/1.0.0/{name}/provenance", world.scene.url());
    let provenance = http::body(&http::send(&world.scene.cx, http::get_at(&url)).await);
    let publisher = json!({ "kind": "GitHub", "repository": "acme/widget", "workflow": "publish.yml", "environment": null });
    assert_eq!(
        provenance,
        json!({ "version": 1, "attestation_bundles": [{ "publisher": publisher, "attestations": [good] }] })
    );
    let index = http::get(&world.scene.url(), "/simple/widget/");
    let page = http::send(&world.scene.cx, index.clone()).await;
    assert!(String::from_utf8(page.body).unwrap().contains(&format!("data-provenance=\"{url}\"")));
    let json = index.header("accept", "application/vnd.pypi.simple.v1+json");
    let json = http::body(&http::send(&world.scene.cx, json).await);
    assert_eq!(json["files"][0]["provenance"], url);
    let as_text = http::get_at(&url).header("accept", "text/html");
    assert_eq!(http::send(&world.scene.cx, as_text).await.status, 406);
    for path in ["/integrity/widget/1.0.1", "/integrity/gadget/1.0.0"] {
        let elsewhere = http::get(&world.scene.url(), &format!("{path}/{name}/provenance"));
        assert_eq!(http::send(&world.scene.cx, elsewhere).await.status, 404, "{path}");
    }

    // What a version had is not lost.
    for token in [&*token, ADMIN] {
        assert_eq!(world.upload("1.1.0", None, token).await.status, 400);
    }
}

#[tokio::test]
async fn attestations_of_a_gem_are_verified_and_served() {
    let world = World::start(None, |config| config).await;
    let gem = gems::named(NAME, "1.0.0");
    let claims = world.claims(Job::default());
    let attest = async |job, name: &str| {
        let artifact = Artifact::file(name, &gem);
        let bundle = world.sign(job, |_| Statement::github_build(&artifact, &claims).unwrap()).await;
        serde_json::from_str::<Value>(bundle.as_str()).unwrap()
    };
    let good = attest(Job::default(), "widget-1.0.0.gem").await;
    let (evil, _) = STRANGERS[0];
    let token = Endpoint::Gem.token(&world.scene).await;
    for attestations in [
        json!([]),
        json!([{}]),
        json!([attest(evil, "widget-1.0.0.gem").await]),
        json!([attest(Job::default(), "gadget-1.0.0.gem").await]),
    ] {
        let answer = world.push(&attestations.to_string(), &token).await;
        assert_eq!(answer.status, 422, "{attestations}: {}", String::from_utf8_lossy(&answer.body));
        assert_eq!(world.stored().await, [""; 0]);
    }
    let answer = world.push(&json!([good]).to_string(), &token).await;
    assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
    assert_eq!(world.get("/rubygems/api/v1/attestations/widget-1.0.0.json").await, json!([good]));
    assert_eq!(world.get("/rubygems/api/v1/attestations/widget-1.0.0").await, json!([good]));
    // What a version had is not lost.
    assert_eq!(Endpoint::Gem.send(&world.scene, "1.1.0", &token).await.status, 422);
}
