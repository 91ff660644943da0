//! Hosting gems: push, compact index, specifications and files, for the real `gem`.
//!
//! | request | what it does |
//! |---|---|
//! | `POST /rubygems/api/v1/gems` | publishes one gem |
//! | `GET /rubygems/` | nothing: `gem install` asks it to see that there is a compact index |
//! | `GET /rubygems/names` | the gems' names |
//! | `GET /rubygems/versions` | the gems with their versions |
//! | `GET /rubygems/info/{gem}` | a gem's versions and what they need |
//! | `GET /rubygems/specs.4.8.gz`, `latest_specs.4.8.gz`, `prerelease_specs.4.8.gz` | all gems as `gem list --remote` reads them |
//! | `GET /rubygems/quick/Marshal.4.8/{gem}-{version}.gemspec.rz` | a gem's specification |
//! | `GET /rubygems/gems/{gem}-{version}.gem` | a gem |
//! | `GET /rubygems/api/v1/attestations/{gem}-{version}.json` | the Sigstore bundles that vouch for a gem |
//! | anything else below `/rubygems/` | nothing: yanking, owners and API keys are not supported |
//!
//! Sources: the RubyGems guides "RubyGems.org API" and "RubyGems.org Compact Index API"; RubyGems 3.3.15,
//! `commands/push_command.rb`, `source.rb`, `resolver/api_set.rb`.

mod attestations;
mod index;
mod lists;
mod marshal;
mod platform;
mod policy;
mod publication;
mod specification;
mod unsupported;
mod version;
mod yaml;

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get, post};
use oidc_exchange::rubygems::{GemName, InvalidGemName};

use self::attestations::Push;
use self::lists::List;
use self::publication::{InvalidPublication, Publication};
use self::version::Version;
use super::failure::Failure;
use super::hosting::{Hosting, Page};
use super::intake::blocking;
use super::pieces::{self, Pieces};
use super::representation::Representation;
use super::turns::Turns;

/// The path of gems, below the registry's URL.
pub(super) const PREFIX: &str = "/rubygems";
/// The memory for a gem's specification once it is read, and for the lines of all the gem's versions, of which a digest
/// is made.
const SPECIFICATION: usize = 48 << 20;
const TEXT: &str = "text/plain; charset=utf-8";
const BINARY: &str = "application/octet-stream";
/// The path of the host that clients are given, below the registry's URL.
pub(super) const ROOT: &str = "/rubygems/";

/// A gem is not hosted under a name.
#[derive(Debug, thiserror::Error)]
pub(super) enum InvalidName {
    #[error(transparent)]
    Form(#[from] InvalidGemName),
    #[error(
        "`{name}` has the version `{version}` behind a `-`, so that its files could be another gem's; call it `{instead}`"
    )]
    Version { name: GemName, version: String, instead: String },
}

/// A name as the stores have it. None has a version as one of its parts: `foo-1-2.gem` is version 1 of `foo`.
pub(super) fn normalized(name: &str) -> Result<String, InvalidName> {
    let name = GemName::parse(name)?;
    let version = name.as_str().split('-').skip(1).find(|part| Version::parse(part).is_some());
    match version.map(str::to_owned) {
        None => Ok(name.to_string()),
        Some(version) => {
            let instead = name.as_str().replace('-', "_");
            Err(InvalidName::Version { name, version, instead })
        }
    }
}

/// The Ruby half of a registry.
#[derive(Clone)]
struct Gems {
    hosting: Hosting,
    /// The turns of those whom a list is made for.
    lists: Turns,
}

/// The routes, to be merged at a registry's root or nested under a prefix.
pub(super) fn router(hosting: Hosting) -> Router {
    let at = |path: &str| format!("{PREFIX}{path}");
    Router::new()
        .route(&at("/api/v1/gems"), post(push))
        // `gem push --host` puts a slash of its own behind the one at the end of a URL.
        .route(&at("//api/v1/gems"), post(push))
        .route(&at("/"), get(async || ""))
        .route(&at("/names"), get(names))
        .route(&at("/versions"), get(versions))
        .route(&at("/info/{name}"), get(info))
        .route(&at("/quick/Marshal.4.8/{file}"), get(specification))
        .route(&at("/gems/{file}"), get(file))
        .route(&at("/specs.4.8.gz"), get(released))
        .route(&at("/latest_specs.4.8.gz"), get(latest))
        .route(&at("/prerelease_specs.4.8.gz"), get(prereleases))
        .route(&at("/api/v1/attestations/{file}"), get(attestations))
        .route(&at("/api/{*path}"), any(unsupported))
        .route(&at("//api/{*path}"), any(unsupported))
        .method_not_allowed_fallback(method_not_allowed)
        .with_state(Gems { hosting, lists: Turns::new() })
}

async fn push(State(gems): State<Gems>, headers: HeaderMap, body: Body) -> Response {
    answered(gems.push(&headers, body).await)
}

async fn names(State(gems): State<Gems>, headers: HeaderMap) -> Response {
    let names = || gems.hosting.packages(index::page(), |name, _| format!("{name}\n"));
    answered(indexed(&headers, names).await)
}

async fn versions(State(gems): State<Gems>, headers: HeaderMap) -> Response {
    answered(indexed(&headers, || gems.lines(index::page())).await)
}

async fn info(State(gems): State<Gems>, headers: HeaderMap, Path(name): Path<String>) -> Response {
    answered(gems.info(&headers, &name).await)
}

