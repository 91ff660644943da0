//! A command's environment where settings files send a token, or have a credential, of their own.

use super::{Job, OWN, job};

#[tokio::test]
async fn a_tools_own_variable_that_a_file_sends_to_another_registry_holds_nothing() {
    for (name, tool) in [("YARN_NPM_AUTH_TOKEN", "yarn"), ("BUN_CONFIG_TOKEN", "bun")] {
        let npmrc = format!("//npm.other.example/:_authToken=${{{name}}}\n");
        let bunfig = format!(
            "[install.scopes]\nother = {{ url = \"https://npm.other.example\", password = \"${name}\" }}\n"
        );
        let yarnrc = format!(
            "npmScopes:\n  other:\n    npmRegistryServer: https://npm.other.example\n    npmAuthToken: ${{{name}}}\n"
        );
        for (path, content) in [(".npmrc", npmrc), ("bunfig.toml", bunfig), (".yarnrc.yml", yarnrc)] {
            let job = job("npm").package("widget").file(path, content.leak()).with(name, "static");
            let seen = Job { command: vec!["yarn", "npm", "publish"], ..job }.fresh().await;
            seen.lacks(&[name]);
            let (said, other) = (format!("{tool} gets no token: `{path}`"), "npm.other.example");
            assert!(seen.notes.contains(&said) && seen.notes.contains(other), "{}", seen.notes);
            // The others have theirs all the same.
            assert_eq!(seen.holding("fresh").len(), 4, "{path}: {:?}", seen.holding("fresh"));
        }
    }
}

#[tokio::test]
async fn yarn_authenticates_at_the_destination_alone() {
    let yarnrc = "npmRegistryServer: https://npm.other.example\nnpmAlwaysAuth: true\n";
    let seen = job("npm").package("widget").file(".yarnrc.yml", yarnrc).fresh().await;
    seen.has(&[
        ("YARN_NPM_AUTH_TOKEN", "fresh"),
        ("YARN_NPM_ALWAYS_AUTH", "false"),
        ("YARN_NPM_REGISTRY_SERVER", OWN),
    ]);
    let own = "npmRegistries:\n  https://own.example/a:\n    npmAuthToken: static\n";
    let seen = job("npm").package("widget").file(".yarnrc.yml", own).fresh().await;
    assert!(seen.notes.contains("`npmRegistries.https://own.example/a.npmAuthToken`"), "{}", seen.notes);
}

#[tokio::test]
async fn what_leads_to_another_settings_file_or_variable_is_followed() {
    let npmrc = "//npm.other.example/:_authToken=${NODE_AUTH_TOKEN}\n";
    let copied = "//npm.other.example/:_authToken=${COPY}\n";
    for (variable, files, is_left) in [
        (None, vec![(".npmrc", "userconfig=./x.rc\n"), ("./x.rc", npmrc)], true),
        (None, vec![(".npmrc", "globalconfig = \"~/x.rc\"\n"), ("/home/me/x.rc", npmrc)], true),
        (None, vec![(".npmrc", "prefix=/opt/x\n"), ("/opt/x/etc/npmrc", npmrc)], true),
        (None, vec![(".npmrc", "\u{feff}\"userconfig\"=${HOME}/x.rc\n"), ("/home/me/x.rc", npmrc)], true),
        (None, vec![(".npmrc", "userconfig=a.rc"), ("a.rc", "globalconfig=b.rc"), ("b.rc", npmrc)], true),
        (Some(("npm_config_userconfig", "~/x.rc")), vec![("/home/me/x.rc", npmrc)], true),
        (Some(("NPM_CONFIG_USERCONFIG", "${HOME}/x${NO?}.rc")), vec![("/home/me/x.rc", npmrc)], true),
        (Some(("npm_config_//npm.other.example/:_authToken", "${NODE_AUTH_TOKEN}")), vec![], true),
        (Some(("npm_config_//own.example/a/:_authToken", "${NODE_AUTH_TOKEN}")), vec![], false),
        (None, vec![(".npmrc", "# a\r//npm.other.example/:_authToken=${NODE_AUTH_TOKEN}\r")], true),
        (None, vec![(".npmrc", "//own.example/a/:_authToken=${NODE_AUTH_TOKEN}\r@x:registry=a")], false),
        (Some(("NPM_CONFIG_PREFIX", "/opt/y")), vec![("/opt/y/etc/npmrc", npmrc)], true),
        (Some(("PREFIX", "/opt/z")), vec![("/opt/z/etc/npmrc", npmrc)], true),
        (None, vec![(".env.yarn", "COPY=${NODE_AUTH_TOKEN}\n"), (".npmrc", copied)], true),
        (None, vec![(".env", "export COPY = \"$NODE_AUTH_TOKEN\"\n"), (".npmrc", copied)], true),
        (None, vec![(".env", "COPY=$A\nA=$B\nB=$NODE_AUTH_TOKEN\n"), (".npmrc", copied)], true),
        (
            None,
            vec![
                (".yarnrc.yml", "injectEnvironmentFiles: [x.env, \"ci.env?\"]\n"),
                ("ci.env", "COPY=${NODE_AUTH_TOKEN}\n"),
                (".npmrc", copied),
            ],
            true,
        ),
        (None, vec![(".env", "COPY=another\n"), (".npmrc", copied)], false),
        (None, vec![(".npmrc", "prefix=/opt/x\n"), ("/opt/y/etc/npmrc", npmrc)], false),
    ] {
        let job = job("npm").package("widget").with("HOME", "/home/me").with("NODE_AUTH_TOKEN", "static");
        let job = variable.into_iter().fold(job, |job, (name, value)| job.with(name, value));
        let job = files.iter().fold(job, |job, (path, content)| job.file(path, content));
        let expected = if is_left { "static" } else { "fresh" };
        let seen = job.fresh().await;
        assert_eq!(seen.variables["NODE_AUTH_TOKEN"], expected, "{files:?}");
    }
}

