use oidc_core::ClaimRule;

/// The claim that holds all others of AWS: an object.
pub(super) const NAMESPACE: &str = "https://sts.amazonaws.com/";

/// Every claim that AWS puts into a token (AWS's user guide of IAM, "Understanding token claims").
pub(super) const CLAIMS: &[ClaimRule] = &[
    ClaimRule::required("sub"),
    // Every publisher reads it. It is an object, and those that are required are texts.
    ClaimRule::optional(NAMESPACE),
];
