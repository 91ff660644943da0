use std::fmt;

use oidc_core::{Audience, ForeignUrl, HttpUrl, InvalidAudience, InvalidUrl, Secret};
use oidc_exchange::client::{
    CratesIo, Diagnose, InvalidComposerName, InvalidExtension, InvalidJsrUpload, InvalidSlug, Jsr, Npm,
    NuGet, OpenVsx, Packagist, Pep807, PrefixDev, PubDev, Pypi, RubyGems, Scope, VsMarketplace,
};
use oidc_exchange::npm::InvalidPackageName;

use super::changes::Changes;
use super::destination::Destination;
use super::tool::{self, Tool};
use super::{cargo_config, gem_config, npm_config, npm_files, poetry};

mod services;

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
    &services::TOKEN_EXCHANGE,
    &services::DOCKER_HUB,
    &services::JFROG,
    &services::HEX,
    &services::CLOUDSMITH,
    &services::MCP_REGISTRY,
    &services::PYX,
    &services::IDENTITY_TOKEN,
];

/// A registry protocol, and how its tools are told where to publish and with what.
pub struct Ecosystem {
    /// What `--registry` calls it.
    pub(super) name: &'static str,
    /// The vendor's own registry, as tools are told it; empty where there is none, or where it has no URL of its own.
    public: &'static str,
    /// The path that tools upload to, where a URL has none.
    upload_path: &'static str,
    /// Tools that are told by variables of their own.
    tools: &'static [Tool],
    /// Tools that are told in a way of their own.
    others: Others,
    /// Variables in which scripts look for a token. No tool reads them by itself.
    scripts: &'static [&'static str],
    /// The variables for the parts of a token that has several, with `:` between them.
    pub(super) parts: &'static [&'static str],
    /// What no variable says where the registry is not the vendor's own: the tools that it is about, and for their user.
    advice: Option<(&'static [&'static str], &'static str)>,
    /// Whether that is true of the vendor's own registry too.
    is_advised_everywhere: bool,
    /// Opens the registry that is asked for.
    open: fn(&Asked<'_>) -> Result<Opened, InvalidTarget>,
}

/// Tools that are told in a way of their own.
#[derive(Clone, Copy)]
enum Others {
    None,
    /// npm and pnpm, and files of yarn's and bun's.
    Npm,
    Cargo,
    Gem,
    Poetry,
}

/// A registry, and what a publish token of it is for.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) registry: Box<dyn Diagnose>,
    pub(super) scope: Scope,
    /// The package that the user has in mind, where a token is for every package of the identity.
    pub(super) named: Option<String>,
}

/// A registry whose token is for what the user names.
fn opened(registry: impl Diagnose + 'static, scope: Scope) -> Result<Opened, InvalidTarget> {
    Ok(Opened { registry: Box::new(registry), scope, named: None })
}

/// A registry whose tokens are for every package of the identity, of which the user may have one in mind.
fn opened_to_all(registry: impl Diagnose + 'static, asked: &Asked<'_>) -> Result<Opened, InvalidTarget> {
    let named = asked.package.map(str::to_owned);
    Ok(Opened { registry: Box::new(registry), scope: Scope::Identity, named })
}

/// What a registry is asked for.
pub(super) struct Asked<'a> {
    /// The registry's URL.
    pub(super) url: &'a HttpUrl,
    /// What is to be published, for registries whose tokens are for one package.
    pub(super) package: Option<&'a str>,
    /// Whose it is, for registries that have to be told.
    pub(super) owner: Option<&'a str>,
    /// The audience that the registry's operator chose.
    pub(super) audience: Option<Audience>,
    /// The endpoint that exchanges tokens, where the registry is not asked for it.
    pub(super) endpoint: Option<&'a str>,
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

    /// A registry with the audience that is asked for, if one is.
    fn with_audience<R>(&self, registry: R, set: fn(R, Audience) -> R) -> R {
        match &self.audience {
            Some(audience) => set(registry, audience.clone()),
            None => registry,
        }
    }
}

