//! The real tools under `trusted-publish exec`, in a project whose settings files name a public host: none of them takes a token
//! there.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use std::path::Path;

use needs::needs;
use tests::astray::{World, npm_package, project};
use tests::clients::{Client, Tool};
use tests::scene::borrowed;

#[needs(flit, hatch, maturin, pdm, poetry, twine, uv)]
#[tokio::test]
async fn settings_files_that_name_a_public_host_for_python_take_no_token_there() {
    let pypirc = "[distutils]\nindex-servers = pypi\n[pypi]\nrepository = https://upload.pypi.org/legacy/\nusername = __token__\n\
                  password = static-hunter2\n";
    let uv = "publish-url = \"https://upload.pypi.org/legacy/\"\n[[index]]\nname = \"pypi\"\nurl = \"https://pypi.org/simple/\"\n\
              publish-url = \"https://upload.pypi.org/legacy/\"\ndefault = true\n";
    let pdm = "[repository.pypi]\nurl = \"https://upload.pypi.org/legacy/\"\nusername = \"__token__\"\npassword = \"static-hunter2\"\n";
    let poetry = "[repositories.trusted-publish]\nurl = \"https://upload.pypi.org/legacy/\"\n";
    let hatch = "[publish.index]\nrepo = \"main\"\nuser = \"__token__\"\nauth = \"static-hunter2\"\n[publish.index.repos.main]\n\
                 url = \"https://upload.pypi.org/legacy/\"\n";
    for (tool, publish, file, text) in [
        (Tool::Twine, ["upload", "--non-interactive", "FILE"].as_slice(), "~/.pypirc", pypirc),
        (Tool::Flit, &["publish", "--format", "wheel"], "~/.pypirc", pypirc),
        (Tool::Maturin, &["upload", "--non-interactive", "FILE"], "~/.pypirc", pypirc),
        (Tool::Uv, &["publish", "FILE"], "uv.toml", uv),
        (Tool::Hatch, &["publish", "--no-prompt"], "~/.config/hatch/config.toml", hatch),
        (Tool::Pdm, &["publish", "--no-build"], "pdm.toml", pdm),
        (Tool::Poetry, &["publish", "-n", "-r", "trusted-publish"], "poetry.toml", poetry),
    ] {
        let client = tool.find().await;
        let world = World::start().await;
        let (folder, wheel) = project(&client).await;
        write_settings(&client, &folder, file, text);
        let publish: Vec<&str> =
            publish.iter().map(|&part| if part == "FILE" { &*wheel } else { part }).collect();
        let url = format!("{}legacy/", world.scene.url());
        let output =
            world.exec(&client, &folder, &["--registry", "pypi", "--url", &url], &[], &publish).await;
        world.public_saw_no_secret(file, &output);
        output.succeeded();
    }
}

