use std::time::Duration;

use async_trait::async_trait;
use oidc_core::http::{HttpClient, HttpError, Request, Response};
use oidc_core::{Clock, Context, Timestamp};
use serde_json::{Value, json};

/// A world in which time stands still and nobody can be reached but, where it publishes keys, one issuer.
pub(crate) fn world(now: u64, issuer: &'static str, published: Option<Value>) -> Context {
    let cx = Context::default().with_clock(Still(now));
    match published {
        Some(jwks) => cx.with_http(Published { issuer, jwks }),
        None => cx,
    }
}

#[derive(Debug)]
struct Still(u64);

#[async_trait(?Send)]
impl Clock for Still {
    fn now(&self) -> Timestamp {
        Timestamp::from_secs(self.0)
    }

    fn monotonic(&self) -> Duration {
        Duration::ZERO
    }

    async fn sleep(&self, _: Duration) {}
}

#[derive(Debug)]
struct Published {
    issuer: &'static str,
    jwks: Value,
}

#[async_trait(?Send)]
impl HttpClient for Published {
    async fn send(&self, request: Request) -> Result<Response, HttpError> {
        let answer = match request.url.as_str().strip_prefix(self.issuer) {
            Some("/.well-known/openid-configuration") => {
                json!({ "issuer": self.issuer, "jwks_uri": format!("{}/.well-known/jwks", self.issuer) })
            }
            Some("/.well-known/jwks") => self.jwks.clone(),
            _ => return Ok(Response::new(404, Vec::new(), "")),
        };
        Ok(Response::new(200, Vec::new(), answer.to_string()))
    }
}
