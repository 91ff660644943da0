use oidc_core::ClaimRule;

/// The claims that every issuer has. A publisher's configuration names any others.
pub(super) const CLAIMS: &[ClaimRule] = &[ClaimRule::optional("sub"), ClaimRule::ignored("kubernetes.io")];

/// All other claims are the issuer's choice.
pub(super) const CLAIM_PREFIXES: &[&str] = &[""];
