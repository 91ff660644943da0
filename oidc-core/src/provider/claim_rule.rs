/// One claim that a platform puts into its tokens.
///
/// Each platform has one table of these, which drives the check, the explanation and the documentation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ClaimRule {
    /// The claim's name.
    pub name: &'static str,
    /// The use of the claim by registries.
    pub usage: ClaimUse,
    /// The type that its value must have where the claim is required.
    pub claim_type: ClaimType,
    /// `true` if the value outlives a rename: an id, and not a name that somebody else may take later.
    pub immutable: bool,
}

impl ClaimRule {
    /// A claim without which no token is accepted: a text that is not empty.
    pub const fn required(name: &'static str) -> Self {
        Self::new(name, ClaimUse::Required, ClaimType::Text)
    }

    /// A claim without which no token is accepted: a text, which is empty in some jobs.
    pub const fn required_or_empty(name: &'static str) -> Self {
        Self::new(name, ClaimUse::Required, ClaimType::TextOrEmpty)
    }

    /// A claim without which no token is accepted: JSON's `true` or `false`.
    pub const fn required_flag(name: &'static str) -> Self {
        Self::new(name, ClaimUse::Required, ClaimType::Flag)
    }

    /// A claim of RFC 7519 that all tokens of this platform have, although the verifier does not require it of every
    /// platform, such as `nbf`. A claim that the verifier requires of every platform needs no row in a platform's
    /// table.
    pub const fn registered(name: &'static str) -> Self {
        Self::new(name, ClaimUse::Required, ClaimType::Registered)
    }

    /// A claim that is checked only if the publisher configures a rule for it.
    pub const fn optional(name: &'static str) -> Self {
        Self::new(name, ClaimUse::Optional, ClaimType::Text)
    }

    /// A claim that no rule reads.
    pub const fn ignored(name: &'static str) -> Self {
        Self::new(name, ClaimUse::Ignored, ClaimType::Text)
    }

    const fn new(name: &'static str, usage: ClaimUse, claim_type: ClaimType) -> Self {
        Self { name, usage, claim_type, immutable: false }
    }

    /// Marks the claim as an immutable id.
    #[must_use]
    pub const fn immutable(mut self) -> Self {
        self.immutable = true;
        self
    }
}

/// The claims of RFC 7519 that tokens of every platform have, whatever its table says of them. The verifier checks them itself.
pub(super) static EVERYWHERE: &[ClaimRule] = &[
    ClaimRule::registered("iss"),
    ClaimRule::registered("aud"),
    ClaimRule::registered("exp"),
    ClaimRule::registered("iat"),
    ClaimRule::new("nbf", ClaimUse::Optional, ClaimType::Registered),
];

/// The rule for `jti` where each token has one, by which it is recognized, and where it is of no use.
pub(super) static JTI: [ClaimRule; 2] = [ClaimRule::registered("jti"), ClaimRule::ignored("jti")];

/// The type of a required claim's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ClaimType {
    /// A text that is not empty.
    Text,
    /// A text.
    TextOrEmpty,
    /// JSON's `true` or `false`.
    Flag,
    /// The type that RFC 7519, section 4.1 defines; the verifier has a check of its own for each such claim.
    Registered,
}

/// The use of a claim by registries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ClaimUse {
    /// A token without the claim is refused.
    Required,
    /// The claim is read where a publisher has a rule for it.
    Optional,
    /// The claim is known, and no rule reads it.
    Ignored,
}
