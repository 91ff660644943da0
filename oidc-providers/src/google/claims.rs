use oidc_core::ClaimRule;

/// Every claim that Google is known to put into a service account's token (Google's documentation of ID tokens; the
/// `google` claim comes with `format=full` on Compute Engine).
pub(super) const CLAIMS: &[ClaimRule] = &[
    ClaimRule::required("email"),
    ClaimRule::required_flag("email_verified"),
    ClaimRule::required("sub").immutable(),
    ClaimRule::ignored("azp").immutable(),
    ClaimRule::ignored("at_hash"),
    ClaimRule::ignored("google"),
    ClaimRule::ignored("hd"),
];
