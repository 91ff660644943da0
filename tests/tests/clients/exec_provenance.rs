//! Provenance by our own tool, with real publish tools: `exec --provenance` signs what they publish and hands it to them, and
//! `verify` reads it from the registry. Python's own verifier reads it too.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::path::{Path, PathBuf};

use ci_issuer::{Changes, GITHUB, Settings, sigstore};
use needs::needs;
use oidc_core::http::{Method, Request};
use serde_json::json;
use tests::clients::{Client, Output, Tool};
use tests::programs::Program;
use tests::python::{ATTESTATIONS, wheel};
use tests::scene::{Scene, borrowed};
use tests::uploads::Endpoint;
use tests::{gems, http};

const NPM: &str = "@acme/widget";

struct World {
    client: Client,
    scene: Scene,
    instance: sigstore::Running,
}

impl World {
    async fn start(client: Client, package: &str) -> Self {
        let changes = Changes::default().set("repository_visibility", "public");
        let settings = Settings { changes, ..Settings::new(&GITHUB) };
        let (scene, instance) = Scene::with_provenance(settings, &[package], None, |config| config).await;
        Self { client, scene, instance }
    }

    /// Publishes with provenance of the job's, without a way for the command to get an identity.
    async fn publish(&self, folder: &Path, options: &[&str], command: &[&str]) -> Output {
        let at = self.instance.url();
        let provenance = ["--provenance", "--fulcio-url", at, "--rekor-url", at];
        let always = ["--trusted-publishing", "always"];
        let mut job = self.scene.issuer.env().to_vec();
        job.extend(self.instance.variables(self.scene.folder()));
        self.client.publish(folder, &borrowed(&job), &[options, &always, &provenance].concat(), command).await
    }

    fn root(&self) -> PathBuf {
        self.scene.folder().join("trusted_root.json")
    }

    async fn program(&self, folder: &Path, arguments: &[&str]) -> Output {
        let job = borrowed(self.scene.issuer.env());
        self.client.run_program(&Program::TrustedPublish.path(), folder, &job, arguments).await
    }

    /// Verifies what the registry at a URL serves: the right rules hold, and each wrong one is named with what differs.
    async fn verify(&self, folder: &Path, url: &str, what: &[&str]) {
        let root = self.root().display().to_string();
        let issuer = self.scene.issuer.url();
        let at = ["verify", "--url", url, "--trusted-root", &root, "--issuer", issuer];
        let right = ["--repository", "acme/widget", "--workflow", "publish.yml", "--hosted-runner"];
        let verified = self.program(folder, &[&at, what, &right].concat()).await.succeeded();
        for line in ["repository: https://github.com/acme/widget", "runner: github-hosted"] {
            assert!(verified.contains(line), "{verified}");
        }
        for (rules, differs) in [
            (&["--repository", "evil/gadget"][..], "expected `evil/gadget`"),
            (&["--repository", "acme/widget", "--workflow", "ci.yml"], "expected `ci.yml`"),
            (
                &["--repository", "acme/widget", "--publisher", "environment=publish"],
                "asks for an environment",
            ),
            (&["--repository", "acme/widget", "--publisher", "ref=refs/heads/*"], "expected `refs/heads/*`"),
        ] {
            let said = self.program(folder, &[&at, what, rules].concat()).await.failed();
            assert!(said.contains(differs), "{rules:?}: {said}");
        }
    }
}

