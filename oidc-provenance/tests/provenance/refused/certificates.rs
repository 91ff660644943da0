//! Certificates that no authority and no certificate log stands for.

use oidc_provenance::codes;
use serde_json::Value;

use super::{Case, case, flip};
use crate::support::job::signing;
use crate::support::{NOW, Sct, Sigstore, base64};

/// Certificates, times and timestamps that no authority stands for.
pub(super) fn certificates() -> Vec<Case> {
    let other = |change: fn(&mut Sigstore)| {
        move |bundle: &mut Value| {
            let mut sigstore = Sigstore::new(1);
            change(&mut sigstore);
            *bundle = sigstore.sign(&signing(&[]));
        }
    };
    let usage = case("a certificate for another use", codes::PROVENANCE_CERTIFICATE);
    let mut usage_signing = signing(&[]);
    usage_signing.template.code_signing = false;
    vec![
        Case { signing: usage_signing, ..usage },
        case("an expired certificate", codes::PROVENANCE_CERTIFICATE).validity(NOW - 600, NOW - 60),
        case("a certificate that is not valid yet", codes::PROVENANCE_CERTIFICATE)
            .validity(NOW + 60, NOW + 600),
        case("no timestamp of a certificate log", codes::PROVENANCE_SCT).sct(Sct::Missing),
        case("a timestamp of another key", codes::PROVENANCE_SCT).sct(Sct::OfAnotherKey),
        case("a timestamp of another certificate", codes::PROVENANCE_SCT).sct(Sct::OfAnotherCertificate),
        case("another authority", codes::PROVENANCE_CERTIFICATE).bundle(other(|sigstore| {
            sigstore.authority = Sigstore::new(2).authority;
            sigstore.root = Sigstore::new(2).root;
        })),
        case("another authority of the same name", codes::PROVENANCE_CERTIFICATE)
            .bundle(other(|sigstore| sigstore.authority = Sigstore::new(2).authority)),
        case("another certificate log", codes::PROVENANCE_SCT)
            .bundle(other(|sigstore| sigstore.certificate_log = Sigstore::new(2).certificate_log)),
        case("another log", codes::PROVENANCE_LOG)
            .bundle(other(|sigstore| sigstore.log = Sigstore::new(2).log)),
        case("a certificate that is no certificate", codes::PROVENANCE_CERTIFICATE).bundle(|bundle| {
            bundle["verificationMaterial"]["certificate"]["rawBytes"] = base64([0x30, 0]).into();
        }),
        case("a changed certificate", codes::PROVENANCE_CERTIFICATE)
            .bundle(|bundle| flip(&mut bundle["verificationMaterial"]["certificate"]["rawBytes"])),
    ]
}
