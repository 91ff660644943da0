//! The real tools under `trusted-publish exec`, in what is easily overlooked: words of a command that are values, other packages than the
//! one that is named, tarballs at other hosts, and settings and metadata in unusual spellings. None of them takes a package or a token to
//! a public host.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use std::path::PathBuf;

use needs::needs;
use tar::EntryType;
use tests::astray::{STATIC, World, npm_package, project};
use tests::clients::{Client, Output, Tool};
use tests::gems::{Gem, YAML, gz, tar};

const NPMJS: &str = "https://registry.npmjs.org/";

/// Checks that the command was not run, and that nothing came to a public host.
#[track_caller]
fn is_not_run(world: &World, output: Output, what: &str) {
    let printed = output.failed();
    assert!(printed.contains("is not run"), "{what}: {printed}");
    world.public_received_nothing();
}

/// A project whose root is no package, with two members of which the second names the public registry.
fn workspace(client: &Client, second: &str) -> PathBuf {
    let root = r#"{"name":"root","version":"1.0.0","private":true,"workspaces":["a","b"]}"#;
    let first = r#"{"name":"@acme/widget","version":"1.0.0"}"#;
    let files = [
        ("package.json", root),
        ("yarn.lock", ""),
        ("pnpm-workspace.yaml", "packages: [a, b]\n"),
        ("a/package.json", first),
        ("b/package.json", second),
    ];
    std::fs::write(client.home().join(".npmrc"), "//registry.npmjs.org/:_authToken=${NODE_AUTH_TOKEN}\n")
        .unwrap();
    client.project("workspace", &files)
}

#[needs(npm, pnpm, pnpm12)]
#[tokio::test]
async fn npm_and_pnpm_are_asked_whatever_the_values_of_options_are() {
    let second =
        r#"{"name":"x","version":"1.0.0","publishConfig":{"registry":"https://registry.npmjs.org/"}}"#;
    for (tool, publish) in [
        (Tool::Npm, ["publish", "-w", "x"].as_slice()),
        (Tool::Npm, &["publish", "--tag", "run", "./b"]),
        (Tool::Npm, &["stage", "publish", "-w", "x"]),
        (Tool::Pnpm, &["--filter", "x", "publish", "--no-git-checks"]),
        (Tool::Pnpm12, &["--filter", "x", "publish", "--no-git-checks"]),
        (Tool::Pnpm12, &["-r", "publish", "--no-git-checks", "--ignore-scripts", "--reporter", "silent"]),
    ] {
        let client = tool.find().await;
        let world = World::start().await;
        let folder = workspace(&client, second);
        let (url, path) = (world.scene.url(), client.path_first());
        let variables = [("NODE_AUTH_TOKEN", STATIC), ("PATH", path.to_str().unwrap())];
        let exec = ["--registry", "npm", "--url", &url, "--package", "widget"];
        let output = world.exec(&client, &folder, &exec, &variables, publish).await;
        is_not_run(&world, output, &format!("{publish:?}"));
    }
}

#[needs(npm)]
#[tokio::test]
async fn npm_is_not_run_for_a_tarball_at_another_host_that_names_a_public_host() {
    let npm = Tool::Npm.find().await;
    let world = World::start().await;
    let folder = npm_package(&npm, "widget", "//registry.npmjs.org/:_authToken=${NODE_AUTH_TOKEN}\n");
    let manifest =
        r#"{"name":"widget","version":"1.0.0","publishConfig":{"registry":"https://registry.npmjs.org/"}}"#;
    std::fs::write(folder.join("package.json"), manifest).unwrap();
    let (url, path) = (world.scene.url(), npm.path_first());
    let variables = [("NODE_AUTH_TOKEN", STATIC), ("PATH", path.to_str().unwrap())];
    let exec = ["--registry", "npm", "--url", &url, "--package", "widget"];
    world.exec(&npm, &folder, &exec, &variables, &["publish", "--registry", &url]).await.succeeded();
    let tarball = format!("{url}widget/-/widget-1.0.0.tgz");
    let output = world.exec(&npm, npm.home(), &exec, &variables, &["publish", &tarball]).await;
    is_not_run(&world, output, &tarball);
}