#[tokio::test]
async fn yarn_takes_the_token_to_no_scopes_registry() {
    let open = "npmScopes:\n  other:\n    npmRegistryServer: https://npm.other.example\n";
    let own =
        "npmScopes:\n  other:\n    npmRegistryServer: https://npm.other.example\n    npmAuthToken: theirs\n";
    let empty = "npmScopes:\n  other:\n    npmRegistryServer: https://npm.other.example\n    npmAuthToken: ${NONE:-}\n";
    let of_registry = "npmRegistries:\n  https://npm.other.example:\n    npmAuthToken: theirs\nnpmScopes:\n  other:\n    npmRegistryServer: https://npm.other.example\n";
    for (command, content, is_withheld) in [
        (vec!["./release.sh"], open, true),
        (vec!["yarn", "install"], open, true),
        (vec!["yarn", "npm", "publish"], open, false),
        (vec!["yarn", "workspace", "widget", "npm", "publish"], open, false),
        (vec!["./release.sh"], own, false),
        (vec!["./release.sh"], empty, true),
        (vec!["./release.sh"], of_registry, false),
    ] {
        let job = Job { command, ..job("npm").package("widget").file(".yarnrc.yml", content) };
        let seen = job.fresh().await;
        assert_eq!(seen.variables.contains_key("YARN_NPM_AUTH_TOKEN"), !is_withheld, "{content}");
        seen.has(&[("NODE_AUTH_TOKEN", "fresh")]);
        let advice =
            "`npmRegistries: { \"https://own.example/a/\": { npmAuthToken: \"${NODE_AUTH_TOKEN:-}\" } }`";
        assert_eq!(seen.notes.contains(advice), is_withheld, "{}", seen.notes);
    }
}

#[tokio::test]
async fn yarns_files_keep_their_credentials_from_the_destination() {
    let empty = [("YARN_NPM_AUTH_TOKEN", ""), ("YARN_NPM_AUTH_IDENT", "")];
    for credential in
        ["npmAuthToken: static\n", "npmAuthIdent: \"a:static\"\n", "npmAuthToken: ${CORP_TOKEN}\n"]
    {
        let job = job("npm").package("@acme/widget");
        let plain = job.clone().file(".yarnrc.yml", credential);
        plain.fallen_back().await.has(&empty);
        plain.fresh().await.has(&[("YARN_NPM_AUTH_TOKEN", "fresh")]);
        let elsewhere = format!("npmRegistryServer: https://npm.other.example\n{credential}").leak();
        job.clone().file(".yarnrc.yml", elsewhere).fallen_back().await.has(&empty);
        let own = format!("npmPublishRegistry: {OWN}\n{credential}").leak();
        job.clone().file(".yarnrc.yml", own).fallen_back().await.lacks(&["YARN_NPM_AUTH_TOKEN"]);
        let told = plain.clone().with("YARN_NPM_PUBLISH_REGISTRY", OWN);
        told.fallen_back().await.lacks(&["YARN_NPM_AUTH_TOKEN"]);
        Job { is_public: true, ..plain }.fallen_back().await.lacks(&["YARN_NPM_AUTH_TOKEN"]);
    }
}

