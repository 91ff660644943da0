//! The requests: routed, and refused where they are none of the API's.

use axum::Json;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::caller::Caller;
use super::document::InvalidDocument;
use super::failure::Failure;
use super::name::Invalid;
use super::path::{PathError, Route};
use super::unsupported::DOCUMENT;
use super::{Answer, Npm};
use crate::presented;
use crate::unknown_path::Position;

/// Answers every request to the npm half.
pub(super) async fn serve(State(npm): State<Npm>, request: Request) -> Response {
    let (parts, mut body) = request.into_parts();
    let answer = npm.answer(&parts, &mut body).await;
    answer.unwrap_or_else(|failure| {
        let (method, path, reason) = (&parts.method, parts.uri.path(), failure.message());
        tracing::debug!(status = failure.status().as_u16(), %method, path, reason, "refused");
        failure.answer(shape)
    })
}

/// npm shows `error` after a publish and `message` after a token exchange; pnpm shows `body.message`.
pub(crate) fn shape(message: &str) -> Value {
    json!({ "error": message, "message": message, "body": { "message": message } })
}

impl Npm {
    async fn answer(&self, parts: &Parts, body: &mut Body) -> Answer {
        let route = Route::parse(parts.uri.path());
        let bearer = presented::bearer(&parts.headers)?;
        let caller = Caller { npm: self, bearer: bearer.as_deref() };
        match route {
            Ok(route) if is_read(&parts.method) => caller.read(route, parts).await,
            Ok(route) => caller.write(route, &parts.method, body).await,
            Err(error) => Err(caller.refusal(error, parts).await),
        }
    }

    /// A registry that never had a key is one without the endpoint, as clients understand it.
    async fn keys(&self) -> Answer {
        let keys = self.store.keys().await?.ok_or_else(|| Failure::not_found("a key that signs packages"))?;
        Ok(Json(keys).into_response())
    }
}

impl Caller<'_> {
    /// Answers a request that changes nothing.
    async fn read(&self, route: Route, parts: &Parts) -> Answer {
        match route {
            Route::Ping => Ok(Json(json!({})).into_response()),
            Route::Package(name) => {
                let answer = self.packument(&name, &parts.headers).await;
                answer.map_err(|failure| if is_for_a_write(parts) { failure.of_a_write() } else { failure })
            }
            Route::Tarball(name, version) => self.tarball(&name, &version).await,
            Route::Keys => self.npm.keys().await,
            Route::Attestations(name, version) => self.attestations(&name, &version).await,
            Route::Visibility(name) => self.visibility(&name).await,
            Route::Tags(name) => self.tags(&name).await,
            Route::Trust(name) => self.publishers(&name).await,
            other => Err(Failure::method_not_allowed(&parts.method).allowing(other.methods())),
        }
    }

    /// Answers a request that changes something.
    async fn write(&self, route: Route, method: &Method, body: &mut Body) -> Answer {
        match (route, method) {
            (Route::Package(name), &Method::PUT) => self.publish(name, body).await,
            (Route::Tag(name, tag), &Method::PUT) => self.set_tag(&name, &tag, body).await,
            (Route::Tag(name, tag), &Method::DELETE) => self.remove_tag(&name, &tag).await,
            (Route::Trust(name), &Method::POST) => self.add_publishers(&name, body).await,
            (Route::Publisher(name, id), &Method::DELETE) => self.remove_publisher(&name, &id).await,
            (route, method) => {
                self.holds_a_token().await?;
                Err(Failure::method_not_allowed(method).allowing(route.methods()))
            }
        }
    }

    /// The refusal of a path that is none of the API's.
    async fn refusal(&self, error: PathError, parts: &Parts) -> Failure {
        match error {
            PathError::Unknown => {
                let (url, path) = (&self.npm.public_url, parts.uri.path());
                Failure::unknown_path(url, &parts.method, path, Position::InsideRegistry)
            }
            PathError::Unsupported(operation) => {
                let needs_token = operation.needs_token && !is_read(&parts.method);
                let refused = if needs_token { self.holds_a_token().await.err() } else { None };
                refused.unwrap_or_else(|| Failure::unsupported(operation))
            }
            PathError::Invalid(invalid) => invalid.into(),
        }
    }
}

fn is_read(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD)
}

/// Returns `true` if a client reads a package in order to change it, as npm does before it unpublishes or deprecates.
fn is_for_a_write(parts: &Parts) -> bool {
    parts.uri.query().is_some_and(|query| query.split('&').any(|pair| pair == "write=true"))
}

impl From<Invalid> for Failure {
    fn from(invalid: Invalid) -> Self {
        Self::malformed(invalid.to_string())
    }
}

impl From<InvalidDocument> for Failure {
    fn from(invalid: InvalidDocument) -> Self {
        match invalid {
            InvalidDocument::NoTarball => {
                // The method is one of the path's; what it sent is not.
                Self::unsupported(&DOCUMENT).with_status(StatusCode::FORBIDDEN)
            }
            other => Self::malformed(other.to_string()),
        }
    }
}
