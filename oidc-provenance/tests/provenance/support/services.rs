//! The services of a Sigstore instance, behind HTTP in memory.

use std::sync::{Arc, Mutex};

use oidc_core::http::{HttpErrorKind, Request, Response, Step};
use oidc_core::testing::{FakeHttp, ManualClock, NotRandom};
use oidc_core::{Audience, Context, IdToken, SourceError, TokenSource};
use oidc_provenance::{Platform, Services};
use p256::PublicKey;
use p256::ecdsa::signature::Verifier as _;
use p256::ecdsa::{DerSignature, VerifyingKey};
use p256::pkcs8::{DecodePublicKey as _, EncodePublicKey as _};
use serde_json::{Value, json};
use x509_cert::der::EncodePem as _;
use x509_cert::der::pem::LineEnding;

use super::{NOW, Sigstore, Template, base64, job, pae, sha256, unbase64};

pub(crate) const AUTHORITY: &str = "https://authority.example/api/v2/signingCert";
pub(crate) const LOG: &str = "https://log.example/api/v1/log/entries";

pub(crate) fn services() -> Services {
    Services::new("https://authority.example".parse_url(), "https://log.example".parse_url())
}

pub(crate) trait ParseUrl {
    fn parse_url(&self) -> oidc_core::HttpUrl;
}

impl ParseUrl for str {
    fn parse_url(&self) -> oidc_core::HttpUrl {
        oidc_core::HttpUrl::parse(self).unwrap()
    }
}

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    None,
    /// The log writes the entry, and its first answer is lost.
    AnswerLost,
    /// The same, and the entry that exists is at another host.
    ElsewhereLost,
    /// The log writes nothing and answers 503 each time.
    LogDown,
    /// The log writes nothing and answers 503 once.
    LogBusy,
    /// The log can't be reached.
    LogUnreachable,
    /// The log refuses the entry.
    LogRefuses,
    /// The log answers with the entry of somebody else.
    OtherEntry,
    /// The log answers without a proof.
    NoProof,
    /// The authority answers 503 once.
    AuthorityBusy,
    /// The authority refuses.
    AuthorityRefuses,
    /// The authority certifies another key.
    OtherKey,
    /// The authority's certificate has no timestamp in it.
    DetachedSct,
}

/// A world with the services, and the requests that they got.
pub(crate) fn world(sigstore: Arc<Sigstore>, fault: Fault) -> (Context, FakeHttp) {
    let state = Arc::new(Mutex::new((0, None)));
    let http = FakeHttp::new().on_request(move |request| {
        let mut state = state.lock().unwrap();
        let (calls, written) = &mut *state;
        match request.url.as_str() {
            AUTHORITY => Some(Ok(certify(&sigstore, request, fault, calls))),
            // The authority was asked before.
            LOG if fault == Fault::LogBusy && *calls == 1 => {
                *calls += 1;
                Some(Ok(Response::new(503, Vec::new(), "")))
            }
            LOG => Some(log(&sigstore, request, fault, written)),
            "https://log.example/api/v1/log/entries/one" => written.clone().map(Ok),
            _ => None,
        }
    });
    let context = job::context(&job::claims(&[])).with_http(http.clone());
    (context.with_clock(ManualClock::at(NOW)).with_random(NotRandom(7)), http)
}

fn certify(sigstore: &Sigstore, request: &Request, fault: Fault, calls: &mut u32) -> Response {
    *calls += 1;
    match fault {
        Fault::AuthorityBusy if *calls == 1 => return Response::new(503, Vec::new(), ""),
        Fault::AuthorityRefuses => {
            let body = r#"{"code":3,"message":"There was an error processing the identity token"}"#;
            return Response::new(400, Vec::new(), body);
        }
        _ => {}
    }
    let body: Value = serde_json::from_slice(&request.body).unwrap();
    let public = body["publicKeyRequest"]["publicKey"]["content"].as_str().unwrap();
    let public = PublicKey::from_public_key_pem(public).unwrap();
    let claims = job::claims(&[]);
    let proof = DerSignature::from_bytes(&unbase64(&body["publicKeyRequest"]["proofOfPossession"])).unwrap();
    VerifyingKey::from(public).verify(claims.text("sub").unwrap().as_bytes(), &proof).unwrap();
    let template = Template::new(job::extensions(&Platform::github(), &claims));
    let other = PublicKey::from(*super::key(9).verifying_key());
    let key = if fault == Fault::OtherKey { other } else { public };
    let certificate = template.issue_for(sigstore, key.to_public_key_der().unwrap().as_bytes());
    let chain = json!({ "chain": { "certificates": [certificate.to_pem(LineEnding::LF).unwrap()] } });
    let name = if fault == Fault::DetachedSct {
        "signedCertificateDetachedSct"
    } else {
        "signedCertificateEmbeddedSct"
    };
    Response::new(200, Vec::new(), json!({ name: chain }).to_string())
}

