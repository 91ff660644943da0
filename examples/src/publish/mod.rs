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
//! | `crates-io` | `CARGO_REGISTRY_TOKEN` | cargo, for crates.io |
//! | | `CARGO_REGISTRIES_NAME_TOKEN` | cargo, for the registry that its settings call so |
//! | `rubygems` | `GEM_HOST_API_KEY`, `RUBYGEMS_API_KEY` | gem |
//! | `prefix-dev` | `PREFIX_API_KEY` | rattler-build |
//! | `open-vsx` | `OVSX_PAT` | ovsx |
//! | `pub-dev` | `PUB_TOKEN` | `dart pub token add URL --env-var PUB_TOKEN` |
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
//! # What it does not see
//!
//! `ACTIONS_ID_TOKEN_REQUEST_*` and `*_ID_TOKEN`, the means to ask for identity tokens, unless it is told so: a publish
//! may run other people's build scripts. That keeps them from what they inherit, and not from what another process
//! of the same user has in its memory.

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
