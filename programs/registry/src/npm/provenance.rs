//! The proofs of a version: the publisher's bundle, which is verified, and the registry's own signature and attestation.

use axum::http::StatusCode;
use oidc_provenance::{Artifact, Refusal, Requirement};
use serde_json::{Value, json};

use super::Npm;
use super::access::Principal;
use super::document::Publication;
use crate::failure::Failure;
use crate::provenance::{self, PUBLISH, Rules, SLSA, Stored};

/// The signatures and attestations of a version.
#[derive(Debug, Default)]
pub(super) struct Vouched {
    /// The package's requirement.
    pub(super) requirement: Requirement,
    /// The registry's signatures as JSON; empty without any.
    pub(super) signatures: String,
    /// The id of the registry's key that signed.
    pub(super) key: Option<String>,
    /// The type of the publisher's provenance; empty without any.
    pub(super) predicate_type: String,
    /// The publisher's bundle, verified.
    bundle: Option<String>,
    /// The origin that the bundle proves, as it is stored.
    origins: String,
    /// The registry's own bundle.
    attested: Option<Value>,
}

impl Vouched {
    /// Checks that the version has what the package requires, after one that had provenance or not.
    pub(super) fn check(&self, had: bool) -> Result<(), Refusal> {
        self.requirement.check(self.bundle.is_some(), had)
    }

    /// Returns what is stored: the attestations for clients, the publisher's first.
    pub(super) fn stored(&self) -> Option<Stored> {
        let of_publisher = self.bundle.as_ref().map(|bundle| {
            let bundle: Value = serde_json::from_str(bundle).unwrap_or_default();
            json!({ "predicateType": self.predicate_type, "bundle": bundle })
        });
        let of_registry =
            self.attested.as_ref().map(|bundle| json!({ "predicateType": PUBLISH, "bundle": bundle }));
        let attestations: Vec<Value> = of_publisher.into_iter().chain(of_registry).collect();
        let document = json!({ "attestations": attestations }).to_string();
        (!attestations.is_empty()).then(|| Stored { document, origins: self.origins.clone() })
    }
}

impl Npm {
    /// Verifies what the publisher brings. Nothing is signed or entered in a log yet.
    pub(super) async fn verified(
        &self,
        publication: &Publication,
        by: &Principal,
    ) -> Result<Vouched, Failure> {
        let requirement = self.provenance.requirement(publication.name.as_str()).await?;
        let Some(bundle) = &publication.bundle else {
            return Ok(Vouched { requirement, ..Vouched::default() });
        };
        let vouched = provenance::Vouched {
            artifact: artifact(publication),
            bundles: vec![bundle.clone()],
            rules: Rules {
                predicates: &SLSA,
                public_source_and_hosted_runner: true,
                plain_signatures_of_today: false,
                repository: Some(publication.repository.clone()),
            },
        };
        let verified = self.provenance.verify(by, publication.name.as_str(), vouched).await?;
        let statement = verified.attestations.first().and_then(|attestation| attestation.statement());
        Ok(Vouched {
            requirement,
            predicate_type: statement
                .map_or_else(String::new, |statement| statement.predicate_type().to_owned()),
            bundle: Some(bundle.clone()),
            origins: verified.origins,
            ..Vouched::default()
        })
    }

    /// Adds the registry's own signature and, where it has a log, its attestation.
    pub(super) async fn sign(&self, publication: &Publication, vouched: Vouched) -> Result<Vouched, Failure> {
        let Some(key) = self.provenance.key() else { return Ok(vouched) };
        let (name, version) = (publication.name.as_str(), publication.version.as_str());
        let message = format!("{name}@{version}:{}", publication.integrity);
        let unable = || Failure::new(StatusCode::INTERNAL_SERVER_ERROR, "the registry's key can't sign");
        let sig = key.sign(message.as_bytes()).ok_or_else(unable)?;
        let attested = provenance::Version {
            name,
            version,
            artifact: &artifact(publication),
            registry: &self.public_url,
        };
        Ok(Vouched {
            signatures: json!([{ "keyid": key.id(), "sig": sig }]).to_string(),
            key: Some(key.id().to_owned()),
            attested: self.provenance.attest(&attested).await?,
            ..vouched
        })
    }
}

fn artifact(publication: &Publication) -> Artifact {
    Artifact::npm(publication.name.as_str(), publication.version.as_str(), &publication.tarball)
}
