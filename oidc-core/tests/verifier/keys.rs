//! The sources of keys, and the keys that are accepted.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use oidc_core::http::{HttpErrorKind, Response};
use oidc_core::testing::{FakeHttp, FakeIssuer, FakePlatform, ManualClock, SigningAlgorithm};
use oidc_core::verify::backend::{AwsLc, RustCrypto};
use oidc_core::verify::{COOL_DOWN, KeyFault, Reason, Verifier};
use oidc_core::{Algorithm, Issuer};
use serde_json::{Value, json};

use crate::support::{
    ISSUER, NOW, Profiled, Registry, claims, context, platform, platform_with, platform_with_keys, verifier,
    with,
};

const DISCOVERY: &str = "https://issuer.example/.well-known/openid-configuration";
const JWKS: &str = "https://issuer.example/.well-known/jwks";

/// Returns the number of keys of a set that every back end accepts.
fn usable(jwks: &Value) -> usize {
    let cx = context(FakeHttp::new(), &ManualClock::at(NOW));
    let every = &[Algorithm::Rs256, Algorithm::Es256, Algorithm::Es384, Algorithm::EdDsa];
    let count = |verifier: Verifier| verifier.key_status()[0].keys;
    let platform = platform_with_keys(jwks.clone()).algorithms(every);
    let ours = verifier(AwsLc, platform.clone(), &cx).map_or(0, count);
    let theirs = verifier(RustCrypto, platform, &cx).map_or(0, count);
    assert_eq!(ours, theirs, "the back ends differ on {jwks}");
    ours
}

fn usable_key(key: &Value) -> bool {
    usable(&json!({ "keys": [key] })) == 1
}

fn jwk(algorithm: SigningAlgorithm) -> Value {
    FakeIssuer::with_algorithms(ISSUER, &[algorithm]).jwks()["keys"][0].clone()
}

fn number(bytes: usize, first: u8, last: u8) -> Value {
    let mut number = vec![0x5a; bytes];
    number[0] = first;
    number[bytes - 1] = last;
    json!(URL_SAFE_NO_PAD.encode(number))
}

#[test]
fn an_rsa_key_has_2048_to_8192_bits() {
    let with_modulus = |n| with(jwk(SigningAlgorithm::Rs256), "n", n);
    for (n, is_taken) in [
        (number(128, 0x80, 1), false),
        (number(255, 0xff, 1), false),
        (number(256, 0x7f, 1), false),
        (number(256, 0x80, 1), true),
        (number(512, 0x80, 1), true),
        (number(1024, 0x80, 1), true),
        (number(1025, 0x01, 1), false),
        (number(2048, 0x80, 1), false),
        (number(257, 0x00, 1), false),
        (json!(""), false),
        (json!("AA"), false),
    ] {
        assert_eq!(usable_key(&with_modulus(n.clone())), is_taken, "{n}");
    }
}

#[test]
fn an_rsa_exponent_is_odd_and_small_but_not_one() {
    for (e, is_taken) in [
        (&[1][..], false),
        (&[2], false),
        (&[3], true),
        (&[4], false),
        (&[1, 0, 0], false),
        (&[1, 0, 1], true),
        (&[0, 1, 0, 1], false),
        (&[0], false),
        (&[], false),
        (&[0xff; 8], false),
        (&[0xff; 256], false),
    ] {
        let key = with(jwk(SigningAlgorithm::Rs256), "e", json!(URL_SAFE_NO_PAD.encode(e)));
        assert_eq!(usable_key(&key), is_taken, "{e:?}");
    }
}

