//! Provenance that an instance of Sigstore that the registry trusts signs as it is told to, at the three endpoints. Only the change
//! speaks against it: without it, it is accepted.

use oidc_core::http::Response;
use serde_json::{Value, json};

use super::World;
use super::endpoint::ProvenanceEndpoint;
use super::sigstore_in_memory::{NOW, Sct, Signing, Sigstore, base64, unbase64};

/// A change of what the instance does, and of the bundle that it made, with the code of the refusal and its words.
struct Case {
    name: &'static str,
    code: &'static str,
    words: &'static str,
    sign: fn(&mut Sigstore, &mut Signing),
    change: fn(&mut Value),
}

const fn signed(
    name: &'static str,
    (code, words): (&'static str, &'static str),
    sign: fn(&mut Sigstore, &mut Signing),
) -> Case {
    Case { name, code, words, sign, change: |_| () }
}

const fn changed(
    name: &'static str,
    (code, words): (&'static str, &'static str),
    change: fn(&mut Value),
) -> Case {
    Case { name, code, words, sign: |_, _| (), change }
}

const SUBJECT: (&str, &str) = ("provenance-subject", "expected one");
const NAMED: (&str, &str) = ("provenance-subject", "another name");
const BYTES: (&str, &str) = ("provenance-artifact", "other bytes");
const STATEMENT: (&str, &str) = ("provenance-statement", "the statement can't be read");
const CERTIFICATE: (&str, &str) = ("provenance-certificate", "the signing certificate");
const SCT: (&str, &str) = ("provenance-sct", "no certificate transparency log");
const LOG: (&str, &str) = ("provenance-log", "the entry of the transparency log is not accepted");
const ENTRIES: (&str, &str) = ("provenance-log", "expected one entry");
const TIME: (&str, &str) = ("provenance-timestamp", "the time of the signature is not proven");
const BUNDLE: (&str, &str) = ("provenance-bundle", "the bundle can't be");
const SIGNATURE: (&str, &str) = ("provenance-signature", "the signature is not the certificate's");
const NAME_OF_JOB: (&str, &str) = ("provenance-signer", "the workflow that holds the job");
const CONTRADICTION: (&str, &str) = ("provenance-extension", "contradicts another one");

/// Statements about something else.
const STATEMENTS: &[Case] = &[
    signed("two subjects", SUBJECT, |_, signing| {
        edit(signing, |statement| {
            let one = statement["subject"][0].clone();
            statement["subject"].as_array_mut().unwrap().push(one);
        });
    }),
    signed("a second subject of another name", SUBJECT, |_, signing| {
        edit(signing, |statement| {
            let mut other = statement["subject"][0].clone();
            other["name"] = json!("pkg:npm/gadget@1.0.0");
            statement["subject"].as_array_mut().unwrap().push(other);
        });
    }),
    signed("no subject", SUBJECT, |_, signing| edit(signing, |statement| statement["subject"] = json!([]))),
    signed("another name", NAMED, |_, signing| {
        edit(signing, |statement| statement["subject"][0]["name"] = json!("pkg:npm/gadget@1.0.0"));
    }),
    signed("other bytes", BYTES, |_, signing| {
        edit(signing, |statement| {
            let digests = statement["subject"][0]["digest"].as_object_mut().unwrap();
            let digest = digests.values_mut().next().unwrap();
            *digest = json!("0".repeat(digest.as_str().unwrap().len()));
        });
    }),
    signed("two digests", STATEMENT, |_, signing| {
        edit(signing, |statement| statement["subject"][0]["digest"]["sha1"] = json!("00"));
    }),
    signed("a digest in capitals", STATEMENT, |_, signing| {
        edit(signing, |statement| {
            let digests = statement["subject"][0]["digest"].as_object_mut().unwrap();
            let digest = digests.values_mut().next().unwrap();
            *digest = json!(digest.as_str().unwrap().to_uppercase());
        });
    }),
    signed("an unknown member", STATEMENT, |_, signing| {
        edit(signing, |statement| statement["extra"] = json!(1));
    }),
    signed("an unknown type of predicate", ("provenance-statement", "of this type"), |_, signing| {
        edit(signing, |statement| statement["predicateType"] = json!("https://slsa.dev/provenance/v0.1"));
    }),
    signed(
        "a predicate that the certificate does not prove",
        ("provenance-predicate", "predicate"),
        |_, signing| {
            edit(signing, |statement| statement["predicate"] = json!({ "extra": 1 }));
        },
    ),
];

