//! `trusted-publish doctor --provenance`: what a registry would refuse, or a tool leave out in silence, before anything is signed.

use ci_issuer::{GITHUB, GITLAB, Platform};

use crate::world::{World, said};

/// The manifest of the sample job's package.
const MANIFEST: &str = r#"{ "name": "@acme/widget", "repository": "github:acme/widget" }"#;

/// Runs the doctor at a registry. Nothing listens at most of them: what counts is what is said of provenance.
fn doctor(world: &World, manifest: &str, changes: &[(&str, &str)], (url, wish): (&str, &str)) -> String {
    std::fs::write(world.folder.path().join("package.json"), manifest).unwrap();
    let registry = ["doctor", "--registry", "npm", "--url", url, "--package", "@acme/widget"];
    said(&world.run_with(changes, &[&registry[..], &[wish]].concat()))
}

/// Where nothing listens.
const NOWHERE: &str = "http://127.0.0.1:1/";

#[tokio::test(flavor = "multi_thread")]
async fn doctor_tells_before_the_release_what_would_fail() {
    let world = World::start(&GITHUB, None).await;
    let doctor = |manifest: &str, wish: &str| doctor(&world, manifest, &[], (NOWHERE, wish));
    let right = doctor(MANIFEST, "--provenance");
    assert!(!right.contains("[provenance-"), "{right}");
    let missing = doctor("{}", "--provenance");
    assert!(
        missing.contains("error[provenance-repository]") && missing.contains("would be refused"),
        "{missing}"
    );
    let case = doctor(r#"{ "repository": "github:Acme/Widget" }"#, "--provenance=automatic");
    assert!(case.contains("upper and lower case"), "{case}");
    // The instance's server knows no package, as a registry that never saw it.
    let url = world.sigstore.url();
    let new = self::doctor(&world, MANIFEST, &[], (url, "--provenance"));
    assert!(new.contains("error[provenance-access]") && new.contains("--access public"), "{new}");
    assert_eq!(world.sigstore.entries(), 0, "nothing is signed");
}

/// A job with claims and variables of its own, and the code and the words that the doctor has for it.
struct Fault {
    platform: &'static Platform,
    claims: &'static [(&'static str, &'static str)],
    variables: &'static [(&'static str, &'static str)],
    code: &'static str,
    words: &'static str,
    /// A tool would leave provenance out and say nothing.
    is_silent: bool,
}

const FAULTS: &[Fault] = &[
    Fault {
        platform: &GITHUB,
        claims: &[("repository_visibility", "private")],
        variables: &[],
        code: "provenance-visibility",
        words: "public repositories only",
        is_silent: true,
    },
    Fault {
        platform: &GITHUB,
        claims: &[("runner_environment", "self-hosted")],
        variables: &[("RUNNER_ENVIRONMENT", "self-hosted")],
        code: "provenance-runner",
        words: "own machines only",
        is_silent: false,
    },
    Fault {
        platform: &GITHUB,
        claims: &[("ref", "")],
        variables: &[("GITHUB_REF", "")],
        code: "provenance-variable",
        words: "GITHUB_REF",
        is_silent: false,
    },
    Fault {
        platform: &GITHUB,
        claims: &[],
        variables: &[("ACTIONS_ID_TOKEN_REQUEST_URL", "")],
        code: "provenance-token",
        words: "id-token: write",
        is_silent: true,
    },
    Fault {
        platform: &GITHUB,
        claims: &[],
        variables: &[("GITHUB_ACTIONS", ""), ("CIRCLECI", "true")],
        code: "provenance-platform",
        words: "CircleCI has trusted publishing and no provenance",
        is_silent: true,
    },
    Fault {
        platform: &GITHUB,
        claims: &[],
        variables: &[("GITHUB_ACTIONS", "")],
        code: "provenance-platform",
        words: "GitHub Actions and GitLab CI/CD",
        is_silent: true,
    },
    Fault {
        platform: &GITLAB,
        claims: &[],
        variables: &[("SIGSTORE_ID_TOKEN", "")],
        code: "provenance-token",
        words: "SIGSTORE_ID_TOKEN",
        is_silent: true,
    },
    Fault {
        platform: &GITLAB,
        claims: &[],
        variables: &[("CI_SERVER_URL", "https://gitlab.acme.example")],
        code: "provenance-platform",
        words: "self-managed",
        is_silent: true,
    },
];

#[tokio::test(flavor = "multi_thread")]
async fn doctor_has_each_reason_of_the_registries_and_of_the_tools() {
    for fault in FAULTS {
        let world = World::of_job(fault.platform, None, fault.claims).await;
        let asked = doctor(&world, MANIFEST, fault.variables, (NOWHERE, "--provenance"));
        let error = format!("error[{}]", fault.code);
        assert!(asked.contains(&error) && asked.contains(fault.words), "{}: {asked}", fault.code);
        let automatic = doctor(&world, MANIFEST, fault.variables, (NOWHERE, "--provenance=automatic"));
        assert!(automatic.contains(fault.words), "{}: {automatic}", fault.code);
        let is_loud = automatic.contains("will have no provenance, and the tool will not say so");
        assert_eq!(is_loud, fault.is_silent, "{}: {automatic}", fault.code);
        assert_eq!(world.sigstore.entries(), 0, "{}: nothing is signed", fault.code);
    }
}
