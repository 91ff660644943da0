//! A command's environment where settings files send the package, or the variable that has the token, to another registry.

use super::{NPMJS, OWN, job};

#[tokio::test]
async fn a_variable_that_files_send_to_another_registry_holds_no_token_for_this_one() {
    let setup_nodes =
        "//registry.npmjs.org/:_authToken=${NODE_AUTH_TOKEN}\nregistry=https://registry.npmjs.org/\n";
    for (path, content, is_sent_elsewhere) in [
        (".npmrc", setup_nodes, true),
        ("../../.npmrc", setup_nodes, true),
        ("/home/me/.npmrc", setup_nodes, true),
        ("/tmp/user.npmrc", setup_nodes, true),
        (".npmrc", "//own.example/b/:_authToken = \"${NODE_AUTH_TOKEN}\"", true),
        (".npmrc", "//own.example.evil.example/a/:_authToken=${NODE_AUTH_TOKEN?}", true),
        (".npmrc", "_authToken=${NODE_AUTH_TOKEN}", true),
        (".npmrc", "//registry.npmjs.org/:_authToken=$NODE_AUTH_TOKEN", true),
        (".npmrc", "//registry.npmjs.org/:_authToken=${NODE_AUTH_TOKEN_OF_NPMJS}", false),
        ("/home/me/.config/pnpm/rc", setup_nodes, true),
        (
            "/home/me/.config/pnpm/config.yaml",
            "_auth:\n  https://b.example:\n    \"@\": { authToken: \"${NODE_AUTH_TOKEN}\" }\n",
            true,
        ),
        (
            "/home/me/.config/pnpm/config.yaml",
            "_auth:\n  https://own.example/a:\n    \"@\": { authToken: \"${NODE_AUTH_TOKEN}\" }\n",
            false,
        ),
        ("/opt/node/etc/npmrc", setup_nodes, true),
        ("packages/a/.npmrc", setup_nodes, true),
        ("packages/b/.npmrc", setup_nodes, true),
        ("special.npmrc", setup_nodes, true),
        (
            "bunfig.toml",
            "[install.scopes]\nb = { url = \"https://b.example\", token = \"$NODE_AUTH_TOKEN\" }\n",
            true,
        ),
        ("bunfig.toml", "[install.scopes]\nb = { token = \"$NODE_AUTH_TOKEN\" }\n", true),
        ("bunfig.toml", "[install.scopes]\nb = \"https://x:$NODE_AUTH_TOKEN@b.example\"\n", true),
        (
            "bunfig.toml",
            "[install.scopes]\nb = { url = \"https://own.example/a\", token = \"$NODE_AUTH_TOKEN\" }\n",
            false,
        ),
        (".npmrc", "//own.example/a/:_authToken=${NODE_AUTH_TOKEN}", false),
        (".npmrc", "# //registry.npmjs.org/:_authToken=${NODE_AUTH_TOKEN}", false),
        (".npmrc", "//registry.npmjs.org/:_authToken=npm_literal", false),
        (
            ".yarnrc.yml",
            "npmRegistries:\n  \"//registry.npmjs.org\":\n    npmAuthToken: \"${NODE_AUTH_TOKEN}\"\n",
            true,
        ),
        (
            ".yarnrc.yml",
            "npmRegistries:\n  //own.example/a/:\n    npmAuthToken: \"${NODE_AUTH_TOKEN}\"\n",
            false,
        ),
        (".yarnrc.yml", "npmAuthToken: \"${NODE_AUTH_TOKEN}\"\n", false),
        (
            ".yarnrc.yml",
            "npmScopes:\n  other:\n    npmAuthToken: ${NODE_AUTH_TOKEN:-}\n    npmRegistryServer: https://npm.other.example\n",
            true,
        ),
        (
            ".yarnrc.yml",
            "npmAuthToken: &ours \"${NODE_AUTH_TOKEN}\"\nnpmRegistries:\n  //npm.other.example:\n    npmAuthToken: *ours\n",
            true,
        ),
        (
            ".yarnrc.yml",
            "npmRegistries:\n  //own.example/a: &ours\n    npmAuthToken: \"${NODE_AUTH_TOKEN}\"\n  //npm.other.example: *ours\n",
            true,
        ),
    ] {
        let job = job("npm").package("widget").file(path, content).with("NODE_AUTH_TOKEN", "static");
        let job = job.with("HOME", "/home/me").with("NPM_CONFIG_USERCONFIG", "/tmp/user.npmrc");
        let mut job = job.with("PATH", "/usr/local/bin:/opt/node/bin");
        job.command = vec![
            "npm",
            "publish",
            "--prefix",
            "packages/a",
            "-C=packages/b",
            "--userconfig",
            "special.npmrc",
        ];
        let seen = job.fresh().await;
        let expected = if is_sent_elsewhere { "static" } else { "fresh" };
        seen.has(&[
            ("NODE_AUTH_TOKEN", expected),
            ("NPM_TOKEN", "fresh"),
            ("npm_config_//own.example/a/:_authToken", "fresh"),
        ]);
        assert_eq!(seen.notes.contains("NODE_AUTH_TOKEN is left as it is"), is_sent_elsewhere, "{content}");
    }
}

