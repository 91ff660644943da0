//! The origins that a registry's pages show.

use oidc_provenance::{Artifact, Statement};
use serde_json::json;
use tests::http;
use tests::uploads::Endpoint;

use super::{Job, NAME, World, artifact, document, file_of};

#[tokio::test]
async fn the_origin_of_a_file_of_each_ecosystem_is_known_and_that_of_other_files_is_not() {
    let world = World::start(None, |config| config).await;
    let token = Endpoint::Npm.token(&world.scene).await;
    assert_eq!(world.publish(&document("0.9.0", None), &token).await.status, 201);
    let bundle = world.sign_npm(Job::default(), &artifact(NAME, "1.0.0")).await;
    assert_eq!(world.publish(&document("1.0.0", Some(&bundle)), &token).await.status, 201);
    let (file, content) = file_of("1.0.0");
    let attestation =
        world.sign(Job::default(), |_| Statement::pypi_publish(&Artifact::file(&*file, &content))).await;
    let attestations = json!([attestation.to_pep_740().unwrap()]).to_string();
    let token = Endpoint::Pypi.token(&world.scene).await;
    let answer = world.upload("1.0.0", Some(&attestations), &token).await;
    assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));

    let database = world.scene.database();
    let names = ["widget@0.9.0", "widget@1.0.0", "widget@2.0.0", "' OR 1=1 --"];
    let npm = registry::origins(database, registry::Ecosystem::Npm, &names).await.unwrap();
    assert_eq!(npm.keys().collect::<Vec<_>>(), ["widget@1.0.0"]);
    let of_pypi = registry::origins(database, registry::Ecosystem::Pypi, &[&file]).await.unwrap();
    assert!(registry::origins(database, registry::Ecosystem::Npm, &[]).await.unwrap().is_empty());
    let [origin] = npm["widget@1.0.0"].as_slice() else { panic!("{npm:?}") };
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    assert_eq!(text(&origin.predicate_type), "https://slsa.dev/provenance/v1");
    assert_eq!(origin.digest, format!("{:?}", artifact(NAME, "1.0.0").digest()));
    assert_eq!(text(&origin.repository), "https://github.com/acme/widget");
    let commit = text(&origin.commit);
    assert_eq!(text(&origin.commit_url), format!("https://github.com/acme/widget/commit/{commit}"));
    assert_eq!(text(&origin.workflow), ".github/workflows/publish.yml");
    let workflow = format!("https://github.com/acme/widget/blob/{commit}/.github/workflows/publish.yml");
    assert_eq!(text(&origin.workflow_url), workflow);
    assert!(text(&origin.run_url).starts_with("https://github.com/acme/widget/actions/runs/"));
    assert!(origin.signer.contains("/.github/workflows/publish.yml@"), "{}", origin.signer);
    assert_eq!(text(&origin.runner), "github-hosted");
    let entry = format!("{}/api/v1/log/entries?logIndex={}", world.instance.url(), origin.log_index);
    assert_eq!(text(&origin.log_entry_url), entry);
    assert_eq!(http::send(&world.scene.cx, http::get_at(&entry)).await.status, 200);
    let [python] = of_pypi[&file].as_slice() else { panic!("{of_pypi:?}") };
    assert_eq!(text(&python.predicate_type), "https://docs.pypi.org/attestations/publish/v1");
    assert_eq!((&python.repository, &python.commit), (&origin.repository, &origin.commit));
    assert_ne!(python.log_index, origin.log_index);
}