/// Certificates of others, and those that no log vouches for.
const CERTIFICATES: &[Case] = &[
    signed("another issuer", ("issuer", "https://evil.example"), |_, signing| {
        extend(signing, 8, "https://evil.example");
    }),
    signed("no issuer", ("claim-missing", "iss"), |_, signing| {
        signing.template.extensions.remove(&8);
    }),
    signed("the called workflow in place of the started one", ("github-workflow", "ci.yml"), |_, signing| {
        extend(signing, 18, "https://github.com/acme/widget/.github/workflows/ci.yml@refs/tags/v1.0.0");
    }),
    signed("a run of another repository", CONTRADICTION, |_, signing| {
        extend(signing, 21, "https://github.com/evil/gadget/actions/runs/1000000001/attempts/1");
    }),
    signed("another platform's server", CONTRADICTION, |_, signing| {
        extend(signing, 12, "https://gitlab.com/acme/widget");
    }),
    signed("another commit than the run's", ("provenance-", "ffffffffffffffff"), |_, signing| {
        extend(signing, 13, &"f".repeat(40));
    }),
    signed("a name that is not the job's", NAME_OF_JOB, |_, signing| {
        signing.template.name = Some("https://github.com/evil/gadget".to_owned());
    }),
    signed("no name", ("provenance-certificate", "names no signer"), |_, signing| {
        signing.template.name = None;
    }),
    signed("a certificate for another use", CERTIFICATE, |_, signing| {
        signing.template.code_signing = false;
    }),
    signed("an expired certificate", CERTIFICATE, |_, signing| {
        signing.template.validity = (NOW - 600, NOW - 60);
    }),
    signed("a certificate that is not valid yet", CERTIFICATE, |_, signing| {
        signing.template.validity = (NOW + 60, NOW + 600);
    }),
    signed("no timestamp of a certificate log", SCT, |_, signing| signing.template.sct = Sct::Missing),
    signed("a timestamp of another key", SCT, |_, signing| signing.template.sct = Sct::OfAnotherKey),
    signed("a timestamp of another certificate", SCT, |_, signing| {
        signing.template.sct = Sct::OfAnotherCertificate;
    }),
    signed("another certificate log", SCT, |sigstore, _| {
        sigstore.certificate_log = Sigstore::new(2).certificate_log;
    }),
    signed("another authority", CERTIFICATE, |sigstore, _| {
        let (log, certificate_log) = (sigstore.log.clone(), sigstore.certificate_log.clone());
        *sigstore = Sigstore { log, certificate_log, ..Sigstore::new(2) };
    }),
    signed("another authority of the same name", CERTIFICATE, |sigstore, _| {
        sigstore.authority = Sigstore::new(2).authority;
    }),
    changed("a changed certificate", CERTIFICATE, |bundle| {
        flip(&mut bundle["verificationMaterial"]["certificate"]["rawBytes"]);
    }),
    changed("a certificate that is none", CERTIFICATE, |bundle| {
        bundle["verificationMaterial"]["certificate"]["rawBytes"] = json!(base64([0x30, 0]));
    }),
];

