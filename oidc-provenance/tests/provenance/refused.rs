//! Provenance that has to be refused, each with its reason. The same bundle without the change is accepted.
use oidc_core::Run;
use oidc_provenance::{Artifact, Policy, Refusal, Verifier, codes};
use serde_json::{Value, json};

use crate::support::job::{self, artifact, signing};
use crate::support::{NOW, Sct, Signing, Sigstore, base64, unbase64};

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

/// Signed by somebody else than the publisher's job.
fn signers() -> Vec<Case> {
    let elsewhere = "acme/shared/.github/workflows/publish.yml@refs/heads/main";
    let at = |workflow: &str| format!("https://github.com/{workflow}");
    vec![
        case("another repository", "github-repository").job(&[("repository", "evil/gadget")]),
        case("a repository of another owner", "github-repository").job(&[("repository", "evil/widget")]),
        case("a repository created anew", "github-repository-id")
            .job(&[("repository_id", "3")])
            .publisher(json!({ "repository_id": "2" })),
        case("an account created anew", "github-repository-owner-id")
            .job(&[("repository_owner_id", "3")])
            .publisher(json!({ "repository_owner_id": "1" })),
        case("no id of the repository", "claim-missing").without(15),
        case("another workflow", "github-workflow")
            .job(&[("workflow_ref", "acme/widget/.github/workflows/ci.yml@refs/tags/v1.0.0")]),
        case("the called workflow in place of the started one", "github-workflow").job(&[
            ("workflow_ref", "acme/widget/.github/workflows/ci.yml@refs/tags/v1.0.0"),
            ("job_workflow_ref", "acme/widget/.github/workflows/publish.yml@refs/tags/v1.0.0"),
        ]),
        case("a workflow of another repository", "github-workflow-ref").extension(18, &at(elsewhere)),
        case("another called workflow", "github-job-workflow")
            .job(&[("job_workflow_ref", "evil/shared/.github/workflows/release.yml@refs/tags/v1")])
            .publisher(json!({ "job_workflow": "acme/shared/.github/workflows/release.yml@refs/tags/*" })),
        case("another ref", "github-ref")
            .job(&[("ref", "refs/heads/main")])
            .publisher(json!({ "ref": "refs/tags/v*" })),
        case("no environment", "environment-missing").publisher(json!({ "environment": "publish" })),
        case("another environment", "github-environment")
            .job(&[("environment", "test")])
            .publisher(json!({ "environment": "publish" })),
        case("an event that strangers can start", "github-event")
            .job(&[("event_name", "pull_request_target")]),
        case("an event that the publisher does not name", "github-event")
            .publisher(json!({ "event": "release" })),
        case("a self-hosted runner, against the publisher", "github-runner-environment")
            .job(&[("runner_environment", "self-hosted")])
            .publisher(json!({ "runner_environment": "github-hosted" })),
        case("another issuer", "issuer").extension(8, "https://evil.example"),
        case("an issuer that begins alike", "issuer")
            .extension(8, "https://token.actions.githubusercontent.com/evil"),
        case("no issuer", "claim-missing").without(8),
        case("another platform's server", codes::PROVENANCE_EXTENSION)
            .extension(12, "https://gitlab.com/acme/widget"),
        case("a contradiction between repository and run", codes::PROVENANCE_EXTENSION)
            .extension(21, "https://github.com/evil/gadget/actions/runs/1000000001/attempts/1"),
        case("a name that is not the job's", codes::PROVENANCE_SIGNER)
            .name(Some("https://github.com/evil/gadget")),
        case("a name that only begins like the job's", codes::PROVENANCE_SIGNER)
            .name(Some("https://github.com/acme/widget/.github/workflows/publish.yml@refs/tags/v1.0.0.evil")),
        case("no workflow that holds the job", codes::PROVENANCE_SIGNER).without(9),
        case("no name", codes::PROVENANCE_CERTIFICATE).name(None),
    ]
}

