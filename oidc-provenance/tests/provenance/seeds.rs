//! The seeds of the fuzzer.

use oidc_provenance::{Bundle, Verifier};

use crate::support::Sigstore;
use crate::support::job::{self, artifact, signing};

/// The fuzzer begins with these; `REWRITE=1` writes them anew.
#[test]
#[allow(clippy::disallowed_methods, reason = "a variable says whether to write")]
fn the_fuzzers_seeds_are_accepted() {
    let fuzz = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz");
    let sigstore = Sigstore::new(1);
    let github = sigstore.sign(&signing(&[])).to_string();
    let gitlab = sigstore.sign(&job::gitlab_signing()).to_string();
    let pypi = Bundle::new(github.clone()).to_pep_740().unwrap().to_string();
    let statement = signing(&[]).statement;
    let files = [
        ("trusted_root.json", sigstore.trusted_root()),
        ("seeds/bundle/github", github),
        ("seeds/bundle/gitlab", gitlab),
        ("seeds/bundle/pypi", pypi),
        ("seeds/bundle/statement", statement),
    ];
    if std::env::var_os("REWRITE").is_some() {
        std::fs::create_dir_all(fuzz.join("seeds/bundle")).unwrap();
        for (name, text) in &files {
            std::fs::write(fuzz.join(name), text).unwrap();
        }
    }
    let read = |name: &str| std::fs::read_to_string(fuzz.join(name)).unwrap();
    let verifier = Verifier::new(&read("trusted_root.json")).unwrap();
    for name in ["seeds/bundle/github", "seeds/bundle/gitlab"] {
        verifier.authenticate(read(name).as_bytes(), &artifact()).unwrap();
    }
}
