//! The real tools under `trusted-publish exec`, told of a public host by an option that is cut short, by options in a settings file, by
//! a setting of the same name nearer by, or by what npm and pnpm alone put together. None of them takes a package or a token there.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use std::io::Write as _;
use std::path::{Path, PathBuf};

use needs::needs;
use tests::astray::{STATIC, World, gem_package, npm_package, project};
use tests::clients::{Client, Output, Tool};

const PYPI: &str = "https://upload.pypi.org/legacy/";
const NPMJS: &str = "https://registry.npmjs.org/";

/// Checks that the command was not run, and that nothing came to a public host.
#[track_caller]
fn is_not_run(world: &World, output: Output, what: &str) {
    let printed = output.failed();
    let is_said = ["names another registry", "is not run"].iter().any(|said| printed.contains(said));
    assert!(is_said, "{what}: {printed}");
    world.public_received_nothing();
}

#[needs(hatch, pdm, twine)]
#[tokio::test]
async fn python_tools_are_not_run_with_options_that_name_a_public_host() {
    let options = "[tool.pdm.options]\npublish = [\"-r\", \"pypi\"]\n";
    for (tool, publish, more) in [
        (Tool::Twine, ["upload", "--non-interactive", "--repository-u", PYPI, "FILE"].as_slice(), ""),
        (Tool::Hatch, &["publish", "-nr", PYPI, "FILE"], ""),
        (Tool::Pdm, &["publish", "--no-build", "--reposi", PYPI], ""),
        (Tool::Pdm, &["publish", "--no-build", "--repo", "pypi"], ""),
        (Tool::Pdm, &["publish", "--no-build"], options),
    ] {
        let client = tool.find().await;
        let world = World::start().await;
        let (folder, file) = project(&client).await;
        append(&folder.join("pyproject.toml"), more);
        let publish: Vec<&str> =
            publish.iter().map(|&part| if part == "FILE" { file.as_str() } else { part }).collect();
        let url = format!("{}legacy/", world.scene.url());
        let exec = ["--registry", "pypi", "--url", &url];
        is_not_run(
            &world,
            world.exec(&client, &folder, &exec, &[], &publish).await,
            &format!("{publish:?} {more}"),
        );
        if !more.is_empty() {
            // As the message advises.
            let told = [&publish[..], &["-r", &url]].concat();
            world.exec(&client, &folder, &exec, &[], &told).await.succeeded();
            world.public_received_nothing();
        }
    }
}

fn append(path: &Path, text: &str) {
    let mut file = std::fs::OpenOptions::new().append(true).open(path).unwrap();
    file.write_all(text.as_bytes()).unwrap();
}

#[needs(gem)]
#[tokio::test]
async fn gem_is_not_run_with_options_or_settings_that_name_a_public_host() {
    let gem = Tool::Gem.find().await;
    let world = World::start().await;
    let folder = gem_package(&gem, "").await;
    let url = format!("{}rubygems", world.scene.url());
    let exec = ["--registry", "rubygems", "--url", &url];
    for push in [
        ["push", "built.gem", "--hos", "https://rubygems.org"],
        ["pus", "built.gem", "--ho=https://rubygems.org", "-V"],
    ] {
        is_not_run(&world, world.exec(&gem, &folder, &exec, &[], &push).await, &format!("{push:?}"));
    }
    std::fs::write(gem.home().join(".gemrc"), "---\npush: --host https://rubygems.org\n").unwrap();
    let push = ["push", "built.gem"];
    is_not_run(&world, world.exec(&gem, &folder, &exec, &[], &push).await, ".gemrc");
    let told = [&push[..], &["--host", &url]].concat();
    world.exec(&gem, &folder, &exec, &[], &told).await.succeeded();
    world.public_received_nothing();
}

const MANIFEST: &str = "[package]\nname = \"widget\"\nversion = \"1.0.0\"\nedition = \"2024\"\nlicense = \"MIT\"\ndescription = \"A test\"\n[workspace]\n";

#[tokio::test]
async fn cargo_takes_nothing_to_a_public_host_by_nearer_settings_or_those_of_the_command() {
    let theirs = "[registries.ours]\nindex = \"sparse+https://index.crates.io/\"\n[alias]\npub = \"publish --registry crates-io\"\n";
    let publish = ["publish", "--allow-dirty", "--no-verify"];
    for (command, is_published) in [
        (&publish[..], true),
        (&["pub", "--allow-dirty", "--no-verify"], false),
        (&[&publish[..], &["--config", "registry.default='crates-io'"]].concat(), false),
        (
            &[&publish[..], &["--config", "registries.ours.index='sparse+https://index.crates.io/'"]]
                .concat(),
            true,
        ),
        (
            &[
                &publish[..],
                &["--config", "registries.trusted-publish.index='sparse+https://index.crates.io/'"],
            ]
            .concat(),
            false,
        ),
    ] {
        let cargo = Tool::Cargo.find().await;
        let world = World::start().await;
        let url = world.scene.url();
        let folder = cargo.project(
            "widget",
            &[("Cargo.toml", MANIFEST), ("src/lib.rs", ""), (".cargo/config.toml", theirs)],
        );
        let ours = format!("[registries.ours]\nindex = \"sparse+{url}index/\"\n");
        cargo.project(".cargo", &[("config.toml", &ours)]);
        let token = [("CARGO_REGISTRY_TOKEN", STATIC)];
        let exec = ["--registry", "crates-io", "--url", &url];
        let output = world.exec(&cargo, &folder, &exec, &token, command).await;
        if is_published {
            output.succeeded();
            let by = world.scene.registry.cargo().published_by("widget-1.0.0.crate").await.unwrap();
            assert!(by.is_some(), "{command:?}");
            world.public_received_nothing();
        } else {
            is_not_run(&world, output, &format!("{command:?}"));
        }
    }
}

