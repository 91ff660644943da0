//! Trusted publishing: the CI platforms, one folder for each.
//!
//! Each folder holds both halves of its platform and has the same files: `source.rs`, the way a job gets its
//! identity token; `claims.rs`, the claims of a token; `fields.rs`, the fields of a publisher's
//! configuration; `publisher.rs`, the rules of a publisher. The module documentation opens with three tables:
//! the environment variables, the claims, and the properties that a token does not prove.
//!
//! ```
//! use oidc_providers::GitLab;
//!
//! // GitHub Actions and GitLab CI with their public issuers, and one self-managed GitLab.
//! let providers = oidc_providers::all().with(GitLab::at("https://gitlab.example").unwrap());
//! assert!(providers.for_issuer("https://gitlab.example").is_some());
//! ```
//!
//! The fields of a publisher's configuration are data, [`Provider::publisher_fields`], which the module
//! documentation shows as a table: each is required, recommended, optional, or learned from the first match
//! where it is not configured. Besides the JSON form, there is a typed form for each platform:
//!
//! ```
//! use oidc_core::Provider as _;
//! use oidc_providers::{GitHub, GitHubPublisher};
//!
//! let publisher = GitHubPublisher::new("acme/widget", "publish.yml").environment("publish");
//! let publisher = GitHub::public().publisher(&publisher.into()).unwrap();
//! assert_eq!(publisher.describe(), "repository acme/widget, workflow publish.yml, environment publish");
//! ```
//!
//! ```text
//!   a job                                one folder for each platform                       a registry
//!  ┌──────────────────────┐       ┌────────────────────────────────────────┐       ┌─────────────────────────┐
//!  │ the variables, files │       │ source.rs     TokenSource   ◀── client │       │ a verified token        │
//!  │ and commands of      │ ────▶ │ claims.rs     ClaimRule  ──┐           │ ◀──── │ a publisher's           │
//!  │ its platform         │       │ fields.rs     its fields   ├─ registry │       │   configuration         │
//!  │ IdToken              │ ◀──── │ publisher.rs  its rules  ──┘           │ ────▶ │ a match or the mismatch │
//!  └──────────────────────┘       └────────────────────────────────────────┘       └─────────────────────────┘
//! ```
//!
//! # Getting started
//!
//! A publish tool asks which platform its job runs on, and that platform for a token. A registry takes the same
//! platforms, each with the issuers that it trusts:
//!
//! ```
//! use oidc_core::{Ambient, Context};
//!
//! let (platforms, cx) = (oidc_providers::all(), Context::default());
//! let here = Ambient::find(&platforms, &cx)?;
//! assert!(here.is_none(), "this is no CI job");
//! # Ok::<(), oidc_core::SourceError>(())
//! ```
//!
//! # Errors and security properties
//!
//! A job that runs on a platform and gets no token is told what to add to its configuration; it is never mistaken for
//! a job elsewhere. A publisher's configuration is checked when it is saved: unknown keys, look-alike characters and
//! patterns that accept too much are refused, each with the nearest right form. No message repeats a secret.
//!
//! # Features
//!
//! Feature `testing` adds sample claims of each platform; it is exempt from semver.
#![warn(clippy::exhaustive_enums, clippy::exhaustive_structs)]

pub mod activestate;
mod advice;
pub mod aws;
pub mod azure;
pub mod bitbucket;
pub mod buildkite;
#[cfg(test)]
mod cases;
pub mod circleci;
pub mod codes;
mod command;
#[cfg(test)]
mod conformance;
mod endpoint;
mod file;
mod fixed_audience;
pub mod forgejo;
pub mod generic;
pub mod github;
pub mod gitlab;
pub mod google;
#[cfg(test)]
mod harness;
mod links;
mod provider;
mod rules;
mod run;
mod runner;
#[cfg(feature = "testing")]
pub mod sample;
pub mod semaphore;
#[cfg(test)]
mod tables;
pub mod terraform;
mod variable;

use std::sync::Arc;

use oidc_core::{InvalidUrl, Provider, ProviderKind, ProviderSet, shown};

