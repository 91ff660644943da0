//! The examples on provenance: a tool that signs, and a registry that verifies.

#[allow(dead_code)]
#[path = "../../examples/attest.rs"]
mod attest;
#[allow(dead_code)]
#[path = "../../examples/provenance_gate.rs"]
mod gate;

use oidc_core::Context;
use oidc_core::testing::FakeHttp;
use oidc_provenance::{Attestation, Requirement, Services, codes};
use oidc_providers::{GitHub, GitHubPublisher};
use serde_json::{Value, json};

/// A bundle and its trusted root, with which the fuzzer begins.
const ROOT: &str = include_str!("../../../fuzz/trusted_root.json");
const BUNDLE: &[u8] = include_bytes!("../../../fuzz/seeds/bundle/github");
const TARBALL: &[u8] = b"the bytes of the tarball";

type Admitted = Result<Option<Attestation>, &'static str>;

fn admit(repository: &str, tarball: &[u8], bundle: Option<&[u8]>) -> Admitted {
    let manifest = json!({ "repository": "github:acme/widget" });
    let upload =
        gate::Upload { package: "@acme/widget", version: "1.0.0", tarball, manifest: &manifest, bundle };
    let publisher = Value::from(GitHubPublisher::new(repository, "publish.yml"));
    let signer = gate::signer(&GitHub::public(), &publisher).unwrap();
    let gate = gate::Gate::new(ROOT, Requirement::AsBefore).unwrap();
    gate.admit(&upload, &signer, true).map_err(|refusal| refusal.code())
}

#[test]
fn a_registry_takes_what_its_publisher_signed_and_nothing_else() {
    let built = admit("acme/widget", TARBALL, Some(BUNDLE)).unwrap().unwrap();
    let [repository, commit, workflow, run] = gate::SHOWN.map(|line| built.extension(line).unwrap());
    assert_eq!((repository, commit.len()), ("https://github.com/acme/widget", 40));
    assert_eq!(run, "https://github.com/acme/widget/actions/runs/1000000001/attempts/1");
    assert!(workflow.ends_with("/publish.yml@refs/tags/v1.0.0"), "{workflow}");
    let code = |admitted: Admitted| admitted.unwrap_err();
    assert_eq!(code(admit("evil/gadget", TARBALL, Some(BUNDLE))), "github-repository");
    assert_eq!(code(admit("acme/widget", b"other bytes", Some(BUNDLE))), codes::PROVENANCE_ARTIFACT);
    assert_eq!(code(admit("acme/widget", TARBALL, None)), codes::PROVENANCE_LOST);
}

#[test]
fn a_tool_signs_nothing_that_the_registry_would_refuse() {
    let http = FakeHttp::new();
    let cx = Context::default().with_http(http.clone());
    let release =
        attest::Release { package: "@acme/widget", version: "1.0.0", manifest: None, tarball: TARBALL };
    let error = release.attest(&oidc_providers::ci(), &Services::public(), &cx).unwrap_err();
    assert!(error.to_string().contains("nothing was signed"), "{error}");
    assert!(http.requests().is_empty());
}