/// Certificates, times and timestamps that no authority stands for.
fn certificates() -> Vec<Case> {
    let other = |change: fn(&mut Sigstore)| {
        move |bundle: &mut Value| {
            let mut sigstore = Sigstore::new(1);
            change(&mut sigstore);
            *bundle = sigstore.sign(&signing(&[]));
        }
    };
    let usage = case("a certificate for another use", codes::PROVENANCE_CERTIFICATE);
    let mut usage_signing = signing(&[]);
    usage_signing.template.code_signing = false;
    vec![
        Case { signing: usage_signing, ..usage },
        case("an expired certificate", codes::PROVENANCE_CERTIFICATE).validity(NOW - 600, NOW - 60),
        case("a certificate that is not valid yet", codes::PROVENANCE_CERTIFICATE)
            .validity(NOW + 60, NOW + 600),
        case("no timestamp of a certificate log", codes::PROVENANCE_SCT).sct(Sct::Missing),
        case("a timestamp of another key", codes::PROVENANCE_SCT).sct(Sct::OfAnotherKey),
        case("a timestamp of another certificate", codes::PROVENANCE_SCT).sct(Sct::OfAnotherCertificate),
        case("another authority", codes::PROVENANCE_CERTIFICATE).bundle(other(|sigstore| {
            sigstore.authority = Sigstore::new(2).authority;
            sigstore.root = Sigstore::new(2).root;
        })),
        case("another authority of the same name", codes::PROVENANCE_CERTIFICATE)
            .bundle(other(|sigstore| sigstore.authority = Sigstore::new(2).authority)),
        case("another certificate log", codes::PROVENANCE_SCT)
            .bundle(other(|sigstore| sigstore.certificate_log = Sigstore::new(2).certificate_log)),
        case("another log", codes::PROVENANCE_LOG)
            .bundle(other(|sigstore| sigstore.log = Sigstore::new(2).log)),
        case("a certificate that is no certificate", codes::PROVENANCE_CERTIFICATE).bundle(|bundle| {
            bundle["verificationMaterial"]["certificate"]["rawBytes"] = base64([0x30, 0]).into();
        }),
        case("a changed certificate", codes::PROVENANCE_CERTIFICATE)
            .bundle(|bundle| flip(&mut bundle["verificationMaterial"]["certificate"]["rawBytes"])),
    ]
}

