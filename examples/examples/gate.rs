//! A service that lets the jobs of one workflow in, and needs no store, no exchange and no token of its own.
//!
//! A verified token only proves that GitHub made it; any repository can get one. The gate therefore names the jobs that it admits, with the
//! repository's id, since a name may change hands. It accepts a token as often as it is presented until the token expires: where a
//! token must be used once, store its `Verified::replay_key` until `Verified::accepted_until`.
//!
//! `cargo run --example gate -- https://deploy.example acme/widget 123456 deploy.yml` serves `POST /deploy` at 127.0.0.1:8080. The
//! number is the repository's id.

use std::error::Error;

use axum::extract::State;
use axum::http::{HeaderMap, Response};
use axum::{Router, routing::post};
use oidc_core::verify::{Gate, Verifier, backend::AwsLc};
use oidc_core::{Audience, Context, ProviderSet};
use oidc_providers::{GitHub, GitHubPublisher};

pub(crate) fn gate(audience: &str, rules: GitHubPublisher, cx: &Context) -> Result<Gate, Box<dyn Error>> {
    let verifier = Verifier::new(AwsLc, [Audience::new(audience)?], &ProviderSet::of(GitHub::public()), cx)?;
    Ok(Gate::new(verifier).allow("github", None, rules)?)
}

/// The refusal may be shown to whoever sent the token: it tells them what their own token says, and not who is admitted.
async fn deploy(State(gate): State<Gate>, headers: HeaderMap) -> Result<String, Response<String>> {
    let job = gate.admit_in(&headers).await?;
    Ok(format!("a job of {}", job.text("repository").unwrap_or_default()))
}

pub(crate) fn app(gate: Gate) -> Router {
    Router::new().route("/deploy", post(deploy)).with_state(gate)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [audience, repository, id, workflow] = &*arguments else {
        return Err("which audience, repository, id, workflow?".into());
    };
    let rules = GitHubPublisher::new(repository, workflow).repository_id(id);
    let app = app(gate(audience, rules, &Context::system()?)?);
    Ok(axum::serve(tokio::net::TcpListener::bind("127.0.0.1:8080").await?, app).await?)
}
