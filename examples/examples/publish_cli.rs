//! A publish tool gets a short-lived token for a package, or falls back to a static one and says why.
//!
//! `cargo run --example publish_cli -- https://registry.example/npm/ @acme/widget`

use std::error::Error;
use std::io::Write as _;

use oidc_core::{Context, Secret};
use oidc_exchange::client::{Mode, Npm, Outcome, Registry as _};
use oidc_exchange::npm::PackageName;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let url = arguments.next().ok_or("which registry?")?;
    let package: PackageName = arguments.next().ok_or("which package?")?.parse()?;

    let cx = Context::system()?;
    let providers = oidc_providers::all();
    let outcome = Npm::at(&url)?.publish_token(package.clone(), Mode::Automatic, &providers, &cx).await?;
    let static_token = || cx.environment().get("NPM_TOKEN").map(Secret::new).ok_or("NPM_TOKEN is not set");
    let token = match outcome {
        Outcome::Token(token) => token.secret_for(&package)?.clone(),
        Outcome::Fallback(why) => {
            writeln!(std::io::stderr(), "no trusted publishing: {why}")?;
            static_token()?
        }
        _ => static_token()?,
    };
    upload(&package, &token)
}

fn upload(package: &PackageName, token: &Secret) -> Result<(), Box<dyn Error>> {
    // Here the tool sends the package, with `token.expose()` as its bearer token.
    Ok(writeln!(std::io::stdout(), "publishing {package} with {token:?}")?)
}
