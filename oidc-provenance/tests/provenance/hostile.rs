//! Bundles that are made to cost or to confuse. Whatever they hold, verification ends with a reason.

use oidc_provenance::{Refusal, Verifier, codes};
use serde_json::{Value, json};

use crate::support::job::{artifact, signing};
use crate::support::{Sigstore, base64, unbase64};

/// The one entry of the log in a bundle.
fn entry(bundle: &mut Value) -> &mut Value {
    &mut bundle["verificationMaterial"]["tlogEntries"][0]
}

/// Changes a good bundle, and verifies it.
fn refused(name: &str, change: impl FnOnce(&mut Value)) -> Refusal {
    let sigstore = Sigstore::new(1);
    let mut bundle = sigstore.sign(&signing(&[]));
    change(&mut bundle);
    let verifier = Verifier::new(&sigstore.trusted_root()).unwrap();
    verifier.authenticate(bundle.to_string().as_bytes(), &artifact()).expect_err(name)
}

/// Signs another statement, and verifies it.
fn refused_statement(name: &str, change: impl FnOnce(&mut Value)) -> Refusal {
    let sigstore = Sigstore::new(1);
    let mut signing = signing(&[]);
    let mut statement: Value = serde_json::from_str(&signing.statement).unwrap();
    change(&mut statement);
    signing.statement = statement.to_string();
    let verifier = Verifier::new(&sigstore.trusted_root()).unwrap();
    verifier.authenticate(sigstore.sign(&signing).to_string().as_bytes(), &artifact()).expect_err(name)
}

/// Sequences in each other, in DER, to this depth.
fn nested(depth: usize) -> Vec<u8> {
    let mut der = Vec::new();
    for _ in 0..depth {
        let length = u16::try_from(der.len()).unwrap().to_be_bytes();
        der = [&[0x30, 0x82][..], &length, &der].concat();
    }
    der
}

#[test]
fn numbers_of_a_log_entry_that_no_log_has_are_refused() {
    let proof = "/verificationMaterial/tlogEntries/0/inclusionProof";
    let entry = "/verificationMaterial/tlogEntries/0";
    for (at, member, value) in [
        (entry, "logIndex", json!("-1")),
        (entry, "logIndex", json!(1.5)),
        (entry, "logIndex", json!("9223372036854775807")),
        (entry, "integratedTime", json!("-5")),
        (entry, "integratedTime", json!("9223372036854775807")),
        (entry, "integratedTime", json!("253402300800")),
        (proof, "treeSize", json!("18446744073709551615")),
        (proof, "treeSize", json!("-1")),
        (proof, "treeSize", json!("0")),
        (proof, "logIndex", json!("9223372036854775807")),
        (proof, "hashes", json!([base64([0; 31])])),
        (proof, "hashes", json!([base64([0; 33])])),
        (proof, "hashes", json!([])),
        (proof, "rootHash", json!("")),
    ] {
        let name = format!("{member} {value}");
        let refusal = refused(&name, |bundle| bundle.pointer_mut(at).unwrap()[member] = value);
        let expected = [codes::PROVENANCE_LOG, codes::PROVENANCE_BUNDLE, codes::PROVENANCE_TIMESTAMP];
        assert!(expected.contains(&refusal.code()), "{name}: {refusal}");
    }
}

#[test]
fn what_is_long_or_deep_within_a_member_is_refused() {
    let material = "/verificationMaterial";
    let timestamps = |token: Vec<u8>| json!({ "rfc3161Timestamps": [{ "signedTimestamp": base64(token) }] });
    let checkpoint = format!("log\n1\nAAAA\n\n{}", "\u{2014} log AAAAAAAA\n".repeat(100));
    for (name, at, value, code) in [
        (
            "a deep certificate",
            "/verificationMaterial/certificate/rawBytes",
            json!(base64(nested(3000))),
            codes::PROVENANCE_CERTIFICATE,
        ),
        (
            "a deep timestamp",
            "/verificationMaterial/timestampVerificationData",
            timestamps(nested(16_000)),
            codes::PROVENANCE_TIMESTAMP,
        ),
        (
            "a long timestamp",
            "/verificationMaterial/timestampVerificationData",
            timestamps(vec![0x30; 150_000]),
            codes::PROVENANCE_TIMESTAMP,
        ),
        (
            "a checkpoint with many signatures",
            "/verificationMaterial/tlogEntries/0/inclusionProof/checkpoint/envelope",
            json!(checkpoint),
            codes::PROVENANCE_BUNDLE,
        ),
        (
            "a long kind of entry",
            "/verificationMaterial/tlogEntries/0/kindVersion/kind",
            json!("dsse".repeat(20_000)),
            codes::PROVENANCE_BUNDLE,
        ),
        (
            "many signatures",
            "/dsseEnvelope/signatures",
            json!(vec![json!({ "sig": "MEUC" }); 300]),
            codes::PROVENANCE_BUNDLE,
        ),
        ("a type that is no text", "/mediaType", json!(["x"]), codes::PROVENANCE_BUNDLE),
        ("a material that is no object", material, json!([]), codes::PROVENANCE_BUNDLE),
        (
            "a payload that is no Base64",
            "/dsseEnvelope/payload",
            json!("e30=\u{0}"),
            codes::PROVENANCE_BUNDLE,
        ),
        (
            "a payload in the alphabet of URLs",
            "/dsseEnvelope/payload",
            json!("-_-_"),
            codes::PROVENANCE_STATEMENT,
        ),
    ] {
        let refusal = refused(name, |bundle| *bundle.pointer_mut(at).unwrap() = value);
        assert_eq!(refusal.code(), code, "{name}: {refusal}");
    }
}

