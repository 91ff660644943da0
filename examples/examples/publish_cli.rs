//! A publish tool gets a short-lived token for a package, or falls back to a static one and says why.
//!
//! `cargo run --example publish_cli -- https://registry.example/npm/ @acme/widget`

use std::error::Error;
use std::io::{Write, stderr, stdout};

use oidc_core::{Context, ProviderSet, Secret};
use oidc_exchange::client::{Npm, PublishRequest};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let url = arguments.next().ok_or("which registry?")?;
    let package = arguments.next().ok_or("which package?")?;
    let cx = Context::system()?;
    let token = token(&url, &package, &oidc_providers::all(), &cx, &mut stderr()).await?;
    // Here the tool sends the package, with `token.expose()` as its bearer token.
    Ok(writeln!(stdout(), "publishing {package} with {token:?}")?)
}

/// The token to publish with: a short-lived one, or else that in `NPM_TOKEN`, with the reason on `err`.
pub(crate) async fn token(
    url: &str,
    package: &str,
    providers: &ProviderSet,
    cx: &Context,
    err: &mut impl Write,
) -> Result<Secret, Box<dyn Error>> {
    let (registry, scope) = (Npm::at(url)?, Npm::scope(package)?);
    let request = PublishRequest::new(scope.clone());
    match oidc_exchange::publish_token(&registry, request, providers, cx).await {
        Ok(token) => Ok(token.secret_for(&scope)?.clone()),
        Err(why) => {
            writeln!(err, "no trusted publishing: {}", why.diagnosis())?;
            let token = cx.environment().get("NPM_TOKEN").map(Secret::new);
            Ok(token.ok_or("and no static token: NPM_TOKEN is not set")?)
        }
    }
}
