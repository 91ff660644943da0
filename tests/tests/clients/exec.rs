//! The real tools under `trusted-publish exec`, told nothing else: each publishes at `--url`, and the public hosts receive
//! nothing, although every tool is ready to go there.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use needs::needs;
use tests::astray::{STATIC, World, gem_package, npm_package, project, with_dependencies};
use tests::clients::Tool;

/// A tool for Python indexes, under `exec` and then by itself with a token alone.
async fn python(tool: Tool, publish: &[&str], token: &[(&str, &str)]) {
    let client = tool.find().await;
    let world = World::start().await;
    let (folder, file) = project(&client).await;
    let publish: Vec<&str> =
        publish.iter().map(|&part| if part == "FILE" { file.as_str() } else { part }).collect();
    let url = format!("{}legacy/", world.scene.url());
    // A static credential of the public index, and a destination, which both lose.
    let output = world.exec(&client, &folder, &["--registry", "pypi", "--url", &url], token, &publish).await;
    let said = output.stderr.clone();
    output.succeeded();
    assert!(said.contains(&format!("the token is valid for {url} and no other registry")), "{said}");
    assert_ne!(world.scene.count("hosted_file").await, 0);
    world.public_received_nothing();

    // hatch takes no proxy, so that it would look for the real host.
    if matches!(tool, Tool::Hatch) {
        return;
    }
    let publish: Vec<&str> =
        publish.into_iter().filter(|part| !matches!(*part, "-r" | "trusted-publish")).collect();
    let output = world.astray(&client, &folder, token, &publish).await;
    world.public_saw(STATIC, &output);
}

#[needs(twine)]
#[tokio::test]
async fn twine_publishes_at_the_url_and_nowhere_else() {
    let token = [("TWINE_USERNAME", "__token__"), ("TWINE_PASSWORD", STATIC)];
    python(Tool::Twine, &["upload", "--non-interactive", "FILE"], &token).await;
}

#[needs(uv)]
#[tokio::test]
async fn uv_publishes_at_the_url_and_nowhere_else() {
    python(Tool::Uv, &["publish", "FILE"], &[("UV_PUBLISH_TOKEN", STATIC)]).await;
}

#[needs(maturin)]
#[tokio::test]
async fn maturin_publishes_at_the_url_and_nowhere_else() {
    python(Tool::Maturin, &["upload", "--non-interactive", "FILE"], &[("MATURIN_PYPI_TOKEN", STATIC)]).await;
}

#[needs(flit)]
#[tokio::test]
async fn flit_publishes_at_the_url_and_nowhere_else() {
    let token = [("FLIT_USERNAME", "__token__"), ("FLIT_PASSWORD", STATIC)];
    python(Tool::Flit, &["publish", "--format", "wheel"], &token).await;
}

#[needs(hatch)]
#[tokio::test]
async fn hatch_publishes_at_the_url_and_nowhere_else() {
    let token = [("HATCH_INDEX_USER", "__token__"), ("HATCH_INDEX_AUTH", STATIC)];
    python(Tool::Hatch, &["publish", "-n", "FILE"], &token).await;
}

#[needs(pdm)]
#[tokio::test]
async fn pdm_publishes_at_the_url_and_nowhere_else() {
    let token = [("PDM_PUBLISH_USERNAME", "__token__"), ("PDM_PUBLISH_PASSWORD", STATIC)];
    python(Tool::Pdm, &["publish", "--no-build"], &token).await;
}

#[needs(poetry)]
#[tokio::test]
async fn poetry_publishes_at_the_url_by_the_name_that_it_is_told() {
    let token = [("POETRY_PYPI_TOKEN_PYPI", STATIC)];
    python(Tool::Poetry, &["publish", "-n", "-r", "trusted-publish"], &token).await;
}

#[needs(poetry)]
#[tokio::test]
async fn poetry_without_a_name_is_not_run() {
    let poetry = Tool::Poetry.find().await;
    let world = World::start().await;
    let (folder, _) = project(&poetry).await;
    let url = format!("{}legacy/", world.scene.url());
    let options = ["--registry", "pypi", "--url", &url];
    let refused = world.exec(&poetry, &folder, &options, &[], &["publish", "-n"]).await.failed();
    assert!(refused.contains("add `-r trusted-publish`"), "{refused}");
    assert_eq!(world.scene.count("oidc_token").await, 0);
    world.public_received_nothing();
}

/// The file that `actions/setup-node` writes, with its registry.
const SETUP_NODE: &str = "//registry.npmjs.org/:_authToken=${NODE_AUTH_TOKEN}\nregistry=https://registry.npmjs.org/\nalways-auth=false\n";
/// The file that it writes for a scope.
const SETUP_NODE_SCOPED: &str =
    "//registry.npmjs.org/:_authToken=${NODE_AUTH_TOKEN}\n@acme:registry=https://registry.npmjs.org/\n";

/// A file whose scope stands for that of packages without one.
const OTHER_SCOPE: &str = "//registry.npmjs.org/:_authToken=${NODE_AUTH_TOKEN}\nscope=else\n@else:registry=https://registry.npmjs.org/\n";

