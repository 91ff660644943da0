//! Provenance of real packages, against the trusted root of Sigstore's public instance. The files are those that come
//! with the crate that verifies, and with PyPI's `pypi-attestations`; none of them is kept here.
#![allow(
    clippy::disallowed_methods,
    clippy::print_stderr,
    reason = "tests: files are found through variables"
)]

use std::path::PathBuf;

use oidc_core::Provider;
use oidc_provenance::{
    Artifact, Attestation, Bundle, Extension, Format, PUBLIC_TRUSTED_ROOT, Policy, Refusal, SignerRules,
    Verifier, codes,
};
use oidc_providers::{GitHub, GitLab};
use serde_json::{Value, json};

use crate::support::unbase64;

fn verifier() -> Verifier {
    Verifier::new(PUBLIC_TRUSTED_ROOT).unwrap()
}

/// A file of the sources of a crate that verifies.
pub(crate) fn crate_file(path: &str) -> String {
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.unwrap_or_else(|| PathBuf::from(std::env::var_os("HOME").unwrap()).join(".cargo"));
    let registries = std::fs::read_dir(home.join("registry/src")).unwrap();
    let mut files = registries.map(|registry| registry.unwrap().path().join(path));
    std::fs::read_to_string(files.find(|file| file.exists()).unwrap()).unwrap()
}

/// A bundle of those that come with the crate that verifies.
fn bundle(name: &str) -> String {
    crate_file(&format!("sigstore-verify-0.15.1/test_data/bundles/{name}"))
}

pub(crate) fn statement(bundle: &str) -> Value {
    let bundle: Value = serde_json::from_str(bundle).unwrap();
    serde_json::from_slice(&unbase64(&bundle["dsseEnvelope"]["payload"])).unwrap()
}

pub(crate) fn digest<const N: usize>(hex: &Value) -> [u8; N] {
    let bytes = data_encoding::HEXLOWER.decode(hex.as_str().unwrap().as_bytes()).unwrap();
    bytes.try_into().unwrap()
}

fn rules(provider: &dyn Provider, config: &Value) -> SignerRules {
    SignerRules::new(provider, config).unwrap().unwrap()
}

/// The provenance of sigstore-js 2.0.0 on npm, for the digest that the registry has.
fn npm(version: &str, config: &Value, repository: &Value) -> Result<Attestation, Refusal> {
    let bundle = bundle("sigstore.js@2.0.0-provenance.sigstore.json");
    let sha512 = digest(&statement(&bundle)["subject"][0]["digest"]["sha512"]);
    let signer = rules(&GitHub::public(), config);
    let policy = Policy::new(&signer).repository(Some(repository)).public_source().hosted_runner();
    let artifact = Artifact::npm_with_digest("sigstore", version, sha512);
    verifier().verify(bundle.as_bytes(), &artifact, &policy)
}

#[test]
fn a_package_of_npm_is_its_repositorys() {
    let publisher = json!({
        "repository": "sigstore/sigstore-js", "workflow": "release.yml",
        "repository_id": "495574555", "repository_owner_id": "71096353", "ref": "refs/heads/main",
    });
    let repository = json!({ "type": "git", "url": "git+https://github.com/sigstore/sigstore-js.git" });
    let attestation = npm("2.0.0", &publisher, &repository).unwrap();
    assert_eq!(attestation.format(), Format::V0_1);
    assert_eq!(attestation.signed_at().to_string(), "2023-08-18T16:05:35Z");
    assert_eq!(attestation.extension(Extension::RunnerEnvironment), Some("github-hosted"));

    let code = |result: Result<_, Refusal>| result.map(|_: Attestation| ()).unwrap_err().code();
    assert_eq!(code(npm("2.0.1", &publisher, &repository)), codes::PROVENANCE_SUBJECT);
    assert_eq!(code(npm("2.0.0", &publisher, &json!("Sigstore/sigstore-js"))), codes::PROVENANCE_REPOSITORY);
    let other = json!({ "repository": "sigstore/sigstore-js", "workflow": "ci.yml" });
    assert_eq!(code(npm("2.0.0", &other, &repository)), "github-workflow");
    let other = json!({ "repository": "acme/widget", "workflow": "release.yml" });
    assert_eq!(code(npm("2.0.0", &other, &repository)), "github-repository");
}

#[test]
fn bundles_of_each_form_are_verified() {
    // The second has an entry of the log's second interface and a timestamp of the staging instance's authority.
    for (name, root) in [
        ("conda-attestation.sigstore.json", PUBLIC_TRUSTED_ROOT),
        (
            "conda-attestation-rekor2.sigstore.json",
            sigstore_verify::trust_root::SIGSTORE_STAGING_TRUSTED_ROOT,
        ),
    ] {
        let verifier = Verifier::new(root).unwrap();
        let bundle = bundle(name);
        let subject = &statement(&bundle)["subject"][0];
        let artifact = Artifact::file_with_digest(
            subject["name"].as_str().unwrap(),
            digest(&subject["digest"]["sha256"]),
        );
        let attestation = verifier.authenticate(bundle.as_bytes(), &artifact).unwrap();
        assert_eq!(attestation.format(), Format::V0_3, "{name}");
        assert!(!attestation.identity().is_empty(), "{name}");
        let other = Artifact::file_with_digest(artifact.name(), [0; 32]);
        let refusal = verifier.authenticate(bundle.as_bytes(), &other).unwrap_err();
        assert_eq!(refusal.code(), codes::PROVENANCE_ARTIFACT, "{name}");
    }
}

