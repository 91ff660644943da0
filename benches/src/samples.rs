//! Tokens that are refused, one for each reason to.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::scene::{Scene, claims};

/// A token that is refused before any signature is checked, with the name of its case.
#[derive(Debug)]
pub struct Sample {
    /// As in `reject_ns_<case>` and `reject_over_raw_<case>`.
    pub case: &'static str,
    /// The token.
    pub token: String,
}

/// One sample for each case that is refused without a signature check.
pub fn rejected(scene: &Scene) -> Vec<Sample> {
    let now = scene.now();
    let header = |header: Value| scene.issuer.sign_as(&header, &claims(now));
    let kid = scene.issuer.kid();
    let sign = |claims: Value| scene.issuer.sign(&claims);
    let samples = [
        ("oversized", "a".repeat(64 * 1024)),
        ("malformed", scene.token.replacen('.', "", 1)),
        ("malformed_header", scene.token.replacen("ey", "!!", 1)),
        ("malformed_claims", not_claims(&scene.token)),
        ("algorithm", header(json!({ "alg": "none", "kid": kid, "typ": "JWT" }))),
        ("critical", header(json!({ "alg": "RS256", "kid": kid, "crit": ["x"] }))),
        ("key", scene.issuer.sign_unpublished(&claims(now))),
        ("issuer", sign(other_issuer(now))),
        ("audience", sign(other_audience(now))),
        ("expired", sign(expired(now))),
        ("not_yet_valid", sign(claims(now.saturating_add(7200)))),
        ("lifetime", sign(with(claims(now), "exp", json!(now.saturating_add(864_000))))),
    ];
    samples.into_iter().map(|(case, token)| Sample { case, token }).collect()
}

/// The longest way to a refusal: `iss`, `aud`, `exp` and `iat` stand behind all other claims. Elsewhere claims stand in the
/// order of their names.
pub fn rejected_late(scene: &Scene) -> Vec<Sample> {
    let late = |case, kid: &str, claims: &Value| {
        let header = json!({ "alg": "RS256", "kid": kid, "typ": "JWT" }).to_string();
        let is_registered =
            |(name, _): &(&String, &Value)| matches!(name.as_str(), "iss" | "aud" | "exp" | "iat");
        let members = claims.as_object().into_iter().flatten();
        let (registered, others): (Vec<_>, Vec<_>) = members.partition(is_registered);
        let members = others.into_iter().chain(registered);
        let members: Vec<_> = members.map(|(name, value)| format!("{}:{value}", json!(name))).collect();
        let payload = format!("{{{}}}", members.join(","));
        Sample { case, token: scene.issuer.sign_bytes(header.as_bytes(), payload.as_bytes()) }
    };
    let (kid, now) = (scene.issuer.kid(), scene.now());
    vec![
        late("late_issuer", &kid, &other_issuer(now)),
        late("late_key", "unpublished", &claims(now)),
        late("late_audience", &kid, &other_audience(now)),
        late("late_expired", &kid, &expired(now)),
    ]
}

fn other_issuer(now: u64) -> Value {
    with(claims(now), "iss", json!("https://issuer.invalid"))
}

fn other_audience(now: u64) -> Value {
    with(claims(now), "aud", json!("npm:elsewhere.example"))
}

fn expired(now: u64) -> Value {
    claims(now.saturating_sub(7200))
}

fn with(mut claims: Value, name: &str, value: Value) -> Value {
    if let Some(claims) = claims.as_object_mut() {
        claims.insert(name.to_owned(), value);
    }
    claims
}

/// A token under another's signature, which is of the published key and takes its whole mathematics: one by another key may
/// be a number that is too large for this one, and refused before any.
pub fn forged(scene: &Scene) -> String {
    let token =
        scene.issuer.sign(&with(claims(scene.now()), "sub", json!("repo:octo-org/other:environment:prod")));
    let signed = token.rsplit_once('.').map_or("", |(signed, _)| signed);
    let signature = scene.token.rsplit_once('.').map_or("", |(_, signature)| signature);
    format!("{signed}.{signature}")
}

fn not_claims(token: &str) -> String {
    let mut parts: Vec<&str> = token.split('.').collect();
    let payload = URL_SAFE_NO_PAD.encode("this is not JSON");
    if let Some(part) = parts.get_mut(1) {
        *part = &payload;
    }
    parts.join(".")
}