#[test]
fn a_curve_key_is_a_point_of_its_curve_in_full_length() {
    let p256 = jwk(SigningAlgorithm::Es256);
    assert!(usable_key(&p256));
    for (name, value) in [
        ("x", number(32, 0, 1)),
        ("x", json!("AA")),
        ("y", number(33, 0, 1)),
        ("x", json!("")),
        ("crv", json!("P-384")),
        ("crv", json!("secp256k1")),
        ("crv", json!("Ed25519")),
    ] {
        assert!(!usable_key(&with(p256.clone(), name, value.clone())), "{name} {value}");
    }
    let p384 = jwk(SigningAlgorithm::Es384);
    assert!(usable_key(&p384));
    for (name, value) in [
        ("x", number(48, 0, 1)),
        ("x", number(32, 0, 1)),
        ("y", number(49, 0, 1)),
        ("crv", json!("P-256")),
        ("crv", json!("P-521")),
        ("alg", json!("ES256")),
    ] {
        assert!(!usable_key(&with(p384.clone(), name, value.clone())), "{name} {value}");
    }
    let ed25519 = jwk(SigningAlgorithm::EdDsa);
    assert!(usable_key(&ed25519));
    for (name, value) in [("x", number(31, 1, 1)), ("x", number(33, 1, 1)), ("crv", json!("Ed448"))] {
        assert!(!usable_key(&with(ed25519.clone(), name, value.clone())), "{name} {value}");
    }
}

#[test]
fn a_key_says_what_it_is_for_and_is_used_for_nothing_else() {
    let key = jwk(SigningAlgorithm::Rs256);
    for (name, value, is_taken) in [
        ("use", json!("sig"), true),
        ("use", json!("enc"), false),
        ("use", json!("tls"), false),
        ("key_ops", json!(["verify"]), true),
        ("key_ops", json!(["sign", "verify"]), true),
        ("key_ops", json!(["encrypt"]), false),
        ("key_ops", json!([]), false),
        ("alg", json!("RS256"), true),
        ("alg", json!("RS384"), false),
        ("alg", json!("PS256"), false),
        ("alg", json!("HS256"), false),
        ("alg", json!("ES256"), false),
        ("alg", json!("RSA-OAEP"), false),
        ("alg", json!("made-up"), false),
        ("kid", json!(""), false),
        ("kid", json!(null), false),
        ("kid", json!("x".repeat(257)), false),
        ("kty", json!("oct"), false),
        ("kty", json!("EC"), false),
        ("kty", json!("made-up"), false),
        ("n", json!("!!"), false),
        ("n", json!(7), false),
        ("x5c", json!(["not a certificate"]), true),
        ("new", json!({ "a": [1] }), true),
    ] {
        assert_eq!(usable_key(&with(key.clone(), name, value.clone())), is_taken, "{name} {value}");
    }
    for name in ["use", "key_ops", "alg"] {
        let mut key = key.clone();
        key.as_object_mut().unwrap().remove(name);
        assert!(usable_key(&key), "{name} is optional");
    }
}

#[test]
fn one_bad_or_unknown_key_never_spoils_the_rest() {
    let good = jwk(SigningAlgorithm::Rs256);
    let bad = [
        json!(null),
        json!(7),
        json!([]),
        json!({}),
        json!({ "kty": "made-up", "kid": "new" }),
        json!({ "kty": "RSA", "kid": "small", "n": "AQAB", "e": "AQAB" }),
        json!({ "kty": "EC", "kid": "off-curve", "crv": "P-256", "x": number(32, 1, 1), "y": number(32, 1, 1) }),
        json!({ "kty": "oct", "kid": "secret", "k": "AAAA" }),
        json!({ "kty": "AKP", "kid": "ml-dsa", "alg": "ML-DSA-65", "pub": "AAAA" }),
    ];
    let mut keys = bad.to_vec();
    keys.push(good);
    keys.extend(bad);
    assert_eq!(usable(&json!({ "keys": keys, "other": 1 })), 1);
}

#[test]
fn a_set_is_an_object_with_an_array_of_keys() {
    let good = jwk(SigningAlgorithm::Rs256);
    for set in
        [json!(null), json!([good]), json!({}), json!({ "keys": {} }), json!({ "keys": good }), json!("keys")]
    {
        assert_eq!(usable(&set), 0, "{set}");
    }
}