/// A tool for npm registries, under `exec` and then by itself.
async fn npm(tool: Tool, name: &str, npmrc: &str, publish: &[&str], token: &[(&str, &str)]) {
    let client = tool.find().await;
    let world = World::start().await;
    let folder = npm_package(&client, name, npmrc);
    if matches!(tool, Tool::Yarn) {
        client.run(&folder, &[], &["install"]).await.succeeded();
    } else {
        with_dependencies(tool, &folder);
    }
    let url = world.scene.url();
    let path = client.path_first();
    let variables = [token, &[("NODE_AUTH_TOKEN", STATIC), ("PATH", path.to_str().unwrap())]].concat();
    let options = ["--registry", "npm", "--url", &url, "--package", name];
    let output = world.exec(&client, &folder, &options, &variables, publish).await;
    let said = output.stderr.clone();
    output.succeeded();
    assert!(said.contains(&format!("the token is valid for {url} and no other registry")), "{said}");
    let by = world.scene.registry.npm().published_by(name, "1.0.0").await.unwrap();
    assert!(by.is_some(), "{said}");
    world.public_received_nothing();

    let output = world.astray(&client, &folder, &variables, publish).await;
    world.public_saw(STATIC, &output);
}

#[needs(npm)]
#[tokio::test]
async fn npm_publishes_at_the_url_whatever_setup_node_wrote() {
    for (name, npmrc) in
        [("widget", SETUP_NODE), ("widget", OTHER_SCOPE), ("@acme/widget", SETUP_NODE_SCOPED)]
    {
        npm(Tool::Npm, name, npmrc, &["publish"], &[]).await;
    }
}

#[needs(pnpm)]
#[tokio::test]
async fn pnpm_publishes_at_the_url_whatever_setup_node_wrote() {
    for (name, npmrc) in [("widget", SETUP_NODE), ("@acme/widget", SETUP_NODE_SCOPED)] {
        npm(Tool::Pnpm, name, npmrc, &["publish", "--no-git-checks"], &[]).await;
    }
}

#[needs(pnpm12)]
#[tokio::test]
async fn pnpm_12_publishes_at_the_url_whatever_setup_node_wrote() {
    for (name, npmrc) in [("widget", SETUP_NODE), ("@acme/widget", SETUP_NODE_SCOPED)] {
        npm(Tool::Pnpm12, name, npmrc, &["publish", "--no-git-checks"], &[]).await;
    }
}

#[needs(bun)]
#[tokio::test]
async fn bun_publishes_at_the_url_whatever_setup_node_wrote() {
    npm(Tool::Bun, "@acme/widget", SETUP_NODE, &["publish"], &[]).await;
}

#[needs(yarn)]
#[tokio::test]
async fn yarn_publishes_at_the_url_and_nowhere_else() {
    npm(Tool::Yarn, "@acme/widget", "", &["npm", "publish"], &[("YARN_NPM_AUTH_TOKEN", STATIC)]).await;
}

/// A package whose manifest names the public registry, which no variable overrides: nobody but `--url` sees the token.
#[needs(bun, npm, pnpm, pnpm12)]
#[tokio::test]
async fn a_package_that_its_manifest_sends_elsewhere_takes_no_token_there() {
    for (tool, publish, may_be_told) in [
        (Tool::Npm, ["publish"].as_slice(), true),
        (Tool::Pnpm, &["publish", "--no-git-checks"], true),
        (Tool::Pnpm12, &["publish", "--no-git-checks"], false),
        (Tool::Bun, &["publish"], false),
    ] {
        let client = tool.find().await;
        let world = World::start().await;
        let folder = npm_package(&client, "widget", SETUP_NODE);
        let manifest = r#"{"name":"widget","version":"1.0.0","publishConfig":{"registry":"https://registry.npmjs.org/"}}"#;
        std::fs::write(folder.join("package.json"), manifest).unwrap();
        let url = world.scene.url();
        let path = client.path_first();
        let variables = [("PATH", path.to_str().unwrap())];
        let options = ["--registry", "npm", "--url", &url, "--package", "widget"];
        let printed = world.exec(&client, &folder, &options, &variables, publish).await.failed();
        assert!(printed.contains("publishConfig.registry"), "{printed}");
        assert!(world.public.saw("tpub_").is_empty(), "{:?}", world.public.asked());
        if may_be_told {
            assert!(printed.contains(&format!("--registry {url}")), "{printed}");
            let told = [publish, &["--registry", &url]].concat();
            world.exec(&client, &folder, &options, &variables, &told).await.succeeded();
        }
        assert!(world.public.saw("tpub_").is_empty(), "{:?}", world.public.asked());
    }
}

