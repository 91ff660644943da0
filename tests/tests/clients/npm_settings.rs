//! npm's settings as the doctor reads them, with npm itself as the judge of where it publishes.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use std::path::{Path, PathBuf};

use ci_issuer::{GITHUB, Settings};
use needs::needs;
use serde_json::Value;
use tests::clients::{Client, Tool};
use tests::http;
use tests::programs::Program;
use tests::scene::{Scene, borrowed};

const PACKAGE: &str = "@acme/widget";
/// Another registry, where nothing listens.
const OTHER: &str = "http://127.0.0.1:9/other/";

/// Settings, with `URL` for the registry and `OTHER` for another: `.npmrc` of the project, that of the user, a variable, and
/// `publishConfig`.
const SETTINGS: &[(&str, &str, (&str, &str), &str)] = &[
    ("registry=URL\n", "", ("A", ""), "{}"),
    ("", "", ("A", ""), "{}"),
    ("", "registry=URL\n", ("A", ""), "{}"),
    ("registry=\n", "registry=URL\n", ("A", ""), "{}"),
    ("_auth=YTpi\nregistry=URL\n", "", ("A", ""), "{}"),
    ("registry=URL\n", "scope=else\n@else:registry=OTHER\n", ("A", ""), "{}"),
    ("registry=URL\n@acme:registry=OTHER\n", "", ("npm_config_@acme:registry", "URL"), "{}"),
    ("registry=OTHER\n", "", ("NPM_CONFIG_REGISTRY", "${NPM_CONFIG_OURS}"), "{}"),
    ("@acme:registry=URL\n", "", ("A", ""), r#"{"registry":"OTHER"}"#),
    ("registry=URL\n", "", ("A", ""), r#"{"scope":"@else","@else:registry":"OTHER"}"#),
    ("registry=URL\n", "", ("A", ""), r#"{"registry":""}"#),
    ("registry=URL\n", "", ("A", ""), r#"[{"registry":"OTHER"}]"#),
];

/// Settings and `publishConfig` with which npm publishes nothing though it names the registry, and the code of the finding.
const WITHOUT_PUBLISH: &[(&str, &str, &str)] = &[
    ("registry=URL\n", r#"{"registry":["URL"]}"#, "npm-settings-refused"),
    ("registry=URL\n", r#"{"registry":true}"#, "npm-settings-refused"),
    ("registry=URL\n", r#"{"@acme:registry":["URL"]}"#, "npm-settings-refused"),
    ("registry[]=URL\n", "{}", "npm-settings-refused"),
    ("@acme:registry=URL\n", r#"{"registry":["URL"]}"#, "npm-settings-refused"),
    ("\u{feff}registry=URL\n@acme:registry[]=URL\n", "{}", "npm-settings-refused"),
    ("registry=URL\n", r#"{"cache":7}"#, "npm-publish-fails npm-settings-untold"),
    ("registry=URL\n", r#"{"scope":"@一"}"#, "npm-settings-refused"),
    ("registry=URL\ntag=1.0.0\n", "{}", "npm-publish-fails"),
    ("registry=URL\ndry-run=true\n", "{}", "npm-dry-run"),
    ("registry=URL\ndry-run=FALSE\n", "{}", "npm-dry-run"),
    ("registry=URL\nproxy=http://127.0.0.1:9\nnoproxy=none.example\n", "{}", "npm-way"),
];

/// What npm says of where it publishes; `None` where it publishes nowhere.
async fn npm_itself(npm: &Client, folder: &Path, variables: &[(&str, &str)]) -> Option<String> {
    let arguments = ["publish", "--dry-run", "--ignore-scripts"];
    let said = npm.run(folder, variables, &arguments).await.stderr;
    let (_, after) = said.split_once("Publishing to ")?;
    Some(after.split(' ').next()?.to_owned())
}

/// The codes of the doctor's findings.
async fn findings(npm: &Client, folder: &Path, url: &str, variables: &[(&str, &str)]) -> Vec<String> {
    let arguments = ["doctor", "--registry", "npm", "--url", url, "--package", PACKAGE, "--format", "json"];
    let output = npm.run_program(&Program::TrustedPublish.path(), folder, variables, &arguments).await;
    let report: Value = serde_json::from_str(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"));
    assert_eq!(report["verdict"], "accepted", "{report}");
    let diagnoses = report["diagnoses"].as_array().unwrap();
    diagnoses.iter().map(|found| found["code"].as_str().unwrap().to_owned()).collect()
}

fn project(npm: &Client, number: usize, npmrc: &str, user: &str, manifest: &str) -> PathBuf {
    std::fs::write(npm.home().join(".npmrc"), user).unwrap();
    let manifest = format!(r#"{{"name":"{PACKAGE}","version":"1.0.0","publishConfig":{manifest}}}"#);
    let files = [("package.json", manifest.as_str()), (".npmrc", npmrc)];
    npm.project(&format!("project-{number}"), &files)
}

#[needs(npm)]
#[tokio::test]
async fn the_doctor_says_where_npm_itself_publishes() {
    let npm = Tool::Npm.find().await;
    let scene = Scene::start(Settings::new(&GITHUB), "", &[PACKAGE], "").await;
    let url = scene.url();
    let path = npm.path_first();
    let job = scene.npm_job();
    for (number, (npmrc, user, variable, manifest)) in SETTINGS.iter().enumerate() {
        let filled = |text: &str| text.replace("URL", &url).replace("OTHER", OTHER);
        let folder = project(&npm, number, &filled(npmrc), &filled(user), &filled(manifest));
        let (name, value) = (variable.0, filled(variable.1));
        let own = [
            (name, value.as_str()),
            ("NPM_CONFIG_OURS", &url),
            ("PATH", path.to_str().unwrap()),
            ("HTTPS_PROXY", "http://127.0.0.1:9"),
        ];
        let there = npm_itself(&npm, &folder, &own).await;
        let found = findings(&npm, &folder, &url, &[&borrowed(&job)[..], &own].concat()).await;
        let said = |code: &str| found.iter().any(|found| found == code);
        let is_elsewhere =
            there.as_ref().is_some_and(|there| there.trim_end_matches('/') != url.trim_end_matches('/'));
        assert_eq!(
            said("registry-elsewhere"),
            is_elsewhere,
            "{npmrc} {user} {manifest}: {there:?} {found:?}"
        );
        assert_eq!(
            said("npm-settings-refused"),
            there.is_none(),
            "{npmrc} {user} {manifest}: {there:?} {found:?}"
        );
        assert!(!said("npm-settings-untold"), "{npmrc} {user} {manifest}: {found:?}");
    }
}

#[needs(npm)]
#[tokio::test]
async fn the_doctor_says_why_npm_publishes_nothing_at_the_registry_that_it_names() {
    let npm = Tool::Npm.find().await;
    let scene = Scene::start(Settings::new(&GITHUB), "", &[PACKAGE], "").await;
    let (url, path, job) = (scene.url(), npm.path_first(), scene.npm_job());
    let variables = [&borrowed(&job)[..], &[("PATH", path.to_str().unwrap())]].concat();
    let plain = ("registry=URL\ndry-run=0x0\n", r#"{"dry-run":true,"tag":"next","access":"public"}"#, "");
    for (number, (npmrc, manifest, code)) in WITHOUT_PUBLISH.iter().chain([&plain]).enumerate() {
        let filled = |text: &str| text.replace("URL", &url);
        let folder = project(&npm, number, &filled(npmrc), "", &filled(manifest));
        let found = findings(&npm, &folder, &url, &variables).await;
        let said: Vec<&String> = found.iter().filter(|code| code.starts_with("npm-")).collect();
        let expected: Vec<&str> = code.split_whitespace().collect();
        assert_eq!(said, expected, "{npmrc} {manifest}: {found:?}");
        assert!(!found.iter().any(|code| code == "registry-elsewhere"), "{npmrc} {manifest}: {found:?}");
        npm.run(&folder, &variables, &["publish", "--ignore-scripts"]).await;
        let answer = http::send(&scene.cx, http::get(&url, &http::escaped(PACKAGE))).await;
        assert_eq!(answer.status, if code.is_empty() { 200 } else { 404 }, "{npmrc} {manifest}");
    }
}

#[needs(npm)]
#[tokio::test]
async fn a_workspaces_member_is_checked_by_the_settings_of_its_root() {
    let npm = Tool::Npm.find().await;
    let scene = Scene::start(Settings::new(&GITHUB), "", &[PACKAGE], "").await;
    let (url, path, job) = (scene.url(), npm.path_first(), scene.npm_job());
    let member =
        format!(r#"{{"name":"{PACKAGE}","version":"1.0.0","publishConfig":{{"@acme:registry":"{OTHER}"}}}}"#);
    let plain = format!(r#"{{"name":"{PACKAGE}","version":"1.0.0"}}"#);
    let root = r#"{"name":"root","version":"1.0.0","private":true,"workspaces":["packages/*"],"publishConfig":{"registry":"http://127.0.0.1:9/root/"}}"#;
    let other = format!("registry={OTHER}\n");
    let variables = [&borrowed(&job)[..], &[("PATH", path.to_str().unwrap())]].concat();
    for (name, manifest, npmrc, is_elsewhere) in [
        ("root-settings", plain.as_str(), other.as_str(), true),
        ("own-settings", &plain, &scene.npmrc(), false),
        ("own-manifest", &member, &scene.npmrc(), true),
    ] {
        let files = [
            ("package.json", root),
            (".npmrc", npmrc),
            ("packages/widget/package.json", manifest),
            ("packages/widget/.npmrc", if is_elsewhere { &*scene.npmrc() } else { &other }),
        ];
        let folder = npm.project(name, &files);
        let all = [&variables[..], &[("npm_config_workspaces", "true")]].concat();
        let member = || folder.join("packages/widget");
        for (folder, variables) in [(member(), &variables), (member(), &all), (folder.clone(), &variables)] {
            let found = findings(&npm, &folder, &url, variables).await;
            assert_eq!(
                found.iter().any(|code| code == "registry-elsewhere"),
                is_elsewhere,
                "{name}: {found:?}"
            );
            assert!(!found.iter().any(|code| code.starts_with("npm-settings")), "{name}: {found:?}");
        }
    }
}

#[needs(npm)]
#[tokio::test]
async fn the_doctor_says_that_npm_skips_a_private_member() {
    let npm = Tool::Npm.find().await;
    let scene = Scene::start(Settings::new(&GITHUB), "", &[PACKAGE], "").await;
    let (url, path, job) = (scene.url(), npm.path_first(), scene.npm_job());
    let variables = [&borrowed(&job)[..], &[("PATH", path.to_str().unwrap())]].concat();
    let root = r#"{"name":"root","version":"1.0.0","private":true,"workspaces":["packages/*"]}"#;
    for (name, private, is_private) in [("yes", "true", true), ("text", r#""no""#, true), ("no", "0", false)]
    {
        let member = format!(r#"{{"name":"{PACKAGE}","version":"1.0.0","private":{private}}}"#);
        let files = [
            ("package.json", root),
            (".npmrc", &scene.npmrc()),
            ("packages/widget/package.json", member.as_str()),
        ];
        let folder = npm.project(name, &files);
        for folder in [folder.clone(), folder.join("packages/widget")] {
            let found = findings(&npm, &folder, &url, &variables).await;
            assert_eq!(found.iter().any(|code| code == "npm-private"), is_private, "{private}: {found:?}");
        }
        let publish = ["publish", "--ignore-scripts", "--workspace", PACKAGE];
        let published = npm.run(&folder, &variables, &publish).await;
        let answer = http::send(&scene.cx, http::get(&url, &http::escaped(PACKAGE))).await;
        assert_eq!(answer.status, if is_private { 404 } else { 200 }, "{private}: {published:?}");
    }
}

/// Members of a manifest with which npm's publish fails before it sends anything.
const FAILING: &[&str] = &[
    r#""version":"1.0.0-beta.1""#,
    r#""version":"x""#,
    r#""version":"1.0.0","broken""#,
    r#""version":"1.0.0-beta.1","publishConfig":{"ignore-scripts":false}"#,
];

#[needs(npm)]
#[tokio::test]
async fn the_doctor_says_that_npms_publish_fails_before_it_sends_anything_and_runs_no_script_for_it() {
    let npm = Tool::Npm.find().await;
    let scene = Scene::start(Settings::new(&GITHUB), "", &[PACKAGE], "").await;
    let (url, path, job) = (scene.url(), npm.path_first(), scene.npm_job());
    let variables = [&borrowed(&job)[..], &[("PATH", path.to_str().unwrap())]].concat();
    let npmrc = scene.npmrc();
    let scripts = ["prepublishOnly", "prepack", "prepare", "postpack", "publish", "postpublish"]
        .map(|name| format!(r#""{name}":"touch ran""#))
        .join(",");
    for (number, members) in FAILING.iter().enumerate() {
        for (name, folder) in [("alone", ""), ("member", "packages/widget/")] {
            let manifest = format!(r#"{{"name":"{PACKAGE}","scripts":{{{scripts}}},{members}}}"#);
            let root = r#"{"name":"root","version":"1.0.0","private":true,"workspaces":["packages/*"]}"#;
            let path = format!("{folder}package.json");
            let mut files = vec![(path.as_str(), manifest.as_str()), (".npmrc", npmrc.as_str())];
            if !folder.is_empty() {
                files.push(("package.json", root));
            }
            let project = npm.project(&format!("failing-{number}-{name}"), &files);
            let found = findings(&npm, &project, &url, &variables).await;
            let is_asked = !members.contains("ignore-scripts");
            let code = if is_asked { "npm-publish-fails" } else { "npm-settings-untold" };
            assert!(found.iter().any(|found| found == code), "{members} {name}: {found:?}");
            assert!(!project.join(folder).join("ran").exists(), "{members} {name}");
            let member = ["publish", "--ignore-scripts", "--workspace", PACKAGE];
            let publish = if folder.is_empty() { &member[..2] } else { &member[..] };
            assert!(!npm.run(&project, &variables, publish).await.status.success(), "{members} {name}");
        }
    }
}

#[needs(npm)]
#[tokio::test]
async fn the_doctor_says_that_another_tools_settings_were_not_looked_at() {
    let npm = Tool::Npm.find().await;
    let scene = Scene::start(Settings::new(&GITHUB), "", &[PACKAGE], "").await;
    let (url, path, job) = (scene.url(), npm.path_first(), scene.npm_job());
    let variables = [&borrowed(&job)[..], &[("PATH", path.to_str().unwrap())]].concat();
    let npmrc = scene.npmrc();
    for (number, (member, file, is_said)) in [
        (r#","packageManager":"pnpm@10.34.9+sha512.x""#, "a", true),
        (r#","packageManager":"yarn@4.18.1""#, "a", true),
        (r#","packageManager":"npm@11.21.2""#, "pnpm-workspace.yaml", false),
        ("", "pnpm-workspace.yaml", true),
        ("", ".yarnrc.yml", true),
        ("", "bunfig.toml", true),
        ("", "a", false),
    ]
    .into_iter()
    .enumerate()
    {
        let manifest = format!(r#"{{"name":"{PACKAGE}","version":"1.0.0"{member}}}"#);
        let files = [("package.json", manifest.as_str()), (".npmrc", npmrc.as_str()), (file, "")];
        let folder = npm.project(&format!("other-{number}"), &files);
        let found = findings(&npm, &folder, &url, &variables).await;
        assert_eq!(
            found.iter().any(|code| code == "npm-settings-untold"),
            is_said,
            "{member} {file}: {found:?}"
        );
        assert!(!found.iter().any(|code| code == "registry-elsewhere"), "{member} {file}: {found:?}");
    }
}
