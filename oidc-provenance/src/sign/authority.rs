//! The certificate authority: Fulcio's interface of version 2.

use oidc_core::http::Request;
use oidc_core::{Claims, Context, Diagnosis, HttpUrl, IdToken, Target};
use serde::Deserialize;
use serde_json::json;
use sigstore_crypto::{KeyPair, parse_certificate_info};
use sigstore_types::DerCertificate;

use super::error::SignError;
use super::request::{DEADLINE, send};
use super::services::Services;
use crate::codes;

/// The answer. Fields that this crate does not read are left out.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    signed_certificate_embedded_sct: Signed,
}

#[derive(Deserialize)]
struct Signed {
    chain: Chain,
}

#[derive(Deserialize)]
struct Chain {
    certificates: Vec<String>,
}

/// Gets a certificate for the token's job and this key.
pub(super) async fn certificate(
    cx: &Context,
    services: &Services,
    token: &IdToken,
    key: &KeyPair,
) -> Result<DerCertificate, SignError> {
    let url = services.authority.below("api/v2/signingCert");
    let request = request(url.clone(), token, key)?;
    let code = codes::PROVENANCE_AUTHORITY;
    let problem = "the certificate authority gave no certificate";
    let answer =
        send(cx, &request).await.result.map_err(|error| SignError::of_http(code, &url, problem, error))?;
    if !answer.is_success() {
        return Err(SignError::of_answer(code, &url, problem, &answer));
    }
    let unusable = |why: &str| {
        let problem = format!("the certificate authority's answer can't be used: {why}");
        SignError::new(Diagnosis::new(code, Target::Url(url.to_string()), problem))
    };
    let answer: Answer =
        answer.json().ok_or_else(|| unusable("it holds no certificate with a log's timestamp"))?;
    let chain = answer.signed_certificate_embedded_sct.chain.certificates;
    let leaf = chain.first().ok_or_else(|| unusable("its chain is empty"))?;
    let leaf = DerCertificate::from_pem(leaf).map_err(|why| unusable(&why.to_string()))?;
    let certificate = parse_certificate_info(&leaf).map_err(|why| unusable(&why.to_string()))?;
    let own = key.public_key_der().map_err(|why| SignError::internal(&why.to_string()))?;
    if certificate.public_key != own {
        return Err(unusable("the certificate is for another key"));
    }
    Ok(leaf)
}

fn request(url: HttpUrl, token: &IdToken, key: &KeyPair) -> Result<Request, SignError> {
    let internal = |why: sigstore_crypto::Error| SignError::internal(&why.to_string());
    let claims = token.claims().map_err(|why| SignError::internal(&why.to_string()))?;
    let challenge = challenge(claims.read_unverified());
    let proof = key.sign(challenge.as_bytes()).map_err(internal)?;
    let public = key.public_key_der().map_err(internal)?;
    let body = json!({
        "credentials": { "oidcIdentityToken": token.secret().expose() },
        "publicKeyRequest": {
            "publicKey": { "algorithm": "ECDSA", "content": public.to_pem() },
            "proofOfPossession": proof.to_base64(),
        },
    });
    Ok(Request::post(url).body("application/json", body.to_string()).deadline(DEADLINE))
}

/// The text that proves the possession of the key when it is signed: the e-mail address of a person's token, the
/// subject of a job's.
fn challenge(claims: &Claims) -> String {
    let text = |name| claims.text(name).filter(|text| !text.is_empty());
    text("email").or_else(|| text("sub")).unwrap_or_default().into_owned()
}
