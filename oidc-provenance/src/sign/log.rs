//! The transparency log: Rekor's interfaces of version 1 and 2.

use std::collections::HashMap;

use oidc_core::http::{Request, Response};
use oidc_core::{Context, Diagnosis, HttpUrl, Target};
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use sigstore_rekor::entry::RekorV2KeyDetails;
use sigstore_rekor::{DsseEntry, HashedRekordV2, LogEntry, RekorEntryBody};
use sigstore_types::{DerCertificate, DsseEnvelope, KindVersion, Sha256Hash, TransparencyLogEntry};

use super::error::{Logged, SignError};
use super::request::{DEADLINE, Sent, send};
use super::services::Services;
use crate::codes;

const CODE: &str = codes::PROVENANCE_LOGGING;
const PROBLEM: &str = "the transparency log took no entry";

/// Writes the envelope to the log, or finds it there.
pub(super) async fn entry(
    cx: &Context,
    services: &Services,
    envelope: &DsseEnvelope,
    certificate: &DerCertificate,
) -> Result<TransparencyLogEntry, SignError> {
    let entry = if services.tiled {
        tiled(cx, &services.log, envelope, certificate).await?
    } else {
        first(cx, &services.log, envelope, certificate).await?
    };
    let is_own = RekorEntryBody::parse(&entry.canonicalized_body, entry.kind_version)
        .is_ok_and(|body| is_of(&body, envelope.signature.sig.as_bytes()));
    match entry.inclusion_proof {
        Some(_) if is_own => Ok(entry),
        Some(_) => Err(unusable(&services.log, "the entry is for another signature")),
        None => Err(unusable(&services.log, "the proof that the entry is in the log is missing")),
    }
}

/// Returns `true` if an entry is for this signature.
fn is_of(body: &RekorEntryBody, signature: &[u8]) -> bool {
    match body {
        RekorEntryBody::DsseV001(body) => {
            matches!(body.spec.signatures.as_slice(), [one] if one.signature.as_bytes() == signature)
        }
        RekorEntryBody::HashedRekordV002(body) => {
            body.spec.hashed_rekord_v002.signature.content.as_bytes() == signature
        }
        _ => false,
    }
}

/// Writes an entry of kind `dsse` by the interface of version 1.
async fn first(
    cx: &Context,
    log: &HttpUrl,
    envelope: &DsseEnvelope,
    certificate: &DerCertificate,
) -> Result<TransparencyLogEntry, SignError> {
    let entry = DsseEntry::new(envelope, certificate).map_err(|why| SignError::internal(&why.to_string()))?;
    let url = log.below("api/v1/log/entries");
    let answer = match write(cx, &url, &entry).await? {
        // An equal entry is in the log already: an earlier try of this request wrote it, and its answer was lost.
        answer if answer.status == 409 => existing(cx, log, &url, &answer).await?,
        answer => answer,
    };
    let entries: Option<HashMap<String, LogEntry>> = answer.json();
    let entry = entries.and_then(|entries| entries.into_values().next());
    let entry = entry.ok_or_else(|| unusable(log, "it is no entry"))?;
    entry.to_bundle_entry(KindVersion::DsseV001).map_err(|why| unusable(log, &why.to_string()))
}

/// Writes an entry of kind `hashedrekord` by the interface of version 2.
async fn tiled(
    cx: &Context,
    log: &HttpUrl,
    envelope: &DsseEnvelope,
    certificate: &DerCertificate,
) -> Result<TransparencyLogEntry, SignError> {
    let digest = Sha256Hash::from(<[u8; 32]>::from(Sha256::digest(envelope.pae())));
    let key = RekorV2KeyDetails::PkixEcdsaP256Sha256;
    let entry = HashedRekordV2::new_with_certificate(&digest, &envelope.signature.sig, certificate, key);
    let answer = write(cx, &log.below("api/v2/log/entries"), &entry).await?;
    answer.json().ok_or_else(|| unusable(log, "it is no entry"))
}

/// Sends an entry. The answer is a success, or says that the entry exists.
async fn write(cx: &Context, url: &HttpUrl, entry: &impl Serialize) -> Result<Response, SignError> {
    let body = serde_json::to_vec(entry).map_err(|why| SignError::internal(&why.to_string()))?;
    let request = Request::post(url.clone()).body("application/json", body).deadline(DEADLINE);
    let Sent { result, may_be_done } = send(cx, &request).await;
    let logged = if may_be_done { Logged::Perhaps } else { Logged::No };
    let answer = result.map_err(|error| SignError::of_http(CODE, url, PROBLEM, error).logged_as(logged))?;
    if answer.is_success() || answer.status == 409 {
        return Ok(answer);
    }
    Err(SignError::of_answer(CODE, url, PROBLEM, &answer).logged_as(logged))
}

/// Reads the entry that an answer of 409 names.
async fn existing(
    cx: &Context,
    log: &HttpUrl,
    url: &HttpUrl,
    conflict: &Response,
) -> Result<Response, SignError> {
    let location =
        conflict.header("location").ok_or_else(|| unusable(log, "it does not name the entry that exists"))?;
    let location = match location.strip_prefix('/') {
        Some(path) => Ok(log.at_root().below(path)),
        None => log.own(location).map_err(|why| unusable(log, &why.to_string())),
    }?;
    let sent = send(cx, &Request::get(location)).await;
    let answer =
        sent.result.map_err(|error| SignError::of_http(CODE, url, PROBLEM, error).logged_as(Logged::Yes))?;
    if answer.is_success() {
        return Ok(answer);
    }
    Err(SignError::of_answer(CODE, url, "the entry that exists can't be read", &answer)
        .logged_as(Logged::Yes))
}

fn unusable(log: &HttpUrl, why: &str) -> SignError {
    let problem = format!("the transparency log's answer can't be used: {why}");
    SignError::new(Diagnosis::new(CODE, Target::Url(log.to_string()), problem)).logged_as(Logged::Yes)
}
