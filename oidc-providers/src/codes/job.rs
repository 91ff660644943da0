//! Mismatches of a job, on any platform.

oidc_core::__codes! {
    CLAIM_TYPE = "claim-type",
        "A claim is of another type than in the tokens of its platform.",
        "Look for an update of the platform.";
    ENVIRONMENT_MISSING = "environment-missing",
        "The publisher asks for an environment, and the job has none.",
        "Add the environment to the job, or take it out of the publisher.";
}
