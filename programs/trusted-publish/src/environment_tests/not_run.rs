//! Commands that would take the package to another registry, whatever a variable says. None of them is run.

use super::{Job, OWN, job};

const SCOPED: &str = "@acme/widget";
const NPM: &[&str] = &["npm", "publish"];
const BUN: &[&str] = &["/usr/bin/bun", "publish"];
const YARN: &[&str] = &["yarn", "npm", "publish"];

#[tokio::test]
async fn a_package_that_a_file_sends_elsewhere_is_not_published() {
    let registry = r#"{"publishConfig":{"registry":"https://other.example/"}}"#;
    let of_scope = r#"{"publishConfig":{"@acme:registry":"https://other.example/"}}"#;
    let yarnrc = "npmScopes:\n  acme:\n    npmPublishRegistry: https://other.example\n";
    let bunfig = "[install.scopes]\nacme = \"https://other.example/\"\n";
    let npmrc = "@acme:registry=https://other.example/\n";
    for (package, file, text, command, is_elsewhere) in [
        ("widget", "package.json", registry, NPM, true),
        ("widget", "package.json", registry, &["pnpm", "publish"], true),
        ("widget", "package.json", registry, YARN, true),
        ("widget", "package.json", registry, BUN, true),
        (SCOPED, "package.json", registry, NPM, false),
        (SCOPED, "package.json", registry, BUN, true),
        (SCOPED, "package.json", of_scope, NPM, true),
        (SCOPED, ".yarnrc.yml", yarnrc, YARN, true),
        (SCOPED, ".yarnrc.yml", yarnrc, NPM, false),
        ("@other/widget", ".yarnrc.yml", yarnrc, YARN, false),
        (SCOPED, "bunfig.toml", bunfig, BUN, true),
        (SCOPED, ".npmrc", npmrc, BUN, true),
        (SCOPED, ".npmrc", npmrc, NPM, false),
        ("widget", "package.json", registry, &["npm", "run", "publish"], false),
        ("widget", "package.json", registry, &["npm", "view", "widget"], false),
        ("widget", "package.json", registry, &["sh", "-c", "npm publish"], false),
        ("widget", "package.json", registry, &["npm", "publish", "--registry", OWN], false),
    ] {
        let job = job("npm").package(package).file(file, text).run_by(command);
        for found in job.elsewhere().await {
            assert_eq!(found.is_some(), is_elsewhere, "{text} {command:?}: {found:?}");
            assert!(found.is_none_or(|found| found.contains("`https://other.example")), "{command:?}");
        }
    }
}

#[tokio::test]
async fn a_command_that_names_another_repository_by_its_name_is_not_run() {
    for (registry, command, is_elsewhere, is_elsewhere_in_public) in [
        ("pypi", &["poetry", "publish", "-r", "corp"], true, true),
        ("pypi", &["poetry", "publish", "-rcorp", ""], true, true),
        ("pypi", &["poetry", "publish", "--repository=corp", ""], true, true),
        ("pypi", &["poetry", "publish", "-r", "trusted-publish"], false, true),
        ("pypi", &["poetry", "publish", "-r", "pypi"], true, false),
        ("pypi", &["poetry", "build", "-r", "corp"], false, false),
        ("pyx", &["poetry", "publish", "-r", "corp"], true, true),
        ("crates-io", &["cargo", "publish", "--registry", "corp"], true, true),
        ("crates-io", &["cargo", "publish", "--registry=corp", ""], true, true),
        ("crates-io", &["cargo", "publish", "--registry", "trusted-publish"], false, true),
        ("crates-io", &["cargo", "publish", "--registry", "crates-io"], true, false),
        ("crates-io", &["cargo", "publish", "--index", "sparse+https://other.example/"], true, true),
        ("crates-io", &["cargo", "publish", "--index", "sparse+https://own.example/a/index/"], false, true),
        ("crates-io", &["cargo", "search", "--registry", "corp"], false, false),
    ] {
        let own = job(registry).run_by(command);
        let public = Job { is_public: true, ..own.clone() };
        for (job, expected) in [(own, is_elsewhere), (public, is_elsewhere_in_public)] {
            for found in job.elsewhere().await {
                assert_eq!(found.is_some(), expected, "{command:?}, public {}: {found:?}", job.is_public);
            }
        }
    }
    let named = job("crates-io").with("CARGO_REGISTRIES_CORP_INDEX", "sparse+https://own.example/a/index/");
    let named = named.run_by(&["cargo", "publish", "--registry", "corp"]);
    assert_eq!(named.elsewhere().await, [None, None]);
}
