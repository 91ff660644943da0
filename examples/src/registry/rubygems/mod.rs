//! Hosting gems: push, compact index, specifications and files, for the real `gem`.
//!
//! | request | what it does |
//! |---|---|
//! | `POST /rubygems/api/v1/gems` | publishes one gem |
//! | `GET /rubygems/` | nothing: `gem install` asks it to see that there is a compact index |
//! | `GET /rubygems/names` | the gems' names |
//! | `GET /rubygems/versions` | the gems with their versions |
//! | `GET /rubygems/info/{gem}` | a gem's versions and what they need |
//! | `GET /rubygems/quick/Marshal.4.8/{gem}-{version}.gemspec.rz` | a gem's specification |
//! | `GET /rubygems/gems/{gem}-{version}.gem` | a gem |
//!
//! Sources: the RubyGems guides "RubyGems.org API" and "RubyGems.org Compact Index API"; RubyGems 3.3.15,
//! `commands/push_command.rb`, `source.rb`, `resolver/api_set.rb`.

mod index;
mod marshal;
mod publication;
mod specification;
mod version;
mod yaml;

use std::io::Write as _;

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use flate2::Compression;
use flate2::write::ZlibEncoder;
use oidc_exchange::rubygems::{GemName, InvalidGemName};

use self::index::Entry;
use self::publication::{InvalidPublication, Publication};
use self::specification::Specification;
use super::failure::Failure;
use super::hosting::{self, File, Host};

/// Where gems are, below the registry's URL.
pub(super) const PREFIX: &str = "/rubygems";
/// What clients are told as their host, below the registry's URL.
pub(super) const ROOT: &str = "/rubygems/";

/// A name as the stores have it.
pub(super) fn normalized(name: &str) -> Result<String, InvalidGemName> {
    GemName::parse(name).map(|name| name.to_string())
}

/// The Ruby half of a registry.
#[derive(Clone)]
struct Gems {
    host: Host,
}

/// The routes, to be merged at a registry's root or nested under a prefix.
pub(super) fn router(host: Host) -> Router {
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
        .with_state(Gems { host })
}

async fn push(State(gems): State<Gems>, headers: HeaderMap, body: Body) -> Response {
    answered(gems.push(&headers, body).await)
}

async fn names(State(gems): State<Gems>) -> Response {
    answered(gems.host.packages().await.map(|names| text(index::names(&names))))
}

async fn versions(State(gems): State<Gems>) -> Response {
    answered(gems.versions().await)
}

async fn info(State(gems): State<Gems>, Path(name): Path<String>) -> Response {
    answered(gems.info(&name).await)
}

async fn specification(State(gems): State<Gems>, Path(file): Path<String>) -> Response {
    answered(gems.specification(&file).await)
}

async fn file(State(gems): State<Gems>, Path(file): Path<String>) -> Response {
    answered(gems.host.content(&file).await.map(binary))
}

/// Clients show a refusal's text as it is.
fn answered(answer: Result<Response, Failure>) -> Response {
    answer.unwrap_or_else(Failure::text)
}

fn text(body: String) -> Response {
    ([(CONTENT_TYPE, "text/plain; charset=utf-8"), (CACHE_CONTROL, "no-cache")], body).into_response()
}

fn binary(body: Vec<u8>) -> Response {
    ([(CONTENT_TYPE, "application/octet-stream")], body).into_response()
}

impl Gems {
    async fn push(&self, headers: &HeaderMap, body: Body) -> Result<Response, Failure> {
        let token = hosting::token_of(headers)?.ok_or_else(hosting::no_token)?;
        let body = hosting::read(body).await?;
        // The status that RubyGems has for what is not a gem.
        let unusable =
            |error: InvalidPublication| Failure::new(StatusCode::UNPROCESSABLE_ENTITY, error.to_string());
        let publication = Publication::parse(&body).map_err(unusable)?;
        let specification = publication.specification();
        self.host.may_publish(&token, &specification.name).await?;
        self.refuse_again(specification).await?;
        let done =
            format!("Successfully registered gem: {} ({})", specification.name, specification.number());
        self.host.publish(Some(&token), publication.into_upload().map_err(unusable)?).await?;
        Ok(text(done))
    }

    /// 1.0 is not published where 1.0.0 was. The same file twice is refused where it is stored.
    async fn refuse_again(&self, new: &Specification) -> Result<(), Failure> {
        for file in self.host.files_if_any(&new.name).await? {
            let old = entry(file)?.specification;
            if old.is_other_spelling_of(new) {
                let (name, old, new) = (&new.name, old.number(), new.number());
                let message = format!(
                    "{name} {new} was published before, as {name} {old}, and can't be published over; give it another \
                     version"
                );
                return Err(Failure::new(StatusCode::CONFLICT, message));
            }
        }
        Ok(())
    }

    async fn versions(&self) -> Result<Response, Failure> {
        let files = self.host.all_files().await?;
        let entries: Result<Vec<Entry>, Failure> = files.into_iter().map(entry).collect();
        Ok(text(index::versions(entries?)))
    }

    async fn info(&self, name: &str) -> Result<Response, Failure> {
        let entries: Result<Vec<Entry>, Failure> =
            self.host.files(name).await?.into_iter().map(entry).collect();
        Ok(text(index::info(&entries?)))
    }

    async fn specification(&self, file: &str) -> Result<Response, Failure> {
        let name = file.strip_suffix(".gemspec.rz").ok_or_else(|| Failure::not_found(file))?;
        let entry = entry(self.host.file(&format!("{name}.gem")).await?)?;
        let mut deflated = ZlibEncoder::new(Vec::new(), Compression::default());
        let written = deflated.write_all(&marshal::dump(&entry.specification));
        let deflated = written.and_then(|()| deflated.finish()).map_err(|error| Failure::internal(&error))?;
        Ok(binary(deflated))
    }
}

/// What was stored of a gem.
fn entry(file: File) -> Result<Entry, Failure> {
    let specification = serde_json::from_str(&file.metadata).map_err(|error| Failure::internal(&error))?;
    Ok(Entry { specification, sha256: file.sha256 })
}
