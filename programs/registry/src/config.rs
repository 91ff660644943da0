//! The configuration file of `registry`.

mod quotes;

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use oidc_core::{HttpUrl, Secret, shown};
use oidc_exchange::server::TrustPolicy;
use oidc_provenance::Requirement;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use url::{Position, Url};

use super::intake::{self, Intake};

/// The kinds of databases that are known.
const SCHEMES: [&str; 3] = ["sqlite", "postgres", "postgresql"];

/// What `registry.toml` holds. Unknown keys are refused, so that a misspelt rule never goes unnoticed.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Where to listen; port 0 for any that is free.
    #[serde(deserialize_with = "address")]
    pub listen: SocketAddr,
    /// Where clients reach the registry. It may have a path; port 0 stands for the one that is listened on.
    pub public_url: String,
    /// `sqlite:FILE`, relative to the working directory, or `postgres://USER:PASSWORD@HOST/NAME`.
    #[serde(deserialize_with = "secret")]
    pub database: Secret,
    /// A file with the administrator's token.
    pub admin_token_file: Option<PathBuf>,
    /// The certificate to serve https with.
    pub tls: Option<Tls>,
    /// Whether provenance is kept, and how.
    pub provenance: Option<ProvenanceEntry>,
    /// What requests may take at a time.
    #[serde(default)]
    pub limits: Limits,
    /// How long publishers stay in force without being used.
    #[serde(default)]
    pub trust: TrustEntry,
    /// The platforms whose tokens are accepted.
    #[serde(default)]
    pub provider: Vec<ProviderEntry>,
    /// The packages, with who may publish them.
    #[serde(default)]
    pub package: Vec<PackageEntry>,
    /// Prefixes of packages' names, with who may publish every package that exists and is called so.
    #[serde(default)]
    pub scope: Vec<ScopeEntry>,
}

fn address<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SocketAddr, D::Error> {
    let text = String::deserialize(deserializer)?;
    text.parse().map_err(|_| {
        let expected = "expected an address and a port, such as `127.0.0.1:4873`";
        D::Error::custom(format!("`listen` is `{}`; {expected}", shown(&text)))
    })
}

fn secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Secret, D::Error> {
    String::deserialize(deserializer).map(Secret::new)
}

/// A certificate and its key, files in PEM.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tls {
    /// The certificate chain.
    pub certificate: PathBuf,
    /// The private key.
    pub key: PathBuf,
}

/// How provenance is kept.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProvenanceEntry {
    /// A file with whom to trust, `trusted_root.json` as Sigstore distributes it; by default that of the public instance, as it
    /// was when this program was built.
    pub trusted_root: Option<PathBuf>,
    /// A file with the registry's own key in PEM, ECDSA on P-256, which is made where it is missing. With it every npm version
    /// is signed.
    pub signing_key: Option<PathBuf>,
    /// The URL of a transparency log (Rekor, version 1). With it every npm version is attested too, for which the log has to be
    /// there.
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

/// What requests may take at a time.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Connections at a time.
    pub connections: Option<usize>,
    /// Uploads at a time.
    pub uploads: Option<usize>,
    /// The memory for uploads that are looked at and stored, in megabytes.
    pub upload_memory_mb: Option<usize>,
}

impl Limits {
    /// The number of connections at a time, for which the process has descriptors.
    pub(super) fn connections(self) -> Result<usize, InvalidConfig> {
        let most = oidc_listener::most_connections().unwrap_or(usize::MAX);
        match self.connections {
            None => Ok(oidc_listener::CONNECTIONS.min(most)),
            Some(connections) if (1..=most).contains(&connections) => Ok(connections),
            Some(connections) => Err(InvalidConfig::Connections { connections, most }),
        }
    }

    /// The room for uploads.
    pub(super) fn intake(self) -> Intake {
        let megabytes = self.upload_memory_mb.unwrap_or(intake::UPLOAD_MEMORY_MB);
        Intake::new(self.uploads.unwrap_or(intake::UPLOADS), megabytes)
    }
}

/// How long publishers stay in force without being used, in days.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrustEntry {
    /// A publisher that has learned no id by then, and was not configured with its ids, lapses.
    pub lapse_after_days: Option<u32>,
    /// A pending publisher that has not created its package by then expires.
    pub pending_days: Option<u32>,
}

