use std::fmt;

use async_trait::async_trait;
use oidc_core::{Context, HttpUrl, InvalidUrl, ProviderSet, Secret};
use oidc_exchange::client::doctor::{Doctor, Report};
use oidc_exchange::client::{
    CratesIo, Everything, ExchangeError, Extension, Failure, InvalidExtension, Mode, Npm, OpenVsx, Outcome,
    PrefixDev, PubDev, PublishToken, Pypi, Registry, RubyGems, WrongPackage,
};
use oidc_exchange::npm::InvalidPackageName;

use super::cargo_config;
use super::doctor::Question;

/// Every registry protocol that the tool speaks.
pub const ECOSYSTEMS: &[&Ecosystem] = &[&NPM, &PYPI, &CRATES_IO, &RUBYGEMS, &PREFIX_DEV, &OPEN_VSX, &PUB_DEV];

/// A registry protocol, and the variables that its tools read.
pub struct Ecosystem {
    /// What `--registry` calls it.
    pub(super) name: &'static str,
    /// The variables in which its tools look for a token. The first that is set holds the static credential.
    pub(super) variables: &'static [&'static str],
    /// Further ones, which are named by the registry's URL or after what the tools call it.
    pub(super) variables_of: fn(&HttpUrl, &Context) -> Vec<String>,
    /// What tools have to be told beside a token, by variable.
    pub(super) companions: &'static [(&'static str, &'static str)],
    /// Opens the registry at a URL for a package.
    pub(super) open: Open,
}

/// Opens a registry by its URL and the package's name, if there is one.
type Open = fn(&HttpUrl, Option<&str>) -> Result<Box<dyn Door>, InvalidTarget>;

static NPM: Ecosystem = Ecosystem {
    name: "npm",
    variables: &["NODE_AUTH_TOKEN", "NPM_TOKEN", "YARN_NPM_AUTH_TOKEN"],
    variables_of: |url, _| npm_keys(url),
    companions: &[],
    open: |url, package| opened(Npm::at(url.as_str())?, package.ok_or(InvalidTarget::NoPackage)?.parse()?),
};

static PYPI: Ecosystem = Ecosystem {
    name: "pypi",
    variables: &[
        "UV_PUBLISH_TOKEN",
        "TWINE_PASSWORD",
        "MATURIN_PYPI_TOKEN",
        "FLIT_PASSWORD",
        "HATCH_INDEX_AUTH",
    ],
    variables_of: |_, _| Vec::new(),
    companions: &[
        ("TWINE_USERNAME", "__token__"),
        ("FLIT_USERNAME", "__token__"),
        ("HATCH_INDEX_USER", "__token__"),
    ],
    open: |url, _| opened(Pypi::at(url.as_str())?, Everything),
};

static CRATES_IO: Ecosystem = Ecosystem {
    name: "crates-io",
    variables: &["CARGO_REGISTRY_TOKEN"],
    variables_of: cargo_config::token_variables,
    companions: &[],
    open: |url, _| opened(CratesIo::at(url.as_str())?, Everything),
};

static RUBYGEMS: Ecosystem = Ecosystem {
    name: "rubygems",
    variables: &["GEM_HOST_API_KEY", "RUBYGEMS_API_KEY"],
    variables_of: |_, _| Vec::new(),
    companions: &[],
    open: |url, _| opened(RubyGems::at(url.as_str())?, Everything),
};

static PREFIX_DEV: Ecosystem = Ecosystem {
    name: "prefix-dev",
    variables: &["PREFIX_API_KEY"],
    variables_of: |_, _| Vec::new(),
    companions: &[],
    open: |url, _| opened(PrefixDev::at(url.as_str())?, Everything),
};

static OPEN_VSX: Ecosystem = Ecosystem {
    name: "open-vsx",
    variables: &["OVSX_PAT"],
    variables_of: |_, _| Vec::new(),
    companions: &[],
    open: |url, package| {
        opened(OpenVsx::at(url.as_str())?, package.ok_or(InvalidTarget::NoPackage)?.parse::<Extension>()?)
    },
};

static PUB_DEV: Ecosystem = Ecosystem {
    name: "pub-dev",
    variables: &["PUB_TOKEN"],
    variables_of: |_, _| Vec::new(),
    companions: &[],
    open: |url, _| opened(PubDev::at(url.as_str())?, Everything),
};

fn opened<R: Registry + 'static>(registry: R, package: R::Package) -> Result<Box<dyn Door>, InvalidTarget> {
    Ok(Box::new(Opened { registry, package, token: None }))
}

