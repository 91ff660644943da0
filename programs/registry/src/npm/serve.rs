//! The requests: routed, authorized, answered.

use axum::Json;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::header::{ACCEPT, AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, VARY};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::Npm;
use super::access::{Action, Principal, Use};
use super::document::{InvalidDocument, Publication};
use super::failure::Failure;
use super::name::{Invalid, PackageName, Tag, Version};
use super::packument::{ABBREVIATED, Form, Packument};
use super::path::{PathError, Route};
use super::store::{Outline, Published, Tagged};
use super::unsupported::DOCUMENT;
use crate::intake::{blocking, unread};
use crate::unknown_path::Position;

/// The largest body of a request that sets a tag, in bytes: a version in quotes.
const MAX_TAG_BYTES: usize = 1_024;

pub(super) type Answer = Result<Response, Failure>;

/// Answers every request to the npm half.
pub(super) async fn serve(State(npm): State<Npm>, request: Request) -> Response {
    let (parts, mut body) = request.into_parts();
    let answer = npm.answer(&parts, &mut body).await;
    answer.unwrap_or_else(|failure| {
        tracing::debug!(?failure, method = %parts.method, path = parts.uri.path(), "refused");
        failure.answer(shape)
    })
}

/// npm shows `error` after a publish and `message` after a token exchange; pnpm shows `body.message`.
pub(crate) fn shape(message: &str) -> Value {
    json!({ "error": message, "message": message, "body": { "message": message } })
}

impl Npm {
    async fn answer(&self, parts: &Parts, body: &mut Body) -> Answer {
        let (method, path) = (&parts.method, parts.uri.path());
        let route = Route::parse(path);
        let caller = Caller { npm: self, bearer: bearer(&parts.headers)? };
        let read = matches!(*method, Method::GET | Method::HEAD);
        let route = match route {
            Ok(route) => route,
            Err(PathError::Unknown) => {
                return Err(Failure::unknown_path(&self.public_url, method, path, Position::InsideRegistry));
            }
            Err(PathError::Unsupported(operation)) => {
                if operation.needs_token && !read {
                    caller.holds_a_token().await?;
                }
                return Err(Failure::unsupported(operation));
            }
            Err(PathError::Invalid(invalid)) => return Err(invalid.into()),
        };
        match route {
            Route::Ping if read => Ok(Json(json!({})).into_response()),
            Route::Package(name) if read => {
                let answer = caller.packument(&name, &parts.headers).await;
                answer.map_err(|failure| if is_for_a_write(parts) { failure.of_a_write() } else { failure })
            }
            Route::Package(name) if *method == Method::PUT => caller.publish(name, body).await,
            Route::Tarball(name, version) if read => caller.tarball(&name, &version).await,
            Route::Keys if read => self.keys().await,
            Route::Attestations(name, version) if read => caller.attestations(&name, &version).await,
            Route::Visibility(name) if read => caller.visibility(&name).await,
            Route::Tags(name) if read => caller.tags(&name).await,
            Route::Tag(name, tag) if *method == Method::PUT => caller.set_tag(&name, &tag, body).await,
            Route::Tag(name, tag) if *method == Method::DELETE => caller.remove_tag(&name, &tag).await,
            Route::Trust(name) if read => caller.publishers(&name).await,
            Route::Trust(name) if *method == Method::POST => caller.add_publishers(&name, body).await,
            Route::Publisher(name, id) if *method == Method::DELETE => {
                caller.remove_publisher(&name, &id).await
            }
            route => {
                if !read {
                    caller.holds_a_token().await?;
                }
                Err(Failure::method_not_allowed(method).allowing(route.methods()))
            }
        }
    }
}

impl Npm {
    /// A registry that never had a key is one without the endpoint, as clients understand it.
    async fn keys(&self) -> Answer {
        let keys = self.store.keys().await?.ok_or_else(|| Failure::not_found("a key that signs packages"))?;
        Ok(Json(keys).into_response())
    }
}

/// Whoever sent the request being answered.
pub(super) struct Caller<'a> {
    pub(super) npm: &'a Npm,
    bearer: Option<&'a str>,
}

