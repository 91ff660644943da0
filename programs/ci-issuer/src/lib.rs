//! A CI platform's identity provider on this machine: what `ci-issuer` runs, and what a program can run
//! within itself.
//!
//! It serves discovery, JWKS and the platform's own token endpoint on loopback, signs real tokens with a
//! key of its own, and says which environment variables a job of the platform would see. A platform is one
//! row of [`PLATFORMS`].
//!
//! ```no_run
//! use ci_issuer::{Changes, GITHUB, Running, Settings};
//! use oidc_core::Context;
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let changes = Changes::default().set("environment", "publish");
//! let settings = Settings { changes, ..Settings::new(&GITHUB) };
//! let issuer = Running::start(settings, &Context::system()?).await?;
//! println!("configure {} as the issuer", issuer.url());
//! let token = issuer.token("npm:registry.example", &Changes::default());
//! issuer.stop().await;
//! # Ok(())
//! # }
//! ```

mod activestate;
mod aws;
mod azure;
mod bitbucket;
mod buildkite;
mod changes;
mod circleci;
#[cfg(feature = "cli")]
mod claims;
#[cfg(feature = "cli")]
mod cli;
mod command;
mod forgejo;
mod generic;
mod github;
mod gitlab;
mod google;
#[cfg(feature = "cli")]
mod install;
mod mint;
mod platform;
mod remote;
mod running;
mod semaphore;
mod server;
#[cfg(feature = "sigstore")]
pub mod sigstore;
mod terraform;
#[cfg(test)]
mod tests;

pub use activestate::ACTIVESTATE;
pub use aws::AWS;
pub use azure::AZURE;
pub use bitbucket::BITBUCKET;
pub use buildkite::BUILDKITE;
pub use changes::Changes;
pub use circleci::CIRCLECI;
#[cfg(feature = "cli")]
pub use cli::{Arguments, CliError, run};
pub use command::JobCommands;
pub use forgejo::FORGEJO;
pub use generic::GENERIC;
pub use github::GITHUB;
pub use gitlab::GITLAB;
pub use google::GOOGLE;
pub use mint::Fault;
pub use platform::{PLATFORMS, Platform};
pub use remote::{RemoteError, token_of};
pub use running::{GRACE, Running, Settings, StartError};
pub use semaphore::SEMAPHORE;
pub use terraform::TERRAFORM;
