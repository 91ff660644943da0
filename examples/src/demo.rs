//! `demo`: a trusted publish from end to end, in one process and on loopback. Its registry is the example `own_tables`, and its HTTP
//! client is the example `own_http_client`.

use std::io::{self, Write};

use ci_issuer::{Changes, GITHUB, Running, Settings};
use oidc_core::http::Request;
use oidc_core::{Audience, Context, Environment, HttpUrl, IdToken, ProviderSet};
use oidc_exchange::client::{ExchangeRequest, Npm, PublishRequest, Registry as _};
use oidc_exchange::npm::{self, PackageName, Port};
use oidc_exchange::sql::SqlStore;
use tokio::net::TcpListener;

use crate::own_http_client::OwnClient;
use crate::own_tables;

const PACKAGE: &str = "@acme/widget";
const PUBLISHER: &str = r#"{ "repository": "acme/widget", "workflow": "publish.yml" }"#;

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
    let (url, registry) = registry(&database, platform.url(), &cx).await?;
    step(
        out,
        2,
        &format!("A registry at {url} trusts that issuer. An account creates {PACKAGE}, with a publisher:"),
    )?;
    let package = url.below("packages").below(&PackageName::parse(PACKAGE)?.escaped());
    let create =
        Request::post(package.clone()).header("x-account", "alice").body("application/json", PUBLISHER);
    send(create, &cx).await?;
    note(out, &format!("{PUBLISHER}. There is no token in its configuration."))?;

    step(out, 3, "A job of that workflow publishes. All it has is the platform's variables:")?;
    let job = context(platform.env().iter().cloned().collect());
    show_variables(out, job.environment())?;
    let registry_of_job = Npm::at(url.as_str())?;
    publish(&registry_of_job, &package.below("1.0.0"), &job).await?;
    note(out, "Its identity token was exchanged for a publish token of this package, good for 15 minutes.")?;
    step(
        out,
        4,
        &format!("{PACKAGE}@1.0.0 is published. {package} lists it with the run that published it:"),
    )?;
    note(out, &send(Request::get(package), &cx).await?)?;

    step(out, 5, "Another workflow of the same repository tries, with a validly signed token:")?;
    note(out, &refused(&platform, &registry_of_job, &job).await?)?;

    registry.abort();
    platform.stop().await;
    writeln!(
        out,
        "\nDone: one package published without a long-lived secret, one attempt refused with its reason."
    )?;
    Ok(())
}

/// The outside world with these variables. All requests stay on loopback, so that the client needs no TLS.
fn context(environment: Environment) -> Context {
    Context::tokio(OwnClient::new()).with_environment(environment)
}

/// Starts a registry that trusts this issuer.
async fn registry(
    database: &str,
    issuer: &str,
    cx: &Context,
) -> Result<(HttpUrl, tokio::task::JoinHandle<io::Result<()>>), Failure> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = HttpUrl::parse(&format!("http://{}/", listener.local_addr()?))?;
    let providers: ProviderSet = [oidc_providers::at("github", issuer)?].into_iter().collect();
    let (store, audience) = (SqlStore::open(database).await?, npm::audience(&url, Port::LeftOut)?);
    let app = own_tables::app(store, audience, providers, cx).await?;
    Ok((url, tokio::spawn(axum::serve(listener, app).into_future())))
}

fn show_variables(out: &mut impl Write, job: &Environment) -> io::Result<()> {
    let is_means = |name: &&str| name.starts_with("ACTIONS_ID_TOKEN") || *name == "GITHUB_WORKFLOW_REF";
    for name in job.names().filter(is_means) {
        let value = if name.ends_with("_TOKEN") { "(a secret)" } else { job.get(name).unwrap_or_default() };
        note(out, &format!("{name} = {value}"))?;
    }
    Ok(())
}

/// Publishes a version as a job does.
async fn publish(registry: &Npm, version: &HttpUrl, job: &Context) -> Result<(), Failure> {
    let scope = Npm::scope(PACKAGE)?;
    let request = PublishRequest::new(scope.clone());
    let token = oidc_exchange::publish_token(registry, request, &oidc_providers::all(), job).await?;
    let upload = Request::post(version.clone()).bearer(token.secret_for(&scope)?);
    send(upload.body("application/javascript", "module.exports = 'widget'\n"), job).await?;
    Ok(())
}

/// Presents a token of another workflow and returns the registry's reason for refusing it.
async fn refused(platform: &Running, registry: &Npm, job: &Context) -> Result<String, Failure> {
    let audience: Audience = registry.audience(job).await?;
    let workflow = "acme/widget/.github/workflows/nightly.yml@refs/heads/main";
    let changes = Changes::default().claim("workflow_ref", workflow).claim("ref", "refs/heads/main");
    let token = IdToken::new(platform.token(audience.as_str(), &changes), audience)?;
    match registry.exchange(&ExchangeRequest::new(&token, Npm::scope(PACKAGE)?), job).await {
        Ok(_) => Err("a workflow that nobody trusts was accepted".into()),
        Err(error) => Ok(error.diagnosis().to_string()),
    }
}

/// Sends a request to the registry and returns the text of its answer.
async fn send(request: Request, cx: &Context) -> Result<String, Failure> {
    let answer = cx.http().send(request).await?;
    match answer.is_success() {
        true => Ok(String::from_utf8(answer.body)?),
        false => Err(format!("the registry answered with status {}", answer.status).into()),
    }
}

fn step(out: &mut impl Write, number: u32, text: &str) -> io::Result<()> {
    writeln!(out, "\n{number}. {text}")
}

fn note(out: &mut impl Write, text: &str) -> io::Result<()> {
    writeln!(out, "   {text}")
}
