//! `demo`: a trusted publish from end to end, in one process and on loopback.

use std::io::{self, Write};
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ci_issuer::{self as issuer, Changes, GITHUB};
use flate2::{Compression, write::GzEncoder};
use oidc_core::http::{HttpSettings, Method, Request};
use oidc_core::{Audience, Context, Environment, HttpUrl, IdToken, Secret};
use oidc_exchange::client::{ExchangeRequest, Npm, PublishRequest, Registry as _, Scope};
use oidc_exchange::npm::PackageName;
use registry::{self, Config};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha512};

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
    let cx = Context::system_with(Environment::default(), HttpSettings::default())?;

    let platform = issuer::Running::start(issuer::Settings::new(&GITHUB), &cx).await?;
    step(out, 1, &format!("A CI platform's identity provider plays GitHub Actions at {}.", platform.url()))?;

    let registry = registry::Running::start(config(folder.path(), platform.url())?, &cx).await?;
    step(
        out,
        2,
        &format!("A registry listens at {}. It trusts that issuer, and of {PACKAGE}:", registry.url()),
    )?;
    note(out, "repository acme/widget, workflow publish.yml. There is no token in its configuration.")?;

    step(out, 3, "A job of that workflow publishes. All it has is the platform's variables:")?;
    let job: Environment = platform.env().iter().cloned().collect();
    let is_means = |name: &&str| name.starts_with("ACTIONS_ID_TOKEN") || *name == "GITHUB_WORKFLOW_REF";
    for name in job.names().filter(is_means) {
        let value = if name.ends_with("_TOKEN") { "(a secret)" } else { job.get(name).unwrap_or_default() };
        note(out, &format!("{name} = {value}"))?;
    }
    let job = Context::system_with(job, HttpSettings::default())?;
    let npm = Npm::at(registry.public_url().as_str())?;
    let name = PackageName::parse(PACKAGE)?;
    let scope = Scope::from(name.clone());
    let request = PublishRequest::new(scope.clone());
    let token = oidc_exchange::publish_token(&npm, request, &oidc_providers::all(), &job).await?;
    note(out, "Its identity token was exchanged for a publish token of this package, good for 15 minutes.")?;

    let url = registry.public_url().below(&name.escaped());
    publish(&url, token.secret_for(&scope)?, &job).await?;
    let published = packument(&url, &job).await?;
    let tag = published.pointer("/dist-tags/latest").and_then(Value::as_str).unwrap_or("nothing");
    step(
        out,
        4,
        &format!("{PACKAGE}@{tag} is published and can be installed from {}", registry.public_url()),
    )?;
    if let Some(integrity) = published.pointer("/versions/1.0.0/dist/integrity").and_then(Value::as_str) {
        note(out, &format!("integrity {integrity}"))?;
    }

    step(out, 5, "Another workflow of the same repository tries, with a validly signed token:")?;
    let refusal = refused(&platform, &npm, scope, &job).await?;
    note(out, &refusal)?;

    registry.stop().await;
    platform.stop().await;
    writeln!(
        out,
        "\nDone: one package published without a long-lived secret, one attempt refused with its reason."
    )?;
    Ok(())
}

fn config(folder: &Path, issuer: &str) -> Result<Config, Failure> {
    let text = format!(
        r#"
        listen = "127.0.0.1:0"
        public_url = "http://127.0.0.1:0/"
        database = "sqlite:{}"
        [[provider]]
        kind = "github"
        issuer = "{issuer}"
        [[package]]
        ecosystem = "npm"
        name = "{PACKAGE}"
        [[package.publisher]]
        provider = "github"
        repository = "acme/widget"
        workflow = "publish.yml"
        "#,
        folder.join("registry.db").display()
    );
    Ok(Config::parse(&text)?)
}

/// Presents a token of another workflow and gives the registry's reason for refusing it.
async fn refused(
    platform: &issuer::Running,
    npm: &Npm,
    scope: Scope,
    job: &Context,
) -> Result<String, Failure> {
    let audience: Audience = npm.audience(job).await?;
    let workflow = "acme/widget/.github/workflows/nightly.yml@refs/heads/main";
    let changes = Changes::default().claim("workflow_ref", workflow).claim("ref", "refs/heads/main");
    let token = IdToken::new(platform.token(audience.as_str(), &changes), audience)?;
    match npm.exchange(&ExchangeRequest::new(&token, scope), job).await {
        Ok(_) => Err("a workflow that nobody trusts was let in".into()),
        Err(error) => Ok(error.diagnosis().to_string()),
    }
}

/// Publishes as npm does: one document with the tarball in it.
async fn publish(url: &HttpUrl, token: &Secret, job: &Context) -> Result<(), Failure> {
    let manifest = json!({ "name": PACKAGE, "version": VERSION, "main": "index.js" });
    let tarball = tarball(&manifest)?;
    let integrity = format!("sha512-{}", STANDARD.encode(Sha512::digest(&tarball)));
    let mut version = manifest;
    if let Value::Object(members) = &mut version {
        members.insert("_id".to_owned(), json!(format!("{PACKAGE}@{VERSION}")));
        members.insert("dist".to_owned(), json!({ "integrity": integrity, "tarball": "" }));
    }
    let file = format!("{PACKAGE}-{VERSION}.tgz");
    let attachment = json!({
        "content_type": "application/octet-stream", "data": STANDARD.encode(&tarball), "length": tarball.len(),
    });
    let document = json!({
        "_id": PACKAGE, "name": PACKAGE, "dist-tags": { "latest": VERSION },
        "versions": { VERSION: version }, "_attachments": { file: attachment },
    });
    let request = Request::new(Method::Put, url.clone()).bearer(token);
    let answer = job.http().send(request.body("application/json", document.to_string())).await?;
    if answer.is_success() {
        return Ok(());
    }
    let why = oidc_core::http::message_of(&answer).unwrap_or_default();
    Err(format!("the publish was refused with status {}: {why}", answer.status).into())
}

async fn packument(url: &HttpUrl, job: &Context) -> Result<Value, Failure> {
    let answer = job.http().send(Request::get(url.clone())).await?;
    Ok(answer.json().ok_or("the registry's answer is not JSON")?)
}

fn tarball(manifest: &Value) -> io::Result<Vec<u8>> {
    let mut archive = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::default()));
    let files =
        [("package.json", manifest.to_string()), ("index.js", "module.exports = 'widget'\n".to_owned())];
    for (name, content) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        archive.append_data(&mut header, format!("package/{name}"), content.as_bytes())?;
    }
    archive.into_inner()?.finish()
}

fn step(out: &mut impl Write, number: u32, text: &str) -> io::Result<()> {
    writeln!(out, "\n{number}. {text}")
}

fn note(out: &mut impl Write, text: &str) -> io::Result<()> {
    writeln!(out, "   {text}")
}
