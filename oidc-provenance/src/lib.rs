//! Build provenance for trusted publishing: statements, Sigstore signatures, verification and policy.
//!
//! A CI job that publishes a package signs a statement about the file: which repository, commit and workflow it was built
//! from. It needs no key of its own. The job gets an identity token from its platform, a certificate authority (Fulcio)
//! turns the token's claims into a certificate that lives for ten minutes, and a transparency log (Rekor) records the
//! signature in public. A registry that receives the file with this *bundle* verifies it without a network.
//!
//! What the registry learns is which job signed. Whether that job may publish the package is another question, and it is
//! the one that matters: a bundle of any repository verifies. This crate answers it with the registry's own trusted
//! publishers. [`SignerRules`] are a publisher of `oidc-core`, compared with the certificate by the same rules by which
//! the exchange compares it with a token.
//!
//! ```text
//!  the job                                               the registry
//!
//!  variables ──► Statement ─┐                            bundle, file, trusted root
//!                           ├─ sign ──► Bundle ──────►   Verifier: times, certificate, logs, signature
//!  token ──► certificate ───┘                              │
//!     │                                                    ▼
//!  Platform: claims ──► extensions                       Platform: extensions ──► claims
//!                                                          │
//!                                                          ▼
//!                                                        Policy: publisher, statement, source, runner
//! ```
//!
//! # For a registry
//!
//! ```no_run
//! # #[cfg(feature = "verify")] {
//! # use oidc_core::Provider;
//! # use serde_json::Value;
//! use oidc_provenance::{Artifact, PUBLIC_TRUSTED_ROOT, Policy, SignerRules, Verifier};
//!
//! # fn publish(provider: &dyn Provider, publisher: &Value, manifest: &Value, tarball: &[u8], bundle: &[u8])
//! #     -> Result<(), Box<dyn std::error::Error>> {
//! // Once, at the start.
//! let verifier = Verifier::new(PUBLIC_TRUSTED_ROOT)?;
//!
//! // At each publish: `provider` and `publisher` are those of the exchange that accepted the job.
//! let signer = SignerRules::new(provider, publisher).ok_or("a platform without provenance")??;
//! let policy = Policy::new(&signer).repository(manifest.get("repository")).public_source().hosted_runner();
//! let artifact = Artifact::npm("@acme/widget", "1.0.0", tarball);
//! match verifier.verify(bundle, &artifact, &policy) {
//!     Ok(attestation) => println!("built from {:?}", attestation.identity()),
//!     Err(refusal) => println!("422: {refusal}"),
//! }
//! # Ok(())
//! # }
//! # }
//! ```
//!
//! [`Requirement`] decides on a version that comes without a bundle. The trusted root is data that the application gets in its
//! own way; `PUBLIC_TRUSTED_ROOT` is a copy of that of Sigstore's public instance.
//!
//! # For a publish tool
//!
//! [`Preflight`] tells, before anything is signed, what the registry would refuse and what a tool would leave out without
//! saying so. `sign` (feature) makes the bundle through the [`Context`](oidc_core::Context), so that it runs without an async
//! runtime, with the application's own HTTP client, and in memory in tests.
//!
//! # Errors
//!
//! A [`Refusal`] says why a registry does not accept a bundle, and `SignError` (feature `sign`) why a job could not sign, with
//! `SignError::logged` for the case that the public log has the statement already. Both end in a
//! [`Diagnosis`](oidc_core::Diagnosis) with a stable code of [`codes`], the value that was found, the expected value and the fix.
//!
//! # Security properties
//!
//! - A bundle is bounded in size, depth and number before it is parsed, and certificate, times, log and signature are all
//!   verified before a rule of the application reads anything. There is no switch that leaves one out.
//! - A valid signature is no reason to accept a file: [`Policy::new`] takes the trusted publisher, and the statement may say nothing that the
//!   certificate does not say.
//! - [`Attestation`] is made by the verifier alone.
//! - Signing keys live in memory for one signature. Identity tokens are [`Secret`](oidc_core::Secret)s, and no error repeats one.
//!
//! # What provenance proves
//!
//! That a job of this repository, workflow and commit signed these bytes, and that the signature stood in a public log while
//! the certificate was valid. It does not prove that the source is good, that the build is reproducible, or that nobody else
//! could push to the repository. On a self-hosted runner, whoever owns the machine can sign what they like.
//!
//! On GitHub every field of the statement is in the certificate too, and [`Policy::check`] compares them all. On GitLab
//! some fields, such as the job's name and the runner's number, are the job's own word.
//!
//! # Features
//!
//! | feature | what it adds |
//! |---|---|
//! | | statements, the table of claims and extensions, policy, preflight; no cryptography but SHA-2 |
//! | `verify` | `Verifier`, over the crates of the Sigstore organization for Rust |
//! | `sign` | `sign`, over the same crates and the `Context`'s HTTP client |
//!
//! X.509, Merkle trees, RFC 3161 and the signatures themselves are those crates' work. Their versions are pinned, and none of
//! their types is public here.
#![warn(clippy::exhaustive_enums, clippy::exhaustive_structs)]

mod artifact;
mod attestation;
mod bundle;
pub mod codes;
mod extension;
mod json;
mod platform;
mod policy;
mod preflight;
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
pub use crate::preflight::{Ecosystem, Preflight};
pub use crate::refusal::Refusal;
#[cfg(feature = "sign")]
pub use crate::sign::{Logged, Services, SignError, sign};
pub use crate::statement::{PAYLOAD_TYPE, Statement};
#[cfg(feature = "verify")]
pub use crate::verify::{PUBLIC_TRUSTED_ROOT, Verifier};

/// The audience of the identity token with which a job asks for a signing certificate.
pub const AUDIENCE: &str = "sigstore";