#[tokio::test]
async fn a_key_or_a_set_with_a_member_twice_is_not_taken() {
    let key = jwk(SigningAlgorithm::Rs256).to_string();
    let twice = key.replacen('{', r#"{"use":"enc","#, 1);
    for (jwks, is_accepted) in [
        (format!(r#"{{"keys":[{key}]}}"#), true),
        (format!(r#"{{"keys":[{twice},{key}]}}"#), true),
        (format!(r#"{{"keys":[{twice}]}}"#), false),
        (format!(r#"{{"keys":[],"keys":[{key}]}}"#), false),
        (format!(r#"{{"keys":[{key}]}} x"#), false),
    ] {
        let registry = reached(|_| Response::new(200, Vec::new(), jwks.clone()));
        assert_eq!(registry.accepts(&registry.token()).await, is_accepted, "{jwks}");
    }
}

#[test]
fn neither_of_two_keys_of_one_name_and_algorithm_is_used_and_each_algorithm_has_its_own() {
    let issuer = FakeIssuer::with_algorithms(ISSUER, &[SigningAlgorithm::Rs256, SigningAlgorithm::Es256]);
    let other = FakeIssuer::new("https://other.example");
    let named = |key: &Value| with(key.clone(), "kid", json!("k"));
    let keys = [&issuer.jwks()["keys"][0], &other.jwks()["keys"][0], &issuer.jwks()["keys"][1]].map(named);
    let platform =
        platform_with_keys(json!({ "keys": keys })).algorithms(&[Algorithm::Rs256, Algorithm::Es256]);
    for verifier in crate::support::offline(&platform) {
        let sign =
            |issuer: &FakeIssuer, alg: &str| issuer.sign_as(&json!({ "alg": alg, "kid": "k" }), &claims(NOW));
        for issuer in [&issuer, &other] {
            let reason = verifier.verify_cached(&sign(issuer, "RS256")).unwrap_err().reason().clone();
            assert_eq!(reason, Reason::DuplicateKey { kid: "k".to_owned() });
        }
        let reason = verifier.verify_cached(&sign(&issuer, "ES256")).unwrap_err().reason().clone();
        assert_eq!(reason, Reason::Signature, "an RSA signature under the name of the ECDSA key");
    }
}

/// The answers of an issuer whose document of keys lists these at first.
fn listing(issuer: &FakeIssuer, keys: &[&Value]) -> FakeHttp {
    let answer = |document: Value| Response::new(200, Vec::new(), document.to_string());
    let keys = answer(json!({ "keys": keys }));
    FakeHttp::new().on("GET", DISCOVERY, answer(issuer.discovery())).on("GET", JWKS, keys)
}

/// The issuer's key, and another issuer's key that has its name.
fn of_one_name(issuer: &FakeIssuer, other: &FakeIssuer) -> (Value, Value) {
    let key = |issuer: &FakeIssuer| issuer.jwks()["keys"][0].clone();
    (key(issuer), with(key(other), "kid", json!(issuer.kid())))
}

#[tokio::test]
async fn a_token_whose_kid_two_published_keys_have_is_refused_with_it_until_one_key_is_left() {
    let (issuer, other) =
        (std::sync::Arc::new(FakeIssuer::new(ISSUER)), FakeIssuer::new("https://other.example"));
    let (own, foreign) = of_one_name(&issuer, &other);
    for twice in [[&own, &foreign], [&foreign, &own], [&own, &own]] {
        let mended = Response::new(200, Vec::new(), issuer.jwks().to_string());
        let http = listing(&issuer, &twice).on("GET", JWKS, mended);
        let registry = Registry::reached_by(platform(), std::sync::Arc::clone(&issuer), http);
        for signer in [&*issuer, &other] {
            let token = signer.sign_as(&json!({ "alg": "RS256", "kid": issuer.kid() }), &registry.claims());
            let error = registry.verifier.verify(&token).await.unwrap_err();
            assert_eq!(*error.reason(), Reason::DuplicateKey { kid: issuer.kid() });
            assert!(error.to_string().contains(&issuer.kid()), "{error}");
        }
        assert_eq!((registry.jwks_requests(), registry.verifier.key_status()[0].keys), (1, 0));
        registry.clock.advance(COOL_DOWN);
        assert!(registry.accepts(&registry.token()).await);
    }
}

#[tokio::test]
async fn two_keys_of_one_name_stay_the_reason_while_the_issuer_can_not_be_reached() {
    let (issuer, other) =
        (std::sync::Arc::new(FakeIssuer::new(ISSUER)), FakeIssuer::new("https://other.example"));
    let (own, foreign) = of_one_name(&issuer, &other);
    let http =
        listing(&issuer, &[&own, &foreign]).fail("GET", JWKS, HttpErrorKind::Connect("gone".to_owned()));
    let registry = Registry::reached_by(platform(), std::sync::Arc::clone(&issuer), http);
    let duplicate = Reason::DuplicateKey { kid: issuer.kid() };
    assert_eq!(registry.reason_of(&registry.token()).await, duplicate);
    registry.clock.advance(COOL_DOWN);
    assert_eq!(registry.reason_of(&registry.token()).await, duplicate);
    assert_eq!((registry.jwks_requests(), registry.verifier.key_status()[0].failures), (2, 1));
}

#[tokio::test]
async fn a_key_that_can_not_verify_does_not_make_the_name_of_another_ambiguous() {
    let (issuer, other) =
        (std::sync::Arc::new(FakeIssuer::new(ISSUER)), FakeIssuer::new("https://other.example"));
    let (own, foreign) = of_one_name(&issuer, &other);
    let for_encryption = with(foreign, "use", json!("enc"));
    let http = listing(&issuer, &[&for_encryption, &own]);
    let registry = Registry::reached_by(platform(), issuer, http);
    assert!(registry.accepts(&registry.token()).await);
}

#[tokio::test]
async fn configured_keys_need_no_network_and_never_age() {
    let issuer = FakeIssuer::new(ISSUER);
    let registry = Registry::of(platform_with_keys(issuer.jwks()), SigningAlgorithm::Rs256);
    registry.verifier.warm_up().await;
    assert!(registry.accepts(&registry.token()).await);
    registry.clock.advance(std::time::Duration::from_secs(400 * 24 * 3600));
    assert!(registry.accepts(&registry.token()).await);
    let unknown = registry.issuer.sign_unpublished(&registry.claims());
    assert_eq!(registry.reason_of(&unknown).await, Reason::UnknownKey);
    assert_eq!(registry.http.requests().len(), 0);
    assert_eq!(registry.verifier.key_status()[0].age, None);
}

/// A registry whose issuer publishes what it should, but for the answer to the request for keys.
fn reached(jwks: impl Fn(&FakeIssuer) -> Response) -> Registry {
    let issuer = std::sync::Arc::new(FakeIssuer::new(ISSUER));
    let discovery = Response::new(200, Vec::new(), issuer.discovery().to_string());
    let http = FakeHttp::new().on("GET", DISCOVERY, discovery).on("GET", JWKS, jwks(&issuer));
    Registry::reached_by(platform(), issuer, http)
}

/// A registry whose issuer answers to the request for discovery with this, and publishes its keys everywhere.
fn discovered(platform: FakePlatform, discovery: Response) -> Registry {
    let issuer = std::sync::Arc::new(FakeIssuer::new(ISSUER));
    let jwks = issuer.jwks();
    let http = FakeHttp::new().on_request(move |request| {
        let is_discovery = request.url.as_str() == DISCOVERY;
        Some(Ok(if is_discovery {
            discovery.clone()
        } else {
            Response::new(200, Vec::new(), jwks.to_string())
        }))
    });
    Registry::reached_by(platform, issuer, http)
}

fn document(issuer: &str, jwks_uri: &str) -> Response {
    Response::new(200, Vec::new(), json!({ "issuer": issuer, "jwks_uri": jwks_uri, "new": [] }).to_string())
}

#[tokio::test]
async fn a_discovery_document_is_the_issuers_own() {
    for issuer in ["https://issuer.example/", "https://evil.example", "", "https://ISSUER.example"] {
        let registry = discovered(platform(), document(issuer, JWKS));
        let reason = registry.reason_of(&registry.token()).await;
        assert!(matches!(reason, Reason::KeysUnavailable { .. }), "{issuer}: {reason:?}");
        assert_eq!(registry.http.requests().len(), 1, "its keys are not even asked for");
    }
}

#[tokio::test]
async fn keys_are_at_the_issuers_host_or_at_one_that_the_profile_allows() {
    for (jwks_uri, is_accepted) in [
        ("https://issuer.example/keys", true),
        ("https://issuer.example:443/keys", true),
        ("https://issuer.example:8443/keys", false),
        ("https://keys.example/jwks?tenant=1", true),
        ("https://keys.example:444/jwks", false),
        ("https://ported.example:8443/jwks", true),
        ("https://PORTED.example:8443/jwks", true),
        ("https://ported.example/jwks", false),
        ("https://ported.example:84/jwks", false),
        ("https://evil.example/keys", false),
        ("https://issuer.example.evil.example/keys", false),
        ("https://evil.example/issuer.example/keys", false),
        ("https://issuer.example@evil.example/keys", false),
        ("https://evil.example#issuer.example", false),
        ("http://issuer.example/keys", false),
        ("http://127.0.0.1/keys", false),
        ("http://localhost/keys", false),
        ("https://127.0.0.1/keys", false),
        ("https://[::1]/keys", false),
        ("file:///etc/passwd", false),
        ("//issuer.example/keys", false),
        ("/keys", false),
        ("", false),
    ] {
        let issuer = Issuer::new(ISSUER).unwrap();
        let issuer = issuer.with_key_host("keys.example").with_key_host("ported.example:8443");
        let registry = discovered(platform_with(issuer), document(ISSUER, jwks_uri));
        assert_eq!(registry.accepts(&registry.token()).await, is_accepted, "{jwks_uri}");
        let expected = if is_accepted { 2 } else { 1 };
        assert_eq!(registry.http.requests().len(), expected, "{jwks_uri}");
    }
}

#[tokio::test]
async fn anything_but_a_plain_answer_is_a_failure() {
    for status in [201, 204, 301, 302, 307, 308, 304, 400, 404, 429, 500, 503] {
        let location = vec![("location".to_owned(), "https://issuer.example/elsewhere".to_owned())];
        let body = FakeIssuer::new(ISSUER).jwks().to_string();
        let registry = reached(|_| Response::new(status, location.clone(), body.clone()));
        let reason = registry.reason_of(&registry.token()).await;
        assert!(matches!(reason, Reason::KeysUnavailable { .. }), "{status}: {reason:?}");
        assert_eq!(registry.http.requests().len(), 2, "a redirect is not followed");
    }
    for body in ["", "null", "<html>", "{}", r#"{"keys":[]}"#, r#"{"keys":null}"#] {
        let registry = reached(|_| Response::new(200, Vec::new(), body));
        let reason = registry.reason_of(&registry.token()).await;
        assert!(matches!(reason, Reason::KeysUnavailable { .. }), "{body}: {reason:?}");
    }
    for discovery in ["", "[]", "{}", r#"{"issuer":"https://issuer.example"}"#, "<html>"] {
        let registry = discovered(platform(), Response::new(200, Vec::new(), discovery));
        let reason = registry.reason_of(&registry.token()).await;
        assert!(matches!(reason, Reason::KeysUnavailable { .. }), "{discovery}: {reason:?}");
    }
}

#[tokio::test]
async fn documents_and_requests_have_bounds() {
    let padding = " ".repeat(300 * 1024);
    let registry = reached(|issuer| Response::new(200, Vec::new(), issuer.jwks().to_string() + &padding));
    let reason = registry.reason_of(&registry.token()).await;
    assert!(matches!(reason, Reason::KeysUnavailable { .. }), "{reason:?}");
    for request in registry.http.requests() {
        assert!(request.max_body <= 256 * 1024);
        assert!(request.deadline <= std::time::Duration::from_secs(10));
        assert!(request.headers.iter().all(|(name, _)| *name == "accept"), "no credentials");
    }
}

#[tokio::test]
async fn of_very_many_keys_the_first_64_are_read() {
    let key = jwk(SigningAlgorithm::EdDsa);
    let keys: Vec<Value> = (0..200).map(|n| with(key.clone(), "kid", json!(format!("k{n}")))).collect();
    assert_eq!(usable(&json!({ "keys": keys })), 64);
}

#[tokio::test]
async fn an_issuer_that_cannot_be_reached_says_so_and_when_to_ask_again() {
    let issuer = std::sync::Arc::new(FakeIssuer::new(ISSUER));
    let http = FakeHttp::new().fail("GET", DISCOVERY, HttpErrorKind::Connect("down".to_owned()));
    let registry = Registry::reached_by(platform(), issuer, http);
    registry.verifier.warm_up().await;
    let reason = registry.reason_of(&registry.token()).await;
    assert_eq!(reason, Reason::KeysUnavailable { retry_after: COOL_DOWN, fault: KeyFault::Unreachable });
    let status = &registry.verifier.key_status()[0];
    assert_eq!((status.keys, status.fetches, status.failures), (0, 1, 1));
}