#[test]
fn a_subject_that_only_looks_like_the_package_is_refused() {
    for name in [
        "pkg:npm/@acme/widget@1.0.0",
        "pkg:npm/%40acme%2fwidget@1.0.0",
        "pkg:npm/%40acme/widget@1.0.0?repository_url=evil.example",
        "pkg:npm/%40acme/widget@1.0.0#lib",
        "pkg:npm/%40acme/widget@1.0.0 ",
        "pkg:npm/%40acme/widget@1.0.0\u{0}",
        "pkg:npm/%40acme/w\u{456}dget@1.0.0",
        "PKG:npm/%40acme/widget@1.0.0",
        "pkg:npm/%40Acme/widget@1.0.0",
        "",
    ] {
        let refusal = refused_statement(name, |statement| statement["subject"][0]["name"] = json!(name));
        assert_eq!(refusal.code(), codes::PROVENANCE_SUBJECT, "{name:?}: {refusal}");
    }
    let many = refused_statement("many subjects", |statement| {
        let one = statement["subject"][0].clone();
        statement["subject"] = json!(vec![one; 300]);
    });
    assert_eq!(many.code(), codes::PROVENANCE_STATEMENT, "{many}");
}

/// No text of a bundle reaches a terminal as it is.
#[test]
fn a_reason_holds_no_control_characters() {
    let evil = "\u{1b}[31mevil\r\n\u{202e}";
    let statement = refused_statement("a name", |statement| statement["subject"][0]["name"] = json!(evil));
    let kind = refused("a type", |bundle| bundle["mediaType"] = json!(evil));
    let payload = refused("a payload's type", |bundle| bundle["dsseEnvelope"]["payloadType"] = json!(evil));
    for refusal in [statement, kind, payload] {
        let text = refusal.to_string();
        assert!(!text.contains(['\u{1b}', '\r', '\u{202e}']), "{text:?}");
    }
}

#[test]
fn no_part_of_a_good_bundle_can_be_left_out() {
    let good = Sigstore::new(1).sign(&signing(&[]));
    let mut parts = Vec::new();
    paths(&good, "", &mut parts);
    for path in parts {
        let (parent, member) = path.rsplit_once('/').unwrap();
        let refusal = refused_or_equal(&good, parent, member);
        assert!(refusal, "{path}");
    }
    assert!(!unbase64(&good["dsseEnvelope"]["payload"]).is_empty());
}

/// Whether a bundle without a member is refused, or the member may be missing: `keyid` and the data of timestamps are empty, and
/// a bundle without a type is one of the first version.
fn refused_or_equal(good: &Value, parent: &str, member: &str) -> bool {
    let sigstore = Sigstore::new(1);
    let mut bundle = good.clone();
    bundle.pointer_mut(parent).and_then(Value::as_object_mut).unwrap().remove(member);
    let verifier = Verifier::new(&sigstore.trusted_root()).unwrap();
    let is_optional =
        matches!(member, "keyid" | "mediaType" | "timestampVerificationData" | "rfc3161Timestamps");
    is_optional || verifier.authenticate(bundle.to_string().as_bytes(), &artifact()).is_err()
}

fn paths(value: &Value, path: &str, all: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                let path = format!("{path}/{name}");
                paths(value, &path, all);
                all.push(path);
            }
        }
        Value::Array(elements) => {
            for (place, value) in elements.iter().enumerate() {
                paths(value, &format!("{path}/{place}"), all);
            }
        }
        _ => {}
    }
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
        ("depth", format!("{}{}", "[".repeat(100_000), "]".repeat(100_000)), "can't be read"),
        (
            "depth in a member",
            text.replacen('{', &format!("{{\"x\":{}{},", "[".repeat(64), "]".repeat(64)), 1),
            "too deeply",
        ),
        (
            "a member twice",
            text.replacen('{', r#"{"mediaType":"application/vnd.dev.sigstore.bundle.v0.3+json","#, 1),
            "occurs twice",
        ),
        ("an unknown member twice", text.replacen('{', r#"{"x":1,"\u0078":2,"#, 1), "occurs twice"),
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
