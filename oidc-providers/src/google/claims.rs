use oidc_core::ClaimRule;

/// Every claim that Google is known to put into a service account's token (Google's documentation of ID tokens; the
/// `google` claim comes with `format=full` on Compute Engine).
pub(super) const CLAIMS: &[ClaimRule] = &[
    ClaimRule::required("iss"),
    ClaimRule::required("aud"),
    ClaimRule::required("exp"),
    ClaimRule::required("iat"),
    ClaimRule::optional("nbf"),
    ClaimRule::required("email"),
    ClaimRule::required("email_verified"),
    ClaimRule::required("sub").immutable(),
    ClaimRule::ignored("azp").immutable(),
    ClaimRule::ignored("at_hash"),
    ClaimRule::ignored("google"),
    ClaimRule::ignored("hd"),
    ClaimRule::ignored("jti"),
];

/// Required claims that are `true` or `false`.
pub(super) const FLAGS: &[&str] = &["email_verified"];