impl Ecosystem {
    /// The protocol of this name.
    pub fn named(name: &str) -> Option<&'static Self> {
        ECOSYSTEMS.iter().copied().find(|ecosystem| ecosystem.name == name)
    }

    /// The names of all, for a person.
    pub(super) fn names() -> String {
        let names: Vec<&str> = ECOSYSTEMS.iter().map(|ecosystem| ecosystem.name).collect();
        names.join(", ")
    }
}

impl fmt::Debug for Ecosystem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// npm's own setting for a registry's token, as a variable. npm looks it up by the registry's URL up to the last
/// slash before it publishes, and by the whole URL when it does, which are two places where the slash is missing.
fn npm_keys(url: &HttpUrl) -> Vec<String> {
    let key = |path: &str| format!("npm_config_//{}{path}/:_authToken", url.host_and_port());
    match url.path().strip_suffix('/') {
        Some(path) => vec![key(path)],
        None => {
            let parent = url.path().rsplit_once('/').map_or("", |(parent, _)| parent);
            vec![key(url.path()), key(parent)]
        }
    }
}

/// A registry can't be asked for a token.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidTarget {
    /// `--url` is not one.
    #[error("--url: {0}")]
    Url(#[from] InvalidUrl),
    /// `--package` is not a name of an npm package.
    #[error("--package: {0}")]
    NpmPackage(#[from] InvalidPackageName),
    /// `--package` is not a name of an extension.
    #[error("--package: {0}")]
    Extension(#[from] InvalidExtension),
    /// A token of the registry is for one package, and none is named.
    #[error("a token of this registry is for one package; name it with --package")]
    NoPackage,
}

/// A registry and a package, whatever their types.
#[async_trait]
pub(super) trait Door: Send + Sync {
    /// Gets a publish token, and keeps it for [`Door::revoke`].
    async fn obtain(
        &mut self,
        mode: Mode,
        providers: &ProviderSet,
        cx: &Context,
    ) -> Result<Obtained, DoorError>;

    /// Finds out whether a publish would be accepted.
    async fn examine(&self, question: Question<'_>) -> Report;

    /// Ends the publish token, where there is one and the registry can.
    async fn revoke(&self, cx: &Context) -> Result<(), ExchangeError>;
}

/// What came of asking for a publish token.
pub(super) enum Obtained {
    Token(Secret),
    Fallback(Failure),
    Disabled,
}

/// There is no publish token.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub enum DoorError {
    /// Nobody gave one.
    Failure(#[from] Failure),
    /// The registry gave one for something else.
    WrongPackage(#[from] WrongPackage),
}

struct Opened<R: Registry> {
    registry: R,
    package: R::Package,
    token: Option<PublishToken<R::Package>>,
}

#[async_trait]
impl<R: Registry> Door for Opened<R> {
    async fn obtain(
        &mut self,
        mode: Mode,
        providers: &ProviderSet,
        cx: &Context,
    ) -> Result<Obtained, DoorError> {
        let outcome = self.registry.publish_token(self.package.clone(), mode, providers, cx).await?;
        match outcome {
            Outcome::Token(token) => {
                let token = self.token.insert(token);
                Ok(Obtained::Token(token.secret_for(&self.package)?.clone()))
            }
            Outcome::Fallback(why) => Ok(Obtained::Fallback(why)),
            _ => Ok(Obtained::Disabled),
        }
    }

    async fn examine(&self, question: Question<'_>) -> Report {
        let doctor = Doctor::of(&self.registry, self.package.clone()).intending(question.intended);
        let doctor = if question.exchanges_always { doctor.exchanging_always() } else { doctor };
        doctor.examine(question.providers, question.cx).await
    }

    async fn revoke(&self, cx: &Context) -> Result<(), ExchangeError> {
        if let Some(token) = &self.token {
            self.registry.revoke(token, cx).await?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn npm_finds_its_token_by_the_registrys_url() {
        for (url, expected) in [
            ("https://r.example", vec!["npm_config_//r.example/:_authToken"]),
            ("https://r.example/", vec!["npm_config_//r.example/:_authToken"]),
            ("http://127.0.0.1:4873/", vec!["npm_config_//127.0.0.1:4873/:_authToken"]),
            ("https://r.example/a/npm/", vec!["npm_config_//r.example/a/npm/:_authToken"]),
            (
                "https://r.example/a/npm",
                vec!["npm_config_//r.example/a/npm/:_authToken", "npm_config_//r.example/a/:_authToken"],
            ),
        ] {
            assert_eq!(npm_keys(&HttpUrl::parse(url).unwrap()), expected);
        }
    }

    #[test]
    fn each_name_is_in_the_table_once() {
        for ecosystem in ECOSYSTEMS {
            assert!(std::ptr::eq(Ecosystem::named(ecosystem.name).unwrap(), *ecosystem));
        }
        assert!(Ecosystem::named("cpan").is_none());
    }
}
