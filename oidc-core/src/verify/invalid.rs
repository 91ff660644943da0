use crate::bounds::OutOfBounds;

/// An error of making a verifier.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidVerifier {
    /// There is no audience, so every token would be for somebody else.
    #[error("a verifier needs at least one audience")]
    NoAudience,
    /// There is no issuer, so no token could be accepted.
    #[error("a verifier needs at least one issuer")]
    NoIssuer,
    /// Two providers for one issuer.
    #[error("the issuer `{0}` is configured twice")]
    TwoProviders(String),
    /// Settings for an issuer that no platform has.
    #[error(
        "there are settings for the issuer `{0}`, which no configured platform has: compare its URL byte by byte"
    )]
    NoPlatform(String),
    /// A required claim that the issuer's platform is not known to have.
    #[error("claim `{claim}` is required of the issuer `{issuer}`, whose platform is not known to have it")]
    UnknownClaim {
        /// The issuer.
        issuer: String,
        /// The claim.
        claim: String,
    },
    /// The leeway is longer than [`MAX_LEEWAY`](super::MAX_LEEWAY).
    #[error(transparent)]
    Leeway(#[from] OutOfBounds),
    /// The configured keys of an issuer are not a JWK set with a key for one of its platform's algorithms.
    #[error(
        "the keys configured for the issuer `{0}` hold no usable key: expected a JWK set with one for its platform's algorithm"
    )]
    Keys(String),
}