impl Caller<'_> {
    async fn packument(&self, name: &PackageName, headers: &HeaderMap) -> Answer {
        let outline = self.package(name).await?;
        if outline.sizes.is_empty() {
            return Err(Failure::not_found(&format!("a version of {name}")));
        }
        let (media_type, form) = if accepts_abbreviated(headers) {
            (ABBREVIATED, Form::Abbreviated)
        } else {
            ("application/json", Form::Full)
        };
        let about = match outline.tags.get(Tag::LATEST) {
            Some(latest) if form == Form::Full => self.npm.store.about(name, latest).await?,
            _ => None,
        };
        let (base, name, about) = (self.npm.public_url.to_string(), name.clone(), about.unwrap_or_default());
        let body = Packument { base, name, form, outline, about }.send(self.npm.store.clone());
        let headers = [(CONTENT_TYPE, media_type), (CACHE_CONTROL, "no-cache"), (VARY, "accept")];
        Ok((headers, body).into_response())
    }

    async fn publish(&self, name: PackageName, body: &mut Body) -> Answer {
        let principal = self.writer(&name, Action::Publish).await?;
        let mut version = None;
        let published = self.publish_by(&principal, &name, body, &mut version).await;
        let refusal = published.as_ref().err().map(Failure::message);
        let version = version.as_ref().map(Version::as_str);
        let done = Use { action: Action::Publish, package: name.as_str(), version, refusal };
        self.npm.authorize.used(&principal, &done);
        published
    }

    async fn publish_by(
        &self,
        principal: &Principal,
        name: &PackageName,
        body: &mut Body,
        version: &mut Option<Version>,
    ) -> Answer {
        let document = self.npm.intake.body(std::mem::take(body)).await?.rest().await?;
        // The tarball, once more and not in base64.
        let length = document.len();
        let (name_of_url, document) = (name.clone(), document.load(length).await?);
        let publication = blocking(move || Publication::parse(name_of_url, &document)).await??;
        let version = version.insert(publication.version.clone());
        let vouched = self.npm.verified(&publication, principal).await?;
        if self.npm.store.published_by(name, version).await?.is_some() {
            return Err(exists(name, version));
        }
        let vouched = self.npm.sign(&publication, vouched).await?;
        let published = self.npm.store.publish(&publication, &vouched, principal, &self.npm.context).await?;
        if published == Published::Done {
            tracing::info!(package = %name, %version, ?principal, "published");
        }
        self.answered(published, name, version)
    }

    fn answered(&self, published: Published, name: &PackageName, version: &Version) -> Answer {
        match published {
            Published::Done => Ok((StatusCode::CREATED, Json(json!({ "ok": true }))).into_response()),
            Published::NoPackage => {
                let message = format!("{name} is not in this registry, and this token may not create it");
                Err(Failure::new(StatusCode::NOT_FOUND, message))
            }
            Published::VersionExists => Err(exists(name, version)),
            Published::Unproven(refusal) => Err(self.npm.provenance.refused(&refusal)),
            Published::Full(most) => {
                let message = format!("{name} has as much as this registry serves of one package: {most}");
                Err(Failure::new(StatusCode::FORBIDDEN, message))
            }
            Published::NotTrusted => Err(not_trusted(name)),
            Published::TokenEnded => Err(Failure::token_ended()),
        }
    }

    async fn tarball(&self, name: &PackageName, version: &Version) -> Answer {
        self.may_see(name).await?;
        let tarball = self.npm.store.tarball(name, version).await?;
        let tarball = tarball.ok_or_else(|| Failure::not_found(&format!("{name}@{version}")))?;
        Ok(([(CONTENT_TYPE, "application/octet-stream")], tarball).into_response())
    }

    async fn attestations(&self, name: &PackageName, version: &Version) -> Answer {
        self.may_see(name).await?;
        let document = self.npm.store.attestations(name, version).await?;
        let document =
            document.ok_or_else(|| Failure::not_found(&format!("an attestation of {name}@{version}")))?;
        Ok(([(CONTENT_TYPE, "application/json")], document).into_response())
    }

    async fn visibility(&self, name: &PackageName) -> Answer {
        let public = self.may_see(name).await?;
        if public && self.bearer.is_some() && !self.npm.provenance.is_kept() {
            // npm and pnpm ask so with the token that they publish with, and sign where the answer is that everybody may see the
            // package. Without an answer they publish without.
            let message = "this registry keeps no provenance, so that it doesn't tell whoever may publish whether to sign; publish \
                           without `--provenance`";
            return Err(Failure::new(StatusCode::FORBIDDEN, message));
        }
        Ok(Json(json!({ "public": public })).into_response())
    }

    async fn tags(&self, name: &PackageName) -> Answer {
        self.may_see(name).await?;
        let tags = self.npm.store.tags(name).await?;
        Ok(([(CACHE_CONTROL, "no-cache")], Json(tags)).into_response())
    }

    async fn set_tag(&self, name: &PackageName, tag: &Tag, body: &mut Body) -> Answer {
        let principal = self.writer(name, Action::SetTag).await?;
        let set = async {
            let body = read(body, MAX_TAG_BYTES).await?;
            let version: String = serde_json::from_slice(&body)
                .map_err(|_| Failure::malformed("the body is not a version in quotes"))?;
            let version = Version::parse(&version)?;
            match self.npm.store.set_tag(name, tag, &version, &principal, &self.npm.context).await? {
                Tagged::Done => Ok((StatusCode::CREATED, Json(json!({ "ok": true }))).into_response()),
                Tagged::Missing => Err(Failure::not_found(&format!("{name}@{version}"))),
                Tagged::TooMany => {
                    let message = format!("{name} has as many tags as a package may have; remove one");
                    Err(Failure::new(StatusCode::FORBIDDEN, message))
                }
                Tagged::NotTrusted => Err(not_trusted(name)),
                Tagged::TokenEnded => Err(Failure::token_ended()),
            }
        };
        self.noted(&principal, name, set.await)
    }

    async fn remove_tag(&self, name: &PackageName, tag: &Tag) -> Answer {
        let principal = self.writer(name, Action::SetTag).await?;
        let remove = async {
            if tag.as_str() == Tag::LATEST {
                let message = "removing the tag latest is not supported; move it to another version";
                return Err(Failure::new(StatusCode::FORBIDDEN, message));
            }
            match self.npm.store.remove_tag(name, tag, &principal, &self.npm.context).await? {
                Tagged::Done => Ok(Json(json!({ "ok": true })).into_response()),
                Tagged::Missing | Tagged::TooMany => {
                    Err(Failure::not_found(&format!("the tag {} of {name}", tag.as_str())))
                }
                Tagged::NotTrusted => Err(not_trusted(name)),
                Tagged::TokenEnded => Err(Failure::token_ended()),
            }
        };
        self.noted(&principal, name, remove.await)
    }

    /// Takes note of what came of a change of tags.
    fn noted(&self, principal: &Principal, name: &PackageName, answer: Answer) -> Answer {
        let refusal = answer.as_ref().err().map(Failure::message);
        let done = Use { action: Action::SetTag, package: name.as_str(), version: None, refusal };
        self.npm.authorize.used(principal, &done);
        answer
    }

    /// The package, as far as the caller may see it.
    async fn package(&self, name: &PackageName) -> Result<Outline, Failure> {
        let reader = self.npm.authorize.authorize(self.bearer, name.as_str(), Action::Read).await?;
        let package = self.npm.store.outline(name).await?;
        let package = package.filter(|package| package.public || reader != Principal::Anonymous);
        package.ok_or_else(|| Failure::not_found(name.as_str()))
    }

    /// Whether the package is public. A private one that the caller may not see is answered like one that doesn't exist.
    async fn may_see(&self, name: &PackageName) -> Result<bool, Failure> {
        let reader = self.npm.authorize.authorize(self.bearer, name.as_str(), Action::Read).await?;
        let public = self.npm.store.visibility(name).await?;
        let public = public.filter(|&public| public || reader != Principal::Anonymous);
        public.ok_or_else(|| Failure::not_found(name.as_str()))
    }

    /// Whether the caller has a token of this registry's, for requests that nobody's token is good for.
    async fn holds_a_token(&self) -> Result<(), Failure> {
        let bearer = self.bearer.ok_or_else(no_token)?;
        Ok(self.npm.authorize.recognise(bearer).await?)
    }

    /// The principal of a request that changes something.
    pub(super) async fn writer(&self, name: &PackageName, action: Action) -> Result<Principal, Failure> {
        self.writer_of(name.as_str(), action).await
    }

    /// The principal of a request that changes something of the packages of this name, or that begin so.
    pub(super) async fn writer_of(&self, name: &str, action: Action) -> Result<Principal, Failure> {
        match self.npm.authorize.authorize(self.bearer, name, action).await? {
            Principal::Anonymous => Err(no_token()),
            principal => Ok(principal),
        }
    }
}