/// Entries of the log that prove nothing about this bundle.
fn entries() -> Vec<Case> {
    vec![
        case("no log entry", codes::PROVENANCE_LOG)
            .bundle(|bundle| bundle["verificationMaterial"]["tlogEntries"] = json!([])),
        case("two log entries", codes::PROVENANCE_LOG).bundle(|bundle| {
            let one = entry(bundle).clone();
            bundle["verificationMaterial"]["tlogEntries"] = json!([one, one]);
        }),
        case("no proof of inclusion", codes::PROVENANCE_LOG)
            .bundle(|bundle| drop(entry(bundle)["inclusionProof"].take())),
        case("a false hash in the proof", codes::PROVENANCE_LOG)
            .bundle(|bundle| flip(&mut entry(bundle)["inclusionProof"]["hashes"][0])),
        case("a hash too many in the proof", codes::PROVENANCE_LOG).bundle(|bundle| {
            let hashes = &mut entry(bundle)["inclusionProof"]["hashes"];
            let again = hashes[0].clone();
            hashes.as_array_mut().unwrap().push(again);
        }),
        case("a false index in the proof", codes::PROVENANCE_LOG)
            .bundle(|bundle| entry(bundle)["inclusionProof"]["logIndex"] = "0".into()),
        case("a false root in the proof", codes::PROVENANCE_BUNDLE)
            .bundle(|bundle| flip(&mut entry(bundle)["inclusionProof"]["rootHash"])),
        case("no checkpoint", codes::PROVENANCE_BUNDLE)
            .bundle(|bundle| drop(entry(bundle)["inclusionProof"]["checkpoint"].take())),
        case("a checkpoint of another signer", codes::PROVENANCE_LOG).bundle(|bundle| {
            let note = &mut entry(bundle)["inclusionProof"]["checkpoint"]["envelope"];
            let (text, _) = note.as_str().unwrap().split_once('\u{2014}').unwrap();
            let signature = base64([&[0; 4][..], &[1; 70]].concat());
            *note = format!("{text}\u{2014} log.example {signature}\n").into();
        }),
        case("a checkpoint of another size", codes::PROVENANCE_LOG).bundle(|bundle| {
            let note = &mut entry(bundle)["inclusionProof"]["checkpoint"]["envelope"];
            *note = note.as_str().unwrap().replacen("\n2\n", "\n3\n", 1).into();
        }),
        case("no time", codes::PROVENANCE_TIMESTAMP)
            .bundle(|bundle| drop(entry(bundle)["inclusionPromise"].take())),
        case("a false promise", codes::PROVENANCE_LOG)
            .bundle(|bundle| flip(&mut entry(bundle)["inclusionPromise"]["signedEntryTimestamp"])),
        case("another time", codes::PROVENANCE_LOG)
            .bundle(|bundle| entry(bundle)["integratedTime"] = (NOW + 1).to_string().into()),
        case("another index", codes::PROVENANCE_LOG).bundle(|bundle| entry(bundle)["logIndex"] = "2".into()),
        case("another log's id", codes::PROVENANCE_LOG)
            .bundle(|bundle| flip(&mut entry(bundle)["logId"]["keyId"])),
        case("a changed entry", codes::PROVENANCE_LOG)
            .bundle(|bundle| flip(&mut entry(bundle)["canonicalizedBody"])),
        case("the entry of another bundle", codes::PROVENANCE_LOG).bundle(|bundle| {
            let mut other = Sigstore::new(1).sign(&signing(&[("run_id", "7")]));
            *entry(bundle) = entry(&mut other).take();
        }),
        case("an entry of an unknown kind", codes::PROVENANCE_BUNDLE)
            .bundle(|bundle| entry(bundle)["kindVersion"] = json!({ "kind": "alpine", "version": "0.0.1" })),
        case("an entry of another kind than its body", codes::PROVENANCE_LOG)
            .bundle(|bundle| entry(bundle)["kindVersion"] = json!({ "kind": "intoto", "version": "0.0.2" })),
        case("a timestamp that is none", codes::PROVENANCE_TIMESTAMP).bundle(|bundle| {
            bundle["verificationMaterial"]["timestampVerificationData"] =
                json!({ "rfc3161Timestamps": [{ "signedTimestamp": base64([0x30, 0]) }] });
        }),
        case("a time after the certificate's", codes::PROVENANCE_CERTIFICATE).bundle(|bundle| {
            *bundle = Sigstore::new(1).sign(&Signing { integrated: NOW + 7200, ..signing(&[]) });
        }),
    ]
}