#[needs(yarn)]
#[tokio::test]
async fn yarn_takes_no_other_package_than_the_named_one_to_a_public_host() {
    let manifest = r#"{"name":"@acme/gadget","version":"1.0.0","publishConfig":{"registry":"https://registry.npmjs.org/"}}"#;
    let scoped = r#"{"name":"@other/gadget","version":"1.0.0"}"#;
    let each = ["workspaces", "foreach", "-A", "--no-private", "npm", "publish"];
    let yarnrc = "npmScopes:\n  other:\n    npmPublishRegistry: \"https://registry.npmjs.org\"\n";
    for (second, settings, publish) in [
        (manifest, "", each.as_slice()),
        (manifest, "", &["workspace", "@acme/gadget", "npm", "publish"]),
        (manifest, "", &["--cwd", "b", "npm", "publish"]),
        (scoped, yarnrc, &each),
        (scoped, yarnrc, &["workspace", "@other/gadget", "npm", "publish"]),
    ] {
        let yarn = Tool::Yarn.find().await;
        let world = World::start().await;
        let folder = workspace(&yarn, second);
        yarn.run(&folder, &[], &["install"]).await.succeeded();
        std::fs::write(folder.join(".yarnrc.yml"), settings).unwrap();
        let url = world.scene.url();
        let exec = ["--registry", "npm", "--url", &url, "--package", "@acme/widget"];
        let output = world.exec(&yarn, &folder, &exec, &[], publish).await;
        is_not_run(&world, output, &format!("{second} {publish:?}"));
    }
}

#[needs(yarn)]
#[tokio::test]
async fn yarn_is_known_by_its_settings_in_every_spelling() {
    let twice = "npmScopes: { acme: { npmPublishRegistry: \"http://127.0.0.1:1/\" } }\n\
                 npmScopes: { acme: { npmPublishRegistry: \"https://registry.npmjs.org\" } }\n";
    let conflict = "npmScopes:\n  onConflict: reset\n  acme:\n    npmPublishRegistry:\n      onConflict: reset\n      value: \
                    \"https://registry.npmjs.org\"\n";
    // A scope without a registry is at yarn's own public host.
    let open = "npmScopes:\n  other:\n    npmAlwaysAuth: true\n";
    for (settings, command, is_stopped) in [
        (twice, ["npm", "publish"].as_slice(), true),
        (conflict, &["npm", "publish"], true),
        (open, &["npm", "info", "@other/dep"], false),
        (open, &["npm", "tag", "list", "@other/dep"], false),
    ] {
        let yarn = Tool::Yarn.find().await;
        let world = World::start().await;
        let folder = npm_package(&yarn, "@acme/widget", "");
        yarn.run(&folder, &[], &["install"]).await.succeeded();
        std::fs::write(folder.join(".yarnrc.yml"), settings).unwrap();
        let url = world.scene.url();
        let exec = ["--registry", "npm", "--url", &url, "--package", "@acme/widget"];
        let output = world.exec(&yarn, &folder, &exec, &[], command).await;
        world.public_saw_no_secret(settings, &output);
        if is_stopped {
            is_not_run(&world, output, settings);
        }
    }
}

