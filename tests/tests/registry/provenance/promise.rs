//! A log's promise to enter a bundle, without the proof that it did.

use serde_json::{Value, json};

use super::World;
use super::endpoint::ProvenanceEndpoint;
use super::sigstore_in_memory::Sigstore;

/// PyPI's form holds no bundle of an old format.
#[tokio::test]
async fn a_bundle_of_the_first_format_with_a_promise_alone_is_refused_and_nothing_is_stored() {
    let sigstore = Sigstore::new(1);
    let world = World::trusting(&sigstore).await;
    for (endpoint, code) in
        [(ProvenanceEndpoint::Npm, "provenance-log"), (ProvenanceEndpoint::Gem, "provenance-bundle")]
    {
        let (token, statement) = (endpoint.token(&world).await, endpoint.statement(&world));
        let mut bundle = sigstore.sign(&world.signing(&statement));
        bundle["mediaType"] = json!("application/vnd.dev.sigstore.bundle+json;version=0.1");
        let material = bundle["verificationMaterial"].as_object_mut().unwrap();
        let certificate = material.remove("certificate").unwrap();
        material.insert("x509CertificateChain".to_owned(), json!({ "certificates": [certificate] }));
        bundle["verificationMaterial"]["tlogEntries"][0]["inclusionProof"] = Value::Null;
        let answer = endpoint.send(&world, &bundle.to_string(), &token).await;
        assert!(endpoint.refuses(&answer, code), "{endpoint:?} {}", String::from_utf8_lossy(&answer.body));
    }
    assert_eq!(world.stored().await, [""; 0]);
}
