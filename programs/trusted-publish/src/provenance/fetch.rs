//! Provenance as registries serve it.

use data_encoding::BASE64;
use oidc_core::http::{Request, Response};
use oidc_core::{Context, Diagnosis, HttpUrl, Target};
use oidc_provenance::{Artifact, Bundle, codes};
use serde_json::Value;

use super::ProvenanceError;

/// The limit on npm's document of a package, in bytes.
const MAX_PACKUMENT: usize = 64 * 1024 * 1024;

/// The limit on the provenance of a version, in bytes.
const MAX_PROVENANCE: usize = 4 * 1024 * 1024;

/// The beginning of the types of build provenance.
const PROVENANCE: &str = "https://slsa.dev/provenance/";

/// A version of npm's registry: its tarball as the registry tells it, and its provenance.
pub(super) async fn npm(
    cx: &Context,
    registry: &HttpUrl,
    (name, version): &(String, String),
) -> Result<(Artifact, Vec<Bundle>), ProvenanceError> {
    let url = registry.below(&name.replace('/', "%2f"));
    let request = Request::get(url.clone()).header("accept", "application/vnd.npm.install-v1+json");
    let packument = get(cx, request.max_body(MAX_PACKUMENT)).await?;
    let unusable = |why: &str| answer(&url, why);
    let dist = packument.get("versions").and_then(|versions| versions.get(version)?.get("dist"));
    let dist = dist.ok_or_else(|| unusable("the registry has no such version"))?;
    let integrity =
        dist.get("integrity").and_then(Value::as_str).and_then(|text| text.strip_prefix("sha512-"));
    let sha512 = integrity.and_then(|text| BASE64.decode(text.as_bytes()).ok()?.try_into().ok());
    let sha512: [u8; 64] = sha512.ok_or_else(|| unusable("the registry tells no SHA-512 of the tarball"))?;
    let own = dist.pointer("/attestations/url").and_then(Value::as_str);
    let own = own.ok_or_else(|| unusable("the version has no provenance"))?;
    let own = registry.own(own).map_err(|why| unusable(&why.to_string()))?;
    let attestations = get(cx, Request::get(own).max_body(MAX_PROVENANCE)).await?;
    let all =
        attestations.get("attestations").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let is_provenance = |one: &&Value| {
        one.get("predicateType").and_then(Value::as_str).is_some_and(|kind| kind.starts_with(PROVENANCE))
    };
    let bundles =
        all.iter().filter(is_provenance).filter_map(|one| Some(Bundle::new(one.get("bundle")?.to_string())));
    Ok((Artifact::npm_with_digest(name, version, sha512), bundles.collect()))
}

/// The attestations of a file at PyPI.
pub(super) async fn pypi(
    cx: &Context,
    registry: &HttpUrl,
    (name, version): &(String, String),
    file: &str,
) -> Result<Vec<Bundle>, ProvenanceError> {
    let url = registry.below(&format!("integrity/{name}/{version}/{file}/provenance"));
    let request = Request::get(url).header("accept", "application/vnd.pypi.integrity.v1+json");
    let provenance = get(cx, request.max_body(MAX_PROVENANCE)).await?;
    let array =
        |value: &Value, name: &str| value.get(name).and_then(Value::as_array).cloned().unwrap_or_default();
    let bundles = array(&provenance, "attestation_bundles");
    let attestations = bundles.iter().flat_map(|bundle| array(bundle, "attestations"));
    Ok(attestations.map(|one| Bundle::from_pep_740(one.to_string().as_bytes())).collect::<Result<_, _>>()?)
}

/// The attestations of a gem, by the name of its file.
pub(super) async fn rubygems(
    cx: &Context,
    registry: &HttpUrl,
    file: &str,
) -> Result<Vec<Bundle>, ProvenanceError> {
    let name = file.strip_suffix(".gem").unwrap_or(file);
    let url = registry.below(&format!("api/v1/attestations/{name}.json"));
    let attestations = get(cx, Request::get(url).max_body(MAX_PROVENANCE)).await?;
    let bundles = attestations.as_array().map(Vec::as_slice).unwrap_or_default();
    Ok(bundles.iter().map(|bundle| Bundle::new(bundle.to_string())).collect())
}

async fn get(cx: &Context, request: Request) -> Result<Value, ProvenanceError> {
    let url = request.url.clone();
    let response: Response = cx.send_with_retries(request).await?;
    if !response.is_success() {
        return Err(answer(&url, &format!("the registry answered with status {}", response.status)));
    }
    response.json().ok_or_else(|| answer(&url, "the registry's answer is no JSON"))
}

fn answer(url: &HttpUrl, why: &str) -> ProvenanceError {
    ProvenanceError::Answer(
        Diagnosis::new(codes::PROVENANCE_BUNDLE, Target::Url(url.to_string()), why).into(),
    )
}
