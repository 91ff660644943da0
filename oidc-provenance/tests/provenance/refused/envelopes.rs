//! Envelopes and bundles that are changed, or of another form.

use oidc_provenance::codes;
use serde_json::json;

use super::{Case, case, flip};
use crate::support::{base64, unbase64};

/// Envelopes that are changed, or of another form.
pub(super) fn envelopes() -> Vec<Case> {
    vec![
        case("a changed signature", codes::PROVENANCE_SIGNATURE)
            .bundle(|bundle| flip(&mut bundle["dsseEnvelope"]["signatures"][0]["sig"])),
        case("no signature", codes::PROVENANCE_BUNDLE)
            .bundle(|bundle| bundle["dsseEnvelope"]["signatures"] = json!([])),
        case("two signatures", codes::PROVENANCE_BUNDLE).bundle(|bundle| {
            let one = bundle["dsseEnvelope"]["signatures"][0].clone();
            bundle["dsseEnvelope"]["signatures"] = json!([one, one]);
        }),
        case("a changed statement", codes::PROVENANCE_SIGNATURE).bundle(|bundle| {
            let statement = String::from_utf8(unbase64(&bundle["dsseEnvelope"]["payload"])).unwrap();
            bundle["dsseEnvelope"]["payload"] = base64(statement.replace("push", "tush")).into();
        }),
        case("another type of payload", codes::PROVENANCE_STATEMENT)
            .bundle(|bundle| bundle["dsseEnvelope"]["payloadType"] = "text/plain".into()),
        case("a statement that is no JSON", codes::PROVENANCE_STATEMENT)
            .bundle(|bundle| bundle["dsseEnvelope"]["payload"] = base64("{").into()),
        case("a signature by a key", codes::PROVENANCE_BUNDLE).bundle(|bundle| {
            bundle["verificationMaterial"].as_object_mut().unwrap().remove("certificate");
            bundle["verificationMaterial"]["publicKey"] = json!({ "hint": "SHA256:x" });
        }),
        case("a chain in version 0.3", codes::PROVENANCE_BUNDLE).bundle(|bundle| {
            let certificate = bundle["verificationMaterial"]["certificate"].take();
            bundle["verificationMaterial"].as_object_mut().unwrap().remove("certificate");
            bundle["verificationMaterial"]["x509CertificateChain"] = json!({ "certificates": [certificate] });
        }),
        case("an unknown version", codes::PROVENANCE_BUNDLE)
            .bundle(|bundle| bundle["mediaType"] = "application/vnd.dev.sigstore.bundle.v0.4+json".into()),
        case("no type", codes::PROVENANCE_BUNDLE).bundle(|bundle| drop(bundle["mediaType"].take())),
        case("no material", codes::PROVENANCE_BUNDLE)
            .bundle(|bundle| drop(bundle["verificationMaterial"].take())),
        case("a plain signature in place of a statement", codes::PROVENANCE_BUNDLE).bundle(|bundle| {
            let signature = bundle["dsseEnvelope"]["signatures"][0]["sig"].clone();
            bundle.as_object_mut().unwrap().remove("dsseEnvelope");
            bundle["messageSignature"] = json!({ "signature": signature });
        }),
    ]
}
