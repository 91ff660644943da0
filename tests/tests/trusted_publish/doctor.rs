//! `trusted-publish doctor` as a job runs it: exit statuses, formats, annotations, and what it does not use up.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use std::process::{Command, Output};

use ci_issuer::{Changes, GITHUB, GITLAB, Platform, Settings};
use serde_json::Value;
use tests::http;
use tests::scene::Scene;

const PACKAGE: &str = "@acme/widget";

async fn scene(platform: &'static Platform, rules: &str) -> Scene {
    Scene::start(Settings::new(platform), "", &[PACKAGE], rules).await
}

async fn doctor(scene: &Scene, more: &[&str]) -> Output {
    run(scene.npm_job(), &[&["--url", &scene.url(), "--package", PACKAGE], more].concat()).await
}

/// Runs the program in another thread, so that issuer and registry can answer.
async fn run(variables: Vec<(String, String)>, arguments: &[&str]) -> Output {
    run_at("npm", variables, arguments).await
}

async fn run_at(registry: &str, variables: Vec<(String, String)>, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tested-trusted-publish"));
    command.args(["doctor", "--registry", registry]).args(arguments).env_clear().envs(variables);
    // Where no manifest names a package.
    command.current_dir("/");
    tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[tokio::test]
async fn the_only_token_of_a_gitlab_job_is_used_only_if_that_is_asked_for() {
    let scene = scene(&GITLAB, "").await;
    let job = scene.npm_job();
    let target = ["--url", &scene.url(), "--package", PACKAGE];
    let untried = run(job.clone(), &target).await;
    assert_eq!(untried.status.code(), Some(1));
    let words = text(&untried.stdout);
    assert!(
        words.contains("it is not known whether an earlier step used the job's only token already"),
        "{words}"
    );
    assert!(words.contains("publish, if no earlier step of this job used its token"), "{words}");
    assert_eq!(scene.state(&[PACKAGE]).await.used, 0);
    let tried = run(job, &[target.as_slice(), &["--exchange"]].concat()).await;
    assert!(tried.status.success(), "{tried:?}");
    let words = text(&tried.stdout);
    assert!(
        words.contains("the job's token is used now") && words.contains("publish in another job"),
        "{words}"
    );
    assert!(tried.stderr.is_empty(), "annotations are for GitHub: {tried:?}");
    assert_eq!(scene.state(&[PACKAGE]).await.used, 1);
}

#[tokio::test]
async fn a_report_for_programs_names_code_place_and_fix() {
    let scene = scene(&GITHUB, "environment = \"publish\"").await;
    let file = tempfile::NamedTempFile::new().unwrap();
    let path = file.path().to_str().unwrap();
    let more = ["--format", "json", "--publisher", "environment=publish", "--gitlab-annotations", path];
    let output = doctor(&scene, &more).await;
    assert_eq!(output.status.code(), Some(1));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["verdict"], "refused");
    let first = &report["diagnoses"][0];
    assert_eq!(
        (&first["code"], &first["severity"]),
        (&"environment-missing".into(), &"error".into()),
        "{report}"
    );
    assert_eq!(first["subject"]["name"], "environment");
    assert_eq!(first["fix"], "add `environment: publish` to the job");
    assert_eq!(report["differences"][0]["differs"], true);
    assert!(text(&output.stderr).lines().all(|line| line.starts_with("::")), "{output:?}");
    let annotations: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    assert!(annotations["trusted_publishing"].is_array());
}

#[tokio::test]
async fn what_was_checked_can_be_published_afterwards() {
    let scene = scene(&GITHUB, "").await;
    for _ in 0..2 {
        assert!(doctor(&scene, &[]).await.status.success());
    }
    let exchange = http::exchange(&scene.url(), PACKAGE, &scene.token(&scene.audience()));
    http::minted(&http::send(&scene.cx, exchange).await);
}

#[tokio::test]
async fn what_can_not_be_checked_is_one_line_or_a_report_and_never_a_success() {
    let url = "http://registry.example/";
    let plain = run(Vec::new(), &["--url", url, "--package", PACKAGE]).await;
    assert_eq!(plain.status.code(), Some(1));
    assert!(text(&plain.stdout).contains("error[registry-url]"), "{plain:?}");
    let other = run(Vec::new(), &["--url", "ftp://registry.example/", "--package", PACKAGE]).await;
    assert!(text(&other.stdout).contains("http for a loopback address"), "{other:?}");
    let help = text(&run(Vec::new(), &["--help"]).await.stdout);
    for line in [
        "crates-io: the registry's root, not cargo's index",
        "pypi, pep-807: the upload URL",
        "rubygems: the root",
    ] {
        assert!(help.contains(line), "{help}");
    }
    for (arguments, code, words) in [
        (vec!["--url", "https://r.example/"], 1, "name it with --package"),
        (vec!["--url", "https://r.example/", "--package", "a b"], 1, "not a package name"),
        (
            vec!["--url", "https://r.example/", "--package", "a", "--trusted-publishing", "never"],
            1,
            "switched off",
        ),
        (vec!["--url", "https://r.example/", "--package", "a", "--publisher", "workflow"], 2, "key=value"),
        (vec!["--url", "sparse+https://r.example/index/", "--package", "a"], 1, "the registry's root"),
        (
            vec!["--url", "https://r.example/", "--package", "a", "--publisher", "no_such_key=x"],
            2,
            "there is no such field",
        ),
        (
            vec!["--url", "https://r.example/", "--package", "a", "--publisher", "workflow=a", "workflow=b"],
            2,
            "`workflow` twice",
        ),
    ] {
        let output = run(Vec::new(), &arguments).await;
        assert_eq!(output.status.code(), Some(code), "{output:?}");
        assert!(text(&output.stderr).contains(words) && output.stdout.is_empty(), "{output:?}");
    }
}

