//! A publish tool gets a short-lived token for a package, or falls back to a static one and says why.
//!
//! `cargo run --example publish_cli -- https://registry.example/npm/ @acme/widget`

use std::error::Error;
use std::io::Write as _;

use oidc_core::{Context, Secret};
use oidc_exchange::client::{Npm, PublishRequest};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let url = arguments.next().ok_or("which registry?")?;
    let package = arguments.next().ok_or("which package?")?;

    let cx = Context::system()?;
    let providers = oidc_providers::all();
    let (registry, scope) = (Npm::at(&url)?, Npm::scope(&package)?);
    let request = PublishRequest::new(scope.clone());
    let token = match oidc_exchange::publish_token(&registry, request, &providers, &cx).await {
        Ok(token) => token.secret_for(&scope)?.clone(),
        Err(why) => {
            writeln!(std::io::stderr(), "no trusted publishing: {why}")?;
            cx.environment().get("NPM_TOKEN").map(Secret::new).ok_or("NPM_TOKEN is not set")?
        }
    };
    upload(&package, &token)
}

fn upload(package: &str, token: &Secret) -> Result<(), Box<dyn Error>> {
    // Here the tool sends the package, with `token.expose()` as its bearer token.
    Ok(writeln!(std::io::stdout(), "publishing {package} with {token:?}")?)
}