#[tokio::test]
async fn cargo_publishes_at_the_url_and_nowhere_else() {
    let cargo = Tool::Cargo.find().await;
    let world = World::start().await;
    let manifest = "[package]\nname = \"widget\"\nversion = \"1.0.0\"\nedition = \"2024\"\nlicense = \"MIT\"\n\
                    description = \"A test\"\n[workspace]\n";
    let folder = cargo.project("widget", &[("Cargo.toml", manifest), ("src/lib.rs", "")]);
    let url = world.scene.url();
    let publish = ["publish", "--allow-dirty", "--no-verify"];
    let token = [("CARGO_REGISTRY_TOKEN", STATIC)];
    let output =
        world.exec(&cargo, &folder, &["--registry", "crates-io", "--url", &url], &token, &publish).await;
    output.succeeded();
    assert!(world.scene.registry.cargo().published_by("widget-1.0.0.crate").await.unwrap().is_some());
    world.public_received_nothing();

    let output = world.astray(&cargo, &folder, &token, &publish).await;
    world.public_saw(STATIC, &output);
}

/// cargo publishes at the only registry that a manifest names, whatever a variable says.
#[tokio::test]
async fn cargo_is_not_run_for_a_package_that_names_another_registry() {
    let cargo = Tool::Cargo.find().await;
    let world = World::start().await;
    let url = world.scene.url();
    let package = |name: &str, registries: &str| {
        format!(
            "[package]\nname = \"{name}\"\nversion = \"1.0.0\"\nedition = \"2024\"\nlicense = \"MIT\"\ndescription = \"A test\"\n\
             publish = {registries}\n"
        )
    };
    let other = "[registries.other]\nindex = \"sparse+https://index.crates.io/\"\n";
    let publish = ["publish", "--allow-dirty", "--no-verify"];
    let options = ["--registry", "crates-io", "--url", &url];
    let token = [("CARGO_REGISTRIES_OTHER_TOKEN", STATIC), ("CARGO_REGISTRY_TOKEN", STATIC)];
    for (registries, more, is_published) in [
        (r#"["other"]"#, &["-p", "widget"][..], false),
        (r#"["crates-io"]"#, &[], false),
        (r#"["trusted-publish"]"#, &["-p", "gadget"], true),
        ("true", &["-p", "widget", "--registry", "other"], false),
        ("true", &["-p", "widget", "--registry", "trusted-publish"], true),
    ] {
        let (widget, gadget) = (package("widget", registries), package("gadget", registries));
        let files = [
            ("Cargo.toml", "[workspace]\nmembers = [\"a\", \"b\"]\nresolver = \"3\"\n"),
            ("a/Cargo.toml", widget.as_str()),
            ("a/src/lib.rs", ""),
            ("b/Cargo.toml", gadget.as_str()),
            ("b/src/lib.rs", ""),
            (".cargo/config.toml", other),
        ];
        let folder = cargo.project("workspace", &files);
        let arguments = [&publish[..], more].concat();
        let output = world.exec(&cargo, &folder, &options, &token, &arguments).await;
        assert_eq!(output.status.success(), is_published, "{registries} {more:?}: {output:?}");
        // Without cargo on the path, the manifest is cargo's own to refuse.
        let is_stopped = ["is not run", "is not listed"].iter().any(|text| output.stderr.contains(text));
        assert_eq!(is_stopped, !is_published, "{registries}: {output:?}");
        world.public_received_nothing();
    }
}

#[needs(gem)]
#[tokio::test]
async fn gem_publishes_at_the_url_and_nowhere_else() {
    let gem = Tool::Gem.find().await;
    let world = World::start().await;
    let folder = gem_package(&gem, "").await;
    let url = format!("{}rubygems/", world.scene.url());
    let token = [("GEM_HOST_API_KEY", STATIC)];
    let push = ["push", "built.gem"];
    let output = world.exec(&gem, &folder, &["--registry", "rubygems", "--url", &url], &token, &push).await;
    output.succeeded();
    assert!(world.scene.registry.rubygems().published_by("widget-1.0.0.gem").await.unwrap().is_some());
    world.public_received_nothing();

    let output = world.astray(&gem, &folder, &token, &push).await;
    world.public_saw(STATIC, &output);
}

/// A gem may name the host that it is pushed to, which gem obeys before any variable. With `--host` it goes to the URL or to nobody.
#[needs(gem)]
#[tokio::test]
async fn a_gem_that_names_another_host_goes_to_the_url_that_the_command_names_or_to_nobody() {
    let gem = Tool::Gem.find().await;
    let world = World::start().await;
    let url = format!("{}rubygems", world.scene.url());
    for (key, is_pushed) in [("default_gem_server", true), ("allowed_push_host", false)] {
        let folder =
            gem_package(&gem, &format!("s.metadata = {{ '{key}' => 'https://gems.example' }}")).await;
        let options = ["--registry", "rubygems", "--url", &url];
        let told = world.exec(&gem, &folder, &options, &[], &["push", "built.gem", "--host", &url]).await;
        assert_eq!(told.status.success(), is_pushed, "{told:?}");
        world.public_received_nothing();
        // Without it, the gem is not pushed.
        let stopped = world.exec(&gem, &folder, &options, &[], &["push", "built.gem"]).await.failed();
        assert!(stopped.contains(&format!("`{key}` in the gem's own metadata")), "{stopped}");
        world.public_received_nothing();
        // Where the gem is not known, nothing is run.
        let untold = world.exec(&gem, &folder, &options, &[], &["push", "missing.gem"]).await.failed();
        assert!(untold.contains("which of its words is the gem is not known"), "{untold}");
    }
}
