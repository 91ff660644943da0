//! Real clients with operations that the registry doesn't have: they fail, and show its reason.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use ci_issuer::{Changes, GITHUB, Settings};
use needs::needs;
use tests::clients::Tool;
use tests::http;
use tests::scene::{ADMIN, Scene, borrowed, package};
use tests::uploads::{Endpoint, state};

const UNSUPPORTED: &str = "not supported";

async fn scene() -> Scene {
    let packages = ["widget", "@acme/widget", "cargo:widget", "rubygems:widget"];
    let scene = Scene::start(Settings::new(&GITHUB), "", &packages, "").await;
    for version in ["1.0.0", "1.0.1"] {
        for name in ["widget", "@acme/widget"] {
            let answer = http::send(&scene.cx, http::publish(&scene.url(), name, version, ADMIN)).await;
            assert_eq!(answer.status, 201);
        }
    }
    for endpoint in [Endpoint::Cargo, Endpoint::Gem] {
        assert_eq!(endpoint.send(&scene, "1.0.0", ADMIN).await.status, 200, "{endpoint:?}");
    }
    scene
}

fn npmrc(scene: &Scene) -> String {
    let address = scene.url();
    let address = address.trim_start_matches("http:");
    format!("{}{address}:_authToken={ADMIN}\n", scene.npmrc())
}

#[needs(npm)]
#[tokio::test]
async fn npm_says_that_nothing_was_unpublished() {
    let npm = Tool::Npm.find().await;
    let scene = scene().await;
    let before = state(&scene).await;
    let folder = package(&npm, "widget", "1.0.0", &npmrc(&scene));
    for arguments in [
        &["unpublish", "@acme/widget@1.0.1", "--force"] as &[&str],
        &["unpublish", "@acme/widget", "--force"],
        &["deprecate", "widget@1.0.0", "old"],
        &["owner", "add", "somebody", "widget"],
        &["star", "widget"],
        &["access", "set", "mfa=none", "@acme/widget"],
        &["access", "grant", "read-only", "acme:developers", "@acme/widget"],
        &["dist-tag", "rm", "widget", "latest"],
        &["token", "revoke", "abcdef"],
        &["whoami"],
        &["logout"],
    ] {
        let printed = npm.run(&folder, &[], arguments).await.failed();
        assert!(printed.contains(UNSUPPORTED), "{arguments:?}: {printed}");
    }
    let printed = npm.run(&folder, &[], &["unpublish", "@acme/gadget@1.0.0", "--force"]).await.failed();
    assert!(printed.contains("@acme/gadget is not in this registry"), "{printed}");
    assert_eq!(state(&scene).await, before);
}

/// pnpm has npm do it.
#[needs(npm, pnpm)]
#[tokio::test]
async fn pnpm_says_that_nothing_was_unpublished() {
    let (npm, pnpm) = (Tool::Npm.find().await, Tool::Pnpm.find().await);
    let scene = scene().await;
    let folder = package(&pnpm, "widget", "1.0.0", &npmrc(&scene));
    let path = npm.path_first();
    for arguments in [
        &["unpublish", "@acme/widget@1.0.1", "--force"] as &[&str],
        &["deprecate", "widget@1.0.0", "old"],
        &["dist-tag", "rm", "widget", "latest"],
        &["whoami"],
    ] {
        let printed = pnpm.run(&folder, &[("PATH", path.to_str().unwrap())], arguments).await.failed();
        assert!(printed.contains(UNSUPPORTED), "{arguments:?}: {printed}");
    }
}

/// yarn shows the status and nothing of what the answer says.
#[needs(yarn)]
#[tokio::test]
async fn yarn_shows_that_it_is_not_supported() {
    let yarn = Tool::Yarn.find().await;
    let scene = scene().await;
    let folder = package(&yarn, "widget", "1.0.0", "");
    let url = scene.url();
    let variables = [("YARN_NPM_REGISTRY_SERVER", url.as_str()), ("YARN_NPM_AUTH_TOKEN", ADMIN)];
    let printed = yarn.run(&folder, &variables, &["npm", "whoami"]).await.failed();
    assert!(printed.contains("405 (Method Not Allowed)"), "{printed}");
}

/// npm signs what a job of a public repository publishes, where the registry says that everybody may see the package.
#[needs(npm)]
#[tokio::test]
async fn npm_signs_nothing_for_a_registry_that_keeps_no_provenance() {
    let npm = Tool::Npm.find().await;
    let changes = Changes::default().set("repository_visibility", "public");
    let settings = Settings { changes, ..Settings::new(&GITHUB) };
    let scene = Scene::start(settings, "", &["widget"], "").await;
    let visibility = http::get(&scene.url(), "-/package/widget/visibility");
    assert_eq!(http::body(&http::send(&scene.cx, visibility).await)["public"], true);
    let folder = package(&npm, "widget", "1.0.0", &scene.npmrc());
    let printed = npm.run(&folder, &borrowed(&scene.npm_job()), &["publish"]).await;
    assert!(!printed.stderr.contains("provenance"), "{printed:?}");
    printed.succeeded();
    let folder = package(&npm, "widget", "1.0.1", &scene.npmrc());
    let arguments = ["publish", "--provenance"];
    let printed = npm.run(&folder, &borrowed(&scene.npm_job()), &arguments).await.failed();
    assert!(printed.contains("keeps no provenance"), "{printed}");
}

#[tokio::test]
async fn cargo_shows_that_nothing_was_yanked() {
    let cargo = Tool::Cargo.find().await;
    let scene = scene().await;
    let settings = format!("[registries.our-own]\nindex = \"sparse+{}index/\"\n", scene.url());
    let folder = cargo.project("folder", &[(".cargo/config.toml", &settings)]);
    for arguments in [
        &["yank", "widget@1.0.0"] as &[&str],
        &["yank", "widget@1.0.0", "--undo"],
        &["owner", "--list", "widget"],
        &["owner", "--add", "somebody", "widget"],
        &["search", "widget"],
    ] {
        let arguments = [arguments, &["--registry", "our-own"]].concat();
        let variables = [("CARGO_REGISTRIES_OUR_OWN_TOKEN", ADMIN)];
        let printed = cargo.run(&folder, &variables, &arguments).await.failed();
        assert!(
            printed.contains(UNSUPPORTED) && !printed.contains("use the URL"),
            "{arguments:?}: {printed}"
        );
    }
}

/// `gem yank` prints the answer and succeeds whatever it is; there is no answer that makes it fail.
#[needs(gem)]
#[tokio::test]
async fn gem_shows_that_nothing_was_yanked() {
    let gem = Tool::Gem.find().await;
    let scene = scene().await;
    let url = format!("{}rubygems", scene.url());
    let variables = [("GEM_HOST_API_KEY", ADMIN)];
    let run = async |arguments: &[&str]| gem.run(gem.home(), &variables, arguments).await;
    let yanked = run(&["yank", "widget", "--version", "1.0.0", "--host", &url]).await;
    assert!(yanked.stdout.contains("yanking a gem is not supported"), "{yanked:?}");
    for arguments in [
        ["owner", "widget", "--host", &url].as_slice(),
        &["owner", "widget", "--add", "a@acme.example", "--host", &url],
    ] {
        let printed = run(arguments).await.failed();
        assert!(printed.contains(UNSUPPORTED), "{arguments:?}: {printed}");
    }
}
