use std::time::Duration;

use oidc_core::testing::{FakeHttp, FakeIssuer, ManualClock, SigningAlgorithm};
use oidc_core::verify::Reason;
use oidc_core::verify::backend::AwsLc;
use oidc_core::verify::{InvalidVerifier, MAX_AGE, Verifier};
use oidc_core::{Audience, ClaimRule, InvalidClaims, MAX_TOKEN_BYTES, ProviderSet, ReplaySource, Timestamp};
use serde_json::{Value, json};

use crate::support::{
    AUDIENCE, ISSUER, NOW, Profiled, Registry, claims, context, platform, platform_with_keys, with, without,
};

fn audience() -> Reason {
    Reason::Audience { expected: [Audience::new(AUDIENCE).unwrap()].into() }
}

#[tokio::test]
async fn what_has_not_the_shape_of_a_token_is_refused() {
    let registry = Registry::new();
    let token = registry.token();
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let (header, payload) = signed.split_once('.').unwrap();
    for text in [
        String::new(),
        ".".to_owned(),
        "..".to_owned(),
        signed.to_owned(),
        format!("{signed}."),
        format!(".{payload}.{signature}"),
        format!("{header}..{signature}"),
        format!("{token}."),
        format!("{token}.{signature}"),
        format!(" {token}"),
        format!("{token}\n"),
        format!("{token}="),
        format!("{header}.{payload}==.{signature}"),
        format!("{header}=.{payload}.{signature}"),
        format!("{header}.{}\n{}.{signature}", &payload[..8], &payload[8..]),
        format!("{signed}.{}", signature.replace(['-', '_'], "+")) + "+",
        format!("{signed}.{signature}AAA"),
        format!("{signed}.{}", "A".repeat(1368)),
        format!("{}.{payload}.{signature}", "A".repeat(1368)),
        format!("{{\"payload\":\"{payload}\",\"signature\":\"{signature}\"}}"),
        "é.é.é".to_owned(),
    ] {
        assert_eq!(registry.reason_of(&text).await, Reason::Shape, "{text}");
    }
    assert_eq!(registry.reason_of(&"a".repeat(MAX_TOKEN_BYTES + 1)).await, Reason::TooLarge);
    assert_eq!(registry.http.requests().len(), 0, "nothing of this may cause a fetch");
}