#[needs(npm)]
#[tokio::test]
async fn npm_publishes_a_tarball_with_the_provenance_that_exec_signed() {
    let world = World::start(Tool::Npm.find().await, NPM).await;
    let npm = &world.client;
    let manifest = json!({ "name": NPM, "version": "1.0.0", "repository": "github:acme/widget" }).to_string();
    let files = [("package.json", &*manifest), (".npmrc", &*world.scene.npmrc())];
    let folder = npm.project("widget", &files);
    npm.run(&folder, &[], &["pack"]).await.succeeded();
    // npm verifies what it is handed, with the root that stands here.
    let tuf = npm.home().join(".local/share/sigstore-js").join(world.instance.tuf_host());
    std::fs::create_dir_all(&tuf).unwrap();
    std::fs::write(tuf.join("root.json"), world.instance.file("root.json").unwrap()).unwrap();
    let url = world.scene.url();
    let options = ["--registry", "npm", "--url", &url, "--package", NPM];
    let command = ["publish", "acme-widget-1.0.0.tgz", "--access", "public"];
    let told = world.publish(&folder, &options, &command).await;
    assert!(
        told.stderr.contains("signed provenance: acme-widget-1.0.0.tgz.sigstore.json"),
        "{}",
        told.stderr
    );
    told.succeeded();
    // One entry is the job's, one the registry's.
    assert_eq!(world.instance.entries(), 2);
    let version = format!("{NPM}@1.0.0");
    world.verify(&folder, &url, &["--registry", "npm", "--package", &version]).await;
    let with_file = ["--registry", "npm", "--package", &version, "acme-widget-1.0.0.tgz"];
    world.verify(&folder, &url, &with_file).await;

    std::fs::write(folder.join("acme-widget-1.0.0.tgz"), "other bytes").unwrap();
    let root = world.root().display().to_string();
    let at = ["--url", &url, "--trusted-root", &root, "--issuer", world.scene.issuer.url()];
    let rules = ["--repository", "acme/widget"];
    let said = world.program(&folder, &[&["verify"], &with_file[..], &at, &rules].concat()).await.failed();
    assert!(said.contains("other bytes than the file's"), "{said}");
    let missing = ["verify", "--registry", "npm", "--package", "@acme/widget@2.0.0"];
    let said = world.program(&folder, &[&missing[..], &at, &rules].concat()).await.failed();
    assert!(said.contains("no such version"), "{said}");
}

/// A tool for Python indexes publishes a wheel, and everybody reads its provenance.
async fn python(tool: Tool, command: &[&str]) {
    let world = World::start(tool.find().await, "pypi:my-widget").await;
    let (folder, file) = wheel(&world.client, "my_widget", "1.0.0").await;
    let upload = format!("{}legacy/", world.scene.url());
    let command = [command, &[file.as_str()]].concat();
    world.publish(&folder, &["--registry", "pypi", "--url", &upload], &command).await.succeeded();
    assert_eq!(world.instance.entries(), 1);
    let url = world.scene.url();
    world.verify(&folder, &url, &["--registry", "pypi", "--package", "my-widget@1.0.0", &file]).await;

    let path = format!("/integrity/my-widget/1.0.0/{file}/provenance");
    let served = http::send(&world.scene.cx, http::get(&url, &path)).await.body;
    std::fs::write(folder.join("provenance.json"), &served).unwrap();
    let others = String::from_utf8(served).unwrap().replace("\"acme/widget\"", "\"evil/widget\"");
    std::fs::write(folder.join("others.json"), others).unwrap();
    let verifier = Tool::PypiVerifier.find().await;
    let (root, issuer) = (world.root().display().to_string(), world.scene.issuer.url());
    let python = async |provenance: &str| {
        let script = ["-c", ATTESTATIONS, &root, provenance, &file, issuer];
        let nowhere = [("HTTPS_PROXY", "http://127.0.0.1:9")];
        verifier.run_program(&verifier.python(), &folder, &nowhere, &script).await
    };
    let verified = python("provenance.json").await.succeeded();
    assert_eq!(verified, "GitHub https://docs.pypi.org/attestations/publish/v1\n");
    let refused = python("others.json").await.failed();
    assert!(refused.contains("OIDCSourceRepositoryURI does not match"), "{refused}");
}

#[needs(twine, pypiverifier)]
#[tokio::test]
async fn twine_uploads_attestations_that_pythons_verifier_accepts_from_the_registry() {
    python(Tool::Twine, &["upload", "--non-interactive"]).await;
}

#[needs(uv, pypiverifier)]
#[tokio::test]
async fn uv_uploads_attestations_that_pythons_verifier_accepts_from_the_registry() {
    python(Tool::Uv, &["publish"]).await;
}

