//! Commands, packages and settings that are easily overlooked: words that are values, other packages than the one that is named, and
//! settings in unusual spellings.

use super::super::command::words::Upload;
use super::job;

#[test]
fn a_word_that_is_an_options_value_does_not_make_a_publish_something_else() {
    for (command, expected) in [
        (&["npm", "publish", "--tag", "run"][..], true),
        (&["npm", "publish", "-w", "x"], true),
        (&["npm", "-w", "exec", "publish"], true),
        (&["pnpm", "--filter", "x", "publish"], true),
        (&["yarn", "workspace", "x", "npm", "publish"], true),
        (&["poetry", "publish", "-r", "run"], true),
        (&["gem", "push", "x"], true),
        (&["cargo", "publish", "-p", "run"], true),
        (&["npm", "--user-agent", "run", "publish"], true),
        (&["pnpm", "--test-pattern", "x", "-r", "publish"], true),
        (&["pnpm", "--unheard-of", "x", "-r", "publish"], true),
        (&["npm", "--silent", "run", "publish"], false),
        (&["pnpm", "-w", "run", "publish"], false),
        (&["pnpm", "-r", "exec", "publish"], false),
        (&["bun", "x", "publish"], false),
        (&["npm", "view", "publisher"], false),
    ] {
        let job = job("npm").run_by(command);
        let (cx, words) = (job.context(), job.command());
        assert_eq!(job.destination(&words, &cx).publishes(), expected, "{command:?}");
    }
}

#[test]
fn a_command_that_may_be_a_script_is_not_asked_for_a_dry_run() {
    for (command, expected) in [
        (&["npm", "publish", "--tag", "run"][..], Upload::Yes),
        (&["npm", "--user-agent", "run", "publish"], Upload::Perhaps { option: "--user-agent", word: "run" }),
        (&["npm", "--user-agent=run", "publish"], Upload::Yes),
        (&["npm", "run", "publish"], Upload::No),
        (&["npm", "view"], Upload::No),
    ] {
        let job = job("npm").run_by(command);
        let (cx, words) = (job.context(), job.command());
        assert_eq!(job.destination(&words, &cx).upload(), expected, "{command:?}");
    }
}

#[test]
fn a_tool_is_known_by_a_name_with_its_version() {
    for (program, expected) in [
        ("/usr/bin/gem3.1", Some("gem")),
        (".yarn/releases/yarn-4.18.1.cjs", Some("yarn")),
        ("yarnpkg", Some("yarn")),
        ("/lib/npm/bin/npm-cli.js", Some("npm")),
        ("NPM.CMD", Some("npm")),
        ("npm.ps1", Some("npm")),
        ("twine", Some("twine")),
        ("npx", None),
        ("gems", None),
        ("3.1", None),
    ] {
        let job = job("npm").run_by(&[program]);
        let (cx, words) = (job.context(), job.command());
        assert_eq!(job.destination(&words, &cx).tool(), expected, "{program}");
    }
}

