//! The library of `trusted-publish`, a publish tool that embeds the client half.
//!
//! It gets a short-lived token from a registry by the job's identity, and prints the token or runs a command with it. This adds
//! trusted publishing to tools without it. A registry's protocol is one row of [`ECOSYSTEMS`].
//!
//! # The environment of a command
//!
//! `exec` sets each tool's variables for the token and for the registry's URL, removes those that would name another destination or
//! another credential, and says at the start which registry the token is valid for.
//!
//! | registry | tool | the token is in | the URL is in |
//! |---|---|---|---|
//! | `npm` | npm, pnpm before 11 | `npm_config_//HOST/PATH/:_authToken` | `npm_config_registry`, and `npm_config_@SCOPE:registry` for the package's scope |
//! | | pnpm | `pnpm_config__auth`, for the URL and the package's scope | `pnpm_config_registry` |
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
//! The rows for rattler-build, dotnet, deno, dart, mix, docker, and for Cloudsmith's and JFrog's commands were not tested with the tools,
//! and are uncertain.
//!
//! A package's own manifest can say otherwise: `publishConfig.registry` in the `package.json` of the working directory, a scope's
//! registry in `.npmrc`, `.yarnrc.yml` or `bunfig.toml`. Where a variable overrides the file, the variable is set (npm and pnpm, with a scope).
//! Where none does, the tool gets no token that it would send there, and a message says what to change. The same applies to a variable
//! that such a file also sends to another registry: the token is not put into it. The files of the working directory, of
//! those above it, of folders that the command names, of a workspace's members, of the user, and those that an `.npmrc` names are read.
//! npm, pnpm, yarn and bun say where they would publish before they do: the command is run with `--dry-run` first, without the token, the
//! package's scripts and the network, and not again if that is another registry. `yarn workspaces foreach` is not asked.
//!
//! A command whose own options name another registry (`--repository-url`, `--publish-url`, `--registry`, `--host`, hatch's and pdm's `-r`) is
//! not run, whether they stand among its words, in `gemrc`, in `tool.pdm.options` or in an alias of cargo's. A registry that a script names is not noticed.
//! A tool is known behind a program that does nothing but run it, such as `python -m`, `npx`, `env`, `uv run`. It is not run where that program
//! changes the variables that `exec` sets, or may do so (`pdm run`, `hatch run`, mise): then the tool has to be told the registry by its own option.
//! What may decide and is too large to be read, or no YAML where it should be, stops the command.
//!
//! yarn has one token for every registry that it asks and that has no credential of its own. The variables for the registry keep it at the
//! destination; where `.yarnrc.yml` names another for a scope without a credential, only `yarn npm publish` itself gets it. What a
//! package's own lifecycle scripts fetch by yarn then takes it there. A registry of yarn's own (`jsr:`) counts as such a scope in no file.
//!
//! npm looks its token up by the registry's URL up to the last slash, so write a registry below a path with a slash at its end, here and in
//! npm's settings. Some shells (dash is one) pass on no variable with such a name;
//! for a publish from within a script, write `//HOST/PATH/:_authToken=${NODE_AUTH_TOKEN}` into an `.npmrc`.
//!
//! # Static credentials
//!
//! Where trusted publishing fails and `--trusted-publishing` is `automatic`, or where it is `never`, a static credential in the same
//! variables is used if it is meant for this registry: by its name (`CARGO_REGISTRY_TOKEN` is crates.io's), by the variable beside
//! it that names the URL, by the URL among the command's arguments, by the file that names the variable, or by the tool's default,
//! which is the public registry. It stays in its variable and is not copied. A tool that is given this registry's URL
//! keeps no credential that is meant for another registry, not even one in yarn's or gem's own file: an empty variable hides it.
//!
//! # cargo without `exec`
//!
//! With these three lines in `.cargo/config.toml` a plain `cargo publish --registry ours` is a trusted publish:
//!
//! ```toml
//! [registries.ours]
//! index = "sparse+https://registry.example/index/"
//! credential-provider = ["cargo:token-from-stdout", "trusted-publish", "token", "--registry", "crates-io", "--url", "https://registry.example/"]
//! ```
//!
//! cargo asks once for each run, so each run has a token of its own. Such a token is not revoked after the publish; it expires.
//!
//! # Long publishes
//!
//! A running command's variables can't change, so `exec` can't renew the token. It says before the command runs how long the token is
//! valid, and again two minutes before it expires (or a quarter of its lifetime) if the command still runs. A tool that asks for the token
//! itself gets a new one each time: cargo by the lines above, a script by `trusted-publish token`.
//!
//! The token is revoked after success, after failure, and after SIGINT, SIGTERM or SIGHUP, which are passed on to the command. If it can't be
//! revoked, a message says so, and the exit status stays the same.
//!
//! # Output for programs
//!
//! With `--format json`, `token` prints one object with `token`, `kind` (`short-lived` or `static`), `registry`, `package` and `expires_at`
//! (RFC 3339, or null); `doctor` prints its report; `exec` leaves standard output to the command. `attest` prints an object on a line for
//! each file, with `file` and `provenance`, the file that it wrote; `verify` prints one with `artifact`, `signer`, `repository`, `commit`,
//! `ref`, `workflow`, `environment`, `runner` and `run` (null where the certificate has none), `signed_at` (RFC 3339), `log_index` and
//! `not_compared`, the rules that no certificate tells. The program's own messages on standard error are objects of one line
//! each, `{"message": …}`, and its failure is `{"error": …}`, with `code` where a diagnosis has one. Lines for the job's runner, such as `::add-mask::…`, stay as they are.
//!
//! While the program waits for an answer for long, or before it tries again, it says so on standard error.
//!
//! # Variables that are withheld
//!
//! The command does not get the variables by which a job asks for identity tokens, nor identity tokens themselves, of any platform, unless
//! `--pass-identity` is given: a publish may run other people's build scripts. Each platform names its variables (`Provider::identity_variables`), such as
//! `ACTIONS_ID_TOKEN_REQUEST_*`, `*_ID_TOKEN`, `CIRCLE_OIDC_TOKEN*`, `BUILDKITE_AGENT_ACCESS_TOKEN` and `OIDC_TOKEN_FILE`; a variable
//! of any name that holds an identity token, as it is or in base64, counts too. This covers what the command would inherit. It can still read a file that holds a
//! token, call a platform's command (`circleci run oidc get`) or a cloud's metadata server, and read the memory of the same user's
//! processes.

mod cli;
mod command;
mod credential;
mod destination;
mod doctor;
mod ecosystem;
#[cfg(test)]
mod environment_tests;
mod error;
mod exec;
mod format;
mod invalid_target;
mod life;
mod manifest;
mod progress;
mod provenance;
mod settings;
mod shown_url;
mod signals;
mod table;
mod target;
#[cfg(test)]
mod tests;
mod tool;

pub use cli::{Arguments, run};
pub use doctor::wording;
pub use ecosystem::{ECOSYSTEMS, Ecosystem};
pub use error::PublishError;
pub use format::Format;
pub use manifest::NoWorkspace;