#[tokio::test]
async fn a_manifest_or_a_scope_that_sends_the_package_elsewhere_gets_no_token() {
    let manifest = r#"{"name":"widget","publishConfig":{"registry":"https://registry.npmjs.org/"}}"#;
    let seen = job("npm").package("widget").file("package.json", manifest).fresh().await;
    seen.lacks(&["YARN_NPM_AUTH_TOKEN"]);
    assert!(seen.notes.contains("--registry https://own.example/a/"), "{}", seen.notes);
    assert!(
        seen.notes.contains("yarn gets no token") && seen.notes.contains("bun publishes at"),
        "{}",
        seen.notes
    );
    let mut named = job("npm").package("widget").file("packages/a/package.json", manifest);
    named.command = vec!["yarn", "--cwd=packages/a", "npm", "publish"];
    named.fresh().await.lacks(&["YARN_NPM_AUTH_TOKEN"]);
    // yarn passes over a byte order mark.
    let marked = format!("\u{feff}{manifest}").leak();
    job("npm").package("widget").file("package.json", marked).fresh().await.lacks(&["YARN_NPM_AUTH_TOKEN"]);
    let of_scope =
        r#"{"name":"@acme/widget","publishConfig":{"@acme:registry":"https://registry.npmjs.org/"}}"#;
    let seen = job("npm").package("@acme/widget").file("package.json", of_scope).fresh().await;
    assert!(seen.notes.contains("`publishConfig.@acme:registry` in package.json is that"), "{}", seen.notes);
    let stated = r#"{"publishConfig":{"scope":"@else","@else:registry":"https://registry.npmjs.org/"}}"#;
    let seen = job("npm").package("widget").file("package.json", stated).fresh().await;
    assert!(seen.notes.contains("`publishConfig.@else:registry` in package.json is that"), "{}", seen.notes);
    for (config, is_said) in [
        (r#"{"@acme:registry":""}"#, false),
        (r#"{"registry":""}"#, true),
        (r#"{"registry":null}"#, true),
        (r#"{"access":"public"}"#, false),
    ] {
        let manifest = format!(r#"{{"publishConfig":{config}}}"#).leak();
        let seen = job("npm").package("widget").file("package.json", manifest).fresh().await;
        assert_eq!(
            seen.notes.contains("npm and pnpm publish at `https://registry.npmjs.org/`"),
            is_said,
            "{config}"
        );
        let seen = job("npm").package("@acme/widget").file("package.json", manifest).fresh().await;
        assert!(!seen.notes.contains("npm and pnpm publish at"), "{config} {}", seen.notes);
    }
    let lines = format!("a={}\n", "b".repeat(4093)).repeat(1 << 10);
    let long = format!("{lines}//registry.npmjs.org/:_authToken=${{NODE_AUTH_TOKEN}}\n");
    let seen = job("npm").package("widget").file(".npmrc", long.leak()).fresh().await;
    seen.lacks(&["NODE_AUTH_TOKEN"]);
    // Another package's manifest says nothing of this one, and one that names this registry is right.
    for (package, registry) in [("gadget", NPMJS), ("widget", OWN)] {
        let manifest = format!(r#"{{"name":"widget","publishConfig":{{"registry":"{registry}"}}}}"#);
        let seen = job("npm").package(package).file("package.json", manifest.leak()).fresh().await;
        seen.has(&[("YARN_NPM_AUTH_TOKEN", "fresh")]);
        assert_eq!(seen.notes, "");
    }

    let npmrc = "@acme:registry = https://registry.npmjs.org/\n";
    let seen = job("npm").package("@acme/widget").file(".npmrc", npmrc).fresh().await;
    seen.has(&[("npm_config_@acme:registry", OWN)]);
    assert!(seen.notes.contains("bun publishes at `https://registry.npmjs.org/`"), "{}", seen.notes);

    let scopes = "npmScopes:\n  acme:\n    npmPublishRegistry: \"https://registry.npmjs.org\"\n";
    let scoped = job("npm").file(".yarnrc.yml", scopes).with("YARN_NPM_AUTH_TOKEN", "static");
    let seen = scoped.clone().package("@acme/widget").fresh().await;
    seen.lacks(&["YARN_NPM_AUTH_TOKEN"]);
    assert!(seen.notes.contains("`.yarnrc.yml` sends the package to"), "{}", seen.notes);
    let other = scoped.package("@other/widget").run_by(&["yarn", "npm", "publish"]);
    other.fresh().await.has(&[("YARN_NPM_AUTH_TOKEN", "fresh")]);

    for scopes in [
        "[install.scopes]\nacme = \"https://registry.npmjs.org/\"\n",
        "[install.scopes]\nacme = { token = \"static\" }\n",
        "[install.scopes]\n\"@acme\" = { url = \"https://registry.npmjs.org/\", token = \"$OTHER_TOKEN\" }\n",
    ] {
        let scoped = job("npm").file("bunfig.toml", scopes);
        let seen = scoped.clone().package("@acme/widget").fresh().await;
        seen.lacks(&["BUN_CONFIG_TOKEN"]);
        assert!(seen.notes.contains("`bunfig.toml` sends the package to"), "{}", seen.notes);
        scoped.clone().package("@other/widget").fresh().await.has(&[("BUN_CONFIG_TOKEN", "fresh")]);
        scoped.package("widget").fresh().await.has(&[("BUN_CONFIG_TOKEN", "fresh")]);
    }
}
