use std::sync::Arc;

use oidc_core::Provider;
use oidc_core::testing::SigningAlgorithm;
use serde_json::json;

use super::{Aws, sample};
use crate::cases::{self, Platform};
use crate::harness::{AUDIENCE, NOW, accepted_algorithms, overrides, verified};

const ISSUER: &str = "https://11111111-1111-4111-8111-111111111111.tokens.sts.global.api.aws";

#[test]
fn every_case_holds() {
    let at = |issuer: &str| Ok(Arc::new(Aws::at(issuer)?) as _);
    cases::hold(Platform { name: super::ID, at, claims: sample::claims_with });
}

#[test]
fn both_algorithms_of_aws_are_verified_and_no_other() {
    let claims = sample::claims(ISSUER, AUDIENCE, NOW, "id");
    let accepted = accepted_algorithms(Aws::at(ISSUER).unwrap(), ISSUER, &claims);
    assert_eq!(accepted, [SigningAlgorithm::Rs256, SigningAlgorithm::Es384]);
}

#[test]
fn a_refusal_of_a_tag_names_it_and_a_description_has_every_rule() {
    let aws = Aws::at(ISSUER).unwrap();
    let config = json!({"role": "arn:aws:iam::123456789012:role/publisher", "region": "eu-central-1",
        "principal_tags": {"project": "gadget"}});
    let publisher = aws.publisher(&config).unwrap();
    let description = publisher.describe();
    assert!(description.contains("region eu-central-1") && description.contains("tag project gadget"));
    let changes = overrides(&json!({"nbf": NOW}));
    let claims = verified(&aws, &sample::claims_with(ISSUER, AUDIENCE, NOW, "id", &changes)).unwrap();
    let mismatch = publisher.check(&claims).unwrap_err().diagnosis().to_text();
    assert!(mismatch.contains("principal_tags.project") && mismatch.contains("`widget`"), "{mismatch}");
}