#[tokio::test]
async fn yarn_is_not_sent_to_the_destination_with_a_credential_of_the_packages_scope() {
    for credential in ["npmAuthToken: static", "npmAuthIdent: \"a:static\"", "npmAuthToken: ${CORP_TOKEN}"] {
        let of_scope = format!("npmScopes:\n  acme:\n    {credential}\n").leak();
        let scoped = job("npm").package("@acme/widget").file(".yarnrc.yml", of_scope);
        for seen in [scoped.fresh().await, scoped.fallen_back().await] {
            seen.lacks(&["YARN_NPM_AUTH_TOKEN", "YARN_NPM_PUBLISH_REGISTRY", "YARN_NPM_REGISTRY_SERVER"]);
            assert!(seen.notes.contains("publishes at `https://registry.yarnpkg.com`"), "{}", seen.notes);
        }
        let told = scoped.with("YARN_NPM_PUBLISH_REGISTRY", OWN).fresh().await;
        told.has(&[("YARN_NPM_AUTH_TOKEN", "fresh"), ("YARN_NPM_PUBLISH_REGISTRY", OWN)]);
        assert!(
            told.notes.contains("yarn publishes with the credential at `npmScopes.acme"),
            "{}",
            told.notes
        );
    }
}

#[tokio::test]
async fn gems_key_for_the_public_host_is_kept_from_another() {
    for (path, content, is_hidden) in [
        ("/home/me/.gem/credentials", "---\n:rubygems_api_key: static\n", true),
        ("/home/me/.local/share/gem/credentials", ":rubygems_api_key: static\n", true),
        ("/home/me/.gem/credentials", "---\n:rubygems_api_key: static\nhttps://own.example/a: own\n", false),
        ("/home/me/.gemrc", ":rubygems_api_key: static\n", true),
        ("/home/me/.gem/credentials", "---\n:other: static\n", false),
    ] {
        let job = job("rubygems").with("HOME", "/home/me").with("RUBYGEMS_API_KEY", "x").file(path, content);
        let seen = job.fallen_back().await;
        let key = seen.variables.get("GEM_HOST_API_KEY").map(String::as_str);
        assert_eq!(key, is_hidden.then_some(""), "{content}");
        assert_eq!(seen.notes.contains("gem gets no key"), is_hidden, "{}", seen.notes);
        job.fresh().await.has(&[("GEM_HOST_API_KEY", "fresh")]);
        let bound = job.clone().with("GEM_HOST_API_KEY", "own").with("RUBYGEMS_HOST", OWN);
        bound.fallen_back().await.has(&[("GEM_HOST_API_KEY", "own")]);
        Job { is_public: true, ..job }.fallen_back().await.lacks(&["GEM_HOST_API_KEY"]);
    }
}

#[tokio::test]
async fn a_credential_belongs_where_its_tools_settings_say() {
    let uv = "publish-url = \"URL\"\n";
    let project = "[project]\nname = \"x\"\n[tool.uv]\npublish-url = \"URL\"\n";
    for (registry, token, path, content) in [
        ("pypi", "UV_PUBLISH_TOKEN", "uv.toml", uv),
        ("pypi", "UV_PUBLISH_TOKEN", "../pyproject.toml", project),
        ("pypi", "UV_PUBLISH_TOKEN", "/home/me/.config/uv/uv.toml", uv),
        ("npm", "YARN_NPM_AUTH_TOKEN", ".yarnrc.yml", "npmPublishRegistry: \"URL\"\n"),
        ("npm", "BUN_CONFIG_TOKEN", "bunfig.toml", "[install]\nregistry = \"URL\"\n"),
    ] {
        let held = |url: &str| {
            let job = job(registry).package("widget").with("HOME", "/home/me").with(token, "static");
            job.file(path, content.replace("URL", url).leak())
        };
        assert_eq!(held(OWN).fallen_back().await.holding("static"), [token], "{path}");
        for url in ["https://own.example/b/", "https://other.example/"] {
            let elsewhere = held(url);
            assert!(elsewhere.fallen_back().await.holding("static").is_empty(), "{path}");
            let public = Job { is_public: true, ..elsewhere }.fallen_back().await;
            assert!(public.holding("static").is_empty(), "{path}");
        }
    }
}

