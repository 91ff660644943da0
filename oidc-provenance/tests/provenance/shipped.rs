//! Every public bundle that comes with the crates that verify and with PyPI's `pypi-attestations`, against each trusted root of
//! Sigstore's public instance that comes with a tool: the crates', npm's and Python's. None of them is kept here.
#![allow(
    clippy::disallowed_methods,
    clippy::print_stderr,
    reason = "tests: files are found through variables"
)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use oidc_provenance::{Artifact, Bundle, Digest, PUBLIC_TRUSTED_ROOT, Verifier};
use serde_json::Value;

use crate::public::{crate_file, digest, pypi, statement};
use crate::support::unbase64;

/// The bundles of the crates that the public instance signed, and that are about one file. The others are of its staging instance,
/// of GitHub's own, signed with a key, or made to be refused.
const OF_CRATES: &[&str] = &[
    "sigstore-verify-0.15.1/test_data/bundles/sigstore.js@2.0.0-provenance.sigstore.json",
    "sigstore-verify-0.15.1/test_data/bundles/conda-attestation.sigstore.json",
    "sigstore-verify-0.15.1/test_data/bundles/bundle_v3_github.whl.sigstore",
    "sigstore-verify-0.15.1/test_data/bundles/cosign-v3-blob.sigstore.json",
    "sigstore-verify-0.15.1/test_data/bundles/dsse.sigstore.json",
    "sigstore-bundle-0.15.1/tests/fixtures/happy-path.json",
];

/// The files of PyPI's tests that the public instance signed: jobs on GitHub, GitLab, CircleCI and Google Cloud Build.
const OF_PYPI: &[&str] = &[
    "circleci_sign_publish_example-0.0.1.dev137-py3-none-any.whl.provenance",
    "circleci_sign_publish_example-0.0.1.dev137-py3-none-any.whl.publish.attestation",
    "gcb_attestation_test-0.0.0.tar.gz.provenance",
    "gitlab_oidc_project-0.0.3.tar.gz.publish.attestation",
    "pypi_attestation_models-0.0.4a2.tar.gz.attestation",
    "pypi_attestations-0.0.19.tar.gz.provenance",
    "pypi_attestations-0.0.19.tar.gz.publish.attestation",
    "pypi_attestations-0.0.19.tar.gz.slsa.attestation",
];

/// Those that its staging instance signed.
const OF_STAGING: &[&str] =
    &["rfc8785-0.1.2-py3-none-any.whl.attestation", "rfc8785-0.1.2-py3-none-any.whl.publish.attestation"];

/// The roots of the public instance that tools come with, by the tool.
fn roots() -> BTreeMap<&'static str, String> {
    let mut roots = BTreeMap::from([("the crate", PUBLIC_TRUSTED_ROOT.to_owned())]);
    roots.extend(npm().map(|root| ("npm", root)));
    roots.extend(python().map(|root| ("Python", root)));
    roots
}

/// The program that a variable names, without links.
fn tool(variable: &str) -> Option<PathBuf> {
    let program = std::env::var_os(variable);
    if program.is_none() {
        assert!(std::env::var_os("REQUIRE_CLIENTS").is_none(), "{variable} is not set");
        eprintln!("skipped: {variable} is not set");
    }
    std::fs::canonicalize(program?).ok()
}

/// The root that npm begins with.
fn npm() -> Option<String> {
    let npm = tool("TEST_NPM")?;
    let seeds = npm.ancestors().nth(2)?.join("node_modules/@sigstore/tuf/seeds.json");
    let seeds: Value = serde_json::from_slice(&std::fs::read(seeds).unwrap()).unwrap();
    let root = unbase64(&seeds["https://tuf-repo-cdn.sigstore.dev"]["targets"]["trusted_root.json"]);
    Some(String::from_utf8(root).unwrap())
}

/// The root that the library under `pypi-attestations` begins with.
fn python() -> Option<String> {
    // Without following links: the interpreter is linked, its libraries are beside it.
    let verifier = PathBuf::from(std::env::var_os("TEST_PYPI_VERIFIER")?);
    let lib = verifier.ancestors().nth(2)?.join("lib");
    let store = "site-packages/sigstore/_store/https%3A%2F%2Ftuf-repo-cdn.sigstore.dev/trusted_root.json";
    let mut versions = std::fs::read_dir(lib).unwrap().map(|version| version.unwrap().path().join(store));
    Some(std::fs::read_to_string(versions.find(|root| root.exists()).unwrap()).unwrap())
}

/// The file that a bundle says it is for.
fn file_of(bundle: &str) -> Artifact {
    let json: Value = serde_json::from_str(bundle).unwrap();
    if let Some(named) = json.pointer("/messageSignature/messageDigest/digest") {
        return Artifact::file_with_digest("file", unbase64(named).try_into().unwrap());
    }
    let subject = &statement(bundle)["subject"][0];
    let name = subject["name"].as_str().unwrap();
    match subject["digest"].get("sha512") {
        Some(sha512) => Artifact::with_digest(name, Digest::Sha512(digest(sha512))),
        None => Artifact::file_with_digest(name, digest(&subject["digest"]["sha256"])),
    }
}

/// The attestations in a file of PyPI's tests, and the file that they are for.
fn attestations(folder: &Path, name: &str) -> Vec<(Bundle, Artifact)> {
    let endings = [".publish.attestation", ".slsa.attestation", ".attestation", ".provenance"];
    let file = endings.iter().find_map(|ending| name.strip_suffix(ending)).unwrap();
    let artifact = Artifact::file(file, &std::fs::read(folder.join(file)).unwrap());
    let json: Value = serde_json::from_slice(&std::fs::read(folder.join(name)).unwrap()).unwrap();
    let all = match json.pointer("/attestation_bundles/0/attestations") {
        Some(all) => all.as_array().unwrap().clone(),
        None => vec![json],
    };
    let bundle = |one: &Value| Bundle::from_pep_740(one.to_string().as_bytes()).unwrap();
    all.iter().map(|one| (bundle(one), artifact.clone())).collect()
}

#[test]
fn public_bundles_verify_against_every_public_root_that_a_tool_comes_with() {
    for (tool, root) in roots() {
        let verifier = Verifier::new(&root).unwrap();
        let is_verified = |bundle: &Bundle, artifact: &Artifact| {
            verifier.authenticate(bundle.as_str().as_bytes(), artifact).map(|_| ())
        };
        for name in OF_CRATES {
            let text = crate_file(name);
            let verified = is_verified(&Bundle::new(text.clone()), &file_of(&text));
            assert!(verified.is_ok(), "{tool}: {name}: {verified:?}");
        }
        let Some(folder) = pypi() else { continue };
        for name in OF_PYPI {
            for (bundle, artifact) in attestations(&folder, name) {
                let verified = is_verified(&bundle, &artifact);
                assert!(verified.is_ok(), "{tool}: {name}: {verified:?}");
            }
        }
        for (bundle, artifact) in OF_STAGING.iter().flat_map(|name| attestations(&folder, name)) {
            assert!(is_verified(&bundle, &artifact).is_err(), "{tool}");
        }
    }
}
