//! Real package managers publish without a secret: a CI platform's identity token, exchanged for a publish token.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use ci_issuer::{GITHUB, GITLAB, Platform, Settings};
use needs::needs;
use serde_json::Value;
use tests::clients::{Client, Tool};
use tests::http;
use tests::scene::{Scene, borrowed, manifest, package};

const NAMES: [&str; 2] = ["widget", "@acme/widget"];
const WORKSPACE: [&str; 3] = ["@acme/one", "@acme/two", "three"];

async fn scene(platform: &'static Platform, prefix: &str) -> Scene {
    let packages = [NAMES.as_slice(), &WORKSPACE].concat();
    Scene::start(Settings::new(platform), prefix, &packages, "").await
}

/// A folder to install into.
fn consumer(client: &Client, npmrc: &str) -> PathBuf {
    let files = [("package.json", r#"{ "name": "consumer" }"#), (".npmrc", npmrc), ("yarn.lock", "")];
    client.project("consumer", &files)
}

/// A workspace with three packages, none of which depends on another.
fn workspace(client: &Client, npmrc: &str) -> PathBuf {
    let root = r#"{ "name": "root", "private": true, "workspaces": ["packages/*"] }"#;
    let mut files = vec![("package.json".to_owned(), root.to_owned())];
    files.extend([(".npmrc".to_owned(), npmrc.to_owned()), ("yarn.lock".to_owned(), String::new())]);
    for (number, name) in WORKSPACE.iter().enumerate() {
        files.push((format!("packages/{number}/package.json"), manifest(name, "1.0.0")));
        files.push((format!("packages/{number}/index.js"), http::index("1.0.0")));
    }
    let files: Vec<_> = files.iter().map(|(name, content)| (name.as_str(), content.as_str())).collect();
    client.project("workspace", &files)
}

#[track_caller]
fn assert_installed(consumer: &Path, names: &[&str]) {
    for name in names {
        let index = fs::read_to_string(consumer.join("node_modules").join(name).join("index.js"));
        assert_eq!(index.unwrap(), http::index("1.0.0"), "{name}");
    }
}

/// The registry serves each tarball as it says, and says who published it.
async fn assert_published(scene: &Scene, names: &[&str]) {
    for name in names {
        let answer = http::send(&scene.cx, http::get(&scene.url(), &http::escaped(name))).await;
        let version = &http::body(&answer)["versions"]["1.0.0"];
        let address = version["dist"]["tarball"].as_str().unwrap();
        assert!(address.starts_with(&scene.url()), "{address}");
        let tarball = http::send(&scene.cx, http::get_at(address)).await;
        assert_eq!(tarball.status, 200, "{address}");
        assert_eq!(version["dist"]["integrity"], http::integrity(&tarball.body), "{name}");
        let publisher = &version["_npmUser"]["trustedPublisher"];
        assert!(publisher["oidcConfigId"].as_str().unwrap().starts_with("oidc:"), "{publisher}");
    }
}

async fn npm_publishes_and_installs(platform: &'static Platform, prefix: &str) {
    let npm = Tool::Npm.find().await;
    let scene = scene(platform, prefix).await;
    for name in NAMES {
        let folder = package(&npm, name, "1.0.0", &scene.npmrc());
        let publish = ["publish", "--access", "public"];
        npm.run(&folder, &borrowed(&scene.npm_job()), &publish).await.succeeded();
    }
    let folder = workspace(&npm, &scene.npmrc());
    let publish = ["publish", "--workspaces", "--access", "public"];
    npm.run(&folder, &borrowed(&scene.npm_job()), &publish).await.succeeded();

    let names = [NAMES.as_slice(), &WORKSPACE].concat();
    assert_published(&scene, &names).await;
    let consumer = consumer(&npm, &scene.npmrc());
    npm.run(&consumer, &[], &[&["install"], names.as_slice()].concat()).await.succeeded();
    assert_installed(&consumer, &names);
    let lock = fs::read_to_string(consumer.join("package-lock.json")).unwrap();
    let lock: Value = serde_json::from_str(&lock).unwrap();
    for name in names {
        let locked = &lock["packages"][format!("node_modules/{name}")];
        assert!(locked["integrity"].as_str().unwrap().starts_with("sha512-"), "{locked}");
    }
}

#[needs(npm)]
#[tokio::test]
async fn npm_publishes_from_github_to_a_registry_at_the_root() {
    npm_publishes_and_installs(&GITHUB, "").await;
}

#[needs(npm)]
#[tokio::test]
async fn npm_publishes_from_github_to_a_registry_under_a_prefix() {
    npm_publishes_and_installs(&GITHUB, "/npm").await;
}

#[needs(npm)]
#[tokio::test]
async fn npm_publishes_from_gitlab_to_a_registry_at_the_root() {
    npm_publishes_and_installs(&GITLAB, "").await;
}

#[needs(npm)]
#[tokio::test]
async fn npm_publishes_from_gitlab_to_a_registry_under_a_prefix() {
    npm_publishes_and_installs(&GITLAB, "/npm").await;
}

async fn yarn_publishes_and_installs(platform: &'static Platform, prefix: &str) {
    let yarn = Tool::Yarn.find().await;
    let scene = scene(platform, prefix).await;
    for name in NAMES {
        let folder = package(&yarn, name, "1.0.0", "");
        let job = scene.yarn_job();
        yarn.run(&folder, &borrowed(&job), &["install"]).await.succeeded();
        yarn.run(&folder, &borrowed(&job), &["npm", "publish", "--access", "public"]).await.succeeded();
    }
    let folder = workspace(&yarn, "");
    let job = scene.yarn_job();
    yarn.run(&folder, &borrowed(&job), &["install"]).await.succeeded();
    let publish = ["workspaces", "foreach", "-A", "--no-private", "npm", "publish", "--access", "public"];
    yarn.run(&folder, &borrowed(&job), &publish).await.succeeded();

    let names = [NAMES.as_slice(), &WORKSPACE].concat();
    assert_published(&scene, &names).await;
    let consumer = consumer(&yarn, "");
    let anonymous = [("YARN_NPM_REGISTRY_SERVER", &*scene.url())];
    yarn.run(&consumer, &anonymous, &[&["add"], names.as_slice()].concat()).await.succeeded();
    assert_installed(&consumer, &names);
    let lock = fs::read_to_string(consumer.join("yarn.lock")).unwrap();
    assert_eq!(lock.matches("checksum:").count(), names.len(), "{lock}");
}

#[needs(yarn)]
#[tokio::test]
async fn yarn_publishes_from_github_to_a_registry_at_the_root() {
    yarn_publishes_and_installs(&GITHUB, "").await;
}

#[needs(yarn)]
#[tokio::test]
async fn yarn_publishes_from_github_to_a_registry_under_a_prefix() {
    yarn_publishes_and_installs(&GITHUB, "/npm").await;
}

#[needs(yarn)]
#[tokio::test]
async fn yarn_publishes_from_gitlab_to_a_registry_at_the_root() {
    yarn_publishes_and_installs(&GITLAB, "").await;
}

#[needs(yarn)]
#[tokio::test]
async fn yarn_publishes_from_gitlab_to_a_registry_under_a_prefix() {
    yarn_publishes_and_installs(&GITLAB, "/npm").await;
}

/// pnpm 10 publishes through npm, the newest that the tests have.
async fn pnpm_publishes_and_installs(platform: &'static Platform, prefix: &str) {
    let (pnpm, npm) = (Tool::Pnpm.find().await, Tool::Npm.find().await);
    let scene = scene(platform, prefix).await;
    let path: OsString = npm.path_first();
    for name in NAMES {
        let folder = package(&pnpm, name, "1.0.0", &scene.npmrc());
        let mut job = scene.npm_job();
        job.push(("PATH".into(), path.clone().into_string().unwrap()));
        let publish = ["publish", "--no-git-checks", "--access", "public"];
        pnpm.run(&folder, &borrowed(&job), &publish).await.succeeded();
    }
    assert_published(&scene, &NAMES).await;
    let consumer = consumer(&pnpm, &scene.npmrc());
    pnpm.run(&consumer, &[], &[&["add"], NAMES.as_slice()].concat()).await.succeeded();
    assert_installed(&consumer, &NAMES);
}

#[needs(npm, pnpm)]
#[tokio::test]
async fn pnpm_publishes_from_github_to_a_registry_at_the_root() {
    pnpm_publishes_and_installs(&GITHUB, "").await;
}

#[needs(npm, pnpm)]
#[tokio::test]
async fn pnpm_publishes_from_gitlab_to_a_registry_under_a_prefix() {
    pnpm_publishes_and_installs(&GITLAB, "/npm").await;
}