/// The arguments by which a job of each platform asks for each registry: the upload's URL below the registry's, and the token's variable.
const REGISTRIES: &[(&str, &str, &str)] =
    &[("pypi", "legacy/", "PYPI_ID_TOKEN"), ("crates-io", "", "CRATES_IO_ID_TOKEN")];

fn audience_of(registry: &str, scene: &Scene) -> String {
    let url = scene.registry.public_url();
    match registry {
        "pypi" => format!("pypi:{}", url.host_and_port()),
        _ => format!("{}{}", url.host_and_port(), url.path().trim_end_matches('/')),
    }
}

fn job(scene: &Scene, platform: &Platform, registry: &str, variable: &str) -> Vec<(String, String)> {
    let mut variables = scene.issuer.env().to_vec();
    if platform.name == "gitlab" {
        variables.push((variable.to_owned(), scene.token(&audience_of(registry, scene))));
    }
    variables
}

#[tokio::test]
async fn the_doctor_works_for_pypi_and_crates_io_as_github_and_as_gitlab() {
    for platform in [&GITHUB, &GITLAB] {
        for prefix in ["", "/sub"] {
            let packages = ["pypi:widget", "cargo:widget"];
            let scene = Scene::start(Settings::new(platform), prefix, &packages, "").await;
            let refusing =
                Scene::start(Settings::new(platform), prefix, &packages, "environment = \"publish\"").await;
            for (registry, below, variable) in REGISTRIES {
                let of = |scene: &Scene| format!("{}{below}", scene.url());
                let variables = || job(&scene, platform, registry, variable);
                let told = run_at(registry, variables(), &["--url", &of(&scene), "--exchange"]).await;
                assert!(told.status.success(), "{registry} {}: {told:?}", platform.name);
                let wrong = if prefix.is_empty() {
                    format!("{}other/{below}", scene.url())
                } else {
                    of(&scene).replace("/sub", "")
                };
                let told = run_at(registry, variables(), &["--url", &wrong, "--exchange"]).await;
                let words = text(&told.stdout);
                // A GitLab job's only token for crates.io's protocol is for the right URL.
                let is_said = words.contains("error[registry-path]") && words.contains(&scene.url());
                assert!(told.status.code() == Some(1) && is_said, "{registry} {wrong}: {words}");

                let variables = job(&refusing, platform, registry, variable);
                let told =
                    run_at(registry, variables, &["--url", &of(&refusing), "--exchange", "--format", "json"])
                        .await;
                let report: Value = serde_json::from_slice(&told.stdout).unwrap();
                assert_eq!(told.status.code(), Some(1), "{report}");
                assert_eq!(report["refusal"]["code"], "environment-missing", "{report}");
                assert_eq!(report["refusal"]["subject"], "environment", "{report}");
            }
        }
    }
}

#[tokio::test]
async fn a_url_with_a_wrong_path_is_never_accepted_and_the_right_one_is_named() {
    let at_root = scene(&GITHUB, "").await;
    let below = Scene::start(Settings::new(&GITHUB), "/npm", &[PACKAGE], "").await;
    let without = below.url().replace("/npm/", "/");
    let with = format!("{}npm/", at_root.url());
    for (scene, url) in [(&at_root, with), (&below, without)] {
        let told = run(scene.npm_job(), &["--url", &url, "--package", PACKAGE]).await;
        let words = text(&told.stdout);
        assert_eq!(told.status.code(), Some(1), "{words}");
        assert!(words.contains("error[registry-path]"), "{words}");
        assert!(words.contains(&format!("this registry is at {}", scene.url())), "{words}");
        assert!(!words.contains("registry-url-"), "advice on a URL that is none: {words}");
    }
}

