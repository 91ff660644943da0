//! A credential provider for cargo: `cargo publish` gets a short-lived token by the job's identity.
//!
//! cargo runs it by its credential-provider protocol (the Cargo Book, "Credential Provider Protocol"), where its settings
//! name it:
//!
//! ```toml
//! [registries.ours]
//! index = "sparse+https://registry.example/index/"
//! credential-provider = ["cargo-credential-trusted-publish"]
//! ```
//!
//! For crates.io it is `[registry]` in place of `[registries.ours]`, and beside others it is
//! `registry.global-credential-providers`. The exchange is at the registry that the index names as its `api`, if that has
//! the index's own origin, and at crates.io for the index of crates.io. Any other registry is named by `--url`:
//! `credential-provider = ["cargo-credential-trusted-publish", "--url", "https://registry.example/"]`.
//!
//! # One token for a workspace, and a new one in a long publish
//!
//! A token is for every crate that trusts the job, so cargo keeps it for the whole run, until shortly before it ends. Then
//! it asks again, and the exchange of a new identity token follows. On a platform that gives a job only one identity token
//! (GitLab), the second exchange is refused. cargo has no step after a publish, so that a token is not revoked: it
//! ends by itself.
//!
//! # What it leaves to cargo's other providers
//!
//! Everything but a publish: a token of this kind reads, yanks and owns nothing. Outside of CI it has no token either, and
//! cargo asks its next provider. A job that runs on a platform and gets no identity token, or is refused, is told why, and
//! cargo stops.

mod index;
mod provider;

use std::io::{self, Write as _};
use std::process::ExitCode;

use oidc_core::http::{BlockingHttp, HttpSettings, InvalidHttpSettings};
use oidc_core::{Context, Environment};

pub use self::provider::Provider;

/// The argument with which cargo runs a provider.
const OF_CARGO: &str = "--cargo-plugin";

const HELP: &str = "\
cargo-credential-trusted-publish is run by cargo. Name it in cargo's settings:

  [registries.ours]
  index = \"sparse+https://registry.example/index/\"
  credential-provider = [\"cargo-credential-trusted-publish\"]

A plain `cargo publish --registry ours` then gets a short-lived token by the identity of the CI job: on GitHub Actions with
`permissions: id-token: write`, on GitLab CI with `id_tokens: { CRATES_IO_ID_TOKEN: { aud: HOST } }`. The token is for every crate that
trusts the job. cargo asks for a new one shortly before it ends.

  --url URL    the registry, where the index is at another host than the registry itself
  --help       this text
  --version    the version
";

/// Speaks with cargo on standard input and output, or tells a person what this program is for.
pub fn main(arguments: impl Iterator<Item = String>) -> ExitCode {
    let arguments: Vec<String> = arguments.skip(1).collect();
    let text = match arguments.first().map(String::as_str) {
        Some(OF_CARGO) => return serve(),
        Some("--version") => concat!("cargo-credential-trusted-publish ", env!("CARGO_PKG_VERSION"), "\n"),
        _ => HELP,
    };
    let is_written = io::stdout().write_all(text.as_bytes()).is_ok();
    if is_written { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn serve() -> ExitCode {
    match context(Environment::system()) {
        Ok(cx) => {
            cargo_credential::main(Provider::new(oidc_providers::all(), cx));
            ExitCode::SUCCESS
        }
        Err(error) => {
            // Where standard error is closed there is nobody to tell.
            let _told = writeln!(io::stderr(), "cargo-credential-trusted-publish: {error}");
            ExitCode::FAILURE
        }
    }
}

/// The world of a process without an async runtime, with the proxy that the environment names.
fn context(environment: Environment) -> Result<Context, InvalidHttpSettings> {
    let user_agent = concat!("cargo-credential-trusted-publish/", env!("CARGO_PKG_VERSION"));
    let settings = HttpSettings::from_environment(&environment).with_user_agent(user_agent);
    Ok(Context::blocking(BlockingHttp::new(settings)?).with_environment(environment))
}