#[needs(bun)]
#[tokio::test]
async fn bun_is_not_run_with_settings_of_the_workspaces_root_that_name_a_public_host() {
    let bun = Tool::Bun.find().await;
    let world = World::start().await;
    let folder = workspace(&bun, r#"{"name":"gadget","version":"1.0.0"}"#);
    let settings = format!("[install.scopes]\nacme = {{ url = \"{NPMJS}\", token = \"{STATIC}\" }}\n");
    std::fs::write(folder.join("bunfig.toml"), settings).unwrap();
    let (url, path) = (world.scene.url(), bun.path_first());
    let variables = [("PATH", path.to_str().unwrap())];
    let exec = ["--registry", "npm", "--url", &url, "--package", "@acme/widget"];
    let output = world.exec(&bun, &folder.join("a"), &exec, &variables, &["publish"]).await;
    is_not_run(&world, output, "bunfig.toml of the root");
}

#[needs(hatch)]
#[tokio::test]
async fn hatch_is_not_run_where_its_settings_give_the_url_to_another_repository() {
    let hatch = Tool::Hatch.find().await;
    let world = World::start().await;
    let (folder, file) = project(&hatch).await;
    let url = format!("{}legacy/", world.scene.url());
    let settings = format!("[publish.index.repos.\"{url}\"]\nurl = \"https://upload.pypi.org/legacy/\"\n");
    std::fs::create_dir_all(hatch.home().join(".config/hatch")).unwrap();
    std::fs::write(hatch.home().join(".config/hatch/config.toml"), settings).unwrap();
    let exec = ["--registry", "pypi", "--url", &url];
    let output = world.exec(&hatch, &folder, &exec, &[], &["publish", "-n", &file]).await;
    is_not_run(&world, output, "hatch's settings");
}

/// gem itself says what it takes for a gem's metadata.
#[needs(gem)]
#[tokio::test]
async fn gem_is_not_run_for_a_gem_that_names_a_public_host_in_whatever_way() {
    let host = "https://rubygems.org";
    let named = |metadata: &str| {
        YAML.replacen("metadata:\n  allowed_push_host: http://127.0.0.1\n  x: '1'\n", metadata, 1)
    };
    let plain = named(&format!("metadata:\n  allowed_push_host: {host}\n"));
    let binary = named(&format!("metadata:\n  !binary \"YWxsb3dlZF9wdXNoX2hvc3Q=\": {host}\n"));
    let long = named(&format!("# {}\nmetadata:\n  allowed_push_host: {host}\n", "x".repeat(2 << 20)));
    let value = named(&format!("metadata:\n  a: {}\n  allowed_push_host: {host}\n", "x".repeat(2 << 20)));
    let many: String = (0..20_000).map(|number| format!("  a{number}: ''\n")).collect();
    let behind = named(&format!("metadata:\n{many}  allowed_push_host: {host}\n"));
    let data = Gem::default().data;
    let whole = |yaml: &str| {
        tar(&[
            (b"metadata.gz", EntryType::Regular, &gz(yaml.as_bytes())),
            (b"data.tar.gz", EntryType::Regular, &data),
        ])
    };
    let unpacked = tar(&[
        (b"metadata", EntryType::Regular, plain.as_bytes()),
        (b"data.tar.gz", EntryType::Regular, &data),
    ]);
    let names: Vec<String> = (0..9).map(|number| format!("x{number}")).collect();
    let metadata = gz(plain.as_bytes());
    let mut entries: Vec<(&[u8], EntryType, &[u8])> =
        names.iter().map(|name| (name.as_bytes(), EntryType::Regular, &b""[..])).collect();
    entries.extend([
        (&b"metadata.gz"[..], EntryType::Regular, &metadata[..]),
        (b"data.tar.gz", EntryType::Regular, &data),
    ]);
    for (what, gem, file) in [
        ("plain", whole(&plain), "x"),
        ("a key in base64", whole(&binary), "a.gem"),
        ("a long comment", whole(&long), "a.gem"),
        ("a long value before it", whole(&value), "a.gem"),
        ("many values before it", whole(&behind), "a.gem"),
        ("metadata that is not packed", unpacked, "a.gem"),
        ("metadata behind others", tar(&entries), "a.gem"),
    ] {
        let tool = Tool::Gem.find().await;
        let world = World::start().await;
        let folder = tool.project("gems", &[]);
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join(file), gem).unwrap();
        let url = format!("{}rubygems", world.scene.url());
        let exec = ["--registry", "rubygems", "--url", &url];
        let output = world.exec(&tool, &folder, &exec, &[], &["push", file]).await;
        is_not_run(&world, output, what);
    }
}
