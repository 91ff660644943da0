//! A publish tool without an async runtime, with ureq as its HTTP client.
//!
//! `cargo run --example blocking_cli -- https://registry.example/npm/ @acme/widget`

use std::error::Error;
use std::io::{Write, stderr, stdout};
use std::time::Duration;

use oidc_core::http::{BlockingHttp, HttpSettings};
use oidc_core::{Context, Environment, OperationPolicy, ProviderSet, Secret};
use oidc_exchange::blocking;
use oidc_exchange::client::{FailureKind, Npm, PublishRequest};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let url = arguments.next().ok_or("which registry?")?;
    let package = arguments.next().ok_or("which package?")?;
    let token =
        token(&url, &package, &oidc_providers::all(), &context(Environment::system(), &mut stderr())?)?;
    // Here the tool sends the package, with `token.expose()` as its bearer token.
    Ok(writeln!(stdout(), "publishing {package} with {token:?}")?)
}

/// The outside world of the tool: 30 s for the whole way to a token, and the proxy that the environment names. Its user sees
/// with `VERBOSE=true` which settings are in use, and where each comes from.
pub(crate) fn context(environment: Environment, told: &mut impl Write) -> Result<Context, Box<dyn Error>> {
    let settings = HttpSettings::from_environment(&environment).with_user_agent("blocking-cli/1.0");
    let policy = OperationPolicy::default().with_deadline(Duration::from_secs(30))?;
    if environment.is_true("VERBOSE") {
        for setting in settings.in_use().iter().chain(&policy.in_use()) {
            writeln!(told, "{setting}")?;
        }
    }
    Ok(Context::blocking(BlockingHttp::new(settings)?).with_environment(environment).with_policy(policy))
}

/// A short-lived token; the static one outside of CI, and at a registry without trusted publishing.
pub(crate) fn token(
    url: &str,
    package: &str,
    providers: &ProviderSet,
    cx: &Context,
) -> Result<Secret, Box<dyn Error>> {
    let (registry, scope) = (Npm::at(url)?, Npm::scope(package)?);
    match blocking::publish_token(&registry, PublishRequest::new(scope.clone()), providers, cx) {
        Ok(token) => Ok(token.secret_for(&scope)?.clone()),
        Err(blocking::Error::Failed(why)) => {
            let fixed = cx.environment().get("NPM_TOKEN").map(Secret::new);
            let has_none = matches!(why.kind(), FailureKind::NotDetected | FailureKind::Unsupported);
            // Any other failure is one that somebody should hear of.
            fixed.filter(|_| has_none).ok_or_else(|| why.diagnosis().to_text().into())
        }
        Err(error) => Err(error.into()),
    }
}
