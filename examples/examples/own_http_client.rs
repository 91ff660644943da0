//! A publish tool that has an HTTP client already, here hyper's, and gives it to the library instead of feature `system`.
//!
//! `cargo run --example own_http_client -- http://127.0.0.1:4873/` asks a registry for its audience.

use std::error::Error;
use std::io::Write as _;

use async_trait::async_trait;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use hyper_util::rt::TokioExecutor;
use oidc_core::http::{HttpClient, HttpError, HttpErrorKind, Request, Response, Step};
use oidc_core::{Context, HttpUrl};

/// The client of the tool. It follows no redirects, which a client for identity tokens must not do.
#[derive(Debug)]
pub(crate) struct OwnClient(Client<HttpConnector, Full<Bytes>>);

impl OwnClient {
    pub(crate) fn new() -> Self {
        Self(Client::builder(TokioExecutor::new()).build_http())
    }

    async fn exchange(&self, request: &Request) -> Result<Response, HttpError> {
        let outgoing = http::Request::try_from(request)?.map(|body| Full::new(Bytes::from(body)));
        let answer = self.0.request(outgoing).await;
        let answer = answer.map_err(|error| match error.is_connect() {
            true => HttpError::new(request, HttpErrorKind::Connect(error.to_string())),
            false => HttpError::broken(request, error),
        })?;
        let (head, mut parts) = answer.into_parts();
        let mut body = Vec::new();
        while let Some(part) = parts.frame().await {
            let part = part.map_err(|error| HttpError::broken(request, error))?;
            if let Some(part) = part.data_ref() {
                request.append(&mut body, part)?;
            }
        }
        Ok(Response::of(head.status, &head.headers, body))
    }
}

#[async_trait]
impl HttpClient for OwnClient {
    #[expect(clippy::disallowed_methods, reason = "the outside world's timer is the runtime's")]
    async fn send(&self, request: Request) -> Result<Response, HttpError> {
        let late = HttpErrorKind::Timeout { step: Step::Answer, after: request.deadline };
        let answer = tokio::time::timeout(request.deadline, self.exchange(&request)).await;
        answer.unwrap_or_else(|_| Err(HttpError::new(&request, late)))
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let url = HttpUrl::parse(&std::env::args().nth(1).ok_or("which URL?")?)?;
    let cx = Context::tokio(OwnClient::new());
    // `cx` goes wherever the library asks for a context, such as `publish_token`.
    let answer = cx.http().send(Request::get(url)).await?;
    Ok(writeln!(std::io::stdout(), "{}", answer.status)?)
}