#[needs(twine)]
#[tokio::test]
async fn twine_shows_why_another_files_attestation_is_refused() {
    let world = World::start(Tool::Twine.find().await, "pypi:my-widget").await;
    let (folder, first) = wheel(&world.client, "my_widget", "1.0.0").await;
    let at = world.instance.url();
    let attest = ["attest", "--registry", "pypi", "--fulcio-url", at, "--rekor-url", at, &first];
    world.program(&folder, &attest).await.succeeded();
    let (other, second) = wheel(&world.client, "my_widget", "1.1.0").await;
    let attestation = format!("{second}.publish.attestation");
    std::fs::copy(folder.join(format!("{first}.publish.attestation")), other.join(&attestation)).unwrap();
    let url = format!("{}legacy/", world.scene.url());
    let options = ["--registry", "pypi", "--url", &url, "--trusted-publishing", "always"];
    let upload = ["upload", "--non-interactive", "--attestations", &second, &attestation];
    let job = borrowed(world.scene.issuer.env());
    let refused = world.client.publish(&other, &job, &options, &upload).await.failed();
    let refused = refused.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(refused.contains("another name"), "{refused}");
    assert_eq!(world.scene.count("hosted_file").await, 0);
}

#[needs(gem)]
#[tokio::test]
async fn a_gems_attestation_is_read_from_the_registry() {
    let world = World::start(Tool::Gem.find().await, "rubygems:widget").await;
    let folder = world.client.project("widget", &[]);
    std::fs::create_dir_all(&folder).unwrap();
    let gem = gems::named("widget", "1.0.0");
    std::fs::write(folder.join("widget-1.0.0.gem"), &gem).unwrap();
    let at = world.instance.url();
    let attest =
        ["attest", "--registry", "rubygems", "--fulcio-url", at, "--rekor-url", at, "widget-1.0.0.gem"];
    world.program(&folder, &attest).await.succeeded();
    let bundle = std::fs::read_to_string(folder.join("widget-1.0.0.gem.sigstore.json")).unwrap();
    // By the protocol: the gem of most systems has no `--attestation`.
    let part = |head: &str, content: &[u8]| {
        let head = format!("--b\r\ncontent-disposition: form-data; {head}\r\n\r\n");
        [head.as_bytes(), content, b"\r\n"].concat()
    };
    let bundles = part("name=\"attestations\"", format!("[{bundle}]").as_bytes());
    let gem = part("name=\"gem\"; filename=\"widget-1.0.0.gem\"", &gem);
    let body = [gem, bundles, b"--b--\r\n".to_vec()].concat();
    let request = Request::new(Method::Post, http::url(&world.scene.url(), "/rubygems/api/v1/gems"));
    let token = Endpoint::Gem.token(&world.scene).await;
    let request = request.header("authorization", &token).body("multipart/form-data; boundary=b", body);
    let answer = http::send(&world.scene.cx, request).await;
    assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
    let url = format!("{}rubygems/", world.scene.url());
    world.verify(&folder, &url, &["--registry", "rubygems", "widget-1.0.0.gem"]).await;
}

/// Obstacles of `exec --provenance` are named before a token is requested; a later failure ends the token.
#[needs(twine)]
#[tokio::test]
async fn exec_signs_nothing_that_it_can_not_hand_on_and_ends_the_token_when_signing_fails() {
    let world = World::start(Tool::Twine.find().await, "pypi:my-widget").await;
    let (folder, file) = wheel(&world.client, "my_widget", "1.0.0").await;
    let url = format!("{}legacy/", world.scene.url());
    let options = ["--registry", "pypi", "--url", &url];
    let said = world.publish(&folder, &options, &["upload", "dist/*"]).await.failed();
    assert!(said.contains("name the files"), "{said}");
    assert_eq!((world.instance.entries(), world.scene.count("oidc_replay").await), (0, 0));

    let nowhere = ["--provenance", "--fulcio-url", "http://127.0.0.1:1", "--rekor-url", "http://127.0.0.1:1"];
    let options = [&options[..], &nowhere, &["--trusted-publishing", "always"]].concat();
    let job = borrowed(world.scene.issuer.env());
    let failed = world.client.publish(&folder, &job, &options, &["upload", "--non-interactive", &file]).await;
    let said = failed.failed();
    assert!(said.contains("nothing was written to the public log"), "{said}");
    assert_eq!(world.scene.count("hosted_file").await, 0);
    // There was a token, and it was revoked.
    assert_eq!((world.scene.count("oidc_replay").await, world.scene.count("oidc_token").await), (1, 0));
}