async fn released(State(gems): State<Gems>) -> Response {
    answered(gems.list(List::Released).await)
}

async fn latest(State(gems): State<Gems>) -> Response {
    answered(gems.list(List::Latest).await)
}

async fn prereleases(State(gems): State<Gems>) -> Response {
    answered(gems.list(List::Prereleases).await)
}

async fn specification(State(gems): State<Gems>, Path(file): Path<String>) -> Response {
    answered(gems.specification(&file).await)
}

async fn file(State(gems): State<Gems>, Path(file): Path<String>) -> Response {
    let content = gems.hosting.content(&file).await;
    answered(content.map(|content| ([(CONTENT_TYPE, BINARY)], content).into_response()))
}

async fn attestations(State(gems): State<Gems>, Path(file): Path<String>) -> Response {
    answered(gems.attestations(&file).await)
}

async fn unsupported(State(gems): State<Gems>, method: Method, uri: Uri, headers: HeaderMap) -> Response {
    let operation = unsupported::operation(uri.path());
    gems.hosting.refuse(operation, &method, &headers).await.text()
}

async fn method_not_allowed(State(gems): State<Gems>, method: Method, headers: HeaderMap) -> Response {
    gems.hosting.refuse_method(&method, &headers).await.text()
}

/// Clients show a refusal's text as it is.
fn answered(answer: Result<Response, Failure>) -> Response {
    answer.unwrap_or_else(Failure::text)
}

fn text(body: impl IntoResponse) -> Response {
    ([(CONTENT_TYPE, TEXT), (CACHE_CONTROL, "no-cache")], body).into_response()
}

/// A file of the compact index.
async fn indexed<P: Pieces>(headers: &HeaderMap, content: impl Fn() -> P) -> Result<Response, Failure> {
    let known = Representation::of(content()).await?;
    Ok(known.answer(headers, TEXT, content()))
}

fn binary(body: Vec<u8>) -> Response {
    ([(CONTENT_TYPE, BINARY)], body).into_response()
}

impl Gems {
    async fn push(&self, headers: &HeaderMap, body: Body) -> Result<Response, Failure> {
        let by = self.hosting.admit(headers).await?;
        let kind = headers.get(CONTENT_TYPE).map_or(b"".as_slice(), |kind| kind.as_bytes());
        let is_form = kind.starts_with(b"multipart/");
        if is_form && !self.hosting.keeps_provenance() {
            let message = "attestations are not kept by this registry; push the gem without `--attestation`";
            return Err(Failure::new(StatusCode::FORBIDDEN, message));
        }
        let sent = self.hosting.body(&by, body).await?.rest().await?;
        // A form's gem is copied out of it.
        let more = if is_form { sent.len() } else { 0 };
        let sent = sent.load(SPECIFICATION.saturating_add(more)).await?;
        let push = match headers.get(CONTENT_TYPE).filter(|_| is_form) {
            Some(kind) => Push::of_form(&sent, kind.clone()).await?,
            None => Push::of(sent),
        };
        let (gem, bundles) = push.into_parts();
        // The status that RubyGems has for what is not a gem.
        let unusable =
            |error: InvalidPublication| Failure::new(StatusCode::UNPROCESSABLE_ENTITY, error.to_string());
        let parsed = blocking(move || Publication::parse(gem)).await?;
        let publication = parsed.map_err(unusable)?;
        self.hosting.may_publish(&by.token, publication.package()).await?;
        let mut upload = blocking(move || publication.into_upload()).await?.map_err(unusable)?;
        upload.vouches = Push::vouches(bundles, &upload);
        let done = format!("Successfully registered gem: {} ({})", upload.package, upload.version);
        self.hosting.publish(Some(&by.token), upload).await?;
        Ok(text(done))
    }

    /// All gems, each with its line of the compact index.
    fn lines(&self, page: Page) -> impl Pieces + use<> {
        self.hosting.packages(page, |_, line| line.to_owned())
    }

    async fn info(&self, headers: &HeaderMap, name: &str) -> Result<Response, Failure> {
        let lines = || self.hosting.files(name, index::page(), |file| file.metadata.clone());
        let known = Representation::of(lines().await?).await?;
        Ok(known.answer(headers, TEXT, lines().await?))
    }

    /// The bundles of a gem, which is named with its version and, as on rubygems.org, with `.json` or without.
    async fn attestations(&self, file: &str) -> Result<Response, Failure> {
        let name = file.strip_suffix(".json").unwrap_or(file);
        let document = self.hosting.provenance_of(&format!("{name}.gem")).await?;
        Ok(([(CONTENT_TYPE, "application/json"), (CACHE_CONTROL, "no-cache")], document).into_response())
    }

    async fn list(&self, list: List) -> Result<Response, Failure> {
        let packed = lists::packed(list, &self.lists, || self.lines(Page::default())).await?;
        let headers = [(CONTENT_TYPE, "application/gzip"), (CACHE_CONTROL, "no-cache")];
        Ok((headers, pieces::body(packed)).into_response())
    }

    async fn specification(&self, file: &str) -> Result<Response, Failure> {
        let name = file.strip_suffix(".gemspec.rz").ok_or_else(|| Failure::not_found(file))?;
        Ok(binary(self.hosting.sidecar(&format!("{name}.gem")).await?))
    }
}