/// A protocol whose tools are told by a script.
const fn plain(
    name: &'static str,
    public: &'static str,
    open: fn(&Asked<'_>) -> Result<Opened, InvalidTarget>,
) -> Ecosystem {
    let others = Others::None;
    Ecosystem {
        name,
        public,
        upload_path: "",
        tools: &[],
        others,
        scripts: &[],
        parts: &[],
        advice: None,
        is_advised_everywhere: false,
        open,
    }
}

static NPM: Ecosystem = Ecosystem {
    tools: tool::NPM,
    others: Others::Npm,
    ..plain("npm", Npm::PUBLIC_URL, |asked| opened(Npm::at(asked.url())?, Npm::scope(asked.package()?)?))
};

static PYPI: Ecosystem = Ecosystem {
    upload_path: "legacy/",
    tools: tool::PYTHON,
    others: Others::Poetry,
    ..plain("pypi", Pypi::PUBLIC_URL, |asked| opened_to_all(Pypi::at(asked.url())?, asked))
};

static PEP_807: Ecosystem = Ecosystem {
    upload_path: "legacy/",
    tools: tool::PYTHON,
    others: Others::Poetry,
    ..plain("pep-807", Pypi::PUBLIC_URL, |asked| opened_to_all(Pep807::at(asked.url())?, asked))
};

static CRATES_IO: Ecosystem = Ecosystem {
    others: Others::Cargo,
    ..plain("crates-io", CratesIo::PUBLIC_URL, |asked| opened_to_all(CratesIo::at(asked.url())?, asked))
};

static RUBYGEMS: Ecosystem = Ecosystem {
    tools: tool::RUBYGEMS,
    others: Others::Gem,
    scripts: &["RUBYGEMS_API_KEY"],
    advice: Some((
        &["gem"],
        "gem pushes a gem whose own metadata names another host there, token and all; with `--host` and the URL it pushes to \
         that or to nobody",
    )),
    ..plain("rubygems", RubyGems::PUBLIC_URL, |asked| opened_to_all(RubyGems::at(asked.url())?, asked))
};

static NUGET: Ecosystem = Ecosystem {
    scripts: &["NUGET_API_KEY"],
    advice: Some((
        &[],
        "dotnet and nuget read no variable; pass `--api-key \"$NUGET_API_KEY\"`, and the registry's v3 index with `--source`",
    )),
    ..plain("nuget", NuGet::PUBLIC_URL, |asked| {
        let registry = NuGet::at(asked.url(), asked.owner()?)?.with_user_setting("--owner NAME");
        opened_to_all(registry, asked)
    })
};

static PREFIX_DEV: Ecosystem = Ecosystem {
    tools: tool::PREFIX_DEV,
    ..plain("prefix-dev", PrefixDev::PUBLIC_URL, |asked| opened_to_all(PrefixDev::at(asked.url())?, asked))
};

static PACKAGIST: Ecosystem = Ecosystem {
    parts: &["PRIVATE_PACKAGIST_API_KEY", "PRIVATE_PACKAGIST_API_SECRET"],
    ..plain("packagist", Packagist::PUBLIC_URL, |asked| {
        opened(Packagist::at(asked.url(), asked.owner()?.parse()?)?, Packagist::scope(asked.package()?)?)
    })
};

static OPEN_VSX: Ecosystem = Ecosystem {
    tools: tool::OPEN_VSX,
    ..plain("open-vsx", OpenVsx::PUBLIC_URL, |asked| {
        let registry = asked.with_audience(OpenVsx::at(asked.url())?, OpenVsx::with_audience);
        opened(registry, OpenVsx::scope(asked.package()?)?)
    })
};

static VS_MARKETPLACE: Ecosystem = Ecosystem {
    tools: tool::VS_MARKETPLACE,
    ..plain("vs-marketplace", VsMarketplace::PUBLIC_URL, |asked| {
        opened_to_all(VsMarketplace::at(asked.url(), asked.owner()?)?, asked)
    })
};

static JSR: Ecosystem = Ecosystem {
    scripts: &["JSR_TOKEN"],
    ..plain("jsr", Jsr::PUBLIC_URL, |asked| {
        opened(Jsr::at(asked.url(), vec![asked.package()?.parse()?])?, Scope::Identity)
    })
};

static PUB_DEV: Ecosystem = Ecosystem {
    scripts: &["PUB_TOKEN"],
    advice: Some((
        &[],
        "dart publishes where `publish_to` in pubspec.yaml says, with the token of `dart pub token add URL --env-var PUB_TOKEN`",
    )),
    ..plain("pub-dev", PubDev::PUBLIC_URL, |asked| opened_to_all(PubDev::at(asked.url())?, asked))
};

impl Ecosystem {
    /// The protocol of this name.
    pub fn named(name: &str) -> Option<&'static Self> {
        ECOSYSTEMS.iter().copied().find(|ecosystem| ecosystem.name == name)
    }

    /// Whether a token is for one package, whose name a manifest tells.
    pub(super) fn is_for_one_package(&self) -> bool {
        matches!(self.name, "npm" | "packagist" | "open-vsx")
    }

    /// The URL of the vendor's own registry, as tools are told it; empty where there is none.
    pub(super) fn public(&self) -> &'static str {
        self.public
    }

    /// The registry that is asked for. An audience that it does not have is an error.
    pub(super) fn opened(&self, asked: &Asked<'_>) -> Result<Opened, InvalidTarget> {
        let opened = (self.open)(asked)?;
        match asked.audience.as_ref().filter(|audience| !opened.registry.is_own_audience(audience)) {
            None => Ok(opened),
            Some(_) => Err(InvalidTarget::OtherAudience),
        }
    }

    /// The path that tools upload to, where a URL has none.
    pub(super) fn upload_path(&self) -> &'static str {
        self.upload_path
    }

    /// Where a static credential would be, and whether one there is meant for the destination and goes to no other registry by
    /// being used there.
    pub(super) fn static_variables(&self, destination: &Destination<'_>) -> Vec<(String, bool)> {
        let mut variables: Vec<(String, bool)> = Vec::new();
        match self.others {
            Others::Npm => {
                let by_convention = npm_config::BY_CONVENTION;
                variables.extend(
                    by_convention.map(|name| (name.to_owned(), npm_files::is_own(name, destination))),
                );
            }
            Others::Cargo => {
                variables.push((cargo_config::PUBLIC_TOKEN.to_owned(), destination.is_public()));
                let names = cargo_config::names(&destination.url, destination.cx);
                variables.extend(names.iter().map(|name| (name.token_variable(), true)));
            }
            Others::None | Others::Gem | Others::Poetry => {}
        }
        variables
            .extend(self.tools.iter().map(|tool| (tool.token.to_owned(), tool.is_bound_to(destination))));
        match self.others {
            Others::Npm => {
                variables.extend(npm_config::keys(&destination.url).into_iter().map(|name| (name, true)));
            }
            Others::Poetry => variables.push((poetry::PUBLIC_TOKEN.to_owned(), destination.is_public())),
            Others::None | Others::Cargo | Others::Gem => {}
        }
        variables.extend(self.scripts.iter().map(|name| ((*name).to_owned(), true)));
        variables
    }

    /// What a command sees that publishes with this token.
    pub(super) async fn with_token(&self, token: &Secret, destination: &Destination<'_>) -> Changes {
        let mut changes = Changes::default();
        for tool in self.tools {
            tool.tell(destination, token, &mut changes);
        }
        for name in self.scripts {
            changes.set_secret(*name, token);
        }
        for (name, part) in self.parts.iter().zip(self.parts_of(token)) {
            changes.set_secret(*name, &part);
        }
        self.tell_others(Some(token), destination, &mut changes).await;
        changes
    }

    /// The parts of a token that has several.
    pub(super) fn parts_of(&self, token: &Secret) -> Vec<Secret> {
        let parts = token.expose().splitn(self.parts.len(), ':');
        parts.map(Secret::new).collect()
    }

    /// What a command sees that publishes with a static credential. That stays where it is, and is copied nowhere.
    pub(super) async fn without_token(&self, destination: &Destination<'_>) -> Changes {
        let mut changes = Changes::default();
        for tool in self.tools {
            tool.tell_without_token(destination, &mut changes);
        }
        self.tell_others(None, destination, &mut changes).await;
        changes
    }

    async fn tell_others(
        &self,
        token: Option<&Secret>,
        destination: &Destination<'_>,
        changes: &mut Changes,
    ) {
        match self.others {
            Others::None => {}
            Others::Npm => npm_config::tell(destination, token, changes),
            Others::Cargo => cargo_config::tell(destination, token, changes).await,
            Others::Gem => gem_config::tell(destination, token, changes),
            Others::Poetry => poetry::tell(destination, token, changes),
        }
        let is_public = destination.is_public() && !self.is_advised_everywhere;
        let is_said = is_public || destination.is_named_by_command();
        if let Some((tools, advice)) = self.advice.filter(|_| !is_said) {
            changes.note(tools, advice.to_owned());
        }
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

/// A registry can't be asked for a token.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidTarget {
    /// `--url` is not one.
    #[error("--url: {0}")]
    Url(#[from] InvalidUrl),
    /// `--url` is the address of cargo's index.
    #[error(
        "--url: `sparse+…` is the address of cargo's index; name the registry's root instead, as in `https://registry.example/`"
    )]
    SparseIndex,
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
         vs-marketplace: the publisher; docker-hub: the id of the OIDC connection; jfrog: the OIDC integration; cloudsmith: \
         organization/service); name it with --owner"
    )]
    NoOwner,
    /// `--owner` is not two names.
    #[error("--owner: {0}")]
    Owner(#[from] InvalidSlug),
    /// There is no public registry of the protocol.
    #[error(
        "there is no public registry of this protocol with a URL of its own; name the registry with --url"
    )]
    NoUrl,
    /// `--audience` is not one.
    #[error("--audience: {0}")]
    Audience(#[from] InvalidAudience),
    /// `--audience` is not the registry's.
    #[error(
        "--audience: the registry's own is another; leave the option out, since this protocol has one audience for each registry"
    )]
    OtherAudience,
    /// `--token-endpoint` is at another host.
    #[error("--token-endpoint: {0}")]
    Endpoint(#[from] ForeignUrl),
    /// A token of the registry is for one package, and several are named.
    #[error("a token of this registry is for one package, and several are named; run it once for each")]
    SeveralPackages,
    /// `--tools` names a protocol without tools.
    #[error("--tools: expected the protocol that the tools speak, npm, pypi, crates-io or rubygems")]
    NoTools,
    /// poetry would publish elsewhere.
    #[error(
        "poetry can't be told by a variable where to publish, and would send the package to the public index; add `-r {0}` to \
         the command, which names the registry at --url"
    )]
    Poetry(&'static str),
    /// The command would take the token to another registry.
    #[error(
        "the command names another registry than --url, `{named}`, and would take the token there; leave `{option}` out of it, or \
         name that registry at --url"
    )]
    OtherRegistry {
        /// The command's option.
        option: &'static str,
        /// The registry that it names, fit to be shown.
        named: String,
    },
    /// A token of the registry is for one package, and none is named.
    #[error("a token of this registry is for one package; name it with --package")]
    NoPackage,
}

#[cfg(test)]
mod tests {
    use oidc_core::Context;

    use super::*;

    #[test]
    fn each_name_is_in_the_table_once() {
        for ecosystem in ECOSYSTEMS {
            assert!(std::ptr::eq(Ecosystem::named(ecosystem.name).unwrap(), *ecosystem));
        }
        assert!(Ecosystem::named("cpan").is_none());
    }

    #[tokio::test]
    async fn a_token_of_two_parts_is_in_two_variables() {
        let cx = Context::default();
        let public = HttpUrl::parse(PACKAGIST.public()).unwrap();
        let destination = Destination::new(&public, public.clone(), None, &[], &cx);
        let changes = PACKAGIST.with_token(&Secret::new("key:secret:more"), &destination).await;
        let expected =
            [("PRIVATE_PACKAGIST_API_KEY", "key"), ("PRIVATE_PACKAGIST_API_SECRET", "secret:more")];
        assert_eq!(changes.exposed().collect::<Vec<_>>(), expected);
    }
}