pub use activestate::{ActiveState, ActiveStatePublisher};
pub use aws::{Aws, AwsPublisher};
pub use azure::{AzurePipelines, AzurePipelinesPublisher};
pub use bitbucket::{Bitbucket, BitbucketPublisher};
pub use buildkite::{Buildkite, BuildkitePublisher};
pub use circleci::{CircleCi, CircleCiPublisher};
pub use forgejo::{Forgejo, ForgejoPublisher};
pub use generic::{Generic, GenericPublisher};
pub use github::{GitHub, GitHubOwnerPublisher, GitHubPublisher};
pub use gitlab::{GitLab, GitLabPublisher};
pub use google::{Google, GooglePublisher};
pub use semaphore::{Semaphore, SemaphorePublisher};
pub use terraform::{Terraform, TerraformPublisher};

/// Every platform of this crate with its public issuer, in the order of detection. [`Generic`], Azure Pipelines,
/// Bitbucket, Semaphore and AWS have no public issuer: a job on them is detected, and a registry accepts its tokens
/// once it has added the issuer.
///
/// The order of detection is:
///
/// 1. an explicit choice ([`Generic`]);
/// 2. the CI platforms: Forgejo, whose runner sets GitHub's variables too, GitHub, GitLab, CircleCI, Buildkite, Azure
///    Pipelines, Bitbucket, Semaphore, HCP Terraform;
/// 3. the cloud hosts: Google, AWS. A CI runner on a cloud machine is therefore detected as the CI platform.
///
/// A platform that is detected but gives no tokens ends the search ([`Ambient::detect`](oidc_core::Ambient::detect)).
///
/// The longest lifetime of a token that is accepted is that of the platform's profile, unless the issuer has another one
/// ([`Issuer::with_max_lifetime`](oidc_core::Issuer::with_max_lifetime)):
///
/// ```
/// for platform in oidc_providers::all().iter() {
///     let hours = match platform.id() {
///         "gitlab" | "terraform" => 24,
///         "generic" => 2,
///         _ => 1,
///     };
///     assert_eq!(platform.profile().max_lifetime.as_secs(), hours * 3600, "{}", platform.id());
/// }
/// ```
pub fn all() -> ProviderSet {
    KINDS.iter().map(|kind| (kind.public)()).collect()
}

/// The CI platforms of this crate with their public issuers, in the order of detection.
///
/// It is for a tool that publishes from CI alone and reads only the variables of the platforms and of the registry.
/// Cloud hosts are left out, since their detection reads files and may ask a metadata server. [`Generic`] is left
/// out too, since it reads `OIDC_TOKEN`.
pub fn ci() -> ProviderSet {
    all().iter().filter(|provider| provider.profile().kind == ProviderKind::Ci).map(Arc::clone).collect()
}

/// Returns a platform with its public issuer, by its name in configuration, such as `github`.
///
/// # Errors
///
/// When this crate has no such platform, or the platform has no public issuer.
pub fn public(kind: &str) -> Result<Arc<dyn Provider>, InvalidProvider> {
    let provider = (find(kind)?.public)();
    if provider.profile().issuers.is_empty() {
        return Err(InvalidProvider::NoIssuer(provider.id()));
    }
    Ok(provider)
}

/// Returns a platform with this issuer and no other, by its name in configuration, such as `gitlab`.
///
/// # Errors
///
/// When this crate has no such platform, or the URL can't be that of an issuer.
pub fn at(kind: &str, issuer: &str) -> Result<Arc<dyn Provider>, InvalidProvider> {
    Ok((find(kind)?.at)(issuer)?)
}

/// The name of [`Generic`] in configuration and in logs, and that of its sources.
const GENERIC: &str = "generic";

/// A platform as an application's configuration names it.
struct Kind {
    id: &'static str,
    public: fn() -> Arc<dyn Provider>,
    at: fn(&str) -> Result<Arc<dyn Provider>, InvalidUrl>,
}

