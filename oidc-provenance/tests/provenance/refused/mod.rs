//! Provenance that has to be refused, each with its reason. The same bundle without the change is accepted.

mod certificates;
mod entries;
mod envelopes;
mod predicates;
mod signers;
mod statements;

use oidc_core::Run;
use oidc_provenance::{Artifact, Policy, Refusal, Verifier, codes};
use serde_json::{Value, json};

use crate::support::job::{self, artifact, signing};
use crate::support::{Sct, Signing, Sigstore, base64, unbase64};

/// A case: its name, the expected code, and the change that makes the difference.
struct Case {
    name: &'static str,
    code: &'static str,
    signing: Signing,
    change: Box<dyn Fn(&mut Value)>,
    artifact: Artifact,
    publisher: Value,
    repository: Option<Value>,
}

fn case(name: &'static str, code: &'static str) -> Case {
    Case {
        name,
        code,
        signing: signing(&[]),
        change: Box::new(|_| ()),
        artifact: artifact(),
        publisher: json!({}),
        repository: Some(json!("git+https://github.com/acme/widget.git")),
    }
}

impl Case {
    fn job(self, overrides: &[(&str, &str)]) -> Self {
        Self { signing: signing(overrides), ..self }
    }

    fn extension(mut self, number: u8, value: &str) -> Self {
        self.signing.template.extensions.insert(number, value.to_owned());
        if number == 9 {
            self.signing.template.name = Some(value.to_owned());
        }
        self
    }

    fn without(mut self, number: u8) -> Self {
        self.signing.template.extensions.remove(&number);
        self
    }

    fn name(mut self, name: Option<&str>) -> Self {
        self.signing.template.name = name.map(str::to_owned);
        self
    }

    fn validity(mut self, begin: u64, end: u64) -> Self {
        self.signing.template.validity = (begin, end);
        self
    }

    fn sct(mut self, sct: Sct) -> Self {
        self.signing.template.sct = sct;
        self
    }

    fn statement(mut self, change: impl Fn(&mut Value)) -> Self {
        let mut statement = serde_json::from_str(&self.signing.statement).unwrap();
        change(&mut statement);
        self.signing.statement = statement.to_string();
        self
    }

    fn bundle(self, change: impl Fn(&mut Value) + 'static) -> Self {
        Self { change: Box::new(change), ..self }
    }

    fn of(self, artifact: Artifact) -> Self {
        Self { artifact, ..self }
    }

    fn publisher(self, publisher: Value) -> Self {
        Self { publisher, ..self }
    }

    fn repository(self, repository: Option<Value>) -> Self {
        Self { repository, ..self }
    }

    fn verify(&self, sigstore: &Sigstore) -> Result<(), Refusal> {
        let mut bundle = sigstore.sign(&self.signing);
        (self.change)(&mut bundle);
        let signer = job::signer(&self.publisher);
        let policy =
            Policy::new(&signer).repository(self.repository.as_ref()).public_source().hosted_runner();
        let verifier = Verifier::new(&sigstore.trusted_root()).unwrap();
        verifier.verify(bundle.to_string().as_bytes(), &self.artifact, &policy).map(drop)
    }
}

fn entry(bundle: &mut Value) -> &mut Value {
    &mut bundle["verificationMaterial"]["tlogEntries"][0]
}

/// Changes one bit of a member in base64.
fn flip(value: &mut Value) {
    let mut bytes = unbase64(value);
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    *value = base64(bytes).into();
}