fn write_settings(client: &Client, folder: &Path, file: &str, text: &str) {
    let path = file.strip_prefix("~/").map_or_else(|| folder.join(file), |file| client.home().join(file));
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

#[needs(bun, npm, pnpm, yarn)]
#[tokio::test]
async fn settings_files_that_name_a_public_host_for_javascript_take_no_token_there() {
    let npmrc = "registry=https://registry.npmjs.org/\n@acme:registry=https://registry.npmjs.org/\n\
                 //registry.npmjs.org/:_authToken=${NODE_AUTH_TOKEN}\n";
    let lower = "registry = \"https://registry.npmjs.org/\"\n@acme:registry = 'https://registry.npmjs.org/'\n\
                 //registry.npmjs.org/:_authToken = ${NPM_TOKEN}\n";
    let yarnrc = "npmPublishRegistry: https://registry.npmjs.org\nnpmScopes:\n  acme:\n    npmPublishRegistry: https://registry.npmjs.org\n";
    let bunfig = "[install]\nregistry = \"https://registry.npmjs.org/\"\n[install.scopes]\n\
                  acme = { url = \"https://registry.npmjs.org/\", token = \"$BUN_CONFIG_TOKEN\" }\n";
    for (tool, publish, file, text) in [
        (Tool::Npm, ["publish"].as_slice(), ".npmrc", npmrc),
        (Tool::Npm, &["publish"], ".npmrc", lower),
        (Tool::Pnpm, &["publish", "--no-git-checks"], ".npmrc", npmrc),
        (Tool::Pnpm, &["publish", "--no-git-checks"], ".npmrc", lower),
        (Tool::Yarn, &["npm", "publish"], ".yarnrc.yml", yarnrc),
        (Tool::Bun, &["publish"], ".npmrc", npmrc),
        (Tool::Bun, &["publish"], "bunfig.toml", bunfig),
        (Tool::Bun, &["publish"], "~/.bunfig.toml", bunfig),
    ] {
        let client = tool.find().await;
        let world = World::start().await;
        let folder = npm_package(&client, "@acme/widget", "");
        if matches!(tool, Tool::Yarn) {
            client.run(&folder, &[], &["install"]).await.succeeded();
        }
        write_settings(&client, &folder, file, text);
        let (url, path) = (world.scene.url(), client.path_first());
        let variables = [
            ("PATH", path.to_str().unwrap()),
            ("Npm_Config_Registry", "https://registry.npmjs.org/"),
            ("NPM_CONFIG_@acme:registry", "https://registry.npmjs.org/"),
        ];
        let options = ["--registry", "npm", "--url", &url, "--package", "@acme/widget"];
        let output = world.exec(&client, &folder, &options, &variables, publish).await;
        world.public_saw_no_secret(file, &output);
        // Where no variable overrides the file, it is said which.
        let by = world.scene.registry.npm().published_by("@acme/widget", "1.0.0").await.unwrap();
        let is_said = ["at", "to"]
            .iter()
            .any(|word| output.stderr.contains(&format!("{word} `https://registry.npmjs.org")));
        assert!(by.is_some() || is_said, "{file}: {output:?}");
    }
}

/// The requests of each tool to a public host, because of the scope of a dependency.
const ASKING: [(Tool, &[&str]); 4] = [
    (Tool::Npm, &["view", "@other/dep"]),
    (Tool::Pnpm, &["add", "@other/dep"]),
    (Tool::Yarn, &["npm", "info", "@other/dep"]),
    (Tool::Bun, &["add", "@other/dep"]),
];

#[needs(bun, npm, pnpm, yarn)]
#[tokio::test]
async fn no_variable_that_holds_the_token_is_sent_to_a_public_host_by_a_settings_file() {
    let npmrc = "@other:registry=https://registry.npmjs.org/\n//registry.npmjs.org/:_authToken=${NAME}\n";
    let plain = "@other:registry=https://registry.npmjs.org/\n//registry.npmjs.org/:_authToken=$NAME\n";
    let bunfig = "[install.scopes]\nother = { url = \"https://registry.npmjs.org/\", token = \"$NAME\" }\n";
    let yarnrc = "npmScopes:\n  other:\n    npmRegistryServer: https://registry.npmjs.org\n    npmAuthToken: \"${NAME}\"\n";
    let empty = "npmScopes:\n  other:\n    npmRegistryServer: https://registry.npmjs.org\n    npmAuthToken: \"${NAME:-}\"\n";
    let open = "npmScopes:\n  other:\n    npmRegistryServer: https://registry.npmjs.org\n";
    for (tool, ask) in ASKING {
        let client = tool.find().await;
        let files: &[_] = match tool {
            Tool::Npm => &[(".npmrc", npmrc)],
            Tool::Pnpm => &[("~/.npmrc", npmrc), ("~/.config/pnpm/rc", npmrc)],
            Tool::Yarn => &[(".yarnrc.yml", yarnrc), (".yarnrc.yml", empty), (".yarnrc.yml", open)],
            _ => &[(".npmrc", plain), ("bunfig.toml", bunfig)],
        };
        let world = World::start().await;
        for &(file, text) in files {
            for name in ["YARN_NPM_AUTH_TOKEN", "BUN_CONFIG_TOKEN", "NODE_AUTH_TOKEN", "NPM_TOKEN"] {
                let folder = npm_package(&client, "@acme/widget", "");
                write_settings(&client, &folder, file, &text.replace("NAME", name));
                let (url, path) = (world.scene.url(), client.path_first());
                let variables = [("PATH", path.to_str().unwrap())];
                let options = ["--registry", "npm", "--url", &url, "--package", "@acme/widget"];
                let output = world.exec(&client, &folder, &options, &variables, ask).await;
                world.public_saw_no_secret(&format!("{file} {name}"), &output);
            }
        }
    }
}

#[needs(yarn)]
#[tokio::test]
async fn yarns_own_credentials_stay_where_its_files_have_them() {
    let client = Tool::Yarn.find().await;
    let world = World::start().await;
    for text in [
        "npmRegistryServer: https://registry.npmjs.org\nnpmAlwaysAuth: true\nnpmAuthToken: static-hunter2\n",
        "npmAuthIdent: \"a:static-hunter2\"\n",
        "npmScopes:\n  acme:\n    npmAuthToken: static-hunter2\n",
    ] {
        let folder = npm_package(&client, "@acme/widget", "");
        client.run(&folder, &[], &["install"]).await.succeeded();
        write_settings(&client, &folder, ".yarnrc.yml", text);
        let url = world.scene.url();
        let options = ["--registry", "npm", "--url", &url, "--package", "@acme/widget"];
        let options = [options.as_slice(), &["--trusted-publishing", "never"]].concat();
        let variables = world.variables(&[("NODE_AUTH_TOKEN", "another-static")]);
        let output = client.publish(&folder, &borrowed(&variables), &options, &["npm", "publish"]).await;
        assert!(!output.status.success(), "{text}: {output:?}");
        assert!(output.stderr.contains("yarn gets no"), "{text}: {output:?}");
    }
}

#[tokio::test]
async fn settings_files_that_name_a_public_host_for_cargo_take_no_token_there() {
    let cargo = Tool::Cargo.find().await;
    for config in [
        "[registry]\ndefault = \"crates-io\"\n",
        "[registry]\ndefault = \"other\"\n[registries.other]\nindex = \"sparse+https://index.crates.io/\"\n",
        "[registries.trusted-publish]\nindex = \"sparse+https://index.crates.io/\"\n",
        "[registry]\nglobal-credential-providers = [\"cargo:token-from-stdout echo another-token\"]\n",
        "[source.crates-io]\nreplace-with = \"mirror\"\n[source.mirror]\nregistry = \"sparse+https://mirror.example/\"\n",
    ] {
        let world = World::start().await;
        let manifest = "[package]\nname = \"widget\"\nversion = \"1.0.0\"\nedition = \"2024\"\nlicense = \"MIT\"\n\
                        description = \"A test\"\n[workspace]\n";
        let folder = cargo.project("widget", &[("Cargo.toml", manifest), ("src/lib.rs", "")]);
        write_settings(&cargo, &folder, ".cargo/config.toml", config);
        let url = world.scene.url();
        let publish = ["publish", "--allow-dirty", "--no-verify"];
        let output =
            world.exec(&cargo, &folder, &["--registry", "crates-io", "--url", &url], &[], &publish).await;
        world.public_saw_no_secret(config, &output);
        output.succeeded();
    }
}
