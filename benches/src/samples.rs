//! Tokens that are refused, one for each reason to.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::scene::{Scene, claims};

/// A token that is refused before any signature is checked, with the name of its case.
#[derive(Debug)]
pub struct Sample {
    /// As in `reject_ns_<case>`.
    pub case: &'static str,
    /// The token.
    pub token: String,
}

/// One sample for each case that is refused without a signature check.
pub fn rejected(scene: &Scene) -> Vec<Sample> {
    let now = scene.now();
    let header = |header: Value| scene.issuer.sign_as(&header, &claims(now));
    let kid = scene.issuer.kid();
    let others = [
        ("oversized", "a".repeat(64 * 1024)),
        ("malformed", scene.token.replacen('.', "", 1)),
        ("malformed_header", scene.token.replacen("ey", "!!", 1)),
        ("malformed_claims", not_claims(&scene.token)),
        ("algorithm", header(json!({ "alg": "none", "kid": kid, "typ": "JWT" }))),
        ("critical", header(json!({ "alg": "RS256", "kid": kid, "crit": ["x"] }))),
        ("key", scene.issuer.sign_unpublished(&claims(now))),
    ];
    let told_by_claims = told_by_claims(now).map(|(case, claims)| (case, scene.issuer.sign(&claims)));
    let samples = others.into_iter().chain(told_by_claims);
    samples.map(|(case, token)| Sample { case, token }).collect()
}

/// The longest way to a refusal: those that are told by their claims, with `iss`, `aud`, `exp` and `iat` behind all
/// others. Elsewhere claims stand in the order of their names.
pub fn rejected_late(scene: &Scene) -> Vec<Sample> {
    let header = json!({ "alg": "RS256", "kid": scene.issuer.kid(), "typ": "JWT" }).to_string();
    let late = |(case, claims): (&'static str, Value)| {
        let is_registered =
            |(name, _): &(&String, &Value)| matches!(name.as_str(), "iss" | "aud" | "exp" | "iat");
        let members = claims.as_object().into_iter().flatten();
        let (registered, others): (Vec<_>, Vec<_>) = members.partition(is_registered);
        let members = others.into_iter().chain(registered);
        let members: Vec<_> = members.map(|(name, value)| format!("{}:{value}", json!(name))).collect();
        let payload = format!("{{{}}}", members.join(","));
        Sample { case, token: scene.issuer.sign_bytes(header.as_bytes(), payload.as_bytes()) }
    };
    told_by_claims(scene.now()).map(late).into()
}

fn told_by_claims(now: u64) -> [(&'static str, Value); 5] {
    let with = |name: &str, value: Value| {
        let mut claims = claims(now);
        if let Some(claims) = claims.as_object_mut() {
            claims.insert(name.to_owned(), value);
        }
        claims
    };
    [
        ("issuer", with("iss", json!("https://issuer.invalid"))),
        ("audience", with("aud", json!("npm:elsewhere.example"))),
        ("expired", claims(now.saturating_sub(7200))),
        ("not_yet_valid", claims(now.saturating_add(7200))),
        ("lifetime", with("exp", json!(now.saturating_add(864_000)))),
    ]
}

/// A token by the published key's name whose signature is another key's.
pub fn forged(scene: &Scene) -> String {
    scene.issuer.sign_impostor(&claims(scene.now()))
}

fn not_claims(token: &str) -> String {
    let mut parts: Vec<&str> = token.split('.').collect();
    let payload = URL_SAFE_NO_PAD.encode("this is not JSON");
    if let Some(part) = parts.get_mut(1) {
        *part = &payload;
    }
    parts.join(".")
}