#[test]
fn what_speaks_against_provenance_is_refused_with_its_reason() {
    let sigstore = Sigstore::new(1);
    let cases = [
        signers::signers(),
        signers::policies(),
        certificates::certificates(),
        entries::entries(),
        envelopes::envelopes(),
        statements::statements(),
    ]
    .into_iter()
    .flatten();
    let mut wrong = Vec::new();
    let mut count = 0;
    for case in cases {
        count += 1;
        match case.verify(&sigstore) {
            Err(refusal) if refusal.code() == case.code => {}
            Err(refusal) => wrong.push(format!("{}: {} ({refusal})", case.name, refusal.code())),
            Ok(()) => wrong.push(format!("{}: accepted", case.name)),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(count >= 60, "{count}");
}

#[test]
fn the_same_bundle_without_a_change_is_accepted() {
    case("", "").verify(&Sigstore::new(1)).unwrap();
    let rules = json!({
        "repository_id": "2", "repository_owner_id": "1", "ref": "refs/tags/v*", "environment": "Publish",
        "event": "push", "runner_environment": "github-hosted", "ref_protected": true,
        "job_workflow": "acme/widget/.github/workflows/publish.yml@refs/tags/*",
    });
    case("", "").job(&[("environment", "publish")]).publisher(rules).verify(&Sigstore::new(1)).unwrap();
}

/// The bundle in the first format, with a chain of certificates.
fn first_format(bundle: &mut Value, certificates: &Value) {
    bundle["mediaType"] = json!("application/vnd.dev.sigstore.bundle+json;version=0.1");
    let material = bundle["verificationMaterial"].as_object_mut().unwrap();
    material.remove("certificate");
    material.insert("x509CertificateChain".to_owned(), json!({ "certificates": certificates }));
}

#[test]
fn a_proof_without_a_checkpoint_is_no_reason_in_the_first_format_alone() {
    let unsigned = |bundle: &mut Value| {
        entry(bundle)["inclusionProof"].as_object_mut().unwrap().remove("checkpoint");
    };
    let verify = |change: &dyn Fn(&mut Value)| {
        let sigstore = Sigstore::new(1);
        let mut bundle = sigstore.sign(&signing(&[]));
        change(&mut bundle);
        Verifier::new(&sigstore.trusted_root())
            .unwrap()
            .authenticate(bundle.to_string().as_bytes(), &artifact())
    };
    let first = |bundle: &mut Value| {
        let one = bundle["verificationMaterial"]["certificate"].clone();
        first_format(bundle, &json!([one]));
    };
    verify(&first).unwrap();
    verify(&|bundle| {
        first(bundle);
        unsigned(bundle);
    })
    .unwrap();
    verify(&unsigned).unwrap_err();
    verify(&|bundle| {
        first(bundle);
        unsigned(bundle);
        drop(entry(bundle)["inclusionPromise"].take());
    })
    .unwrap_err();
}

#[test]
fn a_checkpoint_is_of_the_log_that_has_the_entry() {
    let (sigstore, other) = (Sigstore::new(1), Sigstore::new(2));
    let elsewhere = Sigstore { log: Sigstore::new(2).log, ..Sigstore::new(1) };
    let (mut bundle, mut copy) = (sigstore.sign(&signing(&[])), elsewhere.sign(&signing(&[])));
    let mut root: Value = serde_json::from_str(&sigstore.trusted_root()).unwrap();
    let mut others: Value = serde_json::from_str(&other.trusted_root()).unwrap();
    root["tlogs"].as_array_mut().unwrap().push(others["tlogs"][0].take());
    let verifier = Verifier::new(&root.to_string()).unwrap();
    for whole in [&bundle, &copy] {
        verifier.authenticate(whole.to_string().as_bytes(), &artifact()).unwrap();
    }
    entry(&mut bundle)["inclusionProof"] = entry(&mut copy)["inclusionProof"].take();
    let refusal = verifier.authenticate(bundle.to_string().as_bytes(), &artifact()).unwrap_err();
    assert_eq!(refusal.code(), codes::PROVENANCE_LOG, "{refusal}");
}

#[test]
fn a_promise_alone_is_no_proof_where_one_is_required() {
    let sigstore = Sigstore::new(1);
    let verifier = Verifier::new(&sigstore.trusted_root()).unwrap();
    let signer = job::signer(&json!({}));
    let mut bundle = sigstore.sign(&signing(&[]));
    let one = bundle["verificationMaterial"]["certificate"].clone();
    first_format(&mut bundle, &json!([one]));
    let verify = |bundle: &Value| {
        let policy = Policy::new(&signer).proof_of_inclusion();
        verifier.verify(bundle.to_string().as_bytes(), &artifact(), &policy)
    };
    verify(&bundle).unwrap();
    drop(entry(&mut bundle)["inclusionProof"].take());
    verifier.verify(bundle.to_string().as_bytes(), &artifact(), &Policy::new(&signer)).unwrap();
    assert_eq!(verify(&bundle).unwrap_err().code(), codes::PROVENANCE_LOG);
}

#[test]
fn a_chain_ends_with_the_authoritys_root() {
    let sigstore = Sigstore::new(1);
    let trusted: Value = serde_json::from_str(&sigstore.trusted_root()).unwrap();
    let root = &trusted["certificateAuthorities"][0]["certChain"]["certificates"][0];
    let verifier = Verifier::new(&sigstore.trusted_root()).unwrap();
    let good = sigstore.sign(&signing(&[]));
    let leaf = &good["verificationMaterial"]["certificate"];
    for (certificates, is_accepted) in
        [(json!([leaf, root]), true), (json!([leaf, root, leaf]), false), (json!([root, leaf]), false)]
    {
        let mut bundle = good.clone();
        first_format(&mut bundle, &certificates);
        let verified = verifier.authenticate(bundle.to_string().as_bytes(), &artifact());
        assert_eq!(
            verified.map(drop).map_err(|refusal| refusal.code()),
            if is_accepted { Ok(()) } else { Err(codes::PROVENANCE_BUNDLE) }
        );
    }
}

#[test]
fn a_signature_of_another_runs_commit_is_refused() {
    let sigstore = Sigstore::new(1);
    let bundle = sigstore.sign(&signing(&[])).to_string();
    let signer = job::signer(&json!({}));
    let verify = |run: &Run| {
        let policy = Policy::new(&signer).run(run);
        Verifier::new(&sigstore.trusted_root()).unwrap().verify(bundle.as_bytes(), &artifact(), &policy)
    };
    let mut run = Run::default();
    verify(&run).unwrap();
    run.sha = job::claims(&[]).text("sha").map(Into::into);
    verify(&run).unwrap();
    run.sha = Some("f".repeat(40));
    assert_eq!(verify(&run).unwrap_err().code(), codes::PROVENANCE_SIGNER);
}

#[test]
fn a_trusted_root_that_is_none_is_refused() {
    for root in ["", "{}", "[]", r#"{"mediaType":"x"}"#] {
        let refused = Verifier::new(root);
        // Without an authority nothing is trusted.
        if let Ok(verifier) = refused {
            let bundle = Sigstore::new(1).sign(&signing(&[])).to_string();
            assert!(verifier.authenticate(bundle.as_bytes(), &artifact()).is_err(), "{root}");
        }
    }
    let text = Sigstore::new(1).trusted_root();
    let broken = text.replacen("\"rawBytes\":\"M", "\"rawBytes\":\"A", 1);
    assert_eq!(Verifier::new(&broken).unwrap_err().code(), codes::PROVENANCE_TRUSTED_ROOT);
}
