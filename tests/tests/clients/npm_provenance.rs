//! Real npm signs provenance in the publish, and audits what the registry serves. Sigstore is played on loopback; npm is led there
//! by a proxy for https.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::path::PathBuf;

use ci_issuer::{Changes, GITHUB, GITLAB, Platform, Settings, sigstore};
use needs::needs;
use serde_json::{Value, json};
use tests::clients::{Client, Output, Tool};
use tests::http;
use tests::scene::{self, Scene, borrowed};

const NAME: &str = "@acme/widget";

struct World {
    npm: Client,
    scene: Scene,
    instance: sigstore::Running,
}

impl World {
    async fn start(platform: &'static Platform) -> Self {
        let npm = Tool::Npm.find().await;
        let visibility =
            if platform.name == "gitlab" { "project_visibility" } else { "repository_visibility" };
        let changes = Changes::default().set(visibility, "public");
        let settings = Settings { changes, ..Settings::new(platform) };
        let (scene, instance) = Scene::with_provenance(settings, &[NAME], None, |config| config).await;
        Self { npm, scene, instance }
    }

    /// The variables of a job that is led to the played instance.
    fn job(&self) -> Vec<(String, String)> {
        let mut job = self.scene.npm_job();
        job.push(("SIGSTORE_ID_TOKEN".to_owned(), self.scene.token("sigstore")));
        job.extend(self.instance.variables(self.scene.folder()));
        job
    }

    /// The repository that the job's certificates name.
    fn repository(&self) -> String {
        match self.scene.issuer.env().iter().find(|(name, _)| name == "CI_PROJECT_URL") {
            Some((_, project)) => format!("git+{project}.git"),
            None => "git+https://github.com/acme/widget.git".to_owned(),
        }
    }

    async fn publish(&self, version: &str, repository: &str, options: &[&str]) -> Output {
        let manifest =
            json!({ "name": NAME, "version": version, "repository": { "type": "git", "url": repository } });
        let files = [("package.json", &*manifest.to_string()), (".npmrc", &*self.scene.npmrc())];
        let folder = self.npm.project(&format!("widget-{version}"), &files);
        self.npm.run(&folder, &borrowed(&self.job()), &[&["publish"], options].concat()).await
    }

    /// Installs the package with another npm, and audits it with a TUF root that it has.
    async fn audit(&self, root: &[u8], options: &[&str]) -> Output {
        let npm = Tool::Npm.find().await;
        let tuf = npm.home().join(".npm/_tuf").join(self.instance.tuf_host());
        std::fs::create_dir_all(&tuf).unwrap();
        std::fs::write(tuf.join("root.json"), root).unwrap();
        let folder = self.consumer(&npm);
        npm.run(&folder, &[], &["install", NAME]).await.succeeded();
        let variables = self.instance.variables(self.scene.folder());
        npm.run(&folder, &borrowed(&variables), &[&["audit", "signatures"], options].concat()).await
    }