/// Envelopes that are changed, or of another form.
fn envelopes() -> Vec<Case> {
    vec![
        case("a changed signature", codes::PROVENANCE_SIGNATURE)
            .bundle(|bundle| flip(&mut bundle["dsseEnvelope"]["signatures"][0]["sig"])),
        case("no signature", codes::PROVENANCE_BUNDLE)
            .bundle(|bundle| bundle["dsseEnvelope"]["signatures"] = json!([])),
        case("two signatures", codes::PROVENANCE_BUNDLE).bundle(|bundle| {
            let one = bundle["dsseEnvelope"]["signatures"][0].clone();
            bundle["dsseEnvelope"]["signatures"] = json!([one, one]);
        }),
        case("a changed statement", codes::PROVENANCE_SIGNATURE).bundle(|bundle| {
            let statement = String::from_utf8(unbase64(&bundle["dsseEnvelope"]["payload"])).unwrap();
            bundle["dsseEnvelope"]["payload"] = base64(statement.replace("push", "tush")).into();
        }),
        case("another type of payload", codes::PROVENANCE_STATEMENT)
            .bundle(|bundle| bundle["dsseEnvelope"]["payloadType"] = "text/plain".into()),
        case("a statement that is no JSON", codes::PROVENANCE_STATEMENT)
            .bundle(|bundle| bundle["dsseEnvelope"]["payload"] = base64("{").into()),
        case("a signature by a key", codes::PROVENANCE_BUNDLE).bundle(|bundle| {
            bundle["verificationMaterial"].as_object_mut().unwrap().remove("certificate");
            bundle["verificationMaterial"]["publicKey"] = json!({ "hint": "SHA256:x" });
        }),
        case("a chain in version 0.3", codes::PROVENANCE_BUNDLE).bundle(|bundle| {
            let certificate = bundle["verificationMaterial"]["certificate"].take();
            bundle["verificationMaterial"].as_object_mut().unwrap().remove("certificate");
            bundle["verificationMaterial"]["x509CertificateChain"] = json!({ "certificates": [certificate] });
        }),
        case("an unknown version", codes::PROVENANCE_BUNDLE)
            .bundle(|bundle| bundle["mediaType"] = "application/vnd.dev.sigstore.bundle.v0.4+json".into()),
        case("no type", codes::PROVENANCE_BUNDLE).bundle(|bundle| drop(bundle["mediaType"].take())),
        case("no material", codes::PROVENANCE_BUNDLE)
            .bundle(|bundle| drop(bundle["verificationMaterial"].take())),
        case("a plain signature in place of a statement", codes::PROVENANCE_BUNDLE).bundle(|bundle| {
            let signature = bundle["dsseEnvelope"]["signatures"][0]["sig"].clone();
            bundle.as_object_mut().unwrap().remove("dsseEnvelope");
            bundle["messageSignature"] = json!({ "signature": signature });
        }),
    ]
}