#[needs(yarn)]
#[tokio::test]
async fn yarn_publishes_at_the_url_however_a_variable_is_spelled() {
    let yarn = Tool::Yarn.find().await;
    let world = World::start().await;
    let folder = npm_package(&yarn, "@acme/widget", "");
    yarn.run(&folder, &[], &["install"]).await.succeeded();
    let url = world.scene.url();
    let exec = ["--registry", "npm", "--url", &url, "--package", "@acme/widget"];
    let variables = [
        ("yarn_npm_publish_registry", NPMJS),
        ("Yarn_Npm_Publish_Registry", NPMJS),
        ("YARN_NPM__PUBLISH_REGISTRY", NPMJS),
        ("yarn_npm_auth_token", STATIC),
    ];
    world.exec(&yarn, &folder, &exec, &variables, &["npm", "publish"]).await.succeeded();
    world.public_received_nothing();
    let output = world.astray(&yarn, &folder, &variables, &["npm", "publish"]).await;
    world.public_saw(STATIC, &output);
}

/// A project whose root is no package, with a member that names the public registry.
fn workspace(client: &Client) -> PathBuf {
    let root = r#"{"name":"root","version":"1.0.0","private":true,"workspaces":["packages/*"]}"#;
    let member = r#"{"name":"widget","version":"1.0.0","publishConfig":{"registry":"https://registry.npmjs.org/"},"scripts":{"prepack":"touch ran","prepublishOnly":"touch ran"}}"#;
    let files = [
        ("package.json", root),
        ("pnpm-workspace.yaml", "packages:\n  - packages/*\n"),
        ("packages/w/package.json", member),
    ];
    client.project("workspace", &files)
}

/// The registry that npm or pnpm itself chooses by options, manifests and settings.
#[needs(npm, pnpm)]
#[tokio::test]
async fn npm_and_pnpm_are_not_run_where_their_own_dry_run_names_a_public_host() {
    let setup_nodes = "//registry.npmjs.org/:_authToken=${NODE_AUTH_TOKEN}\n";
    for (tool, publish) in [
        (Tool::Npm, ["publish", "--workspace=widget"].as_slice()),
        (Tool::Npm, &["publish", "--workspaces"]),
        (Tool::Npm, &["publis", "-w", "widget", "--no-dry-run"]),
        (Tool::Npm, &["publish", "packages/w", "--reg", NPMJS]),
        (Tool::Npm, &["publish", "-registry", NPMJS, "--silent", "--", "packages/w"]),
        (Tool::Pnpm, &["--recursive", "publish", "--no-git-checks"]),
        (Tool::Pnpm, &["--filter", "widget", "publish", "--no-git-checks"]),
    ] {
        let client = tool.find().await;
        let world = World::start().await;
        let folder = workspace(&client);
        std::fs::write(client.home().join(".npmrc"), setup_nodes).unwrap();
        let (url, path) = (world.scene.url(), client.path_first());
        let variables = [("NODE_AUTH_TOKEN", STATIC), ("PATH", path.to_str().unwrap())];
        let exec = ["--registry", "npm", "--url", &url, "--package", "widget"];
        let output = world.exec(&client, &folder, &exec, &variables, publish).await;
        is_not_run(&world, output, &format!("{publish:?}"));
        assert!(!folder.join("packages/w/ran").exists(), "{publish:?}: a dry run runs no script");
    }
}

#[needs(npm, pnpm)]
#[tokio::test]
async fn npm_and_pnpm_are_not_run_for_a_tarball_whose_manifest_names_a_public_host() {
    for (tool, more) in [(Tool::Npm, [].as_slice()), (Tool::Pnpm, &["--no-git-checks"])] {
        let client = tool.find().await;
        let world = World::start().await;
        let folder = workspace(&client);
        let (url, path) = (world.scene.url(), client.path_first());
        let variables = [("PATH", path.to_str().unwrap())];
        let npm = Tool::Npm.find().await;
        let packed =
            npm.run(&folder.join("packages/w"), &variables, &["pack", "--ignore-scripts"]).await.succeeded();
        std::fs::rename(folder.join("packages/w").join(packed.trim()), client.home().join("a.tgz")).unwrap();
        let exec = ["--registry", "npm", "--url", &url, "--package", "widget"];
        let publish = [&["publish", "./a.tgz"], more].concat();
        let output = world.exec(&client, client.home(), &exec, &variables, &publish).await;
        is_not_run(&world, output, &format!("{publish:?}"));
        let told = [&publish[..], &["--registry", &url]].concat();
        let printed = world.exec(&client, client.home(), &exec, &variables, &told).await;
        printed.succeeded();
        world.public_received_nothing();
    }
}
