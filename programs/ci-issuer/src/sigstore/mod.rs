//! A Sigstore instance on this machine, so that provenance can be tried without the public one: a certificate authority
//! (Fulcio's API, version 2), a certificate transparency log, a transparency log (Rekor's API, versions 1 and 2), a timestamp
//! authority (RFC 3161) and a TUF repository.
//!
//! Keys are made at the start and end with it. Identity tokens are verified as a registry verifies them, certificates have the
//! extensions that the public instance gives them, and every entry of the log has a proof of inclusion and a checkpoint, and
//! those of version 1 a signed timestamp. Both versions write to one log.
//!
//! Clients that take no other URLs than the public instance's, such as npm, are led here by a proxy for https
//! ([`Running::proxy`]).
//!
//! ```no_run
//! use ci_issuer::{GITHUB, Running, Settings, sigstore};
//! use oidc_core::Context;
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let context = Context::system()?;
//! let issuer = Running::start(Settings::new(&GITHUB), &context).await?;
//! let settings = sigstore::Settings::new("github", issuer.url());
//! let instance = sigstore::Running::start(settings, &context).await?;
//! instance.write("sigstore".as_ref())?;
//! println!("sign at {}, verify with sigstore/trusted_root.json", instance.url());
//! # Ok(())
//! # }
//! ```

mod authority;
mod certificate_log;
mod documents;
mod entry;
mod error;
mod extensions;
mod instance;
mod key;
mod log;
mod merkle;
mod proxy;
mod running;
mod server;
mod timestamps;
mod tuf;

pub use error::{Fault, SigstoreError};
pub use running::{Running, Settings};