/// Statements about something else, or of another kind.
fn statements() -> Vec<Case> {
    let npm = |name, version, bytes: &[u8]| Artifact::npm(name, version, bytes);
    vec![
        case("a tampered artifact", codes::PROVENANCE_ARTIFACT).of(npm(
            "@acme/widget",
            "1.0.0",
            b"other bytes",
        )),
        case("another package's name", codes::PROVENANCE_SUBJECT).of(npm(
            "@acme/gadget",
            "1.0.0",
            job::TARBALL,
        )),
        case("the name without its scope", codes::PROVENANCE_SUBJECT).of(npm(
            "widget",
            "1.0.0",
            job::TARBALL,
        )),
        case("another version", codes::PROVENANCE_SUBJECT).of(npm("@acme/widget", "1.0.1", job::TARBALL)),
        case("another registry's name", codes::PROVENANCE_SUBJECT)
            .of(Artifact::file("widget-1.0.0.tgz", job::TARBALL)),
        case("two subjects", codes::PROVENANCE_SUBJECT).statement(|statement| {
            let one = statement["subject"][0].clone();
            statement["subject"].as_array_mut().unwrap().push(one);
        }),
        case("no subject", codes::PROVENANCE_SUBJECT).statement(|statement| statement["subject"] = json!([])),
        case("a subject that is no array", codes::PROVENANCE_STATEMENT)
            .statement(|statement| statement["subject"] = json!({})),
        case("a subject without a digest", codes::PROVENANCE_STATEMENT)
            .statement(|statement| drop(statement["subject"][0]["digest"].take())),
        case("two digests", codes::PROVENANCE_STATEMENT)
            .statement(|statement| statement["subject"][0]["digest"]["sha1"] = "00".into()),
        case("a digest of another algorithm", codes::PROVENANCE_STATEMENT)
            .statement(|statement| statement["subject"][0]["digest"] = json!({ "sha1": "00" })),
        case("an annotated subject", codes::PROVENANCE_STATEMENT)
            .statement(|statement| statement["subject"][0]["uri"] = "https://evil.example".into()),
        case("an unknown member", codes::PROVENANCE_STATEMENT)
            .statement(|statement| statement["extra"] = json!(1)),
        case("another form of statement", codes::PROVENANCE_STATEMENT)
            .statement(|statement| statement["_type"] = "https://in-toto.io/Statement/v2".into()),
        case("an unknown type of predicate", codes::PROVENANCE_STATEMENT)
            .statement(|statement| statement["predicateType"] = "https://slsa.dev/provenance/v0.1".into()),
        case("a predicate of GitLab's", codes::PROVENANCE_STATEMENT)
            .statement(|statement| statement["predicateType"] = "https://slsa.dev/provenance/v0.2".into()),
        case("PyPI's attestation for npm's package", codes::PROVENANCE_STATEMENT).statement(|statement| {
            statement["predicateType"] = "https://docs.pypi.org/attestations/publish/v1".into();
            statement["predicate"] = Value::Null;
        }),
        case("the attestation action's type of build for npm's package", codes::PROVENANCE_PREDICATE)
            .statement(|statement| {
                let predicate = &mut statement["predicate"];
                predicate["buildDefinition"]["buildType"] =
                    "https://actions.github.io/buildtypes/workflow/v1".into();
                predicate["buildDefinition"]["internalParameters"]["github"]["runner_environment"] =
                    "github-hosted".into();
                predicate["runDetails"]["builder"]["id"] =
                    "https://github.com/acme/widget/.github/workflows/publish.yml@refs/tags/v1.0.0".into();
            }),
        case("no type of predicate", codes::PROVENANCE_STATEMENT)
            .statement(|statement| drop(statement["predicateType"].take())),
        case("no predicate", codes::PROVENANCE_PREDICATE)
            .statement(|statement| drop(statement["predicate"].take())),
        case("another type of build", codes::PROVENANCE_PREDICATE).statement(|statement| {
            statement["predicate"]["buildDefinition"]["buildType"] = "https://evil.example/build".into();
        }),
        case("an unknown internal parameter", codes::PROVENANCE_PREDICATE).statement(|statement| {
            statement["predicate"]["buildDefinition"]["internalParameters"]["github"]["actor"] =
                "alice".into();
        }),
        case("a second dependency", codes::PROVENANCE_PREDICATE).statement(|statement| {
            let all =
                statement["predicate"]["buildDefinition"]["resolvedDependencies"].as_array_mut().unwrap();
            all.push(all[0].clone());
        }),
        case("a time of the build", codes::PROVENANCE_PREDICATE).statement(|statement| {
            statement["predicate"]["runDetails"]["metadata"]["startedOn"] = "2026-01-01T00:00:00Z".into();
        }),
        case("a job without a ref", "github-workflow-ref").without(14),
        case("a deployment, whose run has no ref", codes::PROVENANCE_EXTENSION)
            .extension(
                18,
                &format!(
                    "https://github.com/acme/widget/.github/workflows/publish.yml@{}",
                    "0123456789".repeat(4)
                ),
            )
            .extension(13, &"0123456789".repeat(4))
            .without(14),
    ]
}

/// What only the registry's own policy is against.
fn policies() -> Vec<Case> {
    vec![
        case("a private repository", codes::PROVENANCE_VISIBILITY)
            .job(&[("repository_visibility", "private")]),
        case("an internal repository", codes::PROVENANCE_VISIBILITY)
            .job(&[("repository_visibility", "internal")]),
        case("an unknown visibility", codes::PROVENANCE_VISIBILITY).without(22),
        case("a self-hosted runner", codes::PROVENANCE_RUNNER).job(&[("runner_environment", "self-hosted")]),
        case("another platform's runner", codes::PROVENANCE_RUNNER)
            .job(&[("runner_environment", "gitlab-hosted")]),
        case("a manifest without a repository", codes::PROVENANCE_REPOSITORY).repository(None),
        case("a manifest with another repository", codes::PROVENANCE_REPOSITORY)
            .repository(Some(json!("evil/gadget"))),
        case("a manifest with another case", codes::PROVENANCE_REPOSITORY)
            .repository(Some(json!("acme/Widget"))),
    ]
}

