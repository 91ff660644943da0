//! Publish tools, and the variables by which each is told where to publish and with what.

use oidc_core::Secret;

use super::command::changes::Changes;
use super::destination::Destination;
use super::settings::{npm, python};

/// A publish tool that is told its registry and its token by variables of its own.
#[derive(Debug)]
pub(super) struct Tool {
    /// The variable that holds the token.
    pub(super) token: &'static str,
    /// The variable that holds the registry's URL.
    url: &'static str,
    /// Variables that hold it where that one is not set.
    other_urls: &'static [&'static str],
    /// The variable for the name that goes with the token, and that name.
    user: Option<(&'static str, &'static str)>,
    /// Further variables that hold credentials.
    credentials: &'static [&'static str],
    /// Further variables that name a destination.
    destinations: &'static [&'static str],
    /// The URL that the tool's settings files have for it where no variable is set.
    of_files: fn(&Destination<'_>) -> Option<String>,
    /// `true` if the URL is written without a slash at its end.
    is_trimmed: bool,
}

const fn tool(token: &'static str, url: &'static str) -> Tool {
    Tool {
        token,
        url,
        other_urls: &[],
        user: None,
        credentials: &[],
        destinations: &[],
        of_files: |_| None,
        is_trimmed: false,
    }
}

/// The name that goes with a token where a tool asks for name and password (PyPI's help on API tokens).
const TOKEN_USER: &str = "__token__";

/// The name of the public index in Python's tools.
const PUBLIC_NAME: &str = "pypi";

/// The tools that upload to Python indexes, in the order in which their static credentials are looked for. poetry is told in a
/// way of its own.
pub(super) const PYTHON: &[Tool] = &[
    Tool {
        credentials: &["UV_PUBLISH_USERNAME", "UV_PUBLISH_PASSWORD"],
        destinations: &["UV_PUBLISH_INDEX"],
        of_files: python::uv::publish_url,
        ..tool("UV_PUBLISH_TOKEN", "UV_PUBLISH_URL")
    },
    Tool {
        user: Some(("TWINE_USERNAME", TOKEN_USER)),
        destinations: &["TWINE_REPOSITORY"],
        of_files: python::pypirc::repository,
        ..tool("TWINE_PASSWORD", "TWINE_REPOSITORY_URL")
    },
    Tool {
        credentials: &["MATURIN_USERNAME", "MATURIN_PASSWORD"],
        destinations: &["MATURIN_REPOSITORY"],
        of_files: python::pypirc::repository,
        ..tool("MATURIN_PYPI_TOKEN", "MATURIN_REPOSITORY_URL")
    },
    Tool {
        user: Some(("FLIT_USERNAME", TOKEN_USER)),
        of_files: python::pypirc::repository,
        ..tool("FLIT_PASSWORD", "FLIT_INDEX_URL")
    },
    Tool {
        user: Some(("HATCH_INDEX_USER", TOKEN_USER)),
        of_files: python::hatch::repository,
        ..tool("HATCH_INDEX_AUTH", "HATCH_INDEX_REPO")
    },
    Tool {
        user: Some(("PDM_PUBLISH_USERNAME", TOKEN_USER)),
        of_files: python::pdm::repository,
        ..tool("PDM_PUBLISH_PASSWORD", "PDM_PUBLISH_REPO")
    },
];

/// The tools that publish to npm registries, beside npm and pnpm, which are told in a way of their own.
pub(super) const NPM: &[Tool] = &[
    Tool {
        other_urls: &["YARN_NPM_REGISTRY_SERVER"],
        credentials: &["YARN_NPM_AUTH_IDENT"],
        of_files: npm::yarn::default_registry,
        ..tool("YARN_NPM_AUTH_TOKEN", "YARN_NPM_PUBLISH_REGISTRY")
    },
    Tool {
        other_urls: &["NPM_CONFIG_REGISTRY", "npm_config_registry"],
        credentials: &["NPM_CONFIG_TOKEN", "npm_config_token"],
        of_files: npm::bun::default_registry,
        ..tool("BUN_CONFIG_TOKEN", "BUN_CONFIG_REGISTRY")
    },
];

pub(super) const RUBYGEMS: &[Tool] =
    &[Tool { is_trimmed: true, ..tool("GEM_HOST_API_KEY", "RUBYGEMS_HOST") }];

pub(super) const PREFIX_DEV: &[Tool] =
    &[Tool { is_trimmed: true, ..tool("PREFIX_API_KEY", "PREFIX_SERVER_URL") }];

pub(super) const OPEN_VSX: &[Tool] = &[Tool {
    credentials: &["OVSX_USERNAME", "OVSX_PASSWORD"],
    is_trimmed: true,
    ..tool("OVSX_PAT", "OVSX_REGISTRY_URL")
}];

pub(super) const HEX: &[Tool] = &[Tool { is_trimmed: true, ..tool("HEX_API_KEY", "HEX_API_URL") }];

pub(super) const VS_MARKETPLACE: &[Tool] =
    &[Tool { is_trimmed: true, ..tool("VSCE_PAT", "VSCE_MARKETPLACE_URL") }];

impl Tool {
    /// Returns `true` if what the environment holds for this tool goes to the destination: the tool is told that URL by its variable, by
    /// the command's arguments, by its settings files, or by nothing, where it is the public registry.
    pub(super) fn is_bound_to(&self, destination: &Destination<'_>) -> bool {
        let environment = destination.cx.environment();
        if destination.is_named_by_command() {
            return true;
        }
        let mut urls = std::iter::once(&self.url).chain(self.other_urls);
        if let Some(url) = urls.find_map(|name| environment.get(name)) {
            return destination.is(url);
        }
        // What another name stands for is not looked up.
        let mut names = self.destinations.iter().filter_map(|name| environment.get(name));
        let is_default = names.all(|name| name == PUBLIC_NAME);
        let of_files = (self.of_files)(destination);
        is_default && of_files.map_or(destination.is_public(), |url| destination.is(&url))
    }

    /// Tells the tool to publish at the destination, with this token.
    pub(super) fn tell(&self, destination: &Destination<'_>, token: &Secret, changes: &mut Changes) {
        changes.set_secret(self.token, token);
        changes.remove(self.credentials);
        if let Some((variable, user)) = self.user {
            changes.set(variable, user);
        }
        self.tell_destination(destination, changes);
    }

    /// Tells the tool to publish at the destination, with what it finds there, and with no credential that is meant for another
    /// registry.
    pub(super) fn tell_without_token(&self, destination: &Destination<'_>, changes: &mut Changes) {
        let environment = destination.cx.environment();
        if !self.is_bound_to(destination) {
            changes.remove(&[self.token]);
            changes.remove(self.credentials);
        } else if let (Some((variable, user)), Some(_)) = (self.user, environment.get(self.token))
            && environment.get(variable).is_none()
        {
            changes.set(variable, user);
        }
        self.tell_destination(destination, changes);
    }

    fn tell_destination(&self, destination: &Destination<'_>, changes: &mut Changes) {
        let url = destination.url.as_str();
        changes.set(self.url, if self.is_trimmed { url.trim_end_matches('/') } else { url });
        changes.remove(self.destinations);
    }
}
