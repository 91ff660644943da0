//! The registry protocols, and how the tools of each learn where to publish and with what.

mod asked;
mod registries;
mod services;

use std::fmt;

use oidc_core::Secret;

pub(super) use self::asked::{Asked, Opened};
use super::command::changes::Changes;
use super::destination::Destination;
use super::invalid_target::InvalidTarget;
use super::settings::python::poetry;
use super::settings::{cargo, gem, npm};
use super::tool::{self, Tool};

/// Every registry protocol that the tool speaks.
pub const ECOSYSTEMS: &[&Ecosystem] = &[
    &registries::NPM,
    &registries::PYPI,
    &registries::PEP_807,
    &registries::CRATES_IO,
    &registries::RUBYGEMS,
    &registries::NUGET,
    &registries::PREFIX_DEV,
    &registries::PACKAGIST,
    &registries::OPEN_VSX,
    &registries::VS_MARKETPLACE,
    &registries::JSR,
    &registries::PUB_DEV,
    &services::TOKEN_EXCHANGE,
    &services::DOCKER_HUB,
    &services::JFROG,
    &services::HEX,
    &services::CLOUDSMITH,
    &services::MCP_REGISTRY,
    &services::PYX,
    &services::IDENTITY_TOKEN,
];

/// A registry protocol, and how its tools learn where to publish and with what.
pub struct Ecosystem {
    /// The name for `--registry`.
    pub(super) name: &'static str,
    /// The URL of the vendor's own registry, as tools get it; empty where there is none, or where it has no URL of its own.
    public: &'static str,
    /// The path that tools upload to, where a URL has none.
    upload_path: &'static str,
    /// The tools that read variables of their own.
    tools: &'static [Tool],
    /// The tools that need more than variables of their own.
    others: Others,
    /// Variables in which scripts look for a token. No tool reads them by itself.
    scripts: &'static [&'static str],
    /// The variables for the parts of a token that has several, with `:` between them.
    pub(super) parts: &'static [&'static str],
    /// The advice for what no variable can say, where the registry is not the vendor's own: the tools concerned, and the text for
    /// their user.
    advice: Option<(&'static [&'static str], &'static str)>,
    /// `true` if the advice holds for the vendor's own registry too.
    is_advised_everywhere: bool,
    /// The scheme of `Authorization` that a service's registries of crates ask for, which cargo takes as a part of the token.
    pub(super) cargo_scheme: Option<&'static str>,
    /// Opens the registry that is asked for.
    open: fn(&Asked<'_>) -> Result<Opened, InvalidTarget>,
}

/// The tools that need more than variables of their own.
#[derive(Clone, Copy)]
enum Others {
    None,
    /// npm and pnpm, and the settings files of yarn and bun.
    Npm,
    Cargo,
    Gem,
    Poetry,
}

/// A protocol whose tools are called by a script.
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
        cargo_scheme: None,
        open,
    }
}

impl Ecosystem {
    /// The protocol of this name.
    pub fn named(name: &str) -> Option<&'static Self> {
        ECOSYSTEMS.iter().copied().find(|ecosystem| ecosystem.name == name)
    }

    /// Returns `true` if a token is for one package, whose name a manifest has.
    pub(super) fn is_for_one_package(&self) -> bool {
        matches!(self.name, "npm" | "packagist" | "open-vsx")
    }

    /// The URL of the vendor's own registry, as tools get it; empty where there is none.
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

    /// The variables in which a static credential would be, each with `true` if one there is meant for the destination and goes to
    /// no other registry by being used there. Earlier ones come first.
    pub(super) fn static_variables(&self, destination: &Destination<'_>) -> Vec<(String, bool)> {
        let tools = self.tools.iter().map(|tool| (tool.token.to_owned(), tool.is_bound_to(destination)));
        let scripts = self.scripts.iter().map(|name| ((*name).to_owned(), true));
        let first = self.variables_before_tools(destination).into_iter();
        first.chain(tools).chain(self.variables_after_tools(destination)).chain(scripts).collect()
    }

    fn variables_before_tools(&self, destination: &Destination<'_>) -> Vec<(String, bool)> {
        match self.others {
            Others::Npm => npm::config::BY_CONVENTION
                .map(|name| (name.to_owned(), npm::files::is_own(name, destination)))
                .to_vec(),
            Others::Cargo => {
                let names = cargo::config::names(destination);
                let public = (cargo::config::PUBLIC_TOKEN.to_owned(), destination.is_public());
                std::iter::once(public)
                    .chain(names.iter().map(|name| (name.token_variable(), true)))
                    .collect()
            }
            Others::None | Others::Gem | Others::Poetry => Vec::new(),
        }
    }

    fn variables_after_tools(&self, destination: &Destination<'_>) -> Vec<(String, bool)> {
        match self.others {
            Others::Npm => npm::config::keys(&destination.url).into_iter().map(|name| (name, true)).collect(),
            Others::Poetry => vec![(poetry::PUBLIC_TOKEN.to_owned(), destination.is_public())],
            Others::None | Others::Cargo | Others::Gem => Vec::new(),
        }
    }

    /// The changes to the environment of a command that publishes with this token.
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

    /// The changes to the environment of a command that publishes with a static credential. The credential stays in its variable and
    /// is not copied.
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
            Others::Npm => npm::config::tell(destination, token, changes),
            Others::Cargo => cargo::config::tell(destination, token, changes).await,
            Others::Gem => gem::config::tell(destination, token, changes),
            Others::Poetry => poetry::tell(destination, token, changes),
        }
        for (tools, what) in destination.overlooked() {
            changes.note_elsewhere(tools, format!("{what}, and may name another registry"));
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

#[cfg(test)]
mod tests {
    use oidc_core::{Context, HttpUrl};

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
        let public = HttpUrl::parse(registries::PACKAGIST.public()).unwrap();
        let destination = Destination::new(&public, public.clone(), None, &[], &cx);
        let changes = registries::PACKAGIST.with_token(&Secret::new("key:secret:more"), &destination).await;
        let expected =
            [("PRIVATE_PACKAGIST_API_KEY", "key"), ("PRIVATE_PACKAGIST_API_SECRET", "secret:more")];
        assert_eq!(changes.exposed().collect::<Vec<_>>(), expected);
    }
}