fn log(
    sigstore: &Sigstore,
    request: &Request,
    fault: Fault,
    written: &mut Option<Response>,
) -> Result<Response, HttpErrorKind> {
    let answer = |status, headers: &[(&str, &str)], body: &str| {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Ok(Response::new(status, headers, body))
    };
    match fault {
        Fault::LogDown => return answer(503, &[], ""),
        Fault::LogUnreachable => return Err(HttpErrorKind::Connect("refused".to_owned())),
        Fault::LogRefuses => return answer(400, &[], r#"{"message":"no such kind"}"#),
        _ => {}
    }
    if written.is_some() {
        let at = if fault == Fault::ElsewhereLost {
            "https://evil.example/one"
        } else {
            "/api/v1/log/entries/one"
        };
        return answer(409, &[("location", at)], r#"{"message":"an equivalent entry already exists"}"#);
    }
    let body: Value = serde_json::from_slice(&request.body).unwrap();
    assert_eq!((&body["kind"], &body["apiVersion"]), (&json!("dsse"), &json!("0.0.1")));
    let proposed = &body["spec"]["proposedContent"];
    let envelope: Value = serde_json::from_str(proposed["envelope"].as_str().unwrap()).unwrap();
    let entry = entry(sigstore, &envelope, &proposed["verifiers"][0], fault);
    let response = Response::new(201, Vec::new(), json!({ "one": entry }).to_string());
    *written = Some(response.clone());
    match fault {
        Fault::AnswerLost | Fault::ElsewhereLost => {
            Err(HttpErrorKind::Timeout { step: Step::Answer, after: std::time::Duration::from_secs(5) })
        }
        _ => Ok(response),
    }
}

/// The answer for an envelope, in the form of the interface of version 1.
fn entry(sigstore: &Sigstore, envelope: &Value, verifier: &Value, fault: Fault) -> Value {
    let payload = unbase64(&envelope["payload"]);
    let signature = &envelope["signatures"][0]["sig"];
    assert!(!pae("x", &payload).is_empty());
    let signature = if fault == Fault::OtherEntry { &json!(base64("another")) } else { signature };
    let body = json!({
        "apiVersion": "0.0.1",
        "kind": "dsse",
        "spec": {
            "envelopeHash": { "algorithm": "sha256", "value": super::hex(sha256(envelope.to_string())) },
            "payloadHash": { "algorithm": "sha256", "value": super::hex(sha256(&payload)) },
            "signatures": [{ "signature": signature, "verifier": verifier }],
        },
    });
    let logged = sigstore.logged(&body.to_string(), ("dsse", "0.0.1"), NOW);
    let proof = &logged["inclusionProof"];
    let hex = |value: &Value| super::hex(unbase64(value));
    let mut entry = json!({
        "body": logged["canonicalizedBody"],
        "integratedTime": NOW,
        "logID": hex(&logged["logId"]["keyId"]),
        "logIndex": 1,
        "verification": {
            "signedEntryTimestamp": logged["inclusionPromise"]["signedEntryTimestamp"],
            "inclusionProof": {
                "logIndex": 1,
                "rootHash": hex(&proof["rootHash"]),
                "treeSize": 2,
                "hashes": [hex(&proof["hashes"][0])],
                "checkpoint": proof["checkpoint"]["envelope"],
            },
        },
    });
    if fault == Fault::NoProof {
        entry["verification"]["inclusionProof"].take();
    }
    entry
}

/// The job's platform.
#[derive(Debug)]
pub(crate) struct Platforms;

#[async_trait::async_trait]
impl TokenSource for Platforms {
    fn provider(&self) -> &str {
        "github"
    }

    async fn token(&self, audience: &Audience) -> Result<IdToken, SourceError> {
        assert_eq!(audience.as_str(), "sigstore");
        let claims = job::claims(&[]);
        let members: Vec<String> =
            claims.iter().map(|(name, value)| format!("{}:{}", json!(name), value.raw())).collect();
        let part = |text: String| data_encoding::BASE64URL_NOPAD.encode(text.as_bytes());
        let token = format!("{}.{}.c2ln", part("{}".to_owned()), part(format!("{{{}}}", members.join(","))));
        Ok(IdToken::new(token, audience.clone()).unwrap())
    }
}
