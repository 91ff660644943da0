//! `trusted-publish attest` and `verify`.

use ci_issuer::{GITHUB, GITLAB};
use serde_json::{Value, json};
use tests::http;

use crate::world::{World, said};

/// Signs the package's tarball as npm's.
fn attest(world: &World) {
    let url = world.sigstore.url();
    let output = world.run(&[
        "attest",
        "--registry",
        "npm",
        "--package",
        "@acme/widget@1.0.0",
        "--fulcio-url",
        url,
        "--rekor-url",
        url,
        "widget-1.0.0.tgz",
    ]);
    assert!(output.status.success(), "{}", said(&output));
    assert_eq!(String::from_utf8_lossy(&output.stdout), "widget-1.0.0.tgz.sigstore.json\n");
}

fn verify(world: &World, rules: &[&str]) -> (bool, String) {
    let fixed = [
        "verify",
        "--registry",
        "npm",
        "--package",
        "@acme/widget@1.0.0",
        "widget-1.0.0.tgz",
        "--bundle",
        "widget-1.0.0.tgz.sigstore.json",
        "--trusted-root",
        "trusted_root.json",
        "--issuer",
        world.issuer.url(),
    ];
    let output = world.run(&[&fixed, rules].concat());
    (output.status.success(), said(&output))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_the_repositorys_and_workflows_or_it_is_said_what_differs() {
    let world = World::start(&GITHUB, None).await;
    attest(&world);
    for rules in [
        &["--repository", "acme/widget"][..],
        &["--repository", "acme/widget", "--workflow", "publish.yml", "--hosted-runner"],
        &["--repository", "acme/widget", "--workflow", "publish.yml", "--publisher", "ref=refs/tags/v*"],
    ] {
        let (is_right, said) = verify(&world, rules);
        assert!(is_right, "{rules:?}: {said}");
        assert!(said.contains("repository: https://github.com/acme/widget"), "{said}");
    }
    for (rules, found) in [
        (&["--repository", "evil/gadget"][..], "acme/widget"),
        (&["--repository", "acme/widget", "--workflow", "ci.yml"], "publish.yml"),
        (&["--repository", "acme/widget", "--publisher", "environment=publish"], "environment"),
        (&["--repository", "acme/widget", "--publisher", "repository_id=3"], "`2`"),
        (&["--repository", "acme/widget", "--publisher", "colour=red"], "colour"),
    ] {
        let (is_right, said) = verify(&world, rules);
        assert!(!is_right && said.contains(found), "{rules:?}: {said}");
        assert!(!said.contains("publisher's configuration"), "{rules:?}: {said}");
    }
    std::fs::write(world.folder.path().join("widget-1.0.0.tgz"), "other bytes").unwrap();
    let (is_right, said) = verify(&world, &["--repository", "acme/widget"]);
    assert!(!is_right && said.contains("other bytes than the file's"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn npms_tarball_names_its_package_to_both_commands() {
    let world = World::start(&GITHUB, None).await;
    std::fs::write(world.folder.path().join("widget.tgz"), http::tarball("widget", "1.0.0")).unwrap();
    let url = world.sigstore.url();
    let output = world.run(&["attest", "--fulcio-url", url, "--rekor-url", url, "widget.tgz"]);
    assert!(output.status.success(), "{}", said(&output));
    let bundle = ["--bundle", "widget.tgz.sigstore.json", "--trusted-root", "trusted_root.json"];
    let rules = ["--issuer", world.issuer.url(), "--repository", "acme/widget"];
    let output = world.run(&[&["verify", "widget.tgz"][..], &bundle, &rules].concat());
    assert!(output.status.success(), "{}", said(&output));
    assert!(said(&output).starts_with("pkg:npm/widget@1.0.0: built and signed by "), "{}", said(&output));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_on_gitlab_signs_with_its_second_token() {
    let world = World::start(&GITLAB, None).await;
    attest(&world);
    let (is_right, said) = verify(&world, &["--platform", "gitlab", "--repository", "acme/group/widget"]);
    assert!(is_right, "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn pypis_form_is_written_beside_the_file() {
    let world = World::start(&GITHUB, None).await;
    std::fs::write(world.folder.path().join("widget-1.0.0.tar.gz"), "a distribution").unwrap();
    let url = world.sigstore.url();
    let services = ["--fulcio-url", url, "--rekor-url", url];
    let output =
        world.run(&[&["attest", "--registry", "pypi", "widget-1.0.0.tar.gz"][..], &services].concat());
    assert!(output.status.success(), "{}", said(&output));
    let output = world.run(&[
        "verify",
        "--registry",
        "pypi",
        "widget-1.0.0.tar.gz",
        "--bundle",
        "widget-1.0.0.tar.gz.publish.attestation",
        "--trusted-root",
        "trusted_root.json",
        "--issuer",
        world.issuer.url(),
        "--repository",
        "acme/widget",
        "--workflow",
        "publish.yml",
    ]);
    assert!(output.status.success(), "{}", said(&output));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_reads_what_was_written_and_what_a_file_was_built_from() {
    let world = World::start(&GITHUB, None).await;
    let url = world.sigstore.url();
    let attest = ["attest", "--format", "json", "--package", "@acme/widget@1.0.0", "widget-1.0.0.tgz"];
    let attest = |url: &str| world.run(&[&attest[..], &["--fulcio-url", url, "--rekor-url", url]].concat());
    let output = attest(url);
    assert_eq!(
        read(&output.stdout),
        json!({ "file": "widget-1.0.0.tgz", "provenance": "widget-1.0.0.tgz.sigstore.json" }),
        "{}",
        said(&output)
    );
    let failed = attest("http://127.0.0.1:1");
    assert_eq!((failed.status.code(), failed.stdout), (Some(1), Vec::new()));
    let error = read(failed.stderr.split_inclusive(|byte| *byte == b'\n').next_back().unwrap());
    assert!(error["error"].as_str().unwrap().contains("nothing was written to the public log"), "{error}");
    assert_eq!(error["code"], "provenance-authority", "{error}");

    let verify = |repository: &str| {
        let fixed = ["verify", "--format", "json", "--package", "@acme/widget@1.0.0", "widget-1.0.0.tgz"];
        let bundle = ["--bundle", "widget-1.0.0.tgz.sigstore.json", "--trusted-root", "trusted_root.json"];
        let rules =
            ["--issuer", world.issuer.url(), "--repository", repository, "--publisher", "ref_protected=true"];
        world.run(&[&fixed[..], &bundle, &rules].concat())
    };
    let output = verify("acme/widget");
    assert!(output.status.success(), "{}", said(&output));
    let report = read(&output.stdout);
    assert_eq!(report["repository"], "https://github.com/acme/widget", "{report}");
    assert_eq!(report["runner"], "github-hosted", "{report}");
    assert_eq!(report["environment"], json!(null), "{report}");
    assert!(report["log_index"].is_u64(), "{report}");
    assert_eq!(report["not_compared"], json!(["ref_protected"]), "{report}");
    assert!(report["signed_at"].as_str().unwrap().ends_with('Z'), "{report}");
    assert!(report["signer"].as_str().unwrap().contains("/publish.yml@"), "{report}");
    let refused = verify("evil/gadget");
    assert_eq!((refused.status.code(), refused.stdout), (Some(1), Vec::new()));
    let error = read(&refused.stderr);
    assert!(error["error"].as_str().unwrap().contains("acme/widget"), "{error}");
    assert_eq!(error["code"], "github-repository", "{error}");
}

fn read(text: &[u8]) -> Value {
    serde_json::from_slice(text).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_log_nothing_is_written_and_it_is_said() {
    let world = World::start(&GITHUB, None).await;
    let output = world.run(&[
        "attest",
        "--package",
        "@acme/widget@1.0.0",
        "--fulcio-url",
        "http://127.0.0.1:1",
        "--rekor-url",
        "http://127.0.0.1:1",
        "widget-1.0.0.tgz",
    ]);
    assert_eq!(output.status.code(), Some(1));
    assert!(said(&output).contains("nothing was written to the public log"), "{}", said(&output));
    assert!(!world.folder.path().join("widget-1.0.0.tgz.sigstore.json").exists());
}
