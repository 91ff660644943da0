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
//!
//! npm looks its token up by the registry's URL up to the last slash, so a registry below a path is best written with
//! a slash at its end, the same here and there. Some shells (dash is one) hand on no variable with such a name;
//! for a publish from within a script, write `//HOST/PATH/:_authToken=${NODE_AUTH_TOKEN}` into an `.npmrc`.
//!
//! # What it does not see
//!
//! `ACTIONS_ID_TOKEN_REQUEST_*` and `*_ID_TOKEN`, the means to ask for identity tokens, unless it is told so: a publish
//! may run other people's build scripts. That keeps them from what they inherit, and not from what another process
//! of the same user has in its memory.

mod child;
mod cli;
mod credential;
mod ecosystem;
#[cfg(test)]
mod tests;

pub use cli::{Arguments, PublishError, run};
pub use ecosystem::{ECOSYSTEMS, Ecosystem};
