//! The configuration file of `registry`.

mod database;
mod entries;
mod error;
mod quotes;

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::PathBuf;

use oidc_core::{HttpUrl, Secret, shown};
use oidc_provenance::Requirement;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

pub(super) use self::database::without_password;
pub use self::entries::{
    Ecosystem, Limits, PackageEntry, ProvenanceEntry, ProvenanceRule, ProviderEntry, PublisherEntry,
    ScopeEntry, Tls, TrustEntry,
};
pub use self::error::InvalidConfig;

/// The content of `registry.toml`. Unknown keys are refused, so that a misspelt rule never goes unnoticed.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The address to listen on; port 0 for any that is free.
    #[serde(deserialize_with = "address")]
    pub listen: SocketAddr,
    /// The URL by which clients reach the registry. It may have a path; port 0 stands for the port that is listened on.
    pub public_url: String,
    /// `sqlite:FILE`, relative to the working directory, or `postgres://USER:PASSWORD@HOST/NAME`.
    #[serde(deserialize_with = "secret")]
    pub database: Secret,
    /// A file with the administrator's token.
    pub admin_token_file: Option<PathBuf>,
    /// The certificate to serve https with.
    pub tls: Option<Tls>,
    /// The settings of provenance, which is not kept without them.
    pub provenance: Option<ProvenanceEntry>,
    /// The limits of requests at a time.
    #[serde(default)]
    pub limits: Limits,
    /// The times after which unused publishers end.
    #[serde(default)]
    pub trust: TrustEntry,
    /// The platforms whose tokens are accepted.
    #[serde(default)]
    pub provider: Vec<ProviderEntry>,
    /// The packages with their publishers.
    #[serde(default)]
    pub package: Vec<PackageEntry>,
    /// Prefixes of packages' names, with the publishers of every existing package whose name begins with them.
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

    /// Checks that everything is there that a registry can't run without.
    pub(super) fn check(&self) -> Result<(), InvalidConfig> {
        if !database::is_supported(self.database.expose()) {
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
        self.check_twice()
    }

    fn check_twice(&self) -> Result<(), InvalidConfig> {
        let mut seen = BTreeSet::new();
        for PackageEntry { ecosystem, name, .. } in &self.package {
            // An invalid name is refused with its reason later.
            let normalized = ecosystem.normalized(name).unwrap_or_else(|_| name.clone());
            if !seen.insert((ecosystem.as_str(), normalized)) {
                let name = shown(name).to_string();
                return Err(InvalidConfig::Twice { ecosystem: ecosystem.as_str(), name });
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

    /// The requirements of an ecosystem's packages, where they have one.
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

    /// The packages of an ecosystem that only their trusted publishers publish.
    pub(super) fn trusted_only(&self, ecosystem: Ecosystem) -> BTreeSet<String> {
        let is_one = |package: &&PackageEntry| package.trusted_only && package.ecosystem == ecosystem;
        // An invalid name keeps the registry from starting.
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
        let url = HttpUrl::parse(&text).map_err(|error| InvalidConfig::PublicUrl(error.to_string()))?;
        // The router takes what begins so for the name of a part that may be anything.
        match url.path().split('/').find(|part| part.starts_with([':', '*'])) {
            Some(part) => {
                let part = shown(part);
                let expected = "expected one that does not begin with `:` or `*`";
                Err(InvalidConfig::PublicUrl(format!("a part of its path is `{part}`; {expected}")))
            }
            None => Ok(url),
        }
    }
}

#[cfg(test)]
mod tests;
