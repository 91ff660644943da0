//! RFC 7515, JSON Web Signature.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE, URL_SAFE_NO_PAD};
use oidc_core::testing::SigningAlgorithm;
use oidc_core::verify::Reason;
use oidc_core::verify::backend::{AwsLc, Backend, PublicKey, RustCrypto};
use oidc_core::{Algorithm, InvalidClaims};
use serde_json::json;

use crate::support::{Profiled, Registry, platform};

/// Section 2: base64url without line breaks, white space, other characters, or trailing `=`.
#[tokio::test]
async fn section_2_base64url_has_no_padding_and_no_other_characters() {
    let registry = Registry::new();
    let claims = registry.claims().to_string();
    let header = json!({ "alg": "RS256", "kid": registry.issuer.kid() }).to_string();
    let signature = registry.token().rsplit_once('.').unwrap().1.to_owned();
    let good = |text: &str| URL_SAFE_NO_PAD.encode(text);
    for (header, payload) in [
        (URL_SAFE.encode(format!("{header} ")), good(&claims)),
        (good(&header), URL_SAFE.encode(format!("{claims} "))),
        (good(&header), STANDARD.encode(claims.replace("acme", "ÿÿÿ>>>"))),
        (good(&header), good(&claims).replacen('e', " e", 1)),
        (good(&header), good(&claims).replacen('e', "\r\ne", 1)),
        (good(&header), format!("{}%3D", good(&claims))),
    ] {
        let token = format!("{header}.{payload}.{signature}");
        let reason = registry.reason_of(&token).await;
        assert!(matches!(reason, Reason::Shape | Reason::Signature), "{reason:?}");
        assert!(!registry.accepts(&token).await);
    }
}

/// Section 2 with RFC 4648, section 3.5: one text has one encoding; unused bits are zero.
#[tokio::test]
async fn section_2_every_part_has_one_encoding() {
    let registry = Registry::new();
    let token = registry.token();
    // 256 bytes leave two bits over in the last character.
    let last = token.chars().last().unwrap();
    let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let next = alphabet.chars().nth(alphabet.find(last).unwrap() + 1).unwrap();
    let other = format!("{}{next}", &token[..token.len() - 1]);
    assert_eq!(registry.reason_of(&other).await, Reason::Shape);
}

/// Section 3.1: three parts. The JSON serializations of section 3.2 are not offered.
#[tokio::test]
async fn section_3_1_a_token_is_a_compact_serialization() {
    let registry = Registry::new();
    let token = registry.token();
    let parts: Vec<&str> = token.split('.').collect();
    for text in [
        json!({ "protected": parts[0], "payload": parts[1], "signature": parts[2] }).to_string(),
        json!({ "payload": parts[1], "signatures": [{ "protected": parts[0], "signature": parts[2] }] })
            .to_string(),
        format!("{}.{}", parts[0], parts[1]),
        format!("{token}.{}", parts[2]),
    ] {
        assert_eq!(registry.reason_of(&text).await, Reason::Shape, "{text}");
    }
}