fn exists(name: &PackageName, version: &Version) -> Failure {
    let message = format!("cannot publish over {version} of {name}: it was published before");
    Failure::new(StatusCode::FORBIDDEN, message)
}

fn no_token() -> Failure {
    Failure::new(StatusCode::UNAUTHORIZED, "this needs a token")
}

/// Whether a client reads a package in order to change it, as npm does before it unpublishes or deprecates.
fn is_for_a_write(parts: &Parts) -> bool {
    parts.uri.query().is_some_and(|query| query.split('&').any(|pair| pair == "write=true"))
}

fn not_trusted(name: &PackageName) -> Failure {
    let message = format!(
        "the trusted publisher of this token was removed, or it is pending and {name} exists already; configure it again"
    );
    Failure::new(StatusCode::FORBIDDEN, message)
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

/// The bearer token among the headers, if they carry one.
fn bearer(headers: &HeaderMap) -> Result<Option<&str>, Failure> {
    let Some(header) = headers.get(AUTHORIZATION) else { return Ok(None) };
    let token = header.to_str().ok().and_then(|header| header.split_once(' '));
    match token {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => Ok(Some(token.trim())),
        _ => Err(Failure::new(StatusCode::UNAUTHORIZED, "only bearer tokens are accepted")),
    }
}

fn accepts_abbreviated(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(ACCEPT).into_iter().filter_map(|value| value.to_str().ok());
    accepted.into_iter().any(|value| value.contains(ABBREVIATED))
}

pub(super) async fn read(body: &mut Body, limit: usize) -> Result<axum::body::Bytes, Failure> {
    to_bytes(std::mem::take(body), limit).await.map_err(|_| unread(limit))
}
