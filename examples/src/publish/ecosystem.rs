use std::fmt;

use oidc_core::{Context, HttpUrl, InvalidUrl, Secret};
use oidc_exchange::client::{
    CratesIo, Everything, InvalidComposerName, InvalidExtension, InvalidJsrUpload, Jsr, Npm, NuGet, OpenVsx,
    Packagist, Pep807, PrefixDev, PubDev, Pypi, RubyGems, VsMarketplace,
};
use oidc_exchange::npm::InvalidPackageName;

use super::cargo_config;
use super::door::{Door, opened};

/// Every registry protocol that the tool speaks.
pub const ECOSYSTEMS: &[&Ecosystem] = &[
    &NPM,
    &PYPI,
    &PEP_807,
    &CRATES_IO,
    &RUBYGEMS,
    &NUGET,
    &PREFIX_DEV,
    &PACKAGIST,
    &OPEN_VSX,
    &VS_MARKETPLACE,
    &JSR,
    &PUB_DEV,
];

/// A registry protocol, and the variables that its tools read.
pub struct Ecosystem {
    /// What `--registry` calls it.
    pub(super) name: &'static str,
    /// The variables in which its tools look for a token. The first that is set holds the static credential.
    pub(super) variables: &'static [&'static str],
    /// The variables for the parts of a token that has several, with `:` between them.
    pub(super) parts: &'static [&'static str],
    /// Further ones, which are named by the registry's URL or after what the tools call it.
    pub(super) variables_of: fn(&HttpUrl, &Context) -> Vec<String>,
    /// What tools have to be told beside a token, by variable.
    pub(super) companions: &'static [(&'static str, &'static str)],
    /// Opens the registry that is asked for.
    pub(super) open: fn(&Asked<'_>) -> Result<Box<dyn Door>, InvalidTarget>,
}

/// What a registry is asked for.
pub(super) struct Asked<'a> {
    /// The registry's URL.
    pub(super) url: &'a HttpUrl,
    /// What is to be published, for registries whose tokens are for one package.
    pub(super) package: Option<&'a str>,
    /// Whose it is, for registries that have to be told.
    pub(super) owner: Option<&'a str>,
}

impl Asked<'_> {
    fn url(&self) -> &str {
        self.url.as_str()
    }

    fn package(&self) -> Result<&str, InvalidTarget> {
        self.package.ok_or(InvalidTarget::NoPackage)
    }

    fn owner(&self) -> Result<&str, InvalidTarget> {
        self.owner.ok_or(InvalidTarget::NoOwner)
    }
}

/// A protocol whose tools read nothing beside a token in these variables.
const fn plain(
    name: &'static str,
    variables: &'static [&'static str],
    open: fn(&Asked<'_>) -> Result<Box<dyn Door>, InvalidTarget>,
) -> Ecosystem {
    Ecosystem { name, variables, parts: &[], variables_of: |_, _| Vec::new(), companions: &[], open }
}

static NPM: Ecosystem = Ecosystem {
    variables_of: |url, _| npm_keys(url),
    ..plain("npm", &["NODE_AUTH_TOKEN", "NPM_TOKEN", "YARN_NPM_AUTH_TOKEN"], |asked| {
        opened(Npm::at(asked.url())?, asked.package()?.parse()?)
    })
};

static PYPI: Ecosystem = Ecosystem {
    companions: PYTHON_USERS,
    ..plain("pypi", PYTHON_TOKENS, |asked| opened(Pypi::at(asked.url())?, Everything))
};

static PEP_807: Ecosystem = Ecosystem {
    companions: PYTHON_USERS,
    ..plain("pep-807", PYTHON_TOKENS, |asked| opened(Pep807::at(asked.url())?, Everything))
};

const PYTHON_TOKENS: &[&str] =
    &["UV_PUBLISH_TOKEN", "TWINE_PASSWORD", "MATURIN_PYPI_TOKEN", "FLIT_PASSWORD", "HATCH_INDEX_AUTH"];

const PYTHON_USERS: &[(&str, &str)] =
    &[("TWINE_USERNAME", "__token__"), ("FLIT_USERNAME", "__token__"), ("HATCH_INDEX_USER", "__token__")];

