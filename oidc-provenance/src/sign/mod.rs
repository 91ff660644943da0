//! Signing: a certificate for the job, a signature, an entry in a transparency log.

mod authority;
mod error;
mod log;
mod request;
mod services;
mod timestamp;

use oidc_core::{Audience, Context, TokenSource};
use sigstore_bundle::BundleV03;
use sigstore_crypto::KeyPair;
use sigstore_types::dsse::pae;
use sigstore_types::{DsseEnvelope, DsseSignature, KeyId, PayloadBytes};

pub use self::error::{Logged, SignError};
pub use self::services::Services;
use crate::AUDIENCE;
use crate::bundle::Bundle;
use crate::codes;
use crate::statement::{PAYLOAD_TYPE, Statement};

/// Signs a statement as the job that runs this: with an identity token for [`AUDIENCE`], a certificate for it, and a key
/// that is forgotten afterwards.
///
/// The deadline of [`Context::policy`] is for everything together. Requests are repeated where that may help. The log
/// is asked last, so that whatever fails before it leaves nothing in public; [`SignError::logged`] says whether the
/// entry was written.
///
/// ```no_run
/// # async fn example(cx: oidc_core::Context, source: Box<dyn oidc_core::TokenSource>) -> Result<(), Box<dyn std::error::Error>> {
/// use oidc_provenance::{Artifact, Services, Statement, sign};
///
/// let artifact = Artifact::npm("@acme/widget", "1.0.0", &std::fs::read("widget-1.0.0.tgz")?);
/// let bundle = sign(&Statement::npm(&artifact, &cx)?, &source, &Services::public(), &cx).await?;
/// std::fs::write("widget-1.0.0.sigstore.json", bundle.as_str())?;
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// When the platform gives no identity token, or one of the services gives no usable answer.
pub async fn sign(
    statement: &Statement,
    source: &dyn TokenSource,
    services: &Services,
    cx: &Context,
) -> Result<Bundle, SignError> {
    let cx = cx.operation();
    let audience = Audience::new(AUDIENCE).map_err(|why| SignError::internal(&why.to_string()))?;
    let token = source.token(&audience).await.map_err(SignError::of_source)?;
    let key = KeyPair::generate_ecdsa_p256().map_err(|why| SignError::internal(&why.to_string()))?;
    let certificate = authority::certificate(&cx, services, &token, &key).await?;
    let payload = statement.to_json().into_bytes();
    let message = pae(PAYLOAD_TYPE, &payload);
    let signature = key.sign(&message).map_err(|why| SignError::internal(&why.to_string()))?;
    // Before the log, so that a failure here leaves nothing in public.
    let timestamp = timestamp::timestamp(&cx, services, signature.as_bytes()).await?;
    let signed = DsseSignature::new(signature, KeyId::default());
    let envelope = DsseEnvelope::new(PAYLOAD_TYPE, PayloadBytes::new(payload), signed);
    let entry = log::entry(&cx, services, &envelope, &certificate).await?;
    let mut bundle = BundleV03::with_certificate_and_dsse(certificate, envelope).with_tlog_entry(entry);
    if let Some(timestamp) = timestamp {
        bundle = bundle.with_rfc3161_timestamp(timestamp);
    }
    let json = bundle.into_bundle().to_json();
    json.map(Bundle::new)
        .map_err(|why| SignError::log(codes::PROVENANCE_LOGGING, &why.to_string(), Logged::Yes))
}
