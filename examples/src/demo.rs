//! `demo`: a trusted publish from end to end, in one process and on loopback.

mod registry;

use std::io::{self, Write};

use ci_issuer::{Changes, GITHUB, Running, Settings};
use oidc_core::http::{Method, Request};
use oidc_core::{Audience, Context, Environment, HttpUrl, IdToken, Secret};
use oidc_exchange::client::{ExchangeRequest, Npm, PublishRequest, Registry as _, Scope};
use oidc_exchange::npm::PackageName;
use serde_json::Value;

use self::registry::Registry;
use crate::own_http_client::OwnClient;

const PACKAGE: &str = "@acme/widget";
const VERSION: &str = "1.0.0";

type Failure = Box<dyn std::error::Error>;

/// Shows a trusted publish and a refused one, step by step.
///
/// # Errors
///
/// When a step does not go as it should, the refusal among them.
pub async fn run(out: &mut impl Write) -> Result<(), Failure> {
    let folder = tempfile::tempdir()?;
    let cx = context(Environment::default());

    let platform = Running::start(Settings::new(&GITHUB), &cx).await?;
    step(out, 1, &format!("A CI platform's identity provider plays GitHub Actions at {}.", platform.url()))?;

    let database = format!("sqlite:{}", folder.path().join("registry.db").display());
    let registry = Registry::start(&database, PACKAGE, platform.url(), &cx).await?;
    let url = registry.url();
    step(out, 2, &format!("A registry listens at {url}. It trusts that issuer, and of {PACKAGE}:"))?;
    note(out, "repository acme/widget, workflow publish.yml. There is no token in its configuration.")?;

    let job = publish_as_job(out, &platform, url).await?;
    step(out, 5, "Another workflow of the same repository tries, with a validly signed token:")?;
    note(out, &refused(&platform, &Npm::at(url.as_str())?, &job).await?)?;

    registry.stop().await;
    platform.stop().await;
    writeln!(
        out,
        "\nDone: one package published without a long-lived secret, one attempt refused with its reason."
    )?;
    Ok(())
}

/// Publishes the package as a job of the trusted workflow, whose context it returns.
async fn publish_as_job(out: &mut impl Write, platform: &Running, url: &HttpUrl) -> Result<Context, Failure> {
    step(out, 3, "A job of that workflow publishes. All it has is the platform's variables:")?;
    let job: Environment = platform.env().iter().cloned().collect();
    show_variables(out, &job)?;
    let job = context(job);
    let (npm, name) = (Npm::at(url.as_str())?, PackageName::parse(PACKAGE)?);
    let scope = Scope::from(name.clone());
    let request = PublishRequest::new(scope.clone());
    let token = oidc_exchange::publish_token(&npm, request, &oidc_providers::all(), &job).await?;
    note(out, "Its identity token was exchanged for a publish token of this package, good for 15 minutes.")?;

    let package = url.below(&name.escaped());
    publish(&package.below(VERSION), token.secret_for(&scope)?, &job).await?;
    step(out, 4, &format!("{PACKAGE}@{VERSION} is published. {package} lists:"))?;
    note(out, &versions(&package, &job).await?.to_string())?;
    Ok(job)
}

/// The outside world with these variables. All requests stay on loopback, so that the client needs no TLS.
fn context(environment: Environment) -> Context {
    Context::tokio(OwnClient::new()).with_environment(environment)
}

fn show_variables(out: &mut impl Write, job: &Environment) -> io::Result<()> {
    let is_means = |name: &&str| name.starts_with("ACTIONS_ID_TOKEN") || *name == "GITHUB_WORKFLOW_REF";
    for name in job.names().filter(is_means) {
        let value = if name.ends_with("_TOKEN") { "(a secret)" } else { job.get(name).unwrap_or_default() };
        note(out, &format!("{name} = {value}"))?;
    }
    Ok(())
}

/// Presents a token of another workflow and returns the registry's reason for refusing it.
async fn refused(platform: &Running, npm: &Npm, job: &Context) -> Result<String, Failure> {
    let audience: Audience = npm.audience(job).await?;
    let workflow = "acme/widget/.github/workflows/nightly.yml@refs/heads/main";
    let changes = Changes::default().claim("workflow_ref", workflow).claim("ref", "refs/heads/main");
    let token = IdToken::new(platform.token(audience.as_str(), &changes), audience)?;
    match npm.exchange(&ExchangeRequest::new(&token, Npm::scope(PACKAGE)?), job).await {
        Ok(_) => Err("a workflow that nobody trusts was accepted".into()),
        Err(error) => Ok(error.diagnosis().to_string()),
    }
}

/// Uploads a version with the publish token.
async fn publish(version: &HttpUrl, token: &Secret, job: &Context) -> Result<(), Failure> {
    let request = Request::new(Method::Put, version.clone()).bearer(token);
    let request = request.body("application/javascript", "module.exports = 'widget'\n");
    let answer = job.http().send(request).await?;
    if answer.is_success() {
        return Ok(());
    }
    Err(format!("the publish was refused with status {}", answer.status).into())
}

async fn versions(package: &HttpUrl, job: &Context) -> Result<Value, Failure> {
    let answer = job.http().send(Request::get(package.clone())).await?;
    Ok(answer.json().ok_or("the registry's answer is not JSON")?)
}

fn step(out: &mut impl Write, number: u32, text: &str) -> io::Result<()> {
    writeln!(out, "\n{number}. {text}")
}

fn note(out: &mut impl Write, text: &str) -> io::Result<()> {
    writeln!(out, "   {text}")
}