/// Section 4: header parameter names are unique; a parser that can't tell refuses.
#[tokio::test]
async fn section_4_header_parameter_names_are_unique() {
    let registry = Registry::new();
    let kid = registry.issuer.kid();
    for header in [
        format!(r#"{{"alg":"RS256","alg":"RS256","kid":"{kid}"}}"#),
        format!(r#"{{"alg":"RS256","kid":"{kid}","kid":"{kid}"}}"#),
        format!(r#"{{"alg":"RS256","kid":"{kid}","x":1,"x":1}}"#),
        format!(r#"{{"alg":"RS256","kid":"{kid}","x":1,"\u0078":1}}"#),
    ] {
        let token = registry.issuer.sign_bytes(header.as_bytes(), registry.claims().to_string().as_bytes());
        assert_eq!(registry.reason_of(&token).await, Reason::Header, "{header}");
    }
}

/// Section 4: parameters that are not understood are ignored, unless `crit` names them.
#[tokio::test]
async fn section_4_unknown_header_parameters_are_ignored() {
    let registry = Registry::new();
    let header =
        json!({ "alg": "RS256", "kid": registry.issuer.kid(), "https://example.com/x": [1, { "a": null }] });
    assert!(registry.accepts(&registry.issuer.sign_as(&header, &registry.claims())).await);
}

/// Section 4.1.1: `alg` is there, is a string, is case-sensitive, and one that is supported.
#[tokio::test]
async fn section_4_1_1_the_algorithm_must_be_there_and_supported() {
    let registry = Registry::new();
    let kid = registry.issuer.kid();
    for (header, reason) in [
        (json!({ "kid": kid }), Reason::Algorithm),
        (json!({ "alg": "", "kid": kid }), Reason::Algorithm),
        (json!({ "alg": "rs256", "kid": kid }), Reason::Algorithm),
        (json!({ "alg": "RS256 ", "kid": kid }), Reason::Algorithm),
        (json!({ "alg": ["RS256"], "kid": kid }), Reason::Header),
        (json!({ "alg": null, "kid": kid }), Reason::Header),
    ] {
        let token = registry.issuer.sign_as(&header, &registry.claims());
        assert_eq!(registry.reason_of(&token).await, reason, "{header}");
    }
}

/// Sections 4.1.2, 4.1.3, 4.1.5 and 4.1.6: `jku`, `jwk`, `x5u` and `x5c` may be there and are never followed.
#[tokio::test]
async fn section_4_1_2_to_4_1_6_keys_named_in_the_header_are_never_followed() {
    let registry = Registry::new();
    let other = oidc_core::testing::FakeIssuer::new("https://other.example");
    for (name, value) in [
        ("jku", json!("https://other.example/.well-known/jwks")),
        ("jwk", other.jwks()["keys"][0].clone()),
        ("x5u", json!("https://other.example/x5u")),
        ("x5c", json!(["MIID"])),
    ] {
        let header =
            crate::support::with(json!({ "alg": "RS256", "kid": registry.issuer.kid() }), name, value);
        assert!(registry.accepts(&registry.issuer.sign_as(&header, &registry.claims())).await, "{name}");
        let reason = registry.reason_of(&other.sign_as(&header, &registry.claims())).await;
        assert_eq!(reason, Reason::Signature, "{name}");
    }
    assert!(registry.http.requests().iter().all(|request| request.url.host() == "issuer.example"));
}

/// Section 4.1.4: `kid` is a case-sensitive string.
#[tokio::test]
async fn section_4_1_4_the_key_id_is_a_case_sensitive_string() {
    let registry = Registry::new();
    let kid = registry.issuer.kid();
    for (kid, reason) in [
        (json!(kid.to_uppercase()), Reason::UnknownKey),
        (json!(format!("{kid} ")), Reason::UnknownKey),
        (json!(7), Reason::Header),
        (json!([kid]), Reason::Header),
    ] {
        let token = registry.issuer.sign_as(&json!({ "alg": "RS256", "kid": kid }), &registry.claims());
        assert_eq!(registry.reason_of(&token).await, reason, "{kid}");
    }
}

/// Section 4.1.9: `typ` may leave `application/` out, and is compared as media types are.
#[tokio::test]
async fn section_4_1_9_the_type_is_a_media_type() {
    let registry = Registry::new();
    for (typ, is_accepted) in
        [("JWT", true), ("jwt", true), ("application/jwt", true), ("Application/JWT", true), ("JOSE", false)]
    {
        let header = json!({ "alg": "RS256", "kid": registry.issuer.kid(), "typ": typ });
        assert_eq!(
            registry.accepts(&registry.issuer.sign_as(&header, &registry.claims())).await,
            is_accepted,
            "{typ}"
        );
    }
}

/// Section 4.1.11: `crit` demands what is not understood here; an empty or malformed list is refused as well.
#[tokio::test]
async fn section_4_1_11_critical_extensions_are_refused() {
    let registry = Registry::new();
    for crit in
        [json!(["exp"]), json!(["b64"]), json!([]), json!(null), json!("exp"), json!(["alg"]), json!({})]
    {
        let header = json!({ "alg": "RS256", "kid": registry.issuer.kid(), "crit": crit, "exp": 1 });
        let token = registry.issuer.sign_as(&header, &registry.claims());
        assert_eq!(registry.reason_of(&token).await, Reason::Critical, "{crit}");
    }
}

/// Section 5.2, step 2 and 3: the header is UTF-8 and one JSON object.
#[tokio::test]
async fn section_5_2_the_header_is_one_json_object_in_utf_8() {
    let registry = Registry::new();
    let payload = registry.claims().to_string();
    for header in [
        &b"\xff\xfe"[..],
        b"{\"alg\":\"RS256\",\"kid\":\"\xff\"}",
        b"\xef\xbb\xbf{\"alg\":\"RS256\",\"kid\":\"k\"}",
        b"[\"alg\"]",
        b"\"RS256\"",
        b"{\"alg\":\"RS256\",\"kid\":\"k\"",
        b"{\"alg\":\"RS256\",\"kid\":\"k\"}{}",
        b"{\"alg\":\"RS256\",\"kid\":\"k\",}",
        b"{\"alg\":\"RS256\",\"kid\":\"\\ud800\"}",
    ] {
        let token = registry.issuer.sign_bytes(header, payload.as_bytes());
        assert_eq!(registry.reason_of(&token).await, Reason::Header, "{}", String::from_utf8_lossy(header));
    }
}

/// Section 5.2, step 8: the signature is over the parts as they came, not over what they mean.
#[tokio::test]
async fn section_5_2_the_signature_is_over_the_encoded_parts() {
    let registry = Registry::new();
    let kid = registry.issuer.kid();
    let spaced = format!("{{ \"alg\" : \"RS256\" ,\r\n \"kid\" : \"{kid}\" }}");
    let payload = registry.claims().to_string();
    let token = registry.issuer.sign_bytes(spaced.as_bytes(), payload.as_bytes());
    assert!(registry.accepts(&token).await);
    let compact = URL_SAFE_NO_PAD.encode(json!({ "alg": "RS256", "kid": kid }).to_string());
    let (_, rest) = token.split_once('.').unwrap();
    assert_eq!(registry.reason_of(&format!("{compact}.{rest}")).await, Reason::Signature);
}

/// Section 10.12: strict JSON; no comments, no trailing commas, no other quotes.
#[tokio::test]
async fn section_10_12_json_is_parsed_strictly() {
    let registry = Registry::new();
    let header = json!({ "alg": "RS256", "kid": registry.issuer.kid() }).to_string();
    for payload in [
        "{/* c */}",
        "{\"a\":1,}",
        "{'a':1}",
        "{a:1}",
        "{\"a\":0x10}",
        "{\"a\":+1}",
        "{\"a\":.5}",
        "{\"a\":\"\t\"}",
    ] {
        let token = registry.issuer.sign_bytes(header.as_bytes(), payload.as_bytes());
        assert_eq!(registry.reason_of(&token).await, Reason::Claims(InvalidClaims::Syntax), "{payload}");
    }
}

fn number(text: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(text).unwrap()
}

/// Appendix A.2: the example with RS256. Its payload is a JWT's of 2011, so the signature alone is checked.
#[test]
fn appendix_a_2_the_example_with_rs256_holds() {
    let n = "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ";
    let message = "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
    let signature = "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw";
    check_example(&PublicKey::Rsa { n: number(n), e: vec![1, 0, 1] }, message, signature);
}

/// Appendix A.3: the example with ES256.
#[test]
fn appendix_a_3_the_example_with_es256_holds() {
    let x = number("f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU");
    let y = number("x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0");
    let message = "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
    let signature = "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";
    let point = [vec![4], x, y].concat().try_into().unwrap();
    check_example(&PublicKey::P256(point), message, signature);
}

fn check_example(key: &PublicKey, message: &str, signature: &str) {
    for backend in [&AwsLc as &dyn Backend, &RustCrypto] {
        let key = backend.key(key).unwrap();
        assert!(key.verify(message.as_bytes(), &number(signature)), "{backend:?}");
        assert!(!key.verify(message.replace("eyJ", "eyK").as_bytes(), &number(signature)), "{backend:?}");
    }
}

/// Appendix A.5: an unsecured JWS is refused, with and without a signature, under any profile.
#[tokio::test]
async fn appendix_a_5_an_unsecured_jws_is_refused() {
    for algorithms in [&[Algorithm::Rs256][..], &[Algorithm::Rs256, Algorithm::Es256, Algorithm::EdDsa], &[]]
    {
        let registry = Registry::of(platform().algorithms(algorithms), SigningAlgorithm::Rs256);
        let header = json!({ "alg": "none", "kid": registry.issuer.kid() });
        let token = registry.issuer.sign_as(&header, &registry.claims());
        assert_eq!(registry.reason_of(&token).await, Reason::Algorithm);
        let stripped = format!("{}.", token.rsplit_once('.').unwrap().0);
        assert_eq!(registry.reason_of(&stripped).await, Reason::Shape);
    }
}
