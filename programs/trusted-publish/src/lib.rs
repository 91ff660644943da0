//! A publish tool that embeds the client half: what `trusted-publish` runs.
//!
//! It gets a short-lived token from a registry by the job's identity, and prints it or runs a command with it, which
//! brings trusted publishing to tools that have none. A registry's protocol is one row of [`ECOSYSTEMS`].
//!
//! # What a command sees
//!
//! `exec` sets what each tool reads for the registry's URL beside what it reads for the token, takes away what would name another
//! destination or another credential, and says at the start where the token is good for.
//!
//! | registry | tool | the token is in | the URL is in |
//! |---|---|---|---|
//! | `npm` | npm, pnpm | `npm_config_//HOST/PATH/:_authToken` | `npm_config_registry`, and `npm_config_@SCOPE:registry` for the package's scope |
//! | | yarn | `YARN_NPM_AUTH_TOKEN`, with `YARN_NPM_ALWAYS_AUTH=false` | `YARN_NPM_PUBLISH_REGISTRY`, `YARN_NPM_REGISTRY_SERVER` |
//! | | bun | `BUN_CONFIG_TOKEN` | `BUN_CONFIG_REGISTRY` |
//! | | an `.npmrc` or a script | `NODE_AUTH_TOKEN`, `NPM_TOKEN`, unless a file sends them to another registry | |
//! | `pypi`, `pep-807` | uv | `UV_PUBLISH_TOKEN` | `UV_PUBLISH_URL` |
//! | | twine | `TWINE_PASSWORD` | `TWINE_REPOSITORY_URL` |
//! | | maturin | `MATURIN_PYPI_TOKEN` | `MATURIN_REPOSITORY_URL` |
//! | | flit | `FLIT_PASSWORD` | `FLIT_INDEX_URL` |
//! | | hatch | `HATCH_INDEX_AUTH` | `HATCH_INDEX_REPO` |
//! | | pdm | `PDM_PUBLISH_PASSWORD` | `PDM_PUBLISH_REPO` |
//! | | poetry, for PyPI | `POETRY_PYPI_TOKEN_PYPI` | it is poetry's default |
//! | | poetry, for another index | `POETRY_PYPI_TOKEN_TRUSTED_PUBLISH` | `POETRY_REPOSITORIES_TRUSTED_PUBLISH_URL`; the command needs `-r trusted-publish` |
//! | `crates-io` | cargo, for crates.io | `CARGO_REGISTRY_TOKEN` | `CARGO_REGISTRY_DEFAULT` |
//! | | cargo, for another registry | `CARGO_REGISTRIES_NAME_TOKEN` | `CARGO_REGISTRY_DEFAULT`: the name in cargo's settings, or `trusted-publish` with the index that is at `index/` below the URL |
//! | `rubygems` | gem | `GEM_HOST_API_KEY` | `RUBYGEMS_HOST`; a gem whose own metadata names another host goes there, but for `--host URL` |
//! | | a script | `RUBYGEMS_API_KEY` | |
//! | `prefix-dev` | rattler-build | `PREFIX_API_KEY` | `PREFIX_SERVER_URL` |
//! | `open-vsx` | ovsx | `OVSX_PAT` | `OVSX_REGISTRY_URL` |
//! | `vs-marketplace` | vsce | `VSCE_PAT` | `VSCE_MARKETPLACE_URL` |
//! | `nuget` | a script | `NUGET_API_KEY` | `dotnet nuget push … --api-key "$NUGET_API_KEY" --source URL` |
//! | `packagist` | a script that signs its uploads | `PRIVATE_PACKAGIST_API_KEY`, `PRIVATE_PACKAGIST_API_SECRET` | |
//! | `jsr` | a script that sends `Authorization: githuboidc …` | `JSR_TOKEN` | deno asks for a token of its own |
//! | `pub-dev` | dart | `PUB_TOKEN`, after `dart pub token add URL --env-var PUB_TOKEN` | `publish_to` in `pubspec.yaml` |
//! | `hex` | mix, rebar3 | `HEX_API_KEY` | `HEX_API_URL` |
//! | `pyx` | as `pypi`, for the upload URL | | |
//! | `docker-hub` | a script | `DOCKERHUB_TOKEN` | docker reads it by `docker login --username ORGANIZATION --password-stdin` alone |
//! | `jfrog` | a script | `JF_ACCESS_TOKEN` | |
//! | `cloudsmith` | Cloudsmith's command | `CLOUDSMITH_API_KEY` | |
//! | `mcp-registry` | a script | `MCP_REGISTRY_TOKEN` | mcp-publisher logs in by itself |
//! | `token-exchange`, `identity-token` | a script | `TRUSTED_PUBLISH_TOKEN` | |
//! | one of the four above with `--tools PROTOCOL` | as that protocol; cargo's token begins with `Bearer` at `jfrog` and with `Token` at `cloudsmith` | | `--url` |
//!
//! What stands here of rattler-build, dotnet, deno, dart, mix, docker, and of Cloudsmith's and JFrog's commands was not run with the
//! tools, and is uncertain.
//!
//! A package's own manifest can say otherwise: `publishConfig.registry` in the `package.json` of the working directory, a scope's
//! registry in `.npmrc`, `.yarnrc.yml` or `bunfig.toml`. Where a variable overrides it, it is set (npm and pnpm, with a scope);
//! where none does, the tool gets no token that it would send there, and it is said what to change. The same is true of a variable
//! that such a file sends to another registry beside: what holds the token is not left in it. The files of the working directory, of
//! those above it, of folders that the command names, of the user and those that an `.npmrc` names are looked at; a manifest in another folder is not seen.
//!
//! A command whose own options name another registry (`--repository-url`, `--publish-url`, `--registry`, `--host`, hatch's and pdm's `-r`) is
//! not run. What a script that is run names is not seen.
//!
//! yarn has one token for every registry that it asks and that has no credential of its own. The variables for the registry keep it at the
//! destination; where `.yarnrc.yml` names another for a scope without a credential, only `yarn npm publish` itself gets it. What a
//! package's own lifecycle scripts fetch by yarn then takes it there, and so does the `publishConfig` of a workspace in a folder that
//! the command does not name. A registry of yarn's own (`jsr:`) counts as such a scope in no file.
//!
//! npm looks its token up by the registry's URL up to the last slash, so a registry below a path is best written with
//! a slash at its end, the same here and there. Some shells (dash is one) hand on no variable with such a name;
//! for a publish from within a script, write `//HOST/PATH/:_authToken=${NODE_AUTH_TOKEN}` into an `.npmrc`.
//!
//! # Static credentials
//!
//! Where trusted publishing fails and `--trusted-publishing` is `automatic`, or where it is `never`, a static credential in the same
//! variables is used if it is meant for this registry: by its name (`CARGO_REGISTRY_TOKEN` is crates.io's), by the variable beside
//! it that names the URL, by the URL among the command's arguments, by the file that names the variable, or by the tool's default,
//! which is the public registry. It stays in its variable and is copied nowhere. A tool that is told this registry's URL
//! is not left with a credential that is meant for another, nor with one that yarn's or gem's own file has for another: an empty
//! variable hides that.
//!
//! # cargo, all by itself
//!
//! With these three lines in `.cargo/config.toml` a plain `cargo publish --registry ours` is a trusted publish:
//!
//! ```toml
//! [registries.ours]
//! index = "sparse+https://registry.example/index/"
//! credential-provider = ["cargo:token-from-stdout", "trusted-publish", "token", "--registry", "crates-io", "--url", "https://registry.example/"]
//! ```
//!
//! cargo asks once for each run, and so each run has a token of its own. Such a token is not ended after the publish: it ends by
//! itself.
//!
//! # Long publishes
//!
//! A command's variables can't change under it, so `exec` can renew nothing. It says before the command runs how long the token
//! lives, and once more two minutes before it ends (or a quarter of its life) if the command still runs. What asks by itself
//! has a new token each time: cargo by the lines above, a script by `trusted-publish token`.
//!
//! The token is ended after success, failure and SIGINT, SIGTERM or SIGHUP alike, which are handed on to the command; where it
//! can't be ended, that is said and changes no exit status.
//!
//! # What it does not see
//!
//! The means to ask for identity tokens, and such tokens, of every platform, unless `--pass-identity` says so: a publish may run
//! other people's build scripts. Each platform names its variables (`Provider::identity_variables`), such as
//! `ACTIONS_ID_TOKEN_REQUEST_*`, `*_ID_TOKEN`, `CIRCLE_OIDC_TOKEN*`, `BUILDKITE_AGENT_ACCESS_TOKEN` and `OIDC_TOKEN_FILE`; a variable
//! of any name that holds an identity token counts too. That keeps the command from what it would inherit. A file that held a token
//! is still there, a platform's command (`circleci run oidc get`) and a cloud's metadata server still answer, and what another
//! process of the same user has in its memory can be read.

mod bun_config;
mod cargo_config;
mod changes;
mod child;
mod cli;
mod credential;
mod destination;
mod doctor;
mod ecosystem;
mod error;
mod exec;
mod format;
mod gem_config;
mod invalid_target;
mod life;
mod manifest;
mod named;
mod npm_config;
mod npm_credentials;
mod npm_files;
mod npm_names;
mod poetry;
mod progress;
mod provenance;
mod signals;
mod table;
mod target;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod told_tests;
mod tool;
mod uv_config;
mod yarn_config;

pub use cli::{Arguments, run};
pub use doctor::wording;
pub use ecosystem::{ECOSYSTEMS, Ecosystem};
pub use error::PublishError;
pub use format::Format;
pub use manifest::NoWorkspace;
