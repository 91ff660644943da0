//! The tables of the configuration file.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use oidc_exchange::server::TrustPolicy;
use serde::Deserialize;
use serde_json::Value;

use super::InvalidConfig;
use crate::intake::{self, Intake};

/// A certificate and its key, files in PEM.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tls {
    /// The certificate chain.
    pub certificate: PathBuf,
    /// The private key.
    pub key: PathBuf,
}

/// The settings of provenance.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProvenanceEntry {
    /// A file with the trusted root, `trusted_root.json` as Sigstore distributes it; by default the public instance's, as of the
    /// time when this program was built.
    pub trusted_root: Option<PathBuf>,
    /// A file with the registry's own key in PEM, ECDSA on P-256, which is made where it is missing. It signs every npm version.
    pub signing_key: Option<PathBuf>,
    /// The URL of a transparency log (Rekor, version 1). Every npm version is then attested too, which needs the log to be
    /// reachable.
    pub log: Option<String>,
}

/// The requirement of a package for its versions.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProvenanceRule {
    /// Every version has provenance.
    Required,
    /// A version has it if the version before had it.
    AsBefore,
}

/// The limits of requests at a time.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Connections at a time.
    pub connections: Option<usize>,
    /// Uploads at a time.
    pub uploads: Option<usize>,
    /// The memory for uploads that are checked and stored, in megabytes.
    pub upload_memory_mb: Option<usize>,
}

impl Limits {
    /// The number of connections at a time, for which the process has descriptors.
    pub(in super::super) fn connections(self) -> Result<usize, InvalidConfig> {
        let most = oidc_listener::most_connections().unwrap_or(usize::MAX);
        match self.connections {
            None => Ok(oidc_listener::CONNECTIONS.min(most)),
            Some(connections) if (1..=most).contains(&connections) => Ok(connections),
            Some(connections) => Err(InvalidConfig::Connections { connections, most }),
        }
    }

    /// The room for uploads.
    pub(in super::super) fn intake(self) -> Intake {
        let megabytes = self.upload_memory_mb.unwrap_or(intake::UPLOAD_MEMORY_MB);
        Intake::new(self.uploads.unwrap_or(intake::UPLOADS), megabytes)
    }
}

/// The times after which unused publishers end, in days.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrustEntry {
    /// A publisher that has learned no id by then, and was not configured with its ids, lapses.
    pub lapse_after_days: Option<u32>,
    /// A pending publisher that has not created its package by then expires.
    pub pending_days: Option<u32>,
}

impl TrustEntry {
    /// The policy, with the library's own times where nothing is configured.
    pub(in super::super) fn policy(self) -> TrustPolicy {
        let days = |days: u32| Duration::from_secs(u64::from(days) * 24 * 3600);
        // All publishers are the operator's own, of whom no limit counts those for prefixes.
        let mut policy = TrustPolicy::default().prefixes_per_account(1);
        policy.lapse_after = self.lapse_after_days.map_or(policy.lapse_after, days);
        policy.pending_for = self.pending_days.map_or(policy.pending_for, days);
        policy
    }
}

/// A platform with one issuer.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProviderEntry {
    /// The platform, such as `github`.
    pub kind: String,
    /// A further issuer of that kind; the platform's public one by default.
    pub issuer: Option<String>,
    /// A file with the keys of `issuer`, where it can't be reached. Keys are then never fetched.
    pub jwks: Option<PathBuf>,
    /// `true` if publishers may be for every repository of an owner, on `github` alone. Whoever can push to any of them then publishes.
    #[serde(default)]
    pub owners: bool,
    /// Hosts that its keys may be fetched from, beside its own, such as `keys.example` or `keys.example:8443`.
    #[serde(default)]
    pub key_hosts: Vec<String>,
    /// The longest lifetime of its tokens, instead of the platform's; a week at most.
    pub max_lifetime_minutes: Option<u32>,
    /// The audience of all its tokens, for platforms whose jobs can't choose it. It is accepted from this issuer alone, instead of
    /// the registry's own: whoever gets such a token can publish with it.
    pub fixed_audience: Option<String>,
}

/// A package.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PackageEntry {
    /// The protocol that it is published by.
    pub ecosystem: Ecosystem,
    /// Its name.
    pub name: String,
    /// `true` if only its trusted publishers publish it and set its tags: no static token does, not even the administrator's.
    #[serde(default)]
    pub trusted_only: bool,
    /// The requirement for its versions' provenance; by default a version must have it if the version before had it.
    pub provenance: Option<ProvenanceRule>,
    /// Its publishers.
    #[serde(default)]
    pub publisher: Vec<PublisherEntry>,
}

/// All packages whose names begin with a prefix.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScopeEntry {
    /// The protocol that the packages are published by.
    pub ecosystem: Ecosystem,
    /// The beginning of their names, up to a separator, such as `@acme/`.
    pub prefix: String,
    /// The publishers of the packages.
    pub publisher: Vec<PublisherEntry>,
}

/// A protocol that this registry serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Ecosystem {
    /// npm's.
    Npm,
    /// cargo's.
    Cargo,
    /// PyPI's.
    Pypi,
    /// RubyGems'.
    Rubygems,
}

impl Ecosystem {
    /// The name in configuration and in the stores.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Npm => "npm",
            Self::Cargo => "cargo",
            Self::Pypi => "pypi",
            Self::Rubygems => "rubygems",
        }
    }
}

/// A publisher: three keys of the registry, and those of the platform, which the platform checks.
#[derive(Clone, Debug, Deserialize)]
pub struct PublisherEntry {
    /// The platform.
    pub provider: String,
    /// One of the platform's issuers; may be left out where there is only one.
    pub issuer: Option<String>,
    /// `true` if the package does not exist yet and the first publish creates it.
    #[serde(default)]
    pub pending: bool,
    /// The platform's own keys.
    #[serde(flatten)]
    pub rules: BTreeMap<String, Value>,
}