#[tokio::test]
async fn another_package_than_the_named_one_is_not_published_elsewhere_either() {
    let manifest = r#"{"name":"@acme/gadget","publishConfig":{"registry":"https://other.example/"}}"#;
    let twice = r#"{"name":"@acme/gadget","publishConfig":{"registry":"https://own.example/a/"},"publishConfig":{"registry":"https://other.example/"}}"#;
    let commented = "{ // a comment\n\"name\":\"@acme/gadget\" }";
    let scoped = r#"{"name":"@other/gadget"}"#;
    let yarnrc = "npmScopes:\n  other:\n    npmPublishRegistry: https://other.example/\n";
    let bunfig = "[install.scopes]\nother = \"https://other.example/\"\n";
    let npmrc = "@other:registry=https://other.example/\n";
    for (manifest, file, settings, command) in [
        (manifest, "x", "", &["yarn", "npm", "publish"][..]),
        (twice, "x", "", &["yarn", "npm", "publish"]),
        (manifest, "x", "", &["bun", "publish"]),
        (commented, "x", "", &["bun", "publish"]),
        (scoped, ".yarnrc.yml", yarnrc, &["yarn", "npm", "publish"]),
        (scoped, "bunfig.toml", bunfig, &["bun", "publish"]),
        (scoped, "../bunfig.toml", bunfig, &["bun", "publish"]),
        (scoped, ".npmrc", npmrc, &["bun", "publish"]),
    ] {
        for path in ["package.json", "../package.json"] {
            let job = job("npm").package("@acme/widget").run_by(command);
            let job = job.file(path, manifest).file(file, settings);
            let found = job.elsewhere().await;
            assert!(found.iter().all(Option::is_some), "{path} {manifest} {settings} {command:?}: {found:?}");
        }
    }
    // A manifest that is not published, and one that a script may leave alone.
    let private = r#"{"name":"root","private":true,"publishConfig":{"registry":"https://other.example/"}}"#;
    let job = || job("npm").package("@acme/widget");
    assert_eq!(
        job().run_by(&["bun", "publish"]).file("package.json", private).elsewhere().await,
        [None, None]
    );
    let script = job().run_by(&["sh", "release.sh"]).file("package.json", manifest).fresh().await;
    script.has(&[("YARN_NPM_AUTH_TOKEN", "fresh")]);
}

#[tokio::test]
async fn yarns_settings_are_read_as_yarn_reads_them() {
    let twice = "npmScopes: { acme: { npmPublishRegistry: \"https://own.example/a/\" } }\n\
                 npmScopes: { acme: { npmPublishRegistry: \"https://other.example/\" } }\n";
    let merged =
        "base: &base\n  npmPublishRegistry: https://other.example/\nnpmScopes:\n  acme:\n    <<: *base\n";
    let conflict = "npmScopes:\n  onConflict: reset\n  value:\n    acme:\n      npmPublishRegistry:\n        onConflict: reset\n        \
                    value: https://other.example/\n";
    let reset = "npmScopes:\n  onConflict: reset\n  acme:\n    npmPublishRegistry: https://other.example/\n";
    for text in [twice, merged, conflict, reset] {
        let job = job("npm").package("@acme/widget").run_by(&["yarn", "npm", "publish"]);
        let found = job.file(".yarnrc.yml", text).elsewhere().await;
        assert!(found.iter().all(Option::is_some), "{text}: {found:?}");
    }
    let own = "npmScopes: { acme: { npmPublishRegistry: \"https://other.example/\" } }\n\
               npmScopes: { acme: { npmPublishRegistry: \"https://own.example/a/\" } }\n";
    let overridden = "base: &base\n  npmPublishRegistry: https://other.example/\nnpmScopes:\n  acme:\n    <<: *base\n    \
                      npmPublishRegistry: https://own.example/a\n";
    for text in [own, overridden] {
        let job = job("npm").package("@acme/widget").run_by(&["yarn", "npm", "publish"]);
        assert_eq!(job.file(".yarnrc.yml", text).elsewhere().await, [None, None], "{text}");
    }
    let above = job("npm").package("@acme/widget").run_by(&["yarn", "--cwd", "../q/r", "npm", "publish"]);
    let above = above.file("../q/r/../.yarnrc.yml", reset);
    assert!(above.elsewhere().await.iter().all(Option::is_some));
    // Seen with yarn 4.18: a scope without a registry is at yarn's own, whatever a variable says.
    let open = "npmScopes:\n  other:\n    npmAlwaysAuth: true\n";
    for (command, has_token) in [
        (&["yarn", "npm", "info", "@other/x"][..], false),
        (&["yarn", "run", "publish"], false),
        (&["yarn", "npm", "publish"], true),
    ] {
        let job = job("npm").package("widget").run_by(command).file(".yarnrc.yml", open);
        let seen = job.fresh().await;
        assert_eq!(seen.variables.contains_key("YARN_NPM_AUTH_TOKEN"), has_token, "{command:?}");
    }
}