/// The platforms, in the order of detection.
const KINDS: &[Kind] = &[
    Kind {
        id: generic::ID,
        public: || Arc::new(Generic::client()),
        at: |issuer| Ok(Arc::new(Generic::at(issuer)?)),
    },
    Kind {
        id: forgejo::ID,
        public: || Arc::new(Forgejo::public()),
        at: |issuer| Ok(Arc::new(Forgejo::at(issuer)?)),
    },
    Kind {
        id: github::ID,
        public: || Arc::new(GitHub::public()),
        at: |issuer| Ok(Arc::new(GitHub::at(issuer)?)),
    },
    Kind {
        id: gitlab::ID,
        public: || Arc::new(GitLab::public()),
        at: |issuer| Ok(Arc::new(GitLab::at(issuer)?)),
    },
    Kind {
        id: circleci::ID,
        public: || Arc::new(CircleCi::public()),
        at: |issuer| Ok(Arc::new(CircleCi::at(issuer)?)),
    },
    Kind {
        id: buildkite::ID,
        public: || Arc::new(Buildkite::public()),
        at: |issuer| Ok(Arc::new(Buildkite::at(issuer)?)),
    },
    Kind {
        id: azure::ID,
        public: || Arc::new(AzurePipelines::client()),
        at: |issuer| Ok(Arc::new(AzurePipelines::at(issuer)?)),
    },
    Kind {
        id: bitbucket::ID,
        public: || Arc::new(Bitbucket::client()),
        at: |issuer| Ok(Arc::new(Bitbucket::at(issuer)?)),
    },
    Kind {
        id: semaphore::ID,
        public: || Arc::new(Semaphore::client()),
        at: |issuer| Ok(Arc::new(Semaphore::at(issuer)?)),
    },
    Kind {
        id: terraform::ID,
        public: || Arc::new(Terraform::public()),
        at: |issuer| Ok(Arc::new(Terraform::at(issuer)?)),
    },
    Kind {
        id: google::ID,
        public: || Arc::new(Google::public()),
        at: |issuer| Ok(Arc::new(Google::at(issuer)?)),
    },
    Kind { id: aws::ID, public: || Arc::new(Aws::client()), at: |issuer| Ok(Arc::new(Aws::at(issuer)?)) },
    Kind {
        id: activestate::ID,
        public: || Arc::new(ActiveState::public()),
        at: |issuer| Ok(Arc::new(ActiveState::at(issuer)?)),
    },
];

fn find(kind: &str) -> Result<&'static Kind, InvalidProvider> {
    KINDS.iter().find(|known| known.id == kind).ok_or_else(|| InvalidProvider::Kind {
        found: shown(kind).to_string(),
        known: KINDS.iter().map(|known| known.id).collect::<Vec<_>>().join(", "),
    })
}

/// An error of selecting a platform by an application's configuration.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidProvider {
    /// There is no platform of this name.
    #[error("there is no provider `{found}`; write one of: {known}")]
    Kind {
        /// The name that was found, fit to be shown.
        found: String,
        /// The names of all platforms.
        known: String,
    },
    /// The platform has no public issuer.
    #[error("provider `{0}` has no public issuer; name the one that you trust with `issuer`")]
    NoIssuer(&'static str),
    /// The URL can't be that of an issuer.
    #[error(transparent)]
    Issuer(#[from] InvalidUrl),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_platform_is_found_by_its_name() {
        let ids: Vec<&str> = all().iter().map(|provider| provider.id()).collect();
        let known = [
            "generic",
            "forgejo",
            "github",
            "gitlab",
            "circleci",
            "buildkite",
            "azure",
            "bitbucket",
            "semaphore",
            "terraform",
            "google",
            "aws",
            "activestate",
        ];
        assert_eq!(ids, known);
        let without_issuer = ["generic", "azure", "bitbucket", "semaphore", "aws"];
        for id in without_issuer {
            assert!(public(id).unwrap_err().to_string().contains("`issuer`"), "{id}");
        }
        for id in ids {
            assert!(without_issuer.contains(&id) || public(id).unwrap().id() == id);
            let provider = at(id, "http://127.0.0.1:9001").unwrap();
            assert_eq!(&**provider.profile().issuers[0].url(), "http://127.0.0.1:9001");
        }
    }

    #[test]
    fn the_ci_platforms_are_all_but_the_cloud_hosts_and_the_generic_one() {
        let ids: Vec<&str> = ci().iter().map(|provider| provider.id()).collect();
        assert_eq!(
            ids,
            [
                "forgejo",
                "github",
                "gitlab",
                "circleci",
                "buildkite",
                "azure",
                "bitbucket",
                "semaphore",
                "terraform",
                "activestate"
            ]
        );
    }

    #[test]
    fn what_is_no_platform_or_no_issuer_is_refused_with_what_to_write() {
        assert_eq!(
            public("GitHub").unwrap_err().to_string(),
            "there is no provider `GitHub`; write one of: generic, forgejo, github, gitlab, circleci, buildkite, azure, bitbucket, semaphore, terraform, google, aws, activestate"
        );
        assert!(matches!(at("gitlab", "http://gitlab.example"), Err(InvalidProvider::Issuer(_))));
    }
}
