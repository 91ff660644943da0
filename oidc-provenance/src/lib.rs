//! Build provenance for trusted publishing: statements, Sigstore signatures, verification and policy.

mod artifact;
mod attestation;
pub mod codes;
mod extension;
mod json;
mod platform;
mod policy;
mod refusal;
mod statement;
#[cfg(feature = "verify")]
mod verify;

pub use crate::artifact::{Artifact, Digest};
pub use crate::attestation::{Attestation, Format};
pub use crate::extension::{Extension, Extensions};
pub use crate::platform::Platform;
pub use crate::policy::{Policy, Requirement, SignerRules, source_of};
pub use crate::refusal::Refusal;
pub use crate::statement::{PAYLOAD_TYPE, Statement};
#[cfg(feature = "verify")]
pub use crate::verify::Verifier;

/// The audience of the identity token with which a job asks for a signing certificate.
pub const AUDIENCE: &str = "sigstore";
