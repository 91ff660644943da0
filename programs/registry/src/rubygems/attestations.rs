//! Attestations of gems: Sigstore bundles, pushed beside the gem in a form.

use axum::body::Body;
use axum::extract::multipart::{Field, MultipartError};
use axum::extract::{DefaultBodyLimit, FromRequest as _, Multipart, Request};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderValue, StatusCode};
use oidc_core::{Diagnosis, Target, shown};
use oidc_provenance::{Artifact, Attestation, codes};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::failure::Failure;
use crate::hosting::{Upload, Vouches};
use crate::intake::Content;
use crate::metered::{InPieces, Meter};
use crate::provenance::{Rules, SLSA, Vouched};

/// The most attestations of a gem.
const MAX: usize = 2;
/// The attestations may have this many bytes, all together.
const MAX_ATTESTATIONS: usize = 256 << 10;
/// A form may have this many fields.
const MAX_PARTS: usize = 16;

/// The parts of a form.
pub(super) struct Push {
    pub(super) gem: Content,
    bundles: Vec<String>,
}

impl Push {
    /// A push of a gem alone.
    pub(super) fn of(gem: Content) -> Self {
        Self { gem, bundles: Vec::new() }
    }

    /// Reads a form that was taken in.
    pub(super) async fn of_form(form: &Content, kind: HeaderValue) -> Result<Self, Failure> {
        let meter = Meter::default();
        let mut request = Request::new(meter.of(Body::new(InPieces(form.bytes().clone()))));
        request.headers_mut().insert(CONTENT_TYPE, kind);
        // It is in memory already, within a bound.
        DefaultBodyLimit::disable().apply(&mut request);
        let multipart = Multipart::from_request(request, &()).await;
        let mut multipart = multipart.map_err(|error| malformed(&error.to_string()))?;
        let (mut gem, mut bundles, mut parts) = (None, Vec::new(), 0_usize);
        while let Some(field) = multipart.next_field().await.map_err(|error| unreadable(&error))? {
            meter.reset();
            parts = parts.saturating_add(1);
            if parts > MAX_PARTS {
                return Err(malformed("it has too many fields"));
            }
            match field.name().unwrap_or_default() {
                "gem" if gem.is_none() => gem = Some(form.with(bounded(field, form.len(), &meter).await?)),
                "attestations" if bundles.is_empty() => {
                    bundles = parsed(&bounded(field, MAX_ATTESTATIONS, &meter).await?)?;
                }
                name => {
                    let name = shown(name);
                    return Err(malformed(&format!("`{name}` is twice in it, or no field of a push")));
                }
            }
        }
        let gem = gem.ok_or_else(|| malformed("it has no `gem`"))?;
        Ok(Self { gem, bundles })
    }

    /// The bundles, for an upload of the gem.
    pub(super) fn vouches(bundles: Vec<String>, upload: &Upload) -> Option<Vouches> {
        if bundles.is_empty() {
            return None;
        }
        let rules = Rules {
            predicates: &SLSA,
            public_source_and_hosted_runner: false,
            plain_signatures_of_today: true,
            repository: None,
        };
        let artifact = Artifact::file(upload.name.as_str(), &upload.content);
        let vouched = Vouched { artifact, bundles: bundles.clone(), rules };
        Some(Vouches { vouched, sent: bundles, document })
    }

    pub(super) fn into_parts(self) -> (Content, Vec<String>) {
        (self.gem, self.bundles)
    }
}

/// A field's bytes, which are bounded before anything is made of them.
async fn bounded(mut field: Field<'_>, limit: usize, meter: &Meter) -> Result<Vec<u8>, Failure> {
    let name = shown(field.name().unwrap_or_default()).to_string();
    let mut bytes = Vec::with_capacity(limit);
    while let Some(chunk) = field.chunk().await.map_err(|error| unreadable(&error))? {
        meter.reset();
        if bytes.len().saturating_add(chunk.len()) > limit {
            return Err(malformed(&format!("`{name}` is longer than {limit} bytes")));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

/// The bundles that a form's field holds.
fn parsed(field: &[u8]) -> Result<Vec<String>, Failure> {
    let bundles: Vec<&RawValue> = serde_json::from_slice(field)
        .map_err(|error| no_bundles(&format!("`attestations` is no array of bundles: {error}")))?;
    if !(1..=MAX).contains(&bundles.len()) {
        return Err(no_bundles(&format!(
            "`attestations` has {} of them, expected 1 to {MAX}",
            bundles.len()
        )));
    }
    Ok(bundles.iter().map(|bundle| bundle.get().to_owned()).collect())
}

/// The document that clients read: the bundles as they were sent.
fn document(sent: &[String], _verified: &[Attestation]) -> String {
    let sent: Vec<Value> = sent.iter().filter_map(|bundle| serde_json::from_str(bundle).ok()).collect();
    Value::from(sent).to_string()
}

fn unreadable(error: &MultipartError) -> Failure {
    malformed(&error.to_string())
}

/// A field that holds no bundles.
fn no_bundles(why: &str) -> Failure {
    let field = Target::Field("attestations".to_owned());
    malformed(why).with_diagnosis(Diagnosis::new(codes::PROVENANCE_BUNDLE, field, why))
}

fn malformed(why: &str) -> Failure {
    Failure::new(StatusCode::UNPROCESSABLE_ENTITY, format!("the form can't be used: {why}"))
}