/// Entries of the log that prove nothing about the bundle.
const LOGGED: &[Case] = &[
    signed("another log", LOG, |sigstore, _| sigstore.log = Sigstore::new(2).log),
    signed("a time after the certificate's", CERTIFICATE, |_, signing| signing.integrated = NOW + 7200),
    changed("no log entry", ENTRIES, |bundle| bundle["verificationMaterial"]["tlogEntries"] = json!([])),
    changed("two log entries", ENTRIES, |bundle| {
        let one = entry(bundle).clone();
        bundle["verificationMaterial"]["tlogEntries"] = json!([one, one]);
    }),
    changed("no proof of inclusion", ("provenance-log", "is missing"), |bundle| {
        entry(bundle)["inclusionProof"] = Value::Null;
    }),
    changed("a false hash in the proof", LOG, |bundle| {
        flip(&mut entry(bundle)["inclusionProof"]["hashes"][0]);
    }),
    changed("no hash in the proof", LOG, |bundle| entry(bundle)["inclusionProof"]["hashes"] = json!([])),
    changed("a false index in the proof", LOG, |bundle| {
        entry(bundle)["inclusionProof"]["logIndex"] = json!("0");
    }),
    changed("a proof of a larger tree than the checkpoint's", LOG, |bundle| {
        let proof = &mut entry(bundle)["inclusionProof"];
        proof["logIndex"] = json!("2");
        proof["treeSize"] = json!("3");
    }),
    changed("a false root in the proof", BUNDLE, |bundle| {
        flip(&mut entry(bundle)["inclusionProof"]["rootHash"]);
    }),
    changed("no checkpoint", BUNDLE, |bundle| entry(bundle)["inclusionProof"]["checkpoint"] = Value::Null),
    changed("a checkpoint of another signer", LOG, |bundle| {
        let note = &mut entry(bundle)["inclusionProof"]["checkpoint"]["envelope"];
        let (text, _) = note.as_str().unwrap().split_once('\u{2014}').unwrap();
        let signature = base64([&[0; 4][..], &[1; 70]].concat());
        *note = json!(format!("{text}\u{2014} log.example {signature}\n"));
    }),
    changed("a checkpoint whose signature is false", LOG, |bundle| {
        let note = &mut entry(bundle)["inclusionProof"]["checkpoint"]["envelope"];
        *note = json!(note.as_str().unwrap().replacen("log.example - 1\n", "log.example - 2\n", 1));
    }),
    changed("no time", TIME, |bundle| entry(bundle)["inclusionPromise"] = Value::Null),
    changed("a false promise", LOG, |bundle| {
        flip(&mut entry(bundle)["inclusionPromise"]["signedEntryTimestamp"]);
    }),
    changed("another time", LOG, |bundle| entry(bundle)["integratedTime"] = json!((NOW + 1).to_string())),
    changed("another log's id", LOG, |bundle| flip(&mut entry(bundle)["logId"]["keyId"])),
    changed("a changed entry", LOG, |bundle| flip(&mut entry(bundle)["canonicalizedBody"])),
    changed("an entry of an unknown kind", BUNDLE, |bundle| {
        entry(bundle)["kindVersion"] = json!({ "kind": "alpine", "version": "0.0.1" });
    }),
    changed("a timestamp that is none", TIME, |bundle| {
        bundle["verificationMaterial"]["timestampVerificationData"] =
            json!({ "rfc3161Timestamps": [{ "signedTimestamp": base64([0x30, 0]) }] });
    }),
];

/// Envelopes that are changed.
const ENVELOPES: &[Case] = &[
    changed("a changed signature", SIGNATURE, |bundle| {
        flip(&mut bundle["dsseEnvelope"]["signatures"][0]["sig"]);
    }),
    changed("a changed statement", SIGNATURE, |bundle| {
        let statement = String::from_utf8(unbase64(&bundle["dsseEnvelope"]["payload"])).unwrap();
        bundle["dsseEnvelope"]["payload"] = json!(base64(format!("{statement} ")));
    }),
    changed("a statement that is no JSON", STATEMENT, |bundle| {
        bundle["dsseEnvelope"]["payload"] = json!(base64("{"));
    }),
];

fn edit(signing: &mut Signing, change: impl FnOnce(&mut Value)) {
    let mut statement = serde_json::from_str(&signing.statement).unwrap();
    change(&mut statement);
    signing.statement = statement.to_string();
}

fn extend(signing: &mut Signing, number: u8, value: &str) {
    signing.template.extensions.insert(number, value.to_owned());
}

fn entry(bundle: &mut Value) -> &mut Value {
    &mut bundle["verificationMaterial"]["tlogEntries"][0]
}

/// Changes one bit of a member in base64.
fn flip(value: &mut Value) {
    let mut bytes = unbase64(value);
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    *value = json!(base64(bytes));
}

impl Case {
    /// The bundle in the endpoint's form; `None` where it can't hold the change.
    fn made(&self, endpoint: ProvenanceEndpoint, signing: Signing) -> Option<String> {
        let (mut sigstore, mut signing) = (Sigstore::new(1), signing);
        (self.sign)(&mut sigstore, &mut signing);
        let mut bundle = sigstore.sign(&signing);
        (self.change)(&mut bundle);
        endpoint.written(&bundle)
    }

