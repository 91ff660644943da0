//! The codes of diagnoses: stable names by which a program recognizes a problem.
//!
//! [`Diagnosis::code`](crate::Diagnosis::code) is a code of this module, of `oidc_providers::codes`, of
//! `oidc_exchange::codes`, or of a crate that adds a platform or a registry. `docs/codes.md` in the
//! repository lists all of them with their fixes.
//!
//! The codes are covered by semantic versioning: a code keeps its meaning, and no code is renamed or removed
//! without a major version. A minor version may add codes.
//!
//! ```
//! use oidc_core::{Ambient, Context, ProviderSet, codes};
//!
//! let error = Ambient::detect(&ProviderSet::default(), &Context::default()).unwrap_err();
//! assert_eq!(error.diagnosis().code, codes::NOT_DETECTED);
//! ```

/// A code, with its explanation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Code {
    /// The code, such as `not-detected`.
    pub name: &'static str,
    /// The meaning, in a sentence.
    pub meaning: &'static str,
    /// The fix, in a sentence.
    pub fix: &'static str,
}

impl Code {
    /// A code with its explanation.
    pub const fn new(name: &'static str, meaning: &'static str, fix: &'static str) -> Self {
        Self { name, meaning, fix }
    }
}

/// The codes of several modules, one after another.
#[doc(hidden)]
pub const fn joined<const N: usize>(mut modules: &[&[Code]]) -> [Code; N] {
    let mut all = [Code::new("", "", ""); N];
    let mut free: &mut [Code] = &mut all;
    while let [codes, others @ ..] = modules {
        let (place, behind) = free.split_at_mut(codes.len());
        place.copy_from_slice(codes);
        (free, modules) = (behind, others);
    }
    all
}

/// Declares the codes of a crate, or of a module of codes: a constant for each, and `ALL`. `of` names the modules that a
/// crate's codes are in.
#[doc(hidden)]
#[macro_export]
macro_rules! __codes {
    (of $($module:ident)*) => {
        /// Every code of this crate, in alphabetical order.
        pub const ALL: &[$crate::codes::Code] =
            &$crate::codes::joined::<{ 0 $(+ $module::ALL.len())* }>(&[$($module::ALL),*]);
    };
    ($($name:ident = $code:literal, $meaning:literal, $fix:literal;)*) => {
        $(
            #[doc = $meaning]
            pub const $name: &str = $code;
        )*

        /// Every code of this crate, in alphabetical order.
        pub const ALL: &[$crate::codes::Code] = &[$($crate::codes::Code::new($code, $meaning, $fix)),*];
    };
}

crate::__codes! {
    AUDIENCE = "audience",
        "The identity token is for another audience than the registry's.",
        "Ask the platform for a token with the audience that the registry's URL stands for; in a variable, declare it with that audience.";
    CERTIFICATE_UNSUPPORTED = "certificate-unsupported",
        "The publisher's platform does not say how a signing certificate holds its claims.",
        "Publish without provenance, or from a platform whose provenance the registry can compare.";
    CLAIM_DIFFERS = "claim-differs",
        "A claim of the identity token is not what the publisher asks for.",
        "Change the publisher or the job.";
    CLAIM_MISSING = "claim-missing",
        "The identity token lacks a claim that every token of its platform should have, or that a publisher asks for.",
        "Look for an update of the platform, or take the claim out of the publisher.";
    HTTP_CERTIFICATE = "http-certificate",
        "The server's certificate is not accepted.",
        "Trust the private authority that issued it, or check this machine's clock and the URL's host.";
    HTTP_PROXY = "http-proxy",
        "The proxy made no connection to the host.",
        "Correct the proxy's address or credentials, or name the host in `no_proxy`.";
    ISSUER = "issuer",
        "The identity token is from another issuer than the publisher's, or from one that the registry does not trust.",
        "Publish from the platform's instance that the publisher names, or have the registry's operator trust the issuer.";
    NOT_DETECTED = "not-detected",
        "This is no job of a platform that gives identity tokens.",
        "Publish in a CI job of such a platform, or put an identity token into the registry's variable.";
    PUBLISHER_MISSING_FIELD = "publisher-missing-field",
        "A publisher's configuration lacks a field that its platform needs.",
        "Write the field.";
    PUBLISHER_TEXT = "publisher-text",
        "A publisher's value is empty, too long, or holds characters that no value has.",
        "Write the value without them.";
    PUBLISHER_TYPE = "publisher-type",
        "A publisher's configuration or one of its fields has another type than expected.",
        "Write the value in the type that the message names.";
    PUBLISHER_UNKNOWN_FIELD = "publisher-unknown-field",
        "A publisher's configuration has a field that its platform does not know.",
        "Write the field that the message proposes, or remove it: a rule that is left out restricts nothing.";
    TOKEN_VARIABLE_MISSING = "token-variable-missing",
        "The variable that should hold an identity token is not set.",
        "Let the platform put a token for the registry's audience into it.";
    TOKEN_VARIABLE_UNUSABLE = "token-variable-unusable",
        "The value of a variable is no identity token.",
        "Let the platform put a token for the registry's audience into it, whole and alone.";
}