#[tokio::test]
async fn a_repository_of_hatchs_that_is_named_by_the_url_is_another() {
    for (path, text) in [
        (
            "/home/me/.config/hatch/config.toml",
            "[publish.index.repos]\n\"https://own.example/a/\" = \"https://other.example/\"\n",
        ),
        ("h.toml", "[publish.index.repos.\"https://own.example/a/\"]\nurl = \"https://other.example/\"\n"),
    ] {
        let job = || job("pypi").run_by(&["hatch", "publish"]).with("HOME", "/home/me");
        let job = || if path == "h.toml" { job().with("HATCH_CONFIG", path) } else { job() };
        assert_eq!(job().elsewhere().await, [None, None]);
        let found = job().file(path, text).elsewhere().await;
        assert!(found.iter().all(Option::is_some), "{text}: {found:?}");
        let own = "[publish.index.repos]\n\"https://own.example/a/\" = \"https://own.example/a/\"\nb = \"https://other.example/\"\n";
        assert_eq!(job().file(path, own).elsewhere().await, [None, None]);
    }
}

#[tokio::test]
async fn gems_key_is_kept_from_another_host_in_every_spelling_of_its_file() {
    for (path, content) in [
        ("/home/me/.gem/credentials", "---\n:rubygems_api_key:\n  static\n"),
        ("/home/me/.gem/credentials", "---\n:rubygems_api_key:\tstatic\n"),
        ("/home/me/.gem/credentials", "---\n? :rubygems_api_key\n: static\n"),
        ("/home/me/.gem/credentials", "{\":rubygems_api_key\": static}\n"),
        ("/tmp/rc", "---\n:rubygems_api_key: static\n"),
    ] {
        let job = job("rubygems").with("HOME", "/home/me").with("GEMRC", "/tmp/rc").file(path, content);
        let seen = job.with("RUBYGEMS_API_KEY", "x").fallen_back().await;
        assert_eq!(seen.variables.get("GEM_HOST_API_KEY").map(String::as_str), Some(""), "{content:?}");
        assert!(seen.notes.contains("gem gets no key"), "{content}: {}", seen.notes);
    }
}

#[tokio::test]
async fn a_password_in_a_registrys_url_is_not_shown() {
    let url = "https://me:hunter2@other.example/";
    let manifest = format!(
        r#"{{"name":"@acme/widget","publishConfig":{{"registry":"{url}","@acme:registry":"{url}"}}}}"#
    );
    let yarnrc = format!("npmScopes:\n  acme:\n    npmPublishRegistry: \"{url}\"\n");
    let bunfig = format!("[install.scopes]\nacme = \"{url}\"\n");
    let npmrc = format!("@acme:registry={url}\n//other.example/:_authToken=${{NODE_AUTH_TOKEN}}\n");
    let pdm = format!("[tool.pdm.options]\npublish = [\"-r\", \"{url}\"]\n");
    let gemrc = format!("push: --host {url}\n");
    for (registry, command, path, text) in [
        ("npm", &["npm", "publish"][..], "package.json", manifest),
        ("npm", &["yarn", "npm", "publish"], ".yarnrc.yml", yarnrc),
        ("npm", &["bun", "publish"], "bunfig.toml", bunfig),
        ("npm", &["bun", "publish"], ".npmrc", npmrc),
        ("pypi", &["pdm", "publish"], "pyproject.toml", pdm),
        ("rubygems", &["gem", "push", "a.gem"], "/etc/gemrc", gemrc),
    ] {
        let job = job(registry).package("@acme/widget").run_by(command).file(path, text.leak());
        for seen in [job.fresh().await, job.fallen_back().await] {
            assert!(seen.notes.contains("other.example"), "{path}: {}", seen.notes);
            assert!(!seen.notes.contains("hunter2"), "{path}: {}", seen.notes);
        }
    }
}
