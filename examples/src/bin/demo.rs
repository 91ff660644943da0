//! A trusted publish and a refused one from end to end, step by step, in one process and on loopback: `cargo run -p examples --bin demo`.

#[allow(dead_code, reason = "`main` is the example's")]
#[path = "../../examples/own_http_client.rs"]
mod own_http_client;
#[path = "../../examples/own_tables/app.rs"]
mod own_tables;

use std::io::{self, Write as _};
use std::process::ExitCode;

use ci_issuer::{Changes, GITHUB, Running, Settings};
use oidc_core::http::Request;
use oidc_core::{Audience, Context, Environment, HttpUrl, IdToken, ProviderSet};
use oidc_exchange::client::{ExchangeRequest, Npm, PublishRequest, Registry as _};
use oidc_exchange::npm::{self, PackageName, Port};
use oidc_exchange::sql::SqlStore;
use tokio::net::TcpListener;

use own_http_client::OwnClient;

const PACKAGE: &str = "@acme/widget";
const PUBLISHER: &str = r#"{ "repository": "acme/widget", "workflow": "publish.yml" }"#;

type Failure = Box<dyn std::error::Error>;

#[tokio::main]
async fn main() -> ExitCode {
    let Err(error) = run().await else { return ExitCode::SUCCESS };
    // Where standard error is closed there is nobody to tell.
    let _told = writeln!(io::stderr(), "demo: {error}");
    ExitCode::FAILURE
}

async fn run() -> Result<(), Failure> {
    let folder = tempfile::tempdir()?;
    let cx = context(Environment::default());

    let platform = Running::start(Settings::new(&GITHUB), &cx).await?;
    step(1, &format!("A CI platform's identity provider plays GitHub Actions at {}.", platform.url()))?;

    let database = format!("sqlite:{}", folder.path().join("registry.db").display());
    let (url, registry) = registry(&database, platform.url(), &cx).await?;
    step(2, &format!("A registry at {url} trusts it. An account creates {PACKAGE} with a publisher:"))?;
    let package = url.below("packages").below(&PackageName::parse(PACKAGE)?.escaped());
    let create = Request::post(package.clone()).header("x-account", "alice");
    send(create.body("application/json", PUBLISHER), &cx).await?;
    note(&format!("{PUBLISHER}. There is no token in its configuration."))?;

    let (npm, job) = (Npm::at(url.as_str())?, context(platform.env().iter().cloned().collect()));
    step(3, "A job of that workflow publishes. All it has is the platform's variables:")?;
    for name in ["GITHUB_WORKFLOW_REF", "ACTIONS_ID_TOKEN_REQUEST_URL"] {
        note(&format!("{name} = {}", job.environment().get(name).unwrap_or_default()))?;
    }
    note("ACTIONS_ID_TOKEN_REQUEST_TOKEN = (a secret)")?;
    publish(&npm, &package.below("1.0.0"), &job).await?;
    note(
        "Its identity token was exchanged for a publish token for this package, which expires in 15 minutes.",
    )?;
    step(4, &format!("{PACKAGE}@1.0.0 is published. {package} lists it with its run:"))?;
    note(&send(Request::get(package), &cx).await?)?;

    step(5, "Another workflow of the same repository tries, with a validly signed token:")?;
    note(&refused(&platform, &npm, &job).await?)?;

    registry.abort();
    platform.stop().await;
    writeln!(io::stdout(), "\nDone: one publish without a long-lived secret, one refused with its reason.")?;
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

/// Publishes a version as a job does.
async fn publish(registry: &Npm, version: &HttpUrl, job: &Context) -> Result<(), Failure> {
    let scope = Npm::scope(PACKAGE)?;
    let request = PublishRequest::new(scope.clone());
    let token = oidc_exchange::publish_token(registry, request, &oidc_providers::all(), job).await?;
    let upload = Request::post(version.clone()).bearer(token.secret_for(&scope)?);
    send(upload.body("application/javascript", "module.exports = 'widget'\n"), job).await.map(drop)
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

fn step(number: u32, text: &str) -> io::Result<()> {
    writeln!(io::stdout(), "\n{number}. {text}")
}

fn note(text: &str) -> io::Result<()> {
    writeln!(io::stdout(), "   {text}")
}