    fn consumer(&self, npm: &Client) -> PathBuf {
        let files = [("package.json", r#"{ "name": "consumer" }"#), (".npmrc", &*self.scene.npmrc())];
        npm.project("consumer", &files)
    }

    fn root(&self) -> Vec<u8> {
        self.instance.file("root.json").unwrap().to_vec()
    }

    async fn get(&self, path: &str) -> Value {
        http::body(&http::send(&self.scene.cx, http::get(&self.scene.url(), path)).await)
    }
}

async fn is_signed_and_audited(platform: &'static Platform, predicate: &str) {
    let world = World::start(platform).await;
    let options = ["--provenance", "--access", "public"];
    world.publish("1.0.0", &world.repository(), &options).await.succeeded();
    // One entry is the publisher's, one the registry's.
    assert_eq!(world.instance.entries(), 2);

    let dist = world.get("@acme%2fwidget").await["versions"]["1.0.0"]["dist"].clone();
    assert_eq!(dist["attestations"]["provenance"]["predicateType"], predicate);
    let served = world.get("-/npm/v1/attestations/@acme%2fwidget@1.0.0").await;
    let kinds: Vec<&Value> =
        served["attestations"].as_array().unwrap().iter().map(|one| &one["predicateType"]).collect();
    assert_eq!(kinds, [predicate, "https://github.com/npm/attestation/tree/main/specs/publish/v0.1"]);

    let audited = world.audit(&world.root(), &[]).await;
    // The registry is asked for its keys, since the TUF repository has none of it.
    assert!(audited.stderr.contains("Fetching verification keys using TUF failed"), "{}", audited.stderr);
    let audited = audited.succeeded();
    for line in ["1 package has a verified registry signature", "1 package has a verified attestation"] {
        assert!(audited.contains(line), "{audited}");
    }
}

#[needs(npm)]
#[tokio::test]
async fn npms_provenance_from_github_is_kept_and_npms_audit_verifies_it() {
    is_signed_and_audited(&GITHUB, "https://slsa.dev/provenance/v1").await;
}

#[needs(npm)]
#[tokio::test]
async fn npms_provenance_from_gitlab_is_kept_and_npms_audit_verifies_it() {
    is_signed_and_audited(&GITLAB, "https://slsa.dev/provenance/v0.2").await;
}

#[needs(npm)]
#[tokio::test]
async fn npm_signs_by_itself_and_finds_the_registrys_keys_in_the_tuf_repository() {
    let world = World::start(&GITHUB).await;
    // Visibility is told to whoever publishes, so that npm signs without being asked to.
    world.publish("1.0.0", &world.repository(), &[]).await.succeeded();
    assert_eq!(world.instance.entries(), 2);
    let keys = world.get("-/npm/v1/keys").await;
    let host = world.scene.registry.public_url().host_and_port();
    world.instance.publish_npm_keys(&host, &keys).unwrap();
    let audited = world.audit(&world.root(), &["--json", "--include-attestations"]).await;
    assert!(!audited.stderr.contains("using TUF failed"), "{}", audited.stderr);
    let report: Value = serde_json::from_str(&audited.succeeded()).unwrap();
    assert_eq!((&report["invalid"], &report["missing"]), (&json!([]), &json!([])));
    assert_eq!(report["verified"][0]["attestationBundles"].as_array().unwrap().len(), 2, "{report}");
}

#[needs(npm)]
#[tokio::test]
async fn npms_audit_sees_what_was_tampered_with() {
    let world = World::start(&GITHUB).await;
    world.publish("1.0.0", &world.repository(), &["--provenance", "--access", "public"]).await.succeeded();
    let other = World::start(&GITHUB).await;
    // A trusted root that knows none of the keys.
    let strangers = World { instance: other.instance, ..world };
    strangers.instance.write(strangers.scene.folder()).unwrap();
    let failed = strangers.audit(&strangers.root(), &[]).await.failed();
    assert!(failed.contains("1 package has an invalid attestation"), "{failed}");
    let world = strangers;
    let other = "UPDATE npm_dist SET signatures = replace(signatures, '\"sig\":\"ME', '\"sig\":\"MD')";
    world.scene.execute(other).await;
    let failed = world.audit(&world.root(), &[]).await.failed();
    assert!(failed.contains("1 package has an invalid registry signature"), "{failed}");
}

#[needs(npm)]
#[tokio::test]
async fn npms_audit_verifies_what_was_published_before_the_registrys_key_was_replaced() {
    let world = World::start(&GITHUB).await;
    world.publish("1.0.0", &world.repository(), &["--provenance", "--access", "public"]).await.succeeded();
    // Another registry over the same database, with a key of its own.
    let folder = world.scene.folder();
    let config = scene::config(&GITHUB, world.scene.issuer.url(), folder, "", &[NAME], "");
    let (root, key) = (folder.join("trusted_root.json"), folder.join("second-key.pem"));
    let kept = format!("trusted_root = \"{}\"\nsigning_key = \"{}\"\n", root.display(), key.display());
    let config = registry::Config::parse(&format!("{config}\n[provenance]\n{kept}")).unwrap();
    let second = registry::Running::start(config, &world.scene.cx).await.unwrap();
    let keys = world.get("-/npm/v1/keys").await;
    let ended = keys["keys"].as_array().unwrap().iter().filter(|key| key["expires"].is_string()).count();
    assert_eq!(ended, 1, "{keys}");
    let audited = world.audit(&world.root(), &[]).await.succeeded();
    for line in ["1 package has a verified registry signature", "1 package has a verified attestation"] {
        assert!(audited.contains(line), "{audited}");
    }
    second.stop().await;
}

#[needs(npm)]
#[tokio::test]
async fn npm_shows_why_provenance_is_not_accepted_and_nothing_is_stored() {
    let world = World::start(&GITHUB).await;
    let options = ["--provenance", "--access", "public"];
    let refused = world.publish("1.0.0", "git+https://github.com/Acme/Widget.git", &options).await.failed();
    assert!(refused.contains("422") && refused.contains("upper and lower case"), "{refused}");
    assert_eq!(world.scene.texts("SELECT version FROM npm_version").await, [""; 0]);
    assert_eq!(world.instance.entries(), 1, "the registry attests nothing");
}
