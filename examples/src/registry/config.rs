//! The configuration file of `registry`.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use oidc_core::{HttpUrl, shown};
use oidc_exchange::server::TrustPolicy;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use url::{Position, Url};

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
    pub database: String,
    /// A file with the administrator's token.
    pub admin_token_file: Option<PathBuf>,
    /// The certificate to serve https with.
    pub tls: Option<Tls>,
    /// How long publishers stay in force without being used.
    #[serde(default)]
    pub trust: TrustEntry,
    /// The platforms whose tokens are accepted.
    #[serde(default)]
    pub provider: Vec<ProviderEntry>,
    /// The packages, with who may publish them.
    #[serde(default)]
    pub package: Vec<PackageEntry>,
}

fn address<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SocketAddr, D::Error> {
    let text = String::deserialize(deserializer)?;
    text.parse().map_err(|_| {
        let expected = "expected an address and a port, such as `127.0.0.1:4873`";
        D::Error::custom(format!("`listen` is `{}`; {expected}", shown(&text)))
    })
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
        let mut policy = TrustPolicy::default();
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
}

/// A package.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PackageEntry {
    /// The protocol that it is published by.
    pub ecosystem: Ecosystem,
    /// Its name.
    pub name: String,
    /// Whether its trusted publishers alone publish it: no static token does, the administrator's among them.
    #[serde(default)]
    pub trusted_only: bool,
    /// Who may publish it.
    #[serde(default)]
    pub publisher: Vec<PublisherEntry>,
}

/// A protocol that this registry serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
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
            let line = before.matches('\n').count() + 1;
            let reason = error.message().lines().collect::<Vec<_>>().join(", ");
            InvalidConfig::Syntax(format!("line {line}: {reason}"))
        })
    }

    /// Whether everything is there that a registry can't run without.
    pub(super) fn check(&self) -> Result<(), InvalidConfig> {
        let scheme = self.database.split_once(':').map(|(scheme, _)| scheme);
        if !scheme.is_some_and(|scheme| SCHEMES.contains(&scheme)) {
            let found = without_password(&self.database);
            let found = found.map_or_else(|| "no URL".to_owned(), |url| format!("`{}`", shown(&url)));
            return Err(InvalidConfig::Database(found));
        }
        if self.provider.is_empty() {
            return Err(InvalidConfig::NoProvider);
        }
        Ok(())
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
mod tests {
    use super::*;

    const EXAMPLE: &str = r#"
        listen = "127.0.0.1:4873"
        public_url = "http://localhost:4873"
        database = "sqlite:registry.db"
        admin_token_file = "admin-token"
        [[provider]]
        kind = "github"
        [[package]]
        ecosystem = "npm"
        name = "@acme/widget"
        [[package.publisher]]
        provider = "github"
        repository = "acme/widget"
        event = ["push", "release"]
        ref_protected = true
    "#;

    #[test]
    fn a_publishers_rules_are_its_platforms_to_read() {
        let config = Config::parse(EXAMPLE).unwrap();
        let publisher = &config.package[0].publisher[0];
        assert_eq!(publisher.provider, "github");
        assert_eq!(publisher.rules.keys().collect::<Vec<_>>(), ["event", "ref_protected", "repository"]);
        assert_eq!(publisher.rules["event"], serde_json::json!(["push", "release"]));
    }

    #[test]
    fn what_is_said_of_times_is_in_days() {
        let days = |days: u64| Duration::from_secs(days * 24 * 3600);
        let policy = Config::parse(EXAMPLE).unwrap().trust.policy();
        assert_eq!((policy.lapse_after, policy.pending_for), (days(7), days(30)));
        let text = EXAMPLE.replace("[[provider]]", "[trust]\nlapse_after_days = 3\n[[provider]]");
        let policy = Config::parse(&text).unwrap().trust.policy();
        assert_eq!((policy.lapse_after, policy.pending_for), (days(3), days(30)));
    }

    #[test]
    fn a_misspelt_key_is_refused_by_name() {
        let error = Config::parse(&EXAMPLE.replace("database", "data_base")).unwrap_err().to_string();
        assert!(error.contains("data_base"), "{error}");
        let error = Config::parse(&EXAMPLE.replace("\"npm\"", "\"cpan\"")).unwrap_err().to_string();
        assert!(error.contains("cpan"), "{error}");
    }

    #[test]
    fn what_a_registry_can_not_run_without_is_named_with_an_example() {
        let said = |text: &str| match Config::parse(text) {
            Ok(config) => config.check().unwrap_err().to_string(),
            Err(error) => error.to_string(),
        };
        for (text, words) in [
            (EXAMPLE.replace("sqlite:registry.db", "registry.db"), "write `sqlite:FILE`"),
            (EXAMPLE.replace("sqlite:registry.db", "mysql://me:hunter2@host/db"), "`mysql://host`"),
            (EXAMPLE.replace("[[provider]]\n        kind = \"github\"", ""), "`[[provider]]` is missing"),
            (
                EXAMPLE.replace("127.0.0.1:4873\"\n        public", "127.0.0.1\"\n        public"),
                "an address and a port",
            ),
        ] {
            let said = said(&text);
            assert!(said.contains(words) && !said.contains("hunter2"), "{said}");
        }
        assert!(Config::parse(EXAMPLE).unwrap().check().is_ok());
    }

    #[test]
    fn no_spelling_of_a_database_shows_its_password() {
        for (database, said) in [
            ("host=db password=hunter2", None),
            ("host=db password=hunter2:x", None),
            ("hunter2", None),
            ("", None),
            ("me:hunter2@host/db", Some("me:…")),
            ("postgres://db/x?password=hunter2", Some("postgres://db")),
            ("postgres://db/x#hunter2", Some("postgres://db")),
            ("postgres://db/x password=hunter2", Some("postgres://db")),
            ("postgres://me:hun@ter2@db:5432/x", Some("postgres://db:5432")),
            ("postgres://me:hun/ter2@db/x", Some("postgres:…")),
            ("postgres://me:5/hunter2@db/x", Some("postgres:…")),
            ("postgresql://me:5?hunter2@db/x", Some("postgresql:…")),
            ("postgres://me:5#hunter2@db/x", Some("postgres:…")),
            ("postgres:host=db password=hunter2", Some("postgres:…")),
            ("postgres:///x?host=/run/hunter2", Some("postgres:…")),
            ("sqlite:registry.db", Some("sqlite:registry.db")),
            ("sqlite:///var/registry.db?mode=rwc&key=hunter2", Some("sqlite:///var/registry.db")),
            ("sqlite://me:hunter2@registry.db", Some("sqlite:…")),
        ] {
            assert_eq!(without_password(database).as_deref(), said, "{database}");
        }
    }

    #[test]
    fn port_0_stands_for_the_one_that_is_listened_on() {
        let config = |url: &str| Config { public_url: url.to_owned(), ..Config::parse(EXAMPLE).unwrap() };
        let url = |text: &str| config(text).public_url(5000).unwrap().as_str().to_owned();
        assert_eq!(url("http://localhost:0/npm/"), "http://localhost:5000/npm/");
        assert_eq!(url("http://localhost:0"), "http://localhost:5000/");
        assert_eq!(url("http://localhost:4873"), "http://localhost:4873/");
        assert!(config("http://registry.example").public_url(1).is_err());
    }
}