impl TrustEntry {
    /// The same, with the library's own times where nothing is said.
    pub(super) fn policy(self) -> TrustPolicy {
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
    /// A file with the keys of `issuer`, for where it can't be reached. They are never fetched then.
    pub jwks: Option<PathBuf>,
    /// Hosts that its keys may be fetched from, beside its own, such as `keys.example` or `keys.example:8443`.
    #[serde(default)]
    pub key_hosts: Vec<String>,
    /// How long its tokens may live in all, another time than the platform's; a week at most.
    pub max_lifetime_minutes: Option<u32>,
    /// The audience of all its tokens, for platforms whose jobs can't choose it. They are accepted instead of those
    /// for this registry, from this issuer alone: whoever gets such a token can publish with it.
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
    /// Whether its trusted publishers alone publish it and set its tags: no static token does, the administrator's among them.
    #[serde(default)]
    pub trusted_only: bool,
    /// What it requires of its versions' provenance; by default that what the version before had is not lost.
    pub provenance: Option<ProvenanceRule>,
    /// Who may publish it.
    #[serde(default)]
    pub publisher: Vec<PublisherEntry>,
}

/// All packages whose names begin so.
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

/// A publisher: three keys of the registry's, and those of the platform, which checks them itself.
#[derive(Clone, Debug, Deserialize)]
pub struct PublisherEntry {
    /// The platform.
    pub provider: String,
    /// One of the platform's issuers; may be left out where there is only one.
    pub issuer: Option<String>,
    /// Whether the package is still to be created by the first publish.
    #[serde(default)]
    pub pending: bool,
    /// The platform's own keys.
    #[serde(flatten)]
    pub rules: BTreeMap<String, Value>,
}

/// The configuration can't be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidConfig {
    /// Not TOML, or a key that is not one.
    #[error("the configuration can't be read: {0}")]
    Syntax(String),
    /// `public_url` is not a URL of a registry.
    #[error("`public_url`: {0}")]
    PublicUrl(String),
    /// `database` is not a URL of a database that is known.
    #[error(
        "`database` is {0}; write `sqlite:FILE` for a file, such as `sqlite:registry.db`, or \
         `postgres://USER:PASSWORD@HOST/NAME`"
    )]
    Database(String),
    /// There is no `[[provider]]`.
    #[error(
        "`[[provider]]` is missing: name the platforms whose tokens are accepted, such as `[[provider]]` with the line \
         `kind = \"github\"`"
    )]
    NoProvider,
    /// There can't be as many connections.
    #[error(
        "`connections` is {connections}; expected a number from 1 to {most}, for which this process may open descriptors \
         (`ulimit -n`)"
    )]
    Connections {
        /// What is configured.
        connections: usize,
        /// The largest number.
        most: usize,
    },
    /// A package requires what this registry doesn't keep.
    #[error("`[[package]]` `{0}` has `provenance = \"required\"`, and {1}")]
    Provenance(String, &'static str),
    /// `[provenance]` has a URL that is none.
    #[error("`log` in `[provenance]`: {0}")]
    Log(String),
    /// A package has two entries.
    #[error(
        "`[[package]]` `{name}` of {ecosystem} is there twice: write one, with a `[[package.publisher]]` for each publisher"
    )]
    Twice {
        /// Its ecosystem.
        ecosystem: &'static str,
        /// Its name, fit to be shown.
        name: String,
    },
}

impl Config {
    /// Reads a configuration.
    ///
    /// # Errors
    ///
    /// When the text is not TOML of the shape above; the error names the line.
    pub fn parse(text: &str) -> Result<Self, InvalidConfig> {
        toml::from_str(text).map_err(|error| {
            let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
            let line = before.matches('\n').count();
            let unquoted = text.lines().nth(line).and_then(quotes::missing_in);
            let reason = unquoted.unwrap_or_else(|| error.message().lines().collect::<Vec<_>>().join(", "));
            InvalidConfig::Syntax(format!("line {}: {reason}", line + 1))
        })
    }

