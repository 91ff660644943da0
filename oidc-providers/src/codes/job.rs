//! Mismatches of a job, on any platform.

oidc_core::__codes! {
    CLAIM_TYPE = "claim-type",
        "A claim has another type than tokens of its platform have there.",
        "Look for an update of the platform.";
    ENVIRONMENT_MISSING = "environment-missing",
        "The publisher asks for an environment, and the job has none.",
        "Add the environment to the job, or take it out of the publisher.";
}