#[test]
fn a_plain_signature_is_a_registrys_choice() {
    let bundle = bundle("bundle_v3_github.whl.sigstore");
    let json: Value = serde_json::from_str(&bundle).unwrap();
    let sha256: [u8; 32] = unbase64(&json["messageSignature"]["messageDigest"]["digest"]).try_into().unwrap();
    let artifact = Artifact::file_with_digest("a.whl", sha256);
    let attestation = verifier().authenticate(bundle.as_bytes(), &artifact).unwrap();
    assert!(attestation.statement().is_none());
    let repository = attestation.extension(Extension::SourceRepositoryUri).unwrap_or_default().to_owned();
    let repository = repository.trim_start_matches("https://github.com/");
    let config = attestation.extension(Extension::BuildConfigUri).unwrap_or_default();
    let workflow = config.split('@').next().and_then(|path| path.rsplit('/').next()).unwrap_or_default();
    let signer = rules(&GitHub::public(), &json!({ "repository": repository, "workflow": workflow }));
    let refusal = Policy::new(&signer).check(&attestation).unwrap_err();
    assert_eq!(refusal.code(), codes::PROVENANCE_STATEMENT);
    Policy::new(&signer).plain_signatures().check(&attestation).unwrap();
}

#[test]
fn bundles_that_are_known_to_be_false_are_refused() {
    for name in [
        "bundle_cve_2022_36056.txt.sigstore",
        "bundle_invalid_version.txt.sigstore",
        "bundle_no_cert_v1.txt.sigstore",
        "bundle_no_checkpoint.txt.sigstore",
        "bundle_no_log_entry.txt.sigstore",
        "bundle_v3_no_signed_time.txt.sigstore.json",
        "dsse-2sigs.sigstore.json",
        "github-private-attestation.sigstore.json",
    ] {
        let text = bundle(name);
        let json: Value = serde_json::from_str(&text).unwrap();
        // The digest that the bundle itself names, so that it is not refused for the artifact alone.
        let named = json.pointer("/messageSignature/messageDigest/digest").map(unbase64);
        let sha256 = named.and_then(|digest| digest.try_into().ok()).unwrap_or([0; 32]);
        let refusal = verifier().authenticate(text.as_bytes(), &Artifact::file_with_digest("a", sha256));
        assert!(refusal.is_err(), "{name}");
    }
}

/// The folder of `pypi-attestations`' test files, which `.ci/run` fetches.
pub(crate) fn pypi() -> Option<PathBuf> {
    let folder = std::env::var_os("TEST_PYPI_ATTESTATIONS").map(PathBuf::from);
    if folder.is_none() {
        assert!(std::env::var_os("REQUIRE_CLIENTS").is_none(), "TEST_PYPI_ATTESTATIONS is not set");
        eprintln!("skipped: TEST_PYPI_ATTESTATIONS is not set");
    }
    folder
}

#[test]
fn files_of_pypi_are_their_publishers() {
    let Some(folder) = pypi() else { return };
    let read = |name: &str| std::fs::read(folder.join(name)).unwrap();
    let github = rules(
        &GitHub::public(),
        &json!({ "repository": "trailofbits/pypi-attestations", "workflow": "release.yml" }),
    );
    let gitlab = rules(
        &GitLab::public(),
        &json!({ "project_path": "facutuesca/gitlab-oidc-project", "ci_config": ".gitlab-ci.yml" }),
    );
    for (file, kind, signer) in [
        ("pypi_attestations-0.0.19.tar.gz", "publish", &github),
        ("pypi_attestations-0.0.19.tar.gz", "slsa", &github),
        ("gitlab_oidc_project-0.0.3.tar.gz", "publish", &gitlab),
    ] {
        let attestation = read(&format!("{file}.{kind}.attestation"));
        let bundle = Bundle::from_pep_740(&attestation).unwrap();
        let verify = |artifact: &Artifact, signer| {
            verifier().verify(bundle.as_str().as_bytes(), artifact, &Policy::new(signer))
        };
        verify(&Artifact::file(file, &read(file)), signer).unwrap();
        let back: Value = serde_json::from_slice(&attestation).unwrap();
        assert_eq!(bundle.to_pep_740().unwrap(), back, "{file} {kind}");
        for (artifact, signer) in [
            (Artifact::file(file, b"other bytes"), signer),
            (Artifact::file("another-1.0.0.tar.gz", &read(file)), signer),
            (
                Artifact::file(file, &read(file)),
                if std::ptr::eq(signer, &raw const github) { &gitlab } else { &github },
            ),
        ] {
            assert!(verify(&artifact, signer).is_err(), "{file} {kind}");
        }
    }
    // Signed with Sigstore's staging instance.
    let staging = Bundle::from_pep_740(&read("rfc8785-0.1.2-py3-none-any.whl.publish.attestation")).unwrap();
    let wheel = Artifact::file("rfc8785-0.1.2-py3-none-any.whl", &read("rfc8785-0.1.2-py3-none-any.whl"));
    assert!(verifier().authenticate(staging.as_str().as_bytes(), &wheel).is_err());
}
