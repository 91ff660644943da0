//! Services with packages of several kinds, or of a kind without publish tools that read variables.

use oidc_exchange::client::{
    Cloudsmith, DockerHub, Hex, IdentityToken, JFrog, McpRegistry, Pyx, Scope, TokenExchange,
};

use super::asked::{opened, opened_to_all};
use super::{Ecosystem, Others, plain, tool};

/// The host below which Cloudsmith's tools find their registries, such as `npm.cloudsmith.io`.
const CLOUDSMITH_DOMAIN: &str = ".cloudsmith.io";

/// The variable for a token where no tool has one of its own.
const SCRIPTS: &[&str] = &["TRUSTED_PUBLISH_TOKEN"];

pub(super) static TOKEN_EXCHANGE: Ecosystem = Ecosystem {
    scripts: SCRIPTS,
    ..plain("token-exchange", "", |asked| {
        let registry = TokenExchange::at(asked.url())?;
        let registry = match asked.endpoint {
            Some(endpoint) => registry.with_endpoint(endpoint)?,
            None => registry,
        };
        let registry = match asked.owner {
            Some(client) => registry.with_client(client),
            None => registry,
        };
        opened_to_all(asked.with_audience(registry, TokenExchange::with_audience), asked)
    })
};

pub(super) static DOCKER_HUB: Ecosystem = Ecosystem {
    scripts: &["DOCKERHUB_TOKEN"],
    advice: Some((
        &[],
        "docker reads no variable; log in with `printenv DOCKERHUB_TOKEN | docker login --username ORGANIZATION --password-stdin`, \
         and log out afterwards",
    )),
    is_advised_everywhere: true,
    ..plain("docker-hub", DockerHub::PUBLIC_URL, |asked| {
        opened_to_all(DockerHub::at(asked.url(), asked.owner()?)?, asked)
    })
};

pub(super) static JFROG: Ecosystem = Ecosystem {
    scripts: &["JF_ACCESS_TOKEN"],
    cargo_scheme: Some("Bearer"),
    ..plain("jfrog", "", |asked| {
        let registry = JFrog::at(asked.url(), asked.owner()?)?;
        opened_to_all(asked.with_audience(registry, JFrog::with_audience), asked)
    })
};

pub(super) static HEX: Ecosystem = Ecosystem {
    tools: tool::HEX,
    ..plain("hex", Hex::PUBLIC_URL, |asked| {
        opened(Hex::at(asked.url())?, Scope::Package(asked.package()?.to_owned()))
    })
};

pub(super) static CLOUDSMITH: Ecosystem = Ecosystem {
    scripts: &["CLOUDSMITH_API_KEY"],
    cargo_scheme: Some("Token"),
    ..plain("cloudsmith", Cloudsmith::PUBLIC_URL, |asked| {
        let service = asked.owner()?.parse()?;
        let registry = match asked.url.host().ends_with(CLOUDSMITH_DOMAIN) {
            true => Cloudsmith::public(service),
            false => Cloudsmith::at(asked.url(), service)?,
        };
        opened_to_all(asked.with_audience(registry, Cloudsmith::with_audience), asked)
    })
};

pub(super) static MCP_REGISTRY: Ecosystem = Ecosystem {
    scripts: &["MCP_REGISTRY_TOKEN"],
    advice: Some((
        &[],
        "mcp-publisher reads no variable; it logs in by itself (`mcp-publisher login github-oidc`)",
    )),
    is_advised_everywhere: true,
    ..plain("mcp-registry", McpRegistry::PUBLIC_URL, |asked| {
        let registry = McpRegistry::at(asked.url())?;
        opened_to_all(asked.with_audience(registry, McpRegistry::with_audience), asked)
    })
};

pub(super) static PYX: Ecosystem = Ecosystem {
    tools: tool::PYTHON,
    others: Others::Poetry,
    ..plain("pyx", "", |asked| opened_to_all(Pyx::at(asked.url())?, asked))
};

pub(super) static IDENTITY_TOKEN: Ecosystem = Ecosystem {
    scripts: SCRIPTS,
    ..plain("identity-token", "", |asked| {
        let registry = IdentityToken::at(asked.url())?;
        opened_to_all(asked.with_audience(registry, IdentityToken::with_audience), asked)
    })
};
