//! The packages of a workspace, by the tools whose workspaces they are: the doctor's table has those that the tool publishes.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::collections::BTreeSet;
use std::path::Path;

use ci_issuer::{GITHUB, Settings};
use needs::needs;
use serde_json::{Value, json};
use tests::clients::{Client, Tool};
use tests::programs::Program;
use tests::scene::{Scene, borrowed};

/// The packages of the doctor's table.
async fn in_the_table(client: &Client, scene: &Scene, folder: &Path) -> BTreeSet<String> {
    let url = scene.url();
    let doctor = ["doctor", "--registry", "npm", "--url", &url, "--workspace", "--format", "json"];
    let job = scene.npm_job();
    let program = Program::TrustedPublish.path();
    let output = client.run_program(&program, folder, &borrowed(&job), &doctor).await;
    let told: Value = serde_json::from_str(&output.stdout).unwrap();
    let reports = told["reports"].as_array().unwrap().iter();
    reports.map(|report| report["package"].as_str().unwrap().to_owned()).collect()
}

/// Patterns that npm reads in its own way: with braces, a slash or a dot at the beginning, hidden folders, folders that are taken
/// out and brought back.
#[needs(npm)]
#[tokio::test]
async fn the_table_has_the_packages_of_a_workspace_that_npm_itself_finds_in_it() {
    let npm = Tool::Npm.find().await;
    let scene = Scene::start(Settings::new(&GITHUB), "", &["@acme/one"], "").await;
    let patterns = [
        "packages/*",
        "!packages/left-out",
        "./tools/direct",
        "/libs/{one,two}",
        "nested/**",
        "!nested/old/**",
        "apps/*/",
        "!apps/x",
        "!!apps/z",
        "!more/*",
        "more/back",
    ];
    let folders = [
        "packages/one",
        "packages/two",
        "packages/left-out",
        "packages/.hidden",
        "tools/direct",
        "tools/other",
        "libs/one",
        "libs/two",
        "libs/three",
        "nested",
        "nested/a",
        "nested/a/b",
        "nested/a/node_modules/dep",
        "nested/old",
        "nested/old/c",
        "apps/x",
        "apps/y",
        "apps/z",
        "more/back",
        "more/away",
    ];
    let root = json!({ "name": "root", "private": true, "workspaces": patterns }).to_string();
    let manifest = |folder: &&str| {
        let name = format!("@acme/{}", folder.replace('/', "-").replace('.', ""));
        (format!("{folder}/package.json"), json!({ "name": name, "version": "1.0.0" }).to_string())
    };
    let mut files = vec![("package.json".to_owned(), root)];
    files.extend(folders.iter().map(manifest));
    let private = json!({ "name": "@acme/site", "version": "1.0.0", "private": true }).to_string();
    files.push(("packages/site/package.json".to_owned(), private));
    let files: Vec<_> = files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    let folder = npm.project("workspace", &files);

    let listed = npm.run(&folder, &[], &["pkg", "get", "name", "private", "--workspaces"]).await.succeeded();
    let listed: Value = serde_json::from_str(&listed).unwrap();
    let is_published = |(_, manifest): &(&String, &Value)| manifest["private"] != json!(true);
    let found: BTreeSet<String> =
        listed.as_object().unwrap().iter().filter(is_published).map(|(name, _)| name.clone()).collect();
    assert!(found.contains("@acme/libs-two") && !found.contains("@acme/site"), "{found:?}");
    assert_eq!(in_the_table(&npm, &scene, &folder).await, found);
}
