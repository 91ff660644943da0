//! Several packages at once: the doctor's table, one token for a workspace, and the package that a manifest names.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]
// Where `cargo` is is told by a variable.
#![allow(clippy::disallowed_methods)]

use std::path::Path;
use std::process::{Command, Output};

use ci_issuer::{GITHUB, Settings};
use serde_json::Value;
use tempfile::TempDir;
use tests::scene::Scene;

/// A folder with these files.
fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    folder
}

/// Runs the program in a folder, in another thread, so that issuer and registry can answer.
async fn run(folder: &Path, variables: Vec<(String, String)>, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tested-trusted-publish"));
    command.args(arguments).current_dir(folder).env_clear().envs(variables);
    for name in ["PATH", "HOME", "CARGO_HOME", "RUSTUP_HOME"] {
        command.envs(std::env::var_os(name).map(|value| (name, value)));
    }
    tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

const NPM_WORKSPACE: &[(&str, &str)] = &[
    (
        "package.json",
        r#"{"name":"root","private":true,"workspaces":["packages/*","!packages/left-out","../*"]}"#,
    ),
    ("packages/one/package.json", r#"{"name":"@acme/one","version":"1.0.0"}"#),
    ("packages/two/package.json", r#"{"name":"@acme/two","version":"1.0.0"}"#),
    ("packages/site/package.json", r#"{"name":"site","private":true}"#),
    ("packages/left-out/package.json", r#"{"name":"left-out"}"#),
    ("packages/no-manifest/readme", ""),
];

#[tokio::test]
async fn every_package_of_an_npm_workspace_is_a_row_of_one_table() {
    let scene = Scene::start(Settings::new(&GITHUB), "", &["@acme/one"], "").await;
    let folder = folder(NPM_WORKSPACE);
    let url = scene.url();
    let target = ["doctor", "--registry", "npm", "--url", &url, "--workspace"];
    let output = run(folder.path(), scene.npm_job(), &target).await;
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let words = text(&output.stdout);
    let lines: Vec<&str> = words.lines().collect();
    assert!(lines[0].starts_with("package") && lines[0].contains("verdict"), "{words}");
    assert!(lines[1].starts_with("@acme/one") && lines[1].contains("accepted"), "{words}");
    assert!(lines[2].starts_with("@acme/two") && lines[2].contains("refused"), "{words}");
    assert!(lines[2].contains("exchange-rejected: "), "{words}");
    assert_eq!(lines[3], "", "the private ones and those left out are no rows: {words}");
    assert!(
        words.contains("A publish of `@acme/two`") && !words.contains("A publish of `@acme/one`"),
        "{words}"
    );

    let output =
        run(folder.path(), scene.npm_job(), &[target.as_slice(), &["--format", "json"]].concat()).await;
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    let verdict = |row: usize| {
        let report = &told["reports"][row];
        (report["package"].as_str().unwrap().to_owned(), report["verdict"].as_str().unwrap().to_owned())
    };
    let expected = [("@acme/one", "accepted"), ("@acme/two", "refused")];
    let expected = expected.map(|(name, verdict)| (name.to_owned(), verdict.to_owned()));
    assert_eq!([verdict(0), verdict(1)], expected, "{told}");

    // A list by hand, all of which may be published.
    let list =
        ["doctor", "--registry", "npm", "--url", &url, "--package", "@acme/one", "--package", "@acme/one"];
    let output = run(folder.path(), scene.npm_job(), &list).await;
    assert!(output.status.success(), "{output:?}");
    assert_eq!(text(&output.stdout).lines().count(), 3, "{output:?}");
}

#[tokio::test]
async fn one_exchange_answers_for_a_cargo_workspace() {
    let scene = Scene::start(Settings::new(&GITHUB), "", &["cargo:widget-one", "cargo:widget-two"], "").await;
    let member =
        |name: &str, more: &str| format!("[package]\nname = \"{name}\"\nversion = \"1.0.0\"\n{more}");
    let (one, two, tool) =
        (member("widget-one", ""), member("widget-two", ""), member("tool", "publish = false\n"));
    let folder = folder(&[
        ("Cargo.toml", "[workspace]\nresolver = \"3\"\nmembers = [\"one\", \"two\", \"tool\"]\n"),
        ("one/Cargo.toml", &one),
        ("one/src/lib.rs", ""),
        ("two/Cargo.toml", &two),
        ("two/src/lib.rs", ""),
        ("tool/Cargo.toml", &tool),
        ("tool/src/lib.rs", ""),
    ]);
    let url = scene.url();
    let job = scene.issuer.env().to_vec();
    let target = ["--registry", "crates-io", "--url", &url];
    let output =
        run(folder.path(), job.clone(), &[&["doctor"], target.as_slice(), &["--workspace"]].concat()).await;
    let words = text(&output.stdout);
    assert!(output.status.success(), "{words} {}", text(&output.stderr));
    for name in ["widget-one", "widget-two"] {
        assert!(
            words.lines().any(|line| line.starts_with(name) && line.ends_with("exchange accepted")),
            "{words}"
        );
    }
    assert!(!words.contains("tool"), "{words}");
    assert_eq!(scene.count("oidc_replay").await, 1, "one exchange was for all of them");
    // One token publishes both, whether they are named or not.
    let both = ["--package", "widget-one", "--package", "widget-two"];
    let output = run(folder.path(), job.clone(), &[&["token"], target.as_slice(), &both].concat()).await;
    assert!(output.status.success() && text(&output.stdout).lines().count() == 1, "{output:?}");
    let npm = ["token", "--registry", "npm", "--url", &url, "--package", "a", "--package", "b"];
    let output = run(folder.path(), job, &npm).await;
    assert!(!output.status.success() && text(&output.stderr).contains("run it once for each"), "{output:?}");
}

#[tokio::test]
async fn the_package_is_that_of_the_manifest_where_none_is_named() {
    let scene =
        Scene::start(Settings::new(&GITHUB), "", &["@acme/one", "pypi:widget", "rubygems:widget"], "").await;
    let folder = folder(&[
        ("package.json", r#"{"name":"@acme/one","version":"1.0.0"}"#),
        ("pyproject.toml", "[project]\nname = \"widget\"\n"),
        ("Cargo.toml", "[package]\nname = \"widget\"\n"),
        ("widget.gemspec", "Gem::Specification.new do |s|\n  s.name = 'widget'\nend\n"),
    ]);
    let url = scene.url();
    let output = run(folder.path(), scene.npm_job(), &["token", "--registry", "npm", "--url", &url]).await;
    assert!(output.status.success(), "{output:?}");
    assert!(text(&output.stderr).contains("the package is `@acme/one`, by package.json"), "{output:?}");
    for (registry, below, file) in [
        ("pypi", "legacy/", "pyproject.toml"),
        ("crates-io", "", "Cargo.toml"),
        ("rubygems", "rubygems/", "widget.gemspec"),
    ] {
        let url = format!("{url}{below}");
        let output = run(
            folder.path(),
            scene.issuer.env().to_vec(),
            &["doctor", "--registry", registry, "--url", &url],
        )
        .await;
        let said = text(&output.stderr);
        assert!(said.contains(&format!("the package is `widget`, by {file}")), "{registry}: {said}");
        assert!(text(&output.stdout).contains("`widget`"), "{registry}: {output:?}");
    }
    for registry in ["npm", "rubygems", "crates-io", "nuget"] {
        let output = run(
            folder.path().join("..").as_path(),
            Vec::new(),
            &["doctor", "--registry", registry, "--workspace"],
        )
        .await;
        assert!(
            !output.status.success() && text(&output.stderr).contains("--workspace: "),
            "{registry}: {output:?}"
        );
    }
}

#[tokio::test]
async fn completions_and_manual_pages_are_printed() {
    let folder = tempfile::tempdir().unwrap();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let output = run(folder.path(), Vec::new(), &["completions", shell]).await;
        let script = text(&output.stdout);
        // fish is told an option's name without its dashes.
        assert!(output.status.success() && script.contains("gitlab-annotations"), "{shell}");
    }
    let output = run(folder.path(), Vec::new(), &["man"]).await;
    let page = text(&output.stdout);
    assert!(
        output.status.success() && page.contains(".TH trusted-publish 1") && page.contains("doctor"),
        "{page}"
    );
    for command in ["token", "exec", "doctor", "attest", "verify", "completions", "man"] {
        let output = run(folder.path(), Vec::new(), &["man", command]).await;
        let title = format!(".TH trusted-publish-{command} 1");
        let named = format!(r"trusted\-publish\-{command}(1)");
        assert!(text(&output.stdout).contains(&title), "{output:?}");
        assert!(page.contains(&named), "the program's page names the command's: {page}");
    }
}