#[tokio::test]
async fn a_publisher_that_contradicts_the_job_is_never_accepted() {
    let scene = scene(&GITHUB, "").await;
    for publisher in ["workflow=other.yml", "repository=acme/other", "environment=publish"] {
        let told = doctor(&scene, &["--publisher", publisher, "--format", "json"]).await;
        let report: Value = serde_json::from_slice(&told.stdout).unwrap();
        assert_eq!((told.status.code(), &report["verdict"]), (Some(1), &"contradicted".into()), "{report}");
        let fix = report["diagnoses"][0]["fix"].as_str().unwrap();
        assert!(fix.contains("your statement is what differs") && !fix.contains("set `"), "{report}");
    }
    let told = doctor(&scene, &["--publisher", "workflow=publish.yml"]).await;
    assert!(told.status.success(), "{told:?}");
    assert!(!text(&told.stdout).contains("issuer-not-public"), "the registry trusts it: {told:?}");
}

#[tokio::test]
async fn a_token_for_the_host_with_its_port_is_as_good_as_one_without() {
    let scene = scene(&GITLAB, "").await;
    for variables in [scene.npm_job(), scene.job(&scene.audience_with_port())] {
        let told = run(variables, &["--url", &scene.url(), "--package", PACKAGE, "--exchange"]).await;
        assert!(told.status.success(), "{told:?}");
    }
}

#[tokio::test]
async fn a_package_that_no_answer_tells_of_is_not_said_to_be_accepted() {
    let packages = ["pypi:widget", "cargo:widget", "rubygems:widget"];
    let scene = Scene::start(Settings::new(&GITHUB), "", &packages, "").await;
    for (registry, below) in
        [("pypi", "legacy/"), ("pep-807", "legacy/"), ("crates-io", ""), ("rubygems", "rubygems/")]
    {
        let url = format!("{}{below}", scene.url());
        let named =
            run_at(registry, scene.issuer.env().to_vec(), &["--url", &url, "--package", "gadget"]).await;
        let words = text(&named.stdout);
        let is_said = words.contains("whether `gadget` is among its packages, this protocol doesn't say");
        assert!(is_said && !words.contains("would be accepted"), "{registry}: {words}");
        let unnamed = run_at(registry, scene.issuer.env().to_vec(), &["--url", &url]).await;
        let words = text(&unnamed.stdout);
        assert!(words.contains("A publish of every package of the identity at "), "{registry}: {words}");
        assert!(unnamed.status.success(), "{registry}: {words}");
    }
}

#[tokio::test]
async fn where_nothing_listens_that_is_said_first_and_no_name_is_empty() {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let scene = scene(&GITHUB, "").await;
    for (registry, more) in [("npm", vec!["--package", PACKAGE]), ("pypi", vec![])] {
        let url = format!("http://127.0.0.1:{port}/");
        let arguments = [vec!["--url", &url], more].concat();
        let told = run_at(registry, scene.npm_job(), &arguments).await;
        let words = text(&told.stdout);
        let first = words.lines().find(|line| line.starts_with("error[")).unwrap();
        let expected = format!("nothing listens at 127.0.0.1:{port}: is the registry running?");
        assert!(first.contains(&expected), "{words}");
    }
    let told = run_at("pypi", Vec::new(), &["--url", "http://registry.example/"]).await;
    assert!(!text(&told.stdout).contains("``") && told.status.code() == Some(1), "{told:?}");
}

#[tokio::test]
async fn a_field_that_publishers_of_the_platform_lack_is_a_usage_error() {
    let scene = scene(&GITHUB, "").await;
    let told = doctor(&scene, &["--publisher", "project_path=acme/widget"]).await;
    assert_eq!(told.status.code(), Some(2), "{told:?}");
    assert!(text(&told.stderr).contains("`project_path`") && told.stdout.is_empty(), "{told:?}");
}

#[tokio::test]
async fn a_registry_of_ones_own_is_held_against_the_workflow_that_it_is_said_to_compare() {
    let changes = Changes::default()
        .set("ref", "refs/tags/v1")
        .set("workflow_ref", "acme/widget/.github/workflows/ci.yml@refs/tags/v1")
        .set("job_workflow_ref", "acme/widget/.github/workflows/publish.yml@refs/tags/v1");
    let settings = Settings { changes, ..Settings::new(&GITHUB) };
    let scene = Scene::start(settings, "", &["pypi:widget"], "").await;
    let url = format!("{}legacy/", scene.url());
    for (which, file) in [(None, "ci.yml"), (Some("started"), "ci.yml"), (Some("called"), "publish.yml")] {
        let which = which.map(|which| ["--compared-workflow", which]);
        let arguments =
            [&["--url", &url, "--format", "json"][..], which.as_ref().map_or(&[], |which| which.as_slice())];
        let told = run_at("pypi", scene.issuer.env().to_vec(), &arguments.concat()).await;
        let report: Value = serde_json::from_slice(&told.stdout).unwrap();
        let settings = report["settings"].as_array().unwrap();
        let workflow = settings.iter().find(|setting| setting["key"] == "workflow").unwrap();
        assert_eq!(workflow["value"], file, "{report}");
    }
}
