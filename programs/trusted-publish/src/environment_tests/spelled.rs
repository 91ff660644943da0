//! Commands and settings that name another registry in a way that is easily overlooked. None of the commands is run.

use super::{Job, job};

const OTHER: &str = "https://other.example/";

#[test]
fn a_command_that_cuts_an_option_short_or_puts_it_behind_another_is_not_run() {
    for (registry, command) in [
        ("pypi", &["twine", "upload", "--repository-u", OTHER][..]),
        ("pypi", &["python", "-m", "twine", "upload", "--repository-ur=https://other.example/"]),
        ("pypi", &["flit", "publish", "--repo", OTHER]),
        ("pypi", &["pdm", "publish", "--reposi", OTHER]),
        ("pypi", &["pdm", "publish", "--repo", "corp"]),
        ("pypi", &["hatch", "publish", "-nr", OTHER]),
        ("pypi", &["hatch", "publish", "-yr", OTHER]),
        ("pypi", &["hatch", "publish", "-nrmain"]),
        ("rubygems", &["gem", "push", "a.gem", "--hos", OTHER]),
        ("rubygems", &["gem", "pus", "a.gem", "--ho=https://other.example/"]),
    ] {
        let error = job(registry).run_by(command).check().unwrap_err().to_string();
        assert!(error.contains("names another registry than --url"), "{command:?}: {error}");
    }
    for command in
        [&["twine", "upload", "-uuser", "a.whl"][..], &["pdm", "publish", "--skip-existing", "--sign"]]
    {
        assert!(job("pypi").run_by(command).check().is_ok(), "{command:?}");
    }
}

/// Checks that the command is not run, and that it is without the file.
async fn is_stopped_by(job: Job, file: &'static str, text: &'static str, said: &str) {
    assert_eq!(job.elsewhere().await, [None, None], "{file}");
    for found in job.file(file, text).elsewhere().await {
        let found = found.unwrap_or_else(|| panic!("{file} {text}"));
        assert!(found.contains(said), "{file}: {found}");
    }
}

#[tokio::test]
async fn options_in_gems_settings_count_as_the_commands_own() {
    let push = || job("rubygems").run_by(&["gem", "push", "a.gem"]).with("HOME", "/home/me");
    for (file, text) in [
        ("/home/me/.gemrc", "---\npush: --host https://other.example\n"),
        ("/home/me/.gemrc", "gem: \"--no-document --hos=https://other.example\"\n"),
        ("/home/me/.gemrc", ":push: [\"--host\", \"https://other.example\"]\n"),
        ("/home/me/.config/gem/gemrc", "push: --host https://other.example\n"),
        ("/etc/gemrc", "push: --host https://other.example\n"),
    ] {
        is_stopped_by(push(), file, text, "add `--host https://other.example`").await;
        // The command's own stands after it.
        let named = push().run_by(&["gem", "push", "a.gem", "--host", "https://own.example/a"]);
        assert_eq!(named.file(file, text).elsewhere().await, [None, None], "{file}");
    }
    let text = "push: --host https://other.example\n";
    let by_variable = push().with("GEMRC", "/tmp/a:/tmp/b");
    is_stopped_by(by_variable, "/tmp/b", text, "add `--host").await;
    let by_option = push().run_by(&["gem", "pus", "a.gem", "--config-file", "rc"]);
    is_stopped_by(by_option, "rc", text, "add `--host").await;
    let own = push()
        .file("/home/me/.gemrc", "push: --host https://own.example/a\ninstall: --host https://x.example\n");
    assert_eq!(own.elsewhere().await, [None, None]);
}

