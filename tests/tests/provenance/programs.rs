//! `trusted-publish attest`, `verify` and `doctor --provenance`.

use ci_issuer::{GITHUB, GITLAB};

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
    }
    std::fs::write(world.folder.path().join("widget-1.0.0.tgz"), "other bytes").unwrap();
    let (is_right, said) = verify(&world, &["--repository", "acme/widget"]);
    assert!(!is_right && said.contains("other bytes than the file's"), "{said}");
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

#[tokio::test(flavor = "multi_thread")]
async fn doctor_tells_before_the_release_what_would_fail() {
    let world = World::start(&GITHUB, None).await;
    let doctor = |manifest: &str, wish: &str| {
        std::fs::write(world.folder.path().join("package.json"), manifest).unwrap();
        // No registry is there; what counts is what is said of provenance.
        let output = world.run(&[
            "doctor",
            "--registry",
            "npm",
            "--url",
            "http://127.0.0.1:1/",
            "--package",
            "@acme/widget",
            wish,
        ]);
        said(&output)
    };
    let right = doctor(r#"{ "repository": "github:acme/widget" }"#, "--provenance");
    assert!(!right.contains("[provenance-"), "{right}");
    let missing = doctor("{}", "--provenance");
    assert!(
        missing.contains("error[provenance-repository]") && missing.contains("would be refused"),
        "{missing}"
    );
    let case = doctor(r#"{ "repository": "github:Acme/Widget" }"#, "--provenance=automatic");
    assert!(case.contains("upper and lower case"), "{case}");
}