#[tokio::test]
async fn a_header_that_demands_or_omits_something_is_refused() {
    let registry = Registry::new();
    let kid = registry.issuer.kid();
    for (header, reason) in [
        (json!({ "kid": kid }), Reason::Algorithm),
        (json!({ "alg": "none", "kid": kid }), Reason::Algorithm),
        (json!({ "alg": "None", "kid": kid }), Reason::Algorithm),
        (json!({ "alg": "rs256", "kid": kid }), Reason::Algorithm),
        (json!({ "alg": "HS256", "kid": kid }), Reason::Algorithm),
        (json!({ "alg": "RS384", "kid": kid }), Reason::Algorithm),
        (json!({ "alg": "PS256", "kid": kid }), Reason::Algorithm),
        (json!({ "alg": "ES256", "kid": kid }), Reason::Algorithm),
        (json!({ "alg": "EdDSA", "kid": kid }), Reason::Algorithm),
        (json!({ "alg": "RS256" }), Reason::NoKeyId),
        (json!({ "alg": "RS256", "kid": "" }), Reason::NoKeyId),
        (json!({ "alg": "RS256", "kid": 1 }), Reason::Header),
        (json!({ "alg": "RS256", "kid": kid, "crit": [] }), Reason::Critical),
        (json!({ "alg": "RS256", "kid": kid, "crit": ["b64"], "b64": false }), Reason::Critical),
        (json!({ "alg": "RS256", "kid": kid, "typ": "at+jwt" }), Reason::Type),
        (json!({ "alg": "RS256", "kid": kid, "typ": null }), Reason::Header),
        (json!([]), Reason::Header),
    ] {
        let token = registry.issuer.sign_as(&header, &registry.claims());
        assert_eq!(registry.reason_of(&token).await, reason, "{header}");
    }
    let claims = registry.claims().to_string();
    for header in [
        format!(r#"{{"alg":"RS256","kid":"{kid}","alg":"RS256"}}"#),
        format!(r#"{{"alg":"RS256","kid":"{kid}","\u0061lg":"none"}}"#),
        format!(r#"{{"alg":"RS256","kid":"{kid}"}} "#) + "x",
    ] {
        let token = registry.issuer.sign_bytes(header.as_bytes(), claims.as_bytes());
        assert_eq!(registry.reason_of(&token).await, Reason::Header, "{header}");
    }
}

#[tokio::test]
async fn a_payload_that_is_not_one_object_of_unique_members_is_refused() {
    let registry = Registry::new();
    let header = json!({ "alg": "RS256", "kid": registry.issuer.kid() }).to_string();
    for (payload, why) in [
        (&b"null"[..], InvalidClaims::Syntax),
        (b"[]", InvalidClaims::Syntax),
        (b"{", InvalidClaims::Syntax),
        (b"{}{}", InvalidClaims::Syntax),
        (b"\xff\xfe{}", InvalidClaims::Syntax),
        (b"\xef\xbb\xbf{}", InvalidClaims::Syntax),
        (br#"{"iss":"a","iss":"a"}"#, InvalidClaims::Duplicate),
        (br#"{"a":{"b":1,"b":2}}"#, InvalidClaims::Duplicate),
        (br#"{"a":NaN}"#, InvalidClaims::Syntax),
        (br#"{"a":"\ud800"}"#, InvalidClaims::Syntax),
        (b"{\"a\":\"\x01\"}", InvalidClaims::Syntax),
        (br"{'a':1}", InvalidClaims::Syntax),
        (br#"{"a":1,}"#, InvalidClaims::Syntax),
        (br#"{"a":01}"#, InvalidClaims::Syntax),
    ] {
        let token = registry.issuer.sign_bytes(header.as_bytes(), payload);
        let found = registry.reason_of(&token).await;
        assert_eq!(found, Reason::Claims(why), "{}", String::from_utf8_lossy(payload));
    }
    let many: serde_json::Map<String, Value> = (0..257).map(|n| (format!("c{n}"), json!(0))).collect();
    let token = registry.issuer.sign(&Value::Object(many));
    assert_eq!(registry.reason_of(&token).await, Reason::Claims(InvalidClaims::TooMany));
}

#[tokio::test]
async fn an_issuer_is_compared_byte_by_byte() {
    let registry = Registry::new();
    for iss in [
        json!("https://issuer.example/"),
        json!("https://ISSUER.example"),
        json!("https://issuer.example."),
        json!("http://issuer.example"),
        json!("https://issuer.example:443"),
        json!("https://issuer.example\u{0}"),
        json!(" https://issuer.example"),
        json!(""),
        json!(null),
        json!([ISSUER]),
        json!({ "iss": ISSUER }),
        json!(1),
    ] {
        assert_eq!(registry.reason_with("iss", iss.clone()).await, Reason::Issuer, "{iss}");
    }
    let token = registry.issuer.sign(&without(registry.claims(), "iss"));
    assert_eq!(registry.reason_of(&token).await, Reason::Issuer);
    assert_eq!(registry.http.requests().len(), 0);
}

#[tokio::test]
async fn a_token_for_anybody_else_is_refused() {
    let registry = Registry::new();
    for aud in [
        json!("npm:elsewhere.example"),
        json!("npm:registry.example/"),
        json!("NPM:registry.example"),
        json!(""),
        json!([]),
        json!([AUDIENCE, "npm:elsewhere.example"]),
        json!([AUDIENCE, AUDIENCE]),
        json!([[AUDIENCE]]),
        json!({ AUDIENCE: AUDIENCE }),
        json!(null),
        json!(true),
    ] {
        assert_eq!(registry.reason_with("aud", aud.clone()).await, audience(), "{aud}");
    }
    let token = registry.issuer.sign(&without(registry.claims(), "aud"));
    assert_eq!(registry.reason_of(&token).await, audience());
    assert_eq!(registry.jwks_requests(), 1, "the keys are fetched once, whomever the token is for");
}

#[tokio::test]
async fn a_refused_token_can_be_looked_at_as_far_as_it_can_be_read() {
    let registry = Registry::new();
    let header = json!({ "alg": "RS256", "kid": registry.issuer.kid() }).to_string();
    let first = format!(
        r#""iss":"{ISSUER}","aud":"npm:elsewhere.example","exp":{},"iat":{NOW},"email":"jane@acme.example""#,
        NOW + 300
    );
    for (payload, actor) in [
        (format!(r#"{{{first},"actor":"jane"}}"#), Some("jane")),
        (format!(r#"{{"actor":"jane",{first},"iss":"twice"}}"#), Some("jane")),
        (format!(r#"{{{first},"a":1,"a":2,"actor":"jane"}}"#), Some("jane")),
        (format!(r#"{{"a":1,"a":2,{first},"actor":"jane","actor":"joe"}}"#), Some("jane")),
        (format!(r#"{{{first},"actor":"jane"#), None),
        (format!(r#"{{{first}"#), None),
    ] {
        let token = registry.issuer.sign_bytes(header.as_bytes(), payload.as_bytes());
        let error = registry.verifier.verify(&token).await.unwrap_err();
        assert_eq!(*error.reason(), audience(), "{payload}");
        assert!(error.to_string().contains("`npm:elsewhere.example`"), "{error}");
        let claims = error.claims().unwrap().read_unverified();
        assert_eq!(claims.text("actor").as_deref(), actor, "{payload}");
        assert_eq!(claims.text("iss").as_deref(), Some(ISSUER));
        assert_eq!(error.signer(), None);
        let debug = format!("{error:?}");
        assert!(debug.contains("email") && !debug.contains("jane"), "{debug}");
    }
}

/// The part of a token that is not read where an earlier claim is refused is read in every other token.
#[tokio::test]
async fn a_fault_behind_the_claims_that_are_looked_at_first_is_found() {
    let registry = Registry::new();
    let header = json!({ "alg": "RS256", "kid": registry.issuer.kid() }).to_string();
    let claims = registry.claims().to_string();
    let claims = claims.trim_matches(['{', '}']);
    for (rest, why) in [
        (r#","x":1}"#, None),
        (r#","x":1,"x":1}"#, Some(InvalidClaims::Duplicate)),
        (r#","\u0069ss":"https://elsewhere.example"}"#, Some(InvalidClaims::Duplicate)),
        (r#","x":{"y":1,"y":1}}"#, Some(InvalidClaims::Duplicate)),
        (r#","x":"\ud800"}"#, Some(InvalidClaims::Syntax)),
        (r#","x":1}}"#, Some(InvalidClaims::Syntax)),
        (r#","x":1"#, Some(InvalidClaims::Syntax)),
        (",}", Some(InvalidClaims::Syntax)),
    ] {
        let payload = format!("{{{claims}{rest}");
        let token = registry.issuer.sign_bytes(header.as_bytes(), payload.as_bytes());
        let reason = registry.verifier.verify(&token).await.err().map(|error| error.reason().clone());
        assert_eq!(reason, why.map(Reason::Claims), "{rest}");
    }
}

#[tokio::test]
async fn a_time_that_is_missing_or_not_plausible_is_refused() {
    let registry = Registry::new();
    for name in ["exp", "iat"] {
        let token = registry.issuer.sign(&without(registry.claims(), name));
        assert_eq!(registry.reason_of(&token).await, Reason::MissingClaim(name));
    }
    for name in ["exp", "iat", "nbf"] {
        for value in [
            json!(null),
            json!("1800000000"),
            json!(true),
            json!([NOW]),
            json!(-1),
            json!(-0.5),
            json!(253_402_300_800_u64),
            json!(u64::MAX),
            json!(i64::MIN),
            json!(1e300),
        ] {
            assert_eq!(
                registry.reason_with(name, value.clone()).await,
                Reason::InvalidClaim(name),
                "{name} {value}"
            );
        }
    }
    let header = json!({ "alg": "RS256", "kid": registry.issuer.kid() }).to_string();
    for huge in ["1e400", "99999999999999999999999999999999999999", "1e99999999999"] {
        let payload = registry
            .claims()
            .to_string()
            .replace(&format!("\"exp\":{}", NOW + 300), &format!("\"exp\":{huge}"));
        let token = registry.issuer.sign_bytes(header.as_bytes(), payload.as_bytes());
        assert_eq!(registry.reason_of(&token).await, Reason::InvalidClaim("exp"), "{huge}");
    }
}

#[tokio::test]
async fn a_token_out_of_its_time_says_which_and_by_how_much() {
    let registry = Registry::new();
    let (now, at) = (Timestamp::from_secs(NOW), Timestamp::from_secs);
    let old = with(with(registry.claims(), "iat", json!(NOW - 900)), "nbf", json!(NOW - 900));
    let expired = registry.reason_of(&registry.issuer.sign(&with(old, "exp", json!(NOW - 600)))).await;
    assert_eq!(expired, Reason::Expired { expired_at: at(NOW - 600), now });
    let early = registry.reason_with("nbf", json!(NOW + 60)).await;
    assert_eq!(early, Reason::NotYetValid { claim: "nbf", valid_from: at(NOW + 60), now });
    let early = with(with(registry.claims(), "iat", json!(NOW + 100)), "exp", json!(NOW + 200));
    let early = registry.reason_of(&registry.issuer.sign(&early)).await;
    assert_eq!(early, Reason::NotYetValid { claim: "iat", valid_from: at(NOW + 100), now });
    let long = registry.reason_with("exp", json!(NOW + 3601)).await;
    assert_eq!(long, Reason::Lifetime { limit: Duration::from_secs(3600) });
    let backwards = with(with(registry.claims(), "iat", json!(NOW + 20)), "exp", json!(NOW + 10));
    let backwards = registry.reason_of(&registry.issuer.sign(&backwards)).await;
    assert_eq!(backwards, Reason::InvalidClaim("exp"));
    let instant = with(with(registry.claims(), "iat", json!(NOW)), "exp", json!(NOW));
    assert!(registry.accepts(&registry.issuer.sign(&instant)).await, "by the leeway");
}

#[tokio::test]
async fn a_header_that_was_seen_before_vouches_for_nothing() {
    let registry = Registry::new();
    registry.verifier.warm_up().await;
    let token = registry.token();
    assert!(registry.accepts(&token).await);
    let (header, rest) = token.split_once('.').unwrap();
    let (payload, signature) = rest.split_once('.').unwrap();
    let impostor = registry.issuer.sign_impostor(&registry.claims());
    assert!(impostor.starts_with(&format!("{header}.")), "the same header");
    assert_eq!(registry.reason_of(&impostor).await, Reason::Signature);
    let elsewhere = registry.issuer.sign(&with(registry.claims(), "aud", json!("x")));
    assert!(matches!(registry.reason_of(&elsewhere).await, Reason::Audience { .. }));
    for changed in
        [format!("{header}=.{payload}.{signature}"), format!("{header}.{payload}."), header.to_owned()]
    {
        assert_eq!(registry.reason_of(&changed).await, Reason::Shape, "{changed}");
    }
    registry.issuer.rotate();
    registry.issuer.withdraw_old();
    registry.clock.advance(MAX_AGE);
    let late = registry.issuer.sign(&claims(registry.now()));
    assert!(registry.accepts(&late).await);
    let withdrawn = format!("{header}.{}", late.split_once('.').unwrap().1);
    assert_eq!(registry.reason_of(&withdrawn).await, Reason::UnknownKey);
}

#[tokio::test]
async fn a_key_that_the_issuer_does_not_publish_is_refused_and_so_is_a_forged_signature() {
    let registry = Registry::new();
    let unpublished = registry.issuer.sign_unpublished(&registry.claims());
    assert_eq!(registry.reason_of(&unpublished).await, Reason::UnknownKey);
    let impostor = registry.issuer.sign_impostor(&registry.claims());
    assert_eq!(registry.reason_of(&impostor).await, Reason::Signature);
    let token = registry.token();
    let (signed, signature) = token.rsplit_once('.').unwrap();
    for changed in [
        format!("{signed}.{}", "A".repeat(342)),
        format!("{signed}.{}", &signature[..340]),
        format!("{signed}.AA"),
        format!("{signed}.{signature}AA"),
    ] {
        let reason = registry.reason_of(&changed).await;
        assert!(matches!(reason, Reason::Signature | Reason::Shape), "{reason:?}");
    }
    let other = registry.issuer.sign(&with(registry.claims(), "repository", json!("evil/widget")));
    let swapped = format!("{}.{signature}", other.rsplit_once('.').unwrap().0);
    assert_eq!(registry.reason_of(&swapped).await, Reason::Signature);
}

#[tokio::test]
async fn every_bit_of_header_payload_and_signature_counts() {
    let registry = Registry::new();
    let token = registry.token();
    for index in 0..token.len() {
        let mut bytes = token.clone().into_bytes();
        bytes[index] = if bytes[index] == b'A' { b'B' } else { b'A' };
        let changed = String::from_utf8(bytes).unwrap();
        assert!(!registry.accepts(&changed).await, "position {index}");
    }
}

#[tokio::test]
async fn a_claim_that_the_platform_always_sends_must_be_there() {
    let registry = Registry::new();
    for name in ["sub", "repository"] {
        let token = registry.issuer.sign(&without(registry.claims(), name));
        assert_eq!(registry.reason_of(&token).await, Reason::MissingClaim(name));
        assert_eq!(registry.reason_with(name, json!(null)).await, Reason::MissingClaim(name));
    }
}

#[tokio::test]
async fn where_tokens_have_ids_one_without_a_usable_id_is_refused() {
    let registry = Registry::new();
    let token = registry.issuer.sign(&without(registry.claims(), "jti"));
    assert_eq!(registry.reason_of(&token).await, Reason::MissingClaim("jti"));
    for jti in [json!(null), json!(1), json!(""), json!("x".repeat(257)), json!(["id"])] {
        assert_eq!(registry.reason_with("jti", jti.clone()).await, Reason::InvalidClaim("jti"), "{jti}");
    }
    let registry = Registry::of(platform().replay(ReplaySource::Digest), SigningAlgorithm::Rs256);
    assert!(registry.accepts(&registry.issuer.sign(&without(registry.claims(), "jti"))).await);
}

#[tokio::test]
async fn a_refusal_shows_its_claims_escaped_and_nothing_else() {
    let registry = Registry::new();
    let claims = with(registry.claims(), "iss", json!("https://\u{1b}[31mevil\u{202e}\n"));
    let token = registry.issuer.sign(&claims);
    let error = registry.verifier.verify(&token).await.unwrap_err();
    let (display, debug) = (error.to_string(), format!("{error:?}"));
    assert!(display.contains("\\u{1b}[31mevil\\u{202e}\\u{a}"), "{display}");
    assert!(!display.contains(['\u{1b}', '\u{202e}', '\n']), "{display}");
    for part in token.split('.') {
        assert!(!display.contains(part) && !debug.contains(part));
    }
    assert_eq!(error.claims().unwrap().read_unverified().text("repository").unwrap(), "acme/widget");
}

#[test]
fn a_verifier_needs_an_audience_an_issuer_and_one_meaning_for_each() {
    let cx = context(FakeHttp::new(), &ManualClock::at(NOW));
    let audience = || [Audience::new(AUDIENCE).unwrap()];
    let one = ProviderSet::default().with(platform());
    let error = Verifier::new(AwsLc, [], &one, &cx).unwrap_err();
    assert_eq!(error, InvalidVerifier::NoAudience);
    let error = Verifier::new(AwsLc, audience(), &ProviderSet::default(), &cx).unwrap_err();
    assert_eq!(error, InvalidVerifier::NoIssuer);
    let error = Verifier::new(AwsLc, audience(), &one.with(platform()), &cx).unwrap_err();
    assert_eq!(error, InvalidVerifier::TwoProviders(ISSUER.to_owned()));
    // No key, and none for the platform's algorithm.
    let es256 = FakeIssuer::with_algorithms(ISSUER, &[SigningAlgorithm::Es256]).jwks();
    for jwks in [json!({ "keys": [] }), es256] {
        let keyless = ProviderSet::default().with(platform_with_keys(jwks));
        let error = Verifier::new(AwsLc, audience(), &keyless, &cx).unwrap_err();
        assert_eq!(error, InvalidVerifier::Keys(ISSUER.to_owned()));
    }
}

#[tokio::test]
async fn a_required_claim_must_be_there_in_its_form() {
    static CLAIMS: &[ClaimRule] = &[
        ClaimRule::required("name"),
        ClaimRule::required_or_empty("ref"),
        ClaimRule::required_flag("verified"),
        ClaimRule::registered("jti"),
        ClaimRule::registered("nbf"),
        ClaimRule::optional("stage"),
    ];
    let platform = platform().claims_table(CLAIMS).replay(ReplaySource::Digest);
    let registry = Registry::of(platform, SigningAlgorithm::Rs256);
    let whole = [("name", json!("n")), ("ref", json!("")), ("verified", json!(false))];
    let whole = whole.into_iter().fold(registry.claims(), |claims, (name, value)| with(claims, name, value));
    assert!(registry.accepts(&registry.issuer.sign(&whole)).await);
    for (name, value, is_missing) in [
        ("name", json!(""), true),
        ("name", json!(null), true),
        ("name", json!(7), false),
        ("name", json!(["n"]), false),
        ("name", json!({ "n": "n" }), false),
        ("name", json!(true), false),
        ("ref", json!(null), true),
        ("ref", json!(0), false),
        ("verified", json!(null), true),
        ("verified", json!("true"), false),
        ("verified", json!(1), false),
        ("verified", json!(""), false),
        ("jti", json!(null), true),
        ("nbf", json!("soon"), false),
    ] {
        let expected = if is_missing { Reason::MissingClaim(name) } else { Reason::InvalidClaim(name) };
        let token = registry.issuer.sign(&with(whole.clone(), name, value.clone()));
        assert_eq!(registry.reason_of(&token).await, expected, "{name}: {value}");
    }
    for name in ["name", "ref", "verified", "jti", "nbf"] {
        let token = registry.issuer.sign(&without(whole.clone(), name));
        assert_eq!(registry.reason_of(&token).await, Reason::MissingClaim(name));
    }
}

#[tokio::test]
async fn only_who_has_the_issuers_signature_is_named_by_it() {
    let registry = Registry::new();
    let refused = async |token: &str| registry.verifier.verify(token).await.unwrap_err();
    let own = refused(&registry.issuer.sign(&without(registry.claims(), "repository"))).await;
    assert_eq!(own.signer().as_deref(), Some(ISSUER));
    let forged = refused(&registry.issuer.sign_impostor(&without(registry.claims(), "repository"))).await;
    let expired = refused(&registry.issuer.sign(&with(registry.claims(), "exp", json!(NOW - 300)))).await;
    let foreign = refused(&registry.issuer.sign(&with(registry.claims(), "aud", json!("x")))).await;
    for error in [forged, expired, foreign, refused("x").await] {
        assert_eq!(error.signer(), None, "{error}");
    }
}