#[test]
fn what_speaks_against_provenance_is_refused_with_its_reason() {
    let sigstore = Sigstore::new(1);
    let cases =
        [signers(), certificates(), entries(), envelopes(), statements(), policies()].into_iter().flatten();
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

#[test]
fn each_single_field_of_githubs_predicate_is_compared_with_the_certificate() {
    let sigstore = Sigstore::new(1);
    let statement: Value = serde_json::from_str(&signing(&[]).statement).unwrap();
    let fields = leaves(&statement["predicate"], "/predicate");
    assert_eq!(fields.len(), 11, "{fields:?}");
    for field in fields {
        for other in [json!("another"), json!(""), Value::Null, json!(7), json!([])] {
            let changed =
                case("", "").statement(|statement| *statement.pointer_mut(&field).unwrap() = other.clone());
            let refusal = changed.verify(&sigstore).expect_err(&field);
            assert_eq!(refusal.code(), codes::PROVENANCE_PREDICATE, "{field}: {refusal}");
        }
    }
}

fn leaves(value: &Value, path: &str) -> Vec<String> {
    match value {
        Value::Object(members) => {
            members.iter().flat_map(|(name, value)| leaves(value, &format!("{path}/{name}"))).collect()
        }
        Value::Array(elements) => elements
            .iter()
            .enumerate()
            .flat_map(|(place, value)| leaves(value, &format!("{path}/{place}")))
            .collect(),
        _ => vec![path.to_owned()],
    }
}

#[test]
fn the_fields_of_gitlabs_predicate_that_the_certificate_proves_are_compared() {
    let sigstore = Sigstore::new(1);
    let verify = |signing: &Signing| {
        let bundle = sigstore.sign(signing).to_string();
        let signer = job::gitlab_signer();
        let policy = Policy::new(&signer).public_source().hosted_runner();
        Verifier::new(&sigstore.trusted_root()).unwrap().verify(bundle.as_bytes(), &artifact(), &policy)
    };
    verify(&job::gitlab_signing()).unwrap();
    // The certificate says nothing about these.
    let word =
        ["entryPoint", "name", "pipeline/id", "CI_JOB_NAME", "CI_PIPELINE_ID", "CI_RUNNER", "GITLAB_CI"];
    let statement: Value = serde_json::from_str(&job::gitlab_signing().statement).unwrap();
    let mut compared = 0;
    for field in leaves(&statement["predicate"], "/predicate") {
        let mut signing = job::gitlab_signing();
        let mut changed = statement.clone();
        *changed.pointer_mut(&field).unwrap() = "another".into();
        signing.statement = changed.to_string();
        let is_word = word.iter().any(|word| field.contains(word));
        let refused = verify(&signing).is_err_and(|refusal| refusal.code() == codes::PROVENANCE_PREDICATE);
        assert_ne!(refused, is_word, "{field}");
        compared += usize::from(refused);
    }
    assert!(compared >= 25, "{compared}");
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
fn hostile_bundles_are_refused_within_bounds() {
    let sigstore = Sigstore::new(1);
    let verifier = Verifier::new(&sigstore.trusted_root()).unwrap();
    let bundle = sigstore.sign(&signing(&[]));
    let text = bundle.to_string();
    let with = |change: &dyn Fn(&mut Value)| {
        let mut bundle = bundle.clone();
        change(&mut bundle);
        bundle.to_string()
    };
    let many = |count: usize, value: &Value| Value::Array(vec![value.clone(); count]);
    let hash = json!(base64([0; 32]));
    for (name, bundle, part) in [
        ("nothing", String::new(), "no JSON"),
        ("spaces", " ".repeat(300_000), "longer than"),
        ("a long body", with(&|bundle| bundle["x"] = "x".repeat(300_000).into()), "longer than"),
        ("depth", format!("{}{}", "[".repeat(100_000), "]".repeat(100_000)), "too deeply"),
        (
            "depth in a member",
            text.replacen('{', &format!("{{\"x\":{}{},", "[".repeat(64), "]".repeat(64)), 1),
            "too deeply",
        ),
        ("a member twice", text.replacen('{', r#"{"mediaType":"x","#, 1), "occurs twice"),
        (
            "a member twice within",
            text.replacen(r#"{"payload""#, r#"{"payload":"","payload""#, 1),
            "occurs twice",
        ),
        (
            "a statement and a signature",
            with(&|bundle| bundle["messageSignature"] = json!({ "signature": "MEUC" })),
            "several of",
        ),
        (
            "a certificate and a chain",
            with(&|bundle| {
                let one = bundle["verificationMaterial"]["certificate"].clone();
                bundle["verificationMaterial"]["x509CertificateChain"] = json!({ "certificates": [one] });
            }),
            "several of",
        ),
        ("many values", with(&|bundle| bundle["x"] = many(2000, &json!(0))), "too many values"),
        (
            "many hashes",
            with(&|bundle| entry(bundle)["inclusionProof"]["hashes"] = many(65, &hash)),
            "64 hashes",
        ),
        (
            "many timestamps",
            with(&|bundle| {
                let one = json!({ "signedTimestamp": "MAA=" });
                bundle["verificationMaterial"]["timestampVerificationData"] =
                    json!({ "rfc3161Timestamps": many(5, &one) });
            }),
            "4 timestamps",
        ),
        (
            "many certificates",
            with(&|bundle| {
                let one = bundle["verificationMaterial"]["certificate"].take();
                bundle["verificationMaterial"].as_object_mut().unwrap().remove("certificate");
                bundle["verificationMaterial"]["x509CertificateChain"] =
                    json!({ "certificates": many(5, &one) });
            }),
            "4 certificates",
        ),
        (
            "a long certificate",
            with(&|bundle| {
                bundle["verificationMaterial"]["certificate"]["rawBytes"] = base64(vec![0; 17_000]).into();
            }),
            "longer than 16384 bytes",
        ),
        (
            "a huge index",
            with(&|bundle| entry(bundle)["logIndex"] = "18446744073709551615".into()),
            "can't be read",
        ),
        (
            "a huge statement",
            with(&|bundle| {
                bundle["dsseEnvelope"]["payload"] = base64(format!("[{}]", " ".repeat(140_000))).into();
            }),
            "longer than 131072 bytes",
        ),
        (
            "a deep statement",
            with(&|bundle| {
                bundle["dsseEnvelope"]["payload"] =
                    base64(format!("{}{}", "[".repeat(50), "]".repeat(50))).into();
            }),
            "too deeply",
        ),
    ] {
        let refusal = verifier.authenticate(bundle.as_bytes(), &artifact()).expect_err(name);
        assert!(refusal.to_string().contains(part), "{name}: {refusal}");
    }
    assert!(verifier.authenticate(&[0xff, 0xfe], &artifact()).unwrap_err().to_string().contains("UTF-8"));
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

/// The fuzzer begins with these; `REWRITE=1` writes them anew.
#[test]
#[allow(clippy::disallowed_methods, reason = "a variable says whether to write")]
fn the_fuzzers_seeds_are_accepted() {
    let fuzz = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz");
    let sigstore = Sigstore::new(1);
    let github = sigstore.sign(&signing(&[])).to_string();
    let gitlab = sigstore.sign(&job::gitlab_signing()).to_string();
    let pypi = oidc_provenance::Bundle::new(github.clone()).to_pep_740().unwrap().to_string();
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