#[tokio::test]
async fn options_in_pdms_project_count_as_the_commands_own() {
    let publish = || job("pypi").run_by(&["pdm", "publish"]);
    for (file, text) in [
        ("pyproject.toml", "[tool.pdm.options]\npublish = [\"-r\", \"corp\"]\n"),
        ("pyproject.toml", "[tool.pdm.options]\npublish = \"--no-build --repo=corp\"\n"),
        ("../pyproject.toml", "[tool.pdm.options]\npublish = [\"--repository\", \"corp\"]\n"),
    ] {
        is_stopped_by(publish(), file, text, "names the repository `corp`").await;
        let named = publish().run_by(&["pdm", "publish", "-r", "https://own.example/a/"]);
        assert_eq!(named.file(file, text).elsewhere().await, [None, None], "{file}");
    }
    let text = "[tool.pdm.options]\npublish = [\"-rcorp\"]\n";
    is_stopped_by(publish().with("PDM_PROJECT", "sub"), "sub/pyproject.toml", text, "`corp`").await;
    let other = publish().run_by(&["pdm", "publish", "-psub"]);
    is_stopped_by(other, "sub/pyproject.toml", text, "`corp`").await;
    let public = Job { is_public: true, ..publish() };
    is_stopped_by(public.clone(), "pyproject.toml", text, "`corp`").await;
    let same = public.file("pyproject.toml", "[tool.pdm.options]\npublish = [\"-r\", \"pypi\"]\n");
    assert_eq!(same.elsewhere().await, [None, None]);
}

const CARGO: &[&str] = &["cargo", "publish"];
const OURS: &str = "[registries.ours]\nindex = \"sparse+https://own.example/a/index/\"\n";
const THEIRS: &str = "[registries.ours]\nindex = \"sparse+https://other.example/\"\n";

/// Settings that include others, of which the last is the strongest.
const INCLUDES: &str = "include = [\"o.toml\", { path = \"p.toml\" }]\n";

#[tokio::test]
async fn of_several_indexes_with_one_name_cargo_takes_the_strongest() {
    for (files, variable, is_ours) in [
        (vec![("/home/me/.cargo/config.toml", OURS)], None, true),
        (vec![("/home/me/.cargo/config.toml", OURS), (".cargo/config.toml", THEIRS)], None, false),
        (vec![("/home/me/.cargo/config.toml", THEIRS), (".cargo/config.toml", OURS)], None, true),
        (vec![(".cargo/config", THEIRS), (".cargo/config.toml", OURS)], None, false),
        (
            vec![
                ("/home/me/.cargo/config.toml", OURS),
                (".cargo/config.toml", INCLUDES),
                (".cargo/o.toml", THEIRS),
            ],
            None,
            false,
        ),
        (
            vec![
                ("/home/me/.cargo/config.toml", THEIRS),
                (".cargo/config.toml", INCLUDES),
                (".cargo/p.toml", OURS),
            ],
            None,
            true,
        ),
        (
            vec![
                ("/home/me/.cargo/config.toml", OURS),
                (".cargo/config.toml", "include = 'one.toml'\n"),
                (".cargo/one.toml", INCLUDES),
                (".cargo/p.toml", THEIRS),
            ],
            None,
            false,
        ),
        (vec![(".cargo/config.toml", OURS)], Some("sparse+https://other.example/"), false),
        (vec![(".cargo/config.toml", THEIRS)], Some("sparse+https://own.example/a/index/"), true),
    ] {
        let job = job("crates-io").run_by(CARGO).with("HOME", "/home/me");
        let job = variable.into_iter().fold(job, |job, index| job.with("CARGO_REGISTRIES_OURS_INDEX", index));
        let job = files.iter().fold(job, |job, (path, text)| job.file(path, text));
        let seen = job.fresh().await;
        let (token, default) = match is_ours {
            true => ("CARGO_REGISTRIES_OURS_TOKEN", "ours"),
            false => ("CARGO_REGISTRIES_TRUSTED_PUBLISH_TOKEN", "trusted-publish"),
        };
        assert_eq!(seen.holding("fresh"), [token], "{files:?} {variable:?}");
        seen.has(&[("CARGO_REGISTRY_DEFAULT", default)]);
    }
}

#[tokio::test]
async fn cargos_settings_among_the_commands_words_stand_before_every_variable() {
    for (command, is_elsewhere) in [
        (&["cargo", "publish", "--config", "registry.default=\"corp\""][..], true),
        (&["cargo", "--config=registry.default='crates-io'", "publish"], true),
        (&["cargo", "publish", "--config", "registry.default='trusted-publish'"], false),
        (
            &[
                "cargo",
                "publish",
                "--config",
                "registries.trusted-publish.index='sparse+https://other.example/'",
            ],
            true,
        ),
        (&["cargo", "publish", "--config", "given.toml"], true),
        (&["cargo", "publish", "--config", "build.jobs=1"], false),
        (
            &["cargo", "publish", "--config", "registry.default='corp'", "--registry", "trusted-publish"],
            false,
        ),
    ] {
        let given = "[registries.trusted-publish]\nindex = \"sparse+https://other.example/\"\n";
        let job = job("crates-io").file("given.toml", given).run_by(command);
        for found in job.elsewhere().await {
            assert_eq!(found.is_some(), is_elsewhere, "{command:?}: {found:?}");
        }
    }
}