    /// Whether everything is there that a registry can't run without.
    pub(super) fn check(&self) -> Result<(), InvalidConfig> {
        let scheme = self.database.expose().split_once(':').map(|(scheme, _)| scheme);
        if !scheme.is_some_and(|scheme| SCHEMES.contains(&scheme)) {
            let found = without_password(self.database.expose());
            let found = found.map_or_else(|| "no URL".to_owned(), |url| format!("`{}`", shown(&url)));
            return Err(InvalidConfig::Database(found));
        }
        if self.provider.is_empty() {
            return Err(InvalidConfig::NoProvider);
        }
        for package in &self.package {
            self.check_provenance(package)?;
        }
        let mut seen = BTreeSet::new();
        for PackageEntry { ecosystem, name, .. } in &self.package {
            // A name that is none is refused with its reason later.
            let normalized = ecosystem.normalized(name).unwrap_or_else(|_| name.clone());
            if !seen.insert((ecosystem.as_str(), normalized)) {
                return Err(InvalidConfig::Twice {
                    ecosystem: ecosystem.as_str(),
                    name: shown(name).to_string(),
                });
            }
        }
        Ok(())
    }

    fn check_provenance(&self, package: &PackageEntry) -> Result<(), InvalidConfig> {
        let why = match (package.provenance, package.ecosystem, &self.provenance) {
            (Some(ProvenanceRule::Required), Ecosystem::Cargo, _) => "cargo's protocol has no provenance",
            (Some(ProvenanceRule::Required), _, None) => {
                "there is no `[provenance]`, without which this registry keeps none"
            }
            _ => return Ok(()),
        };
        Err(InvalidConfig::Provenance(shown(&package.name).to_string(), why))
    }

    /// What the packages of an ecosystem require, where they say so.
    pub(super) fn requirements(&self, ecosystem: Ecosystem) -> BTreeMap<String, Requirement> {
        let of = self.package.iter().filter(|package| package.ecosystem == ecosystem);
        let required = |package: &PackageEntry| {
            let requirement = match package.provenance? {
                ProvenanceRule::Required => Requirement::Required,
                ProvenanceRule::AsBefore => Requirement::AsBefore,
            };
            Some((ecosystem.normalized(&package.name).ok()?, requirement))
        };
        of.filter_map(required).collect()
    }

    /// The packages of an ecosystem that their trusted publishers alone publish.
    pub(super) fn trusted_only(&self, ecosystem: Ecosystem) -> BTreeSet<String> {
        let is_one = |package: &&PackageEntry| package.trusted_only && package.ecosystem == ecosystem;
        // A name that is none keeps the registry from starting.
        self.package
            .iter()
            .filter(is_one)
            .filter_map(|package| ecosystem.normalized(&package.name).ok())
            .collect()
    }

    /// `public_url` with the port that is listened on where it says 0.
    pub(super) fn public_url(&self, port: u16) -> Result<HttpUrl, InvalidConfig> {
        let text = match self.public_url.split_once(":0") {
            Some((host, rest)) if rest.is_empty() || rest.starts_with('/') => format!("{host}:{port}{rest}"),
            _ => self.public_url.clone(),
        };
        HttpUrl::parse(&text).map_err(|error| InvalidConfig::PublicUrl(error.to_string()))
    }
}

/// A database's scheme and where it is, or the scheme alone where what follows may be part of a password; `None` where there
/// is no scheme.
pub(super) fn without_password(database: &str) -> Option<String> {
    let parsed = Url::parse(database).ok();
    let known = || SCHEMES.into_iter().find(|scheme| database.split(':').next() == Some(scheme));
    let scheme = parsed.as_ref().map(Url::scheme).or_else(known)?;
    let place = parsed.as_ref().and_then(place);
    Some(place.unwrap_or_else(|| format!("{scheme}:…")))
}

/// A file with its path, or a server with its port.
fn place(url: &Url) -> Option<String> {
    if url.scheme() == "sqlite" {
        let is_file = url.username().is_empty() && url.password().is_none();
        return is_file.then(|| url[..Position::AfterPath].to_owned());
    }
    // Behind the host an `@` is that of a password with a `/`, `?` or `#`, whose beginning is then taken for the port.
    let host = url.host_str().filter(|_| !url[Position::BeforePath..].contains('@'))?;
    let port = url.port().map_or_else(String::new, |port| format!(":{port}"));
    (!host.is_empty()).then(|| format!("{}://{host}{port}", url.scheme()))
}

#[cfg(test)]
mod tests;
