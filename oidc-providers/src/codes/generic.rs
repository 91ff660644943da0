//! the generic platform.

oidc_core::__codes! {
    GENERIC_CLAIM = "generic-claim",
        "A claim has another value than the publisher's.",
        "Publish from a job with the publisher's value, or change the publisher.";
    GENERIC_CLAIM_MISSING = "generic-claim-missing",
        "The token lacks a claim that the publisher is found by or asks for.",
        "Have the issuer put the claim into its tokens, or take it out of the publisher.";
}
