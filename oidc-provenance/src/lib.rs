//! Build provenance for trusted publishing: statements, Sigstore signatures, verification and policy.

mod artifact;
mod attestation;
mod bundle;
pub mod codes;
mod extension;
mod json;
mod platform;
mod policy;
mod refusal;
#[cfg(feature = "sign")]
mod sign;
mod statement;
#[cfg(feature = "verify")]
mod verify;

pub use crate::artifact::{Artifact, Digest};
pub use crate::attestation::{Attestation, Format};
pub use crate::bundle::{BUNDLE_TYPE, Bundle};
pub use crate::extension::{Extension, Extensions};
pub use crate::platform::Platform;
pub use crate::policy::{Policy, Requirement, SignerRules, source_of};
pub use crate::refusal::Refusal;
#[cfg(feature = "sign")]
pub use crate::sign::{Logged, Services, SignError, sign};
pub use crate::statement::{PAYLOAD_TYPE, Statement};
#[cfg(feature = "verify")]
pub use crate::verify::{PUBLIC_TRUSTED_ROOT, Verifier};

/// The audience of the identity token with which a job asks for a signing certificate.
pub const AUDIENCE: &str = "sigstore";