#[test]
fn a_command_that_names_another_registry_is_not_run() {
    let other = "https://other.example/";
    let secret = "https://me:hunter2@other.example/";
    for (command, is_refused) in [
        (["twine", "upload", "--repository-url", other], true),
        (["twine", "upload", "--repository-url", OWN], false),
        (["twine", "upload", "-r", "other"], false),
        (["uv", "publish", "--publish-url", other], true),
        (["uv", "publish", "x", "--publish-url=https://own.example/a"], false),
        (["uv", "publish", "x", "--publish-url=https://own.example/b/"], true),
        (["uv", "publish", "--check-url", other], false),
        (["hatch", "publish", "-r", other], true),
        (["hatch", "publish", "--repo", "other"], true),
        (["hatch", "publish", "x", "-rother"], true),
        (["hatch", "publish", "-r", OWN], false),
        (["pdm", "publish", "--repository", "pypi"], true),
        (["pdm", "publish", "--repository", secret], true),
        (["bun", "publish", "--registry", other], true),
        (["gem", "push", "--host", other], true),
        (["ovsx", "publish", "-r", other], true),
        (["npm", "publish", "x", "--registry=https://other.example/"], true),
        (["cargo", "publish", "--registry", "ours"], false),
        (["npm", "publish", "--tag", "next"], false),
        (["npm", "publish", "x", "--registry"], false),
    ] {
        let job = Job { command: command.to_vec(), ..job("pypi") };
        let error = job.check().err().map(|error| error.to_string());
        assert_eq!(error.is_some(), is_refused, "{command:?}: {error:?}");
        assert!(!error.unwrap_or_default().contains("hunter2"));
    }
    let public = Job { is_public: true, command: vec!["hatch", "publish", "-r", "main"], ..job("pypi") };
    assert!(public.check().is_ok());
}

#[tokio::test]
async fn a_credential_for_the_registry_that_a_file_names_by_default_is_for_no_other() {
    let pypirc = "[distutils]\nindex-servers = pypi\n[pypi]\nRepository: @\n[other]\nrepository = x\n";
    let hatch = "[publish.index.repos.main]\nurl = \"@\"\n";
    let chosen = "[publish.index]\nrepo = \"corp\"\n[publish.index.repos]\ncorp = \"@\"\nmain = \"x\"\n";
    for (variable, path, text) in [
        ("TWINE_PASSWORD", "/home/me/.pypirc", pypirc),
        ("FLIT_PASSWORD", "/home/me/.pypirc", pypirc),
        ("MATURIN_PYPI_TOKEN", "/home/me/.pypirc", pypirc),
        ("UV_PUBLISH_TOKEN", "u.toml", "publish-url = \"@\"\n"),
        ("HATCH_INDEX_AUTH", "/home/me/.config/hatch/config.toml", hatch),
        ("HATCH_INDEX_AUTH", "/home/me/.config/hatch/config.toml", chosen),
        ("PDM_PUBLISH_PASSWORD", "/home/me/.config/pdm/config.toml", "[repository.pypi]\nurl = \"@\"\n"),
        ("PDM_PUBLISH_PASSWORD", "pdm.toml", "[repository.pypi]\nurl = \"@\"\n"),
    ] {
        let job =
            || job("pypi").with("HOME", "/home/me").with("UV_CONFIG_FILE", "u.toml").with(variable, "static");
        let public = |job: Job| Job { is_public: true, ..job };
        for (url, is_public, is_used) in [
            (OWN, false, true),
            (OWN, true, false),
            ("https://upload.pypi.org/legacy/", true, true),
            ("https://upload.pypi.org/legacy/", false, false),
        ] {
            let job = job().file(path, text.replace('@', url).leak());
            let seen = if is_public { public(job) } else { job }.fallen_back().await;
            assert_eq!(seen.holding("static") == [variable], is_used, "{variable} {path} {url} {is_public}");
        }
        assert_eq!(public(job()).fallen_back().await.holding("static"), [variable]);
    }
    let named = job("pypi")
        .with("HOME", "/home/me")
        .with("TWINE_REPOSITORY", "corp")
        .with("TWINE_PASSWORD", "static");
    let named = named.file("/home/me/.pypirc", "[pypi]\nrepository = https://own.example/a/\n");
    assert!(named.fallen_back().await.holding("static").is_empty());
}