    /// The difference of an answer from the refusal that is due.
    fn wrong(&self, endpoint: ProvenanceEndpoint, answer: &Response) -> Option<String> {
        let text = String::from_utf8_lossy(&answer.body);
        let told = text.contains(self.words) && endpoint.refuses(answer, self.code);
        (!told).then(|| format!("{}: {} {text}", self.name, answer.status))
    }
}

/// Sends each case to an endpoint, and the same without a change at the end. Returns the number of cases.
async fn refused(endpoint: ProvenanceEndpoint) -> usize {
    let world = World::trusting(&Sigstore::new(1)).await;
    let (token, statement) = (endpoint.token(&world).await, endpoint.statement(&world));
    let cases = [STATEMENTS, CERTIFICATES, LOGGED, ENVELOPES].into_iter().flatten();
    let (mut wrong, mut count) = (Vec::new(), 0);
    for case in cases {
        let Some(bundle) = case.made(endpoint, world.signing(&statement)) else { continue };
        count += 1;
        let answer = endpoint.send(&world, &bundle, &token).await;
        wrong.extend(case.wrong(endpoint, &answer));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(world.stored().await, [""; 0]);
    assert_eq!(world.instance.entries(), 0, "the registry attests nothing");
    let good = endpoint.written(&Sigstore::new(1).sign(&world.signing(&statement))).unwrap();
    let answer = endpoint.send(&world, &good, &token).await;
    assert_eq!(answer.status, endpoint.statuses().1, "{}", String::from_utf8_lossy(&answer.body));
    count
}

#[tokio::test]
async fn npms_endpoint_refuses_what_speaks_against_provenance_and_stores_nothing() {
    assert_eq!(refused(ProvenanceEndpoint::Npm).await, 52);
}

#[tokio::test]
async fn pypis_endpoint_refuses_what_speaks_against_attestations_and_stores_nothing() {
    // Their form has no place for a timestamp.
    assert_eq!(refused(ProvenanceEndpoint::Pypi).await, 51);
}

#[tokio::test]
async fn rubygems_endpoint_refuses_what_speaks_against_attestations_and_stores_nothing() {
    assert_eq!(refused(ProvenanceEndpoint::Gem).await, 52);
}

#[tokio::test]
async fn a_predicate_of_which_any_single_field_differs_is_refused_and_nothing_is_stored() {
    let sigstore = Sigstore::new(1);
    let world = World::trusting(&sigstore).await;
    for (endpoint, fields) in [(ProvenanceEndpoint::Npm, 11), (ProvenanceEndpoint::Gem, 12)] {
        let (token, statement) = (endpoint.token(&world).await, endpoint.statement(&world));
        let all = leaves(&statement.predicate(), "/predicate");
        assert_eq!(all.len(), fields, "{all:?}");
        for field in all {
            for other in [json!("another"), Value::Null] {
                let mut signing = world.signing(&statement);
                edit(&mut signing, |statement| *statement.pointer_mut(&field).unwrap() = other);
                let bundle = endpoint.written(&sigstore.sign(&signing)).unwrap();
                let answer = endpoint.send(&world, &bundle, &token).await;
                let text = String::from_utf8_lossy(&answer.body);
                assert_eq!(answer.status, 422, "{endpoint:?} {field}: {text}");
                let path = field.trim_start_matches('/').split('/').next_back().unwrap();
                assert!(text.contains("`predicate") && text.contains(path), "{endpoint:?} {field}: {text}");
            }
        }
    }
    assert_eq!(world.stored().await, [""; 0]);
}

fn leaves(value: &Value, path: &str) -> Vec<String> {
    let below = |name: &str, value: &Value| leaves(value, &format!("{path}/{name}"));
    match value {
        Value::Object(members) => members.iter().flat_map(|(name, value)| below(name, value)).collect(),
        Value::Array(elements) => {
            elements.iter().enumerate().flat_map(|(place, value)| below(&place.to_string(), value)).collect()
        }
        _ => vec![path.to_owned()],
    }
}
