//! The timestamp authority (RFC 3161).

use der::asn1::{Int, OctetString};
use der::oid::db::rfc5912::ID_SHA_256;
use der::{Decode as _, Encode as _};
use oidc_core::http::Request;
use oidc_core::{Context, Diagnosis, Target};
use sha2::{Digest as _, Sha256};
use sigstore_types::TimestampToken;
use x509_tsp::{MessageImprint, TimeStampReq, TimeStampResp, TspVersion};

use super::error::SignError;
use super::request::{DEADLINE, send};
use super::services::Services;
use crate::codes;

/// Gets a timestamp of a signature, where there is an authority.
pub(super) async fn timestamp(
    cx: &Context,
    services: &Services,
    signature: &[u8],
) -> Result<Option<TimestampToken>, SignError> {
    let Some(url) = &services.timestamps else { return Ok(None) };
    let body = request(cx, signature).map_err(|why| SignError::internal(&why))?;
    let request = Request::post(url.clone()).body("application/timestamp-query", body).deadline(DEADLINE);
    let code = codes::PROVENANCE_TIMESTAMPING;
    let problem = "the timestamp authority gave no timestamp";
    let answer =
        send(cx, &request).await.result.map_err(|error| SignError::of_http(code, url, problem, error))?;
    if !answer.is_success() {
        return Err(SignError::of_answer(code, url, problem, &answer));
    }
    let has_token =
        TimeStampResp::from_der(&answer.body).is_ok_and(|answer| answer.time_stamp_token.is_some());
    if !has_token {
        let problem = "the timestamp authority's answer holds no timestamp";
        return Err(SignError::new(Diagnosis::new(code, Target::Url(url.to_string()), problem)));
    }
    Ok(Some(TimestampToken::new(answer.body)))
}

fn request(cx: &Context, signature: &[u8]) -> Result<Vec<u8>, String> {
    let mut nonce = [0; 8];
    cx.random().fill(&mut nonce).map_err(|why| why.to_string())?;
    // A positive number without leading zeros, as DER has it.
    nonce[0] = nonce[0] & 0x3f | 0x40;
    let nonce = Int::new(&nonce).map_err(|why| why.to_string())?;
    let digest = OctetString::new(Sha256::digest(signature).to_vec()).map_err(|why| why.to_string())?;
    let hash_algorithm = cms::cert::x509::spki::AlgorithmIdentifier { oid: ID_SHA_256, parameters: None };
    let request = TimeStampReq {
        version: TspVersion::V1,
        message_imprint: MessageImprint { hash_algorithm, hashed_message: digest },
        req_policy: None,
        nonce: Some(nonce),
        cert_req: true,
        extensions: None,
    };
    request.to_der().map_err(|why| why.to_string())
}