static CRATES_IO: Ecosystem = Ecosystem {
    variables_of: cargo_config::token_variables,
    ..plain("crates-io", &["CARGO_REGISTRY_TOKEN"], |asked| opened(CratesIo::at(asked.url())?, Everything))
};

static RUBYGEMS: Ecosystem = plain("rubygems", &["GEM_HOST_API_KEY", "RUBYGEMS_API_KEY"], |asked| {
    opened(RubyGems::at(asked.url())?, Everything)
});

static NUGET: Ecosystem =
    plain("nuget", &["NUGET_API_KEY"], |asked| opened(NuGet::at(asked.url(), asked.owner()?)?, Everything));

static PREFIX_DEV: Ecosystem =
    plain("prefix-dev", &["PREFIX_API_KEY"], |asked| opened(PrefixDev::at(asked.url())?, Everything));

static PACKAGIST: Ecosystem = Ecosystem {
    parts: &["PRIVATE_PACKAGIST_API_KEY", "PRIVATE_PACKAGIST_API_SECRET"],
    ..plain("packagist", &[], |asked| {
        opened(Packagist::at(asked.url(), asked.owner()?.parse()?)?, asked.package()?.parse()?)
    })
};

static OPEN_VSX: Ecosystem =
    plain("open-vsx", &["OVSX_PAT"], |asked| opened(OpenVsx::at(asked.url())?, asked.package()?.parse()?));

static VS_MARKETPLACE: Ecosystem = plain("vs-marketplace", &["VSCE_PAT"], |asked| {
    opened(VsMarketplace::at(asked.url(), asked.owner()?)?, Everything)
});

static JSR: Ecosystem = plain("jsr", &["JSR_TOKEN"], |asked| {
    opened(Jsr::at(asked.url(), vec![asked.package()?.parse()?])?, Everything)
});

static PUB_DEV: Ecosystem =
    plain("pub-dev", &["PUB_TOKEN"], |asked| opened(PubDev::at(asked.url())?, Everything));

impl Ecosystem {
    /// The protocol of this name.
    pub fn named(name: &str) -> Option<&'static Self> {
        ECOSYSTEMS.iter().copied().find(|ecosystem| ecosystem.name == name)
    }

    /// Where a static credential would be.
    pub(super) fn static_variables(&self) -> &'static [&'static str] {
        if self.variables.is_empty() { self.parts } else { self.variables }
    }

    /// The variables that a command sees, with the token or its part in each.
    pub(super) fn filled(&self, token: &Secret, url: &HttpUrl, cx: &Context) -> Vec<(String, Secret)> {
        let whole = self.variables.iter().map(ToString::to_string).chain((self.variables_of)(url, cx));
        let parts = self.parts.iter().zip(token.expose().splitn(self.parts.len(), ':'));
        let parts = parts.map(|(name, part)| ((*name).to_owned(), Secret::new(part)));
        whole.map(|name| (name, token.clone())).chain(parts).collect()
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
    /// `--package` is not a name of a Composer package, or `--owner` not one of an organization.
    #[error("--package, --owner: {0}")]
    ComposerName(#[from] InvalidComposerName),
    /// `--package` is not an upload to JSR.
    #[error("--package: {0}")]
    JsrUpload(#[from] InvalidJsrUpload),
    /// The registry has to be told whose account, and it is not.
    #[error(
        "this registry has to be told whose account publishes (nuget: who made the policy; packagist: the organization; \
         vs-marketplace: the publisher); name it with --owner"
    )]
    NoOwner,
    /// A token of the registry is for one package, and none is named.
    #[error("a token of this registry is for one package; name it with --package")]
    NoPackage,
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

    #[test]
    fn a_token_of_two_parts_is_in_two_variables() {
        let url = HttpUrl::parse("https://packagist.com").unwrap();
        let filled = PACKAGIST.filled(&Secret::new("key:secret:more"), &url, &Context::default());
        let filled: Vec<_> = filled.iter().map(|(name, part)| (name.as_str(), part.expose())).collect();
        let expected =
            [("PRIVATE_PACKAGIST_API_KEY", "key"), ("PRIVATE_PACKAGIST_API_SECRET", "secret:more")];
        assert_eq!(filled, expected);
    }
}
