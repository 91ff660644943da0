//! The settings page on which a package's owner adds and edits trusted publishers: one form for every platform, made of the
//! platform's own table of fields, with everything that is wrong beside its input.
//!
//! `cargo run --example publisher_form` serves `http://127.0.0.1:8080/@acme%2Fwidget`. A registry adds its log-in, a check that the
//! account owns the package, and a token against forged forms. For a design of its own it renders `PublisherForm`, which is data, by its
//! templates, or sends it as JSON.

use std::error::Error;

use axum::extract::{Extension, Form, Path, Query, State};
use axum::http::{Response as Answer, StatusCode};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::{Router, routing::get};
use oidc_core::Context;
use oidc_exchange::memory::MemoryStore;
use oidc_exchange::server::{Package, PublisherForm, Trust};

type Typed = Vec<(String, String)>;
/// The answer to a request that failed, which `?` makes of an error.
type Failed = Answer<String>;

/// Whoever is logged in.
#[derive(Clone)]
pub(crate) struct Account(pub(crate) String);

/// The page, with what was chosen by its links.
async fn show(
    State(trust): State<Trust>,
    Path(name): Path<String>,
    Query(typed): Query<Typed>,
) -> Result<Html<String>, Failed> {
    Ok(page(&trust.form(&Package::new("npm", name), typed).await?))
}

async fn save(
    State(trust): State<Trust>,
    Path(name): Path<String>,
    Extension(account): Extension<Account>,
    Form(typed): Form<Typed>,
) -> Result<Response, Failed> {
    let form = trust.form(&Package::new("npm", name), typed).await?;
    let saved = form.save(&trust, |publisher| publisher.account = Some(account.0)).await?;
    Ok(match saved {
        Ok(_) => Redirect::to("?").into_response(),
        Err(form) => (StatusCode::UNPROCESSABLE_ENTITY, page(&form)).into_response(),
    })
}

fn page(form: &PublisherForm) -> Html<String> {
    Html(format!("<!doctype html><form method=post>{}<button>Save</button></form>", form.to_html()))
}

pub(crate) fn app(trust: Trust) -> Router {
    Router::new().route("/{package}", get(show).post(save)).with_state(trust)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let cx = Context::system()?;
    let trust = Trust::new(oidc_providers::all(), MemoryStore::started_at(cx.clock().now()), &cx);
    let app = app(trust).layer(Extension(Account("user:42".to_owned())));
    Ok(axum::serve(tokio::net::TcpListener::bind("127.0.0.1:8080").await?, app).await?)
}