#[tokio::test]
async fn cargos_settings_that_a_command_includes_or_that_are_not_read_stop_it() {
    let theirs = "[registries.trusted-publish]\nindex = \"sparse+https://other.example/\"\n";
    let long: &str = format!("#{}\n{theirs}", "x".repeat(1 << 20)).leak();
    let many: Vec<String> = (0..17).map(|number| format!("'{number}.toml'")).collect();
    let many: &str = format!("include = [{}]\n", many.join(", ")).leak();
    for (option, files, is_elsewhere) in [
        ("given.toml", vec![("given.toml", "include = 'theirs.toml'\n"), ("theirs.toml", theirs)], true),
        ("include = 'theirs.toml'", vec![("theirs.toml", theirs)], true),
        ("given.toml", vec![("given.toml", "include = [{ path = 'a.toml' }]\n"), ("a.toml", "")], false),
        ("given.toml", vec![("given.toml", long)], true),
        ("given.toml", vec![("given.toml", "include = 'long.toml'\n"), ("long.toml", long)], true),
        ("given.toml", vec![("given.toml", many)], true),
        ("missing.toml", vec![], true),
    ] {
        let job = job("crates-io").run_by(&["cargo", "publish", "--config", option]);
        let job = files.iter().fold(job, |job, (path, text)| job.file(path, text));
        for found in job.elsewhere().await {
            assert_eq!(found.is_some(), is_elsewhere, "{option} {:.40?}: {found:?}", files.first());
        }
    }
}

#[tokio::test]
async fn an_alias_of_cargos_is_the_command_that_it_stands_for() {
    let alias =
        "[alias]\npub = \"publish --registry corp\"\nrel = [\"pub\", \"--locked\"]\nloop = \"loop\"\n";
    for command in [&["cargo", "pub"][..], &["cargo", "+stable", "--color", "never", "rel"]] {
        is_stopped_by(
            job("crates-io").run_by(command),
            ".cargo/config.toml",
            alias,
            "names another registry",
        )
        .await;
    }
    let by_variable = job("crates-io").run_by(&["cargo", "re-lease"]);
    let by_variable = by_variable.with("CARGO_ALIAS_RE_LEASE", "publish --registry corp");
    assert!(by_variable.elsewhere().await.iter().all(Option::is_some));
    let looping = job("crates-io").run_by(&["cargo", "loop"]).file(".cargo/config.toml", alias);
    assert_eq!(looping.elsewhere().await, [None, None]);
}

#[tokio::test]
async fn a_variable_of_yarns_is_known_in_every_spelling() {
    let spellings = [
        "yarn_npm_publish_registry",
        "Yarn_Npm_Registry_Server",
        "YARN_NPM__PUBLISH_REGISTRY",
        "YARN_NPM-AUTH-TOKEN",
        "yarn_npm_auth_ident",
    ];
    let job = spellings.into_iter().fold(job("npm").package("widget"), |job, name| job.with(name, OTHER));
    let seen = job.fresh().await;
    seen.lacks(&spellings);
    seen.has(&[("YARN_NPM_AUTH_TOKEN", "fresh"), ("YARN_NPM_PUBLISH_REGISTRY", super::OWN)]);
    job.fallen_back().await.lacks(&spellings);
}

#[tokio::test]
async fn bun_is_looked_after_in_the_settings_that_its_command_names_and_in_quoted_ones() {
    let bunfig = "[install.scopes]\nacme = \"https://other.example/\"\n";
    let scoped = || job("npm").package("@acme/widget");
    for command in [&["bun", "publish", "--config=../b.toml"][..], &["bun", "publish", "-c=../b.toml"]] {
        is_stopped_by(scoped().run_by(command), "../b.toml", bunfig, "sends the package to").await;
    }
    let quoted = "\"@acme:registry\" = https://other.example/\n";
    is_stopped_by(scoped().run_by(&["bun", "publish"]), ".npmrc", quoted, "bun publishes at").await;
}
