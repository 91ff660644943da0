//! Entries of the log that prove nothing about the bundle.

use oidc_provenance::codes;
use serde_json::json;

use super::{Case, case, entry, flip};
use crate::support::job::signing;
use crate::support::{NOW, Signing, Sigstore, base64};

/// Entries of the log that prove nothing about this bundle.
pub(super) fn entries() -> Vec<Case> {
    vec![
        case("no log entry", codes::PROVENANCE_LOG)
            .bundle(|bundle| bundle["verificationMaterial"]["tlogEntries"] = json!([])),
        case("two log entries", codes::PROVENANCE_LOG).bundle(|bundle| {
            let one = entry(bundle).clone();
            bundle["verificationMaterial"]["tlogEntries"] = json!([one, one]);
        }),
        case("no proof of inclusion", codes::PROVENANCE_LOG)
            .bundle(|bundle| drop(entry(bundle)["inclusionProof"].take())),
        case("a false hash in the proof", codes::PROVENANCE_LOG)
            .bundle(|bundle| flip(&mut entry(bundle)["inclusionProof"]["hashes"][0])),
        case("a hash too many in the proof", codes::PROVENANCE_LOG).bundle(|bundle| {
            let hashes = &mut entry(bundle)["inclusionProof"]["hashes"];
            let again = hashes[0].clone();
            hashes.as_array_mut().unwrap().push(again);
        }),
        case("a false index in the proof", codes::PROVENANCE_LOG)
            .bundle(|bundle| entry(bundle)["inclusionProof"]["logIndex"] = "0".into()),
        // The last entry of a tree of three has the same proof as the last one of two.
        case("a proof of a larger tree than the checkpoint's", codes::PROVENANCE_LOG).bundle(|bundle| {
            let proof = &mut entry(bundle)["inclusionProof"];
            proof["logIndex"] = "2".into();
            proof["treeSize"] = "3".into();
        }),
        case("the proof of another entry", codes::PROVENANCE_BUNDLE).bundle(|bundle| {
            let mut other = Sigstore::new(1).sign(&signing(&[("run_id", "7")]));
            entry(bundle)["inclusionProof"]["rootHash"] =
                entry(&mut other)["inclusionProof"]["rootHash"].take();
        }),
        case("the proof and the checkpoint of another entry", codes::PROVENANCE_LOG).bundle(|bundle| {
            let mut other = Sigstore::new(1).sign(&signing(&[("run_id", "7")]));
            entry(bundle)["inclusionProof"] = entry(&mut other)["inclusionProof"].take();
        }),
        case("a false root in the proof", codes::PROVENANCE_BUNDLE)
            .bundle(|bundle| flip(&mut entry(bundle)["inclusionProof"]["rootHash"])),
        case("no checkpoint", codes::PROVENANCE_BUNDLE)
            .bundle(|bundle| drop(entry(bundle)["inclusionProof"]["checkpoint"].take())),
        case("a checkpoint of another signer", codes::PROVENANCE_LOG).bundle(|bundle| {
            let note = &mut entry(bundle)["inclusionProof"]["checkpoint"]["envelope"];
            let (text, _) = note.as_str().unwrap().split_once('\u{2014}').unwrap();
            let signature = base64([&[0; 4][..], &[1; 70]].concat());
            *note = format!("{text}\u{2014} log.example {signature}\n").into();
        }),
        case("a checkpoint of another size", codes::PROVENANCE_LOG).bundle(|bundle| {
            let note = &mut entry(bundle)["inclusionProof"]["checkpoint"]["envelope"];
            *note = note.as_str().unwrap().replacen("\n2\n", "\n3\n", 1).into();
        }),
        case("no time", codes::PROVENANCE_TIMESTAMP)
            .bundle(|bundle| drop(entry(bundle)["inclusionPromise"].take())),
        case("a false promise", codes::PROVENANCE_LOG)
            .bundle(|bundle| flip(&mut entry(bundle)["inclusionPromise"]["signedEntryTimestamp"])),
        case("another time", codes::PROVENANCE_LOG)
            .bundle(|bundle| entry(bundle)["integratedTime"] = (NOW + 1).to_string().into()),
        case("another index", codes::PROVENANCE_LOG).bundle(|bundle| entry(bundle)["logIndex"] = "2".into()),
        case("another log's id", codes::PROVENANCE_LOG)
            .bundle(|bundle| flip(&mut entry(bundle)["logId"]["keyId"])),
        case("a changed entry", codes::PROVENANCE_LOG)
            .bundle(|bundle| flip(&mut entry(bundle)["canonicalizedBody"])),
        case("the entry of another bundle", codes::PROVENANCE_LOG).bundle(|bundle| {
            let mut other = Sigstore::new(1).sign(&signing(&[("run_id", "7")]));
            *entry(bundle) = entry(&mut other).take();
        }),
        case("an entry of an unknown kind", codes::PROVENANCE_BUNDLE)
            .bundle(|bundle| entry(bundle)["kindVersion"] = json!({ "kind": "alpine", "version": "0.0.1" })),
        case("an entry of another kind than its body", codes::PROVENANCE_LOG)
            .bundle(|bundle| entry(bundle)["kindVersion"] = json!({ "kind": "intoto", "version": "0.0.2" })),
        case("a timestamp that is none", codes::PROVENANCE_TIMESTAMP).bundle(|bundle| {
            bundle["verificationMaterial"]["timestampVerificationData"] =
                json!({ "rfc3161Timestamps": [{ "signedTimestamp": base64([0x30, 0]) }] });
        }),
        case("a time after the certificate's", codes::PROVENANCE_CERTIFICATE).bundle(|bundle| {
            *bundle = Sigstore::new(1).sign(&Signing { integrated: NOW + 7200, ..signing(&[]) });
        }),
    ]
}
