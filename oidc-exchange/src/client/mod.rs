//! The client half, which talks to registries: exchange a job's identity token for a short-lived publish
//! token.
//!
//! ```no_run
//! use oidc_core::{Context, ProviderSet};
//! use oidc_exchange::client::{Npm, PublishRequest};
//!
//! # async fn publish(providers: ProviderSet, cx: Context) -> Result<(), Box<dyn std::error::Error>> {
//! let registry = Npm::at("https://registry.example/npm/")?;
//! let scope = Npm::scope("@acme/widget")?;
//! let request = PublishRequest::new(scope.clone());
//! match oidc_exchange::publish_token(&registry, request, &providers, &cx).await {
//!     Ok(token) => println!("publishing with {:?}", token.secret_for(&scope)?),
//!     Err(why) => println!("publishing with the static token, since {why}"),
//! }
//! # Ok(())
//! # }
//! ```
//!
//! [`Registry`] is one registry, of any protocol; a tool with a `--registry` flag holds a `Box<dyn Registry>`:
//!
//! ```
//! use oidc_exchange::client::{CratesIo, Npm, Pypi, Registry};
//!
//! fn registry(name: &str) -> Option<Box<dyn Registry>> {
//!     Some(match name {
//!         "npm" => Box::new(Npm::public()),
//!         "pypi" => Box::new(Pypi::public()),
//!         "crates-io" => Box::new(CratesIo::public()),
//!         _ => return None,
//!     })
//! }
//! assert!(registry("npm").is_some() && registry("floppy").is_none());
//! ```
//!
//! # The scope of a token
//!
//! A [`Scope`] is the range of packages that a publish token is valid for. Each protocol has one kind of scope:
//!
//! | protocol | scope |
//! |---|---|
//! | npm, JSR and others that name the package in the exchange | one package: `Npm::scope("@acme/widget")?` |
//! | PyPI, crates.io, RubyGems and others that do not | every package that trusts the identity: `PublishRequest::identity()` |
//!
//! A token gives its text out for its own scope only ([`PublishToken::secret_for`]), so that a tool that publishes
//! several packages can't mix their tokens up.
//!
//! # Falling back to a static token
//!
//! [`Mode`] is what users of publish tools know as `--trusted-publishing automatic|always|never`. In the automatic
//! mode a job without identity tokens publishes as before, and a job that has them and is refused is told why.
//!
//! # What a diagnosis needs
//!
//! [`Diagnose`] is the part of a registry that the [`doctor`] needs; exchanging tokens does not need it. Feature
//! `testing` has a conformance suite for registries of one's own.

mod audience;
mod cloudsmith;
mod composer_name;
mod crates_io;
mod demand;
mod diagnose;
mod docker_hub;
pub mod doctor;
mod error;
mod extension;
mod failure;
mod hex;
mod identity_token;
mod jfrog;
mod jsr;
mod jsr_upload;
mod known;
mod links;
mod masking;
mod mcp_registry;
mod mode;
mod npm;
mod npm_config;
mod npm_facts;
mod npm_settings;
mod npm_tools;
mod nuget;
mod oauth;
mod oauth_metadata;
mod open_vsx;
mod packagist;
mod pep_807;
mod pep_807_discovery;
mod posted;
mod prefix_dev;
mod protocol;
mod pub_dev;
mod publish;
mod pypi;
mod pyx;
mod registry;
mod rejection;
mod renewal;
mod request;
mod row;
mod rubygems;
mod scope;
mod slug;
mod static_credentials;
#[cfg(feature = "testing")]
pub mod testing;
mod token;
mod token_exchange;
mod tools;
mod variables;
mod vs_marketplace;
mod wire;
mod wording;

pub use self::cloudsmith::Cloudsmith;
pub use self::composer_name::{ComposerName, InvalidComposerName};
pub use self::crates_io::CratesIo;
pub use self::demand::{Demand, TrustedPlatform};
pub use self::diagnose::{AdviceRequest, Diagnose, ProtocolFacts};
pub use self::docker_hub::DockerHub;
pub use self::error::{ExchangeError, ExchangeErrorKind};
pub use self::extension::{Extension, InvalidExtension};
pub use self::failure::{Failure, FailureKind};
pub use self::hex::Hex;
pub use self::identity_token::IdentityToken;
pub use self::jfrog::JFrog;
pub use self::jsr::Jsr;
pub use self::jsr_upload::{InvalidJsrUpload, JsrUpload};
pub use self::known::KnownRefusal;
pub use self::masking::masking_line;
pub use self::mcp_registry::McpRegistry;
pub use self::mode::{InvalidMode, Mode, Outcome};
pub use self::npm::Npm;
pub use self::nuget::NuGet;
pub use self::open_vsx::OpenVsx;
pub use self::packagist::Packagist;
pub use self::pep_807::Pep807;
pub use self::prefix_dev::PrefixDev;
pub use self::protocol::{Protocol, Unused};
pub use self::pub_dev::PubDev;
pub use self::publish::{publish_token, token_from};
pub use self::pypi::Pypi;
pub use self::pyx::Pyx;
pub use self::registry::{ExchangeRequest, Registry};
pub use self::rejection::RegistryReason;
pub use self::renewal::{Renewal, Renewing};
pub use self::request::{IdentityScope, PublishRequest, RequestedScope};
pub use self::rubygems::RubyGems;
pub use self::scope::Scope;
pub use self::slug::{InvalidSlug, SlugPair};
pub use self::static_credentials::{CredentialFile, StaticCredentials};
pub use self::token::{IdentityPublishToken, PublishToken, WrongScope};
pub use self::token_exchange::TokenExchange;
pub use self::variables::source_variables;
pub use self::vs_marketplace::VsMarketplace;
pub use self::wire::ExchangeCall;
pub use self::wording::Wording;
