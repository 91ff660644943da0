//! A publish tool that embeds the client half: what `trusted-publish` runs.
//!
//! It gets a short-lived token from a registry by the job's identity, and prints it or runs a command with it, which
//! brings trusted publishing to tools that have none. A registry's protocol is one row of [`ECOSYSTEMS`].
//!
//! # What a command sees
//!
//! | registry | the token is in | which is read by |
//! |---|---|---|
//! | `npm` | `npm_config_//HOST/PATH/:_authToken` | npm, without any `.npmrc` |
//! | | `YARN_NPM_AUTH_TOKEN` | yarn |
//! | | `NODE_AUTH_TOKEN`, `NPM_TOKEN` | an `.npmrc` that names them, such as `setup-node`'s |
//! | `pypi` | `UV_PUBLISH_TOKEN`, `TWINE_PASSWORD`, `MATURIN_PYPI_TOKEN`, `FLIT_PASSWORD`, `HATCH_INDEX_AUTH` | uv, twine, maturin, flit, hatch |
//! | `pep-807` | the same | the same; the index is asked by the draft of PEP 807 |
//! | `crates-io` | `CARGO_REGISTRY_TOKEN` | cargo, for crates.io |
//! | | `CARGO_REGISTRIES_NAME_TOKEN` | cargo, for the registry that its settings call so |
//! | `rubygems` | `GEM_HOST_API_KEY`, `RUBYGEMS_API_KEY` | gem |
//! | `nuget` | `NUGET_API_KEY` | a script: `dotnet nuget push … --api-key "$NUGET_API_KEY"` |
//! | `prefix-dev` | `PREFIX_API_KEY` | rattler-build |
//! | `packagist` | `PRIVATE_PACKAGIST_API_KEY`, `PRIVATE_PACKAGIST_API_SECRET` | a script that signs its uploads with them |
//! | `open-vsx` | `OVSX_PAT` | ovsx |
//! | `vs-marketplace` | `VSCE_PAT` | vsce |
//! | `jsr` | `JSR_TOKEN` | a script that sends `Authorization: githuboidc …`; deno asks for a token of its own |
//! | `pub-dev` | `PUB_TOKEN` | `dart pub token add URL --env-var PUB_TOKEN` |
//!
//! What stands here from `nuget` on was not run with the tools, and is uncertain.
//!
//! npm looks its token up by the registry's URL up to the last slash, so a registry below a path is best written with
//! a slash at its end, the same here and there. Some shells (dash is one) hand on no variable with such a name;
//! for a publish from within a script, write `//HOST/PATH/:_authToken=${NODE_AUTH_TOKEN}` into an `.npmrc`.
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

mod cargo_config;
mod child;
mod cli;
mod credential;
mod doctor;
mod door;
mod ecosystem;
mod life;
mod signals;
#[cfg(test)]
mod tests;

pub use cli::{Arguments, PublishError, run};
pub use ecosystem::{ECOSYSTEMS, Ecosystem};
