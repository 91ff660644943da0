//! Bundles that are made to cost or to confuse, at the three endpoints: each is refused, nothing is stored, and the registry goes on.

use serde_json::{Value, json};

use super::World;
use super::endpoint::ProvenanceEndpoint;
use super::sigstore_in_memory::{NOW, Signing, Sigstore, base64, unbase64};

/// A change of the text that is sent.
type Text = (&'static str, fn(&str) -> String);

const TEXTS: &[Text] = &[
    ("nothing", |_| String::new()),
    ("brackets", |_| "[".repeat(100_000)),
    ("a deep array", |_| format!("{}{}", "[".repeat(100_000), "]".repeat(100_000))),
    ("a deep object", |_| format!("{}1{}", r#"{"a":"#.repeat(30_000), "}".repeat(30_000))),
    ("a deep member", |good| first(good, &format!(r#""x":{}{}"#, "[".repeat(120), "]".repeat(120)))),
    ("many members", |good| {
        let members: Vec<String> = (0..20_000).map(|number| format!(r#""m{number}":0"#)).collect();
        first(good, &members.join(","))
    }),
    ("a long member", |good| first(good, &format!(r#""x":"{}""#, "x".repeat(270_000)))),
    ("a long name", |good| first(good, &format!(r#""{}":0"#, "x".repeat(270_000)))),
    ("a member twice", |good| first(good, r#""mediaType":"x","envelope":{}"#)),
    ("a member twice, once with an escape", |good| {
        good.replacen(r#""kindVersion""#, r#""kindVersio\u006e":{},"kindVersion""#, 1)
    }),
    ("a member twice within", |good| good.replacen(r#""logIndex""#, r#""logIndex":"7","logIndex""#, 1)),
    ("an unknown member of a long number", |good| first(good, &format!(r#""x":{}"#, "9".repeat(270_000)))),
    ("a number beyond all", |good| first(good, r#""x":1e999999999"#)),
    ("no number", |good| first(good, r#""x":NaN"#)),
    ("half a character", |good| first(good, r#""x":"\ud800""#)),
    ("a zero byte", |good| format!("{good}\0")),
    ("a mark of order", |good| format!("\u{feff}{good}")),
    ("two documents", |good| format!("{good} {good}")),
    ("a comment", |good| format!("/* */{good}")),
    ("half of it", |good| good.split_at(good.len() / 2).0.to_owned()),
];

/// Puts a member before all others of the object.
fn first(good: &str, member: &str) -> String {
    good.replacen('{', &format!("{{{member},"), 1)
}

/// A change of the bundle, before it is written in the endpoint's form.
type Change = (&'static str, fn(&mut Value));

const CHANGES: &[Change] = &[
    ("many hashes", |bundle| {
        entry(bundle)["inclusionProof"]["hashes"] = json!(vec![base64([0; 32]); 65]);
    }),
    ("thousands of hashes", |bundle| {
        entry(bundle)["inclusionProof"]["hashes"] = json!(vec![base64([0; 32]); 5000]);
    }),
    ("all hashes of a tree that no log has", |bundle| {
        let proof = &mut entry(bundle)["inclusionProof"];
        proof["hashes"] = json!(vec![base64([0; 32]); 63]);
        proof["treeSize"] = json!("9223372036854775807");
        proof["logIndex"] = json!("9223372036854775806");
    }),
    ("a hash of a megabyte", |bundle| {
        entry(bundle)["inclusionProof"]["hashes"] = json!([base64(vec![0; 180_000])]);
    }),
    ("a tree without entries", |bundle| entry(bundle)["inclusionProof"]["treeSize"] = json!("0")),
    ("an index below zero", |bundle| entry(bundle)["logIndex"] = json!("-1")),
    ("an index that is no number", |bundle| entry(bundle)["logIndex"] = json!({ "a": 1 })),
    ("a time of year 9999", |bundle| entry(bundle)["integratedTime"] = json!("253402300799")),
    ("a checkpoint of many lines", |bundle| {
        let envelope = format!("log\n1\nAAAA\n\n{}", "\u{2014} log AAAAAAAA\n".repeat(2000));
        entry(bundle)["inclusionProof"]["checkpoint"]["envelope"] = json!(envelope);
    }),
    ("a checkpoint of one long line", |bundle| {
        entry(bundle)["inclusionProof"]["checkpoint"]["envelope"] = json!("\u{2014} ".repeat(60_000));
    }),
    ("a thousand entries", |bundle| {
        let one = json!({ "logIndex": "1" });
        bundle["verificationMaterial"]["tlogEntries"] = json!(vec![one; 500]);
    }),
    ("a long certificate", |bundle| certify(bundle, vec![0x30; 17_000])),
    ("a deep certificate", |bundle| certify(bundle, nested(3000))),
    ("a certificate with more behind it", |bundle| {
        let mut der = unbase64(&bundle["verificationMaterial"]["certificate"]["rawBytes"]);
        der.extend([0; 1000]);
        certify(bundle, der);
    }),
    ("a certificate that promises to be long", |bundle| {
        certify(bundle, vec![0x30, 0x84, 0xff, 0xff, 0xff, 0xff, 0x30, 0x80]);
    }),
    ("an empty signature", |bundle| bundle["dsseEnvelope"]["signatures"][0]["sig"] = json!("")),
    ("a long signature", |bundle| {
        bundle["dsseEnvelope"]["signatures"][0]["sig"] = json!(base64(vec![0x30; 100_000]));
    }),
    ("a statement of many subjects", |bundle| {
        bundle["dsseEnvelope"]["payload"] =
            json!(base64(json!({ "subject": vec![json!({}); 20_000] }).to_string()));
    }),
    ("a deep statement", |bundle| {
        bundle["dsseEnvelope"]["payload"] = json!(base64("[".repeat(100_000)));
    }),
    ("a statement with a subject twice", |bundle| {
        bundle["dsseEnvelope"]["payload"] = json!(base64(r#"{"subject":[],"subject":[]}"#));
    }),
    ("an entry of another type than the envelope's", |bundle| {
        entry(bundle)["kindVersion"] = json!({ "kind": "hashedrekord", "version": "0.0.1" });
    }),
    ("an entry of a type of the future", |bundle| {
        entry(bundle)["kindVersion"] = json!({ "kind": "dsse", "version": "9.0.0" });
    }),
    ("a log's id that is none", |bundle| entry(bundle)["logId"]["keyId"] = json!(base64([0; 31]))),
];

/// A change that the form of PyPI's attestations has no place for.
const FORMS: &[Change] = &[
    ("a type of the future", |bundle| {
        bundle["mediaType"] = json!("application/vnd.dev.sigstore.bundle.v9+json");
    }),
    ("a long type", |bundle| bundle["mediaType"] = json!("application/".repeat(10_000))),
    ("a type that is no text", |bundle| bundle["mediaType"] = json!([{}])),
    ("a statement and a signature alone", |bundle| {
        bundle["messageSignature"] = json!({ "signature": "MEUC" });
    }),
    ("a certificate and a chain", |bundle| {
        let one = bundle["verificationMaterial"]["certificate"].clone();
        bundle["verificationMaterial"]["x509CertificateChain"] = json!({ "certificates": [one] });
    }),
    ("many certificates", |bundle| {
        let one = bundle["verificationMaterial"]["certificate"].take();
        bundle["verificationMaterial"].as_object_mut().unwrap().remove("certificate");
        bundle["verificationMaterial"]["x509CertificateChain"] = json!({ "certificates": vec![one; 5] });
    }),
    ("many signatures", |bundle| {
        let one = bundle["dsseEnvelope"]["signatures"][0].clone();
        bundle["dsseEnvelope"]["signatures"] = json!(vec![one; 300]);
    }),
    ("long timestamps", |bundle| timestamps(bundle, &vec![vec![0x30; 30_000]; 4])),
    ("deep timestamps", |bundle| timestamps(bundle, &vec![nested(8000); 4])),
    ("many timestamps", |bundle| timestamps(bundle, &vec![vec![0x30, 0]; 300])),
];

/// Entries that the log has really signed, whose body is made to cost.
const BODIES: &[fn() -> String] = &[
    || "[".repeat(60_000),
    || format!("{}{}", "[".repeat(60_000), "]".repeat(60_000)),
    || "{}".to_owned(),
    || "x".repeat(100_000),
    || {
        json!({ "apiVersion": "0.0.1", "kind": "dsse", "spec": { "signatures": vec![json!({}); 5000] } })
            .to_string()
    },
];

fn entry(bundle: &mut Value) -> &mut Value {
    &mut bundle["verificationMaterial"]["tlogEntries"][0]
}

fn certify(bundle: &mut Value, der: Vec<u8>) {
    bundle["verificationMaterial"]["certificate"]["rawBytes"] = json!(base64(der));
}

fn timestamps(bundle: &mut Value, tokens: &[Vec<u8>]) {
    let tokens: Vec<Value> = tokens.iter().map(|token| json!({ "signedTimestamp": base64(token) })).collect();
    bundle["verificationMaterial"]["timestampVerificationData"] = json!({ "rfc3161Timestamps": tokens });
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

/// The hostile texts in the endpoint's form, with their names.
fn hostile(endpoint: ProvenanceEndpoint, signing: &Signing) -> Vec<(&'static str, String)> {
    let sigstore = Sigstore::new(1);
    let good = sigstore.sign(signing);
    let text = endpoint.written(&good).unwrap();
    let mut all: Vec<_> = TEXTS.iter().map(|(name, change)| (*name, change(&text))).collect();
    let forms = if endpoint == ProvenanceEndpoint::Pypi { &[] } else { FORMS };
    for (name, change) in CHANGES.iter().chain(forms) {
        let mut bundle = good.clone();
        change(&mut bundle);
        all.extend(endpoint.written(&bundle).map(|written| (*name, written)));
    }
    for body in BODIES {
        let mut bundle = good.clone();
        *entry(&mut bundle) = sigstore.logged(&body(), ("dsse", "0.0.1"), NOW);
        all.extend(endpoint.written(&bundle).map(|written| ("the body of an entry", written)));
    }
    all
}

#[tokio::test]
async fn hostile_bundles_are_refused_at_every_endpoint_and_nothing_is_stored() {
    let world = World::trusting(&Sigstore::new(1)).await;
    for (endpoint, least) in
        [(ProvenanceEndpoint::Npm, 58), (ProvenanceEndpoint::Pypi, 40), (ProvenanceEndpoint::Gem, 58)]
    {
        let (token, stored) = (endpoint.token(&world).await, world.stored().await);
        let signing = world.signing(&endpoint.statement(&world));
        let all = hostile(endpoint, &signing);
        assert!(all.len() >= least, "{endpoint:?}: {}", all.len());
        for (name, bundle) in all {
            let answer = endpoint.send(&world, &bundle, &token).await;
            let text = String::from_utf8_lossy(&answer.body);
            assert!(
                [400, 413, 422].contains(&answer.status),
                "{endpoint:?} {name}: {} {text}",
                answer.status
            );
            assert!(text.len() < 10_000, "{endpoint:?} {name}: {} bytes", text.len());
        }
        assert_eq!(world.stored().await, stored, "{endpoint:?}");
        let good = endpoint.written(&Sigstore::new(1).sign(&signing)).unwrap();
        assert_eq!(endpoint.send(&world, &good, &token).await.status, endpoint.statuses().1, "{endpoint:?}");
    }
}
