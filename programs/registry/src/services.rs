//! The services of the registry: each ecosystem's packages, and the endpoint that exchanges tokens for them.

use axum::Router;
use axum::http::header::{CONTENT_SECURITY_POLICY, X_CONTENT_TYPE_OPTIONS};
use axum::http::{HeaderValue, Method, Uri};
use axum::middleware::map_response;
use axum::response::Response;
use oidc_core::HttpUrl;
use oidc_exchange::pep_807::DISCOVERY_PATH;
use oidc_exchange::server::{self, Exchange, Pep807Tokens};
use oidc_exchange::{crates_io, rubygems as rubygems_protocol};

use super::StartError;
use super::cargo;
use super::config::{Ecosystem, PackageEntry};
use super::dependencies::Dependencies;
use super::ecosystems::{PYPI_OIDC, UPLOADS};
use super::failure::Failure;
use super::hosting::Hosting;
use super::npm::{self, Npm};
use super::pypi;
use super::rubygems;
use super::token_exchange::TokenExchanges;
use super::ui::{self, Ui};
use super::unknown_path::Position;

/// The path at which npm's clients exchange, below the registry's URL.
const NPM_OIDC: &str = "/-/npm/v1/oidc";
/// The path at which PEP 807's clients exchange, at the host's root.
const PEP_807_OIDC: &str = "/_/pytp";

/// Every ecosystem's packages and its exchange.
#[derive(Clone, Debug)]
pub(super) struct Services {
    pub(super) npm: Npm,
    pub(super) npm_exchange: Exchange,
    pub(super) cargo: Hosting,
    cargo_exchange: Exchange,
    pub(super) pypi: Hosting,
    pypi_exchange: Exchange,
    pep_807: Pep807Tokens,
    pub(super) rubygems: Hosting,
    rubygems_exchange: Exchange,
    token_exchanges: TokenExchanges,
}

impl Services {
    pub(super) fn new(dependencies: &Dependencies<'_>) -> Result<Self, StartError> {
        let npm_exchange = dependencies.exchange(Ecosystem::Npm)?;
        let access = dependencies.access(Ecosystem::Npm, &npm_exchange);
        let (database, cx) = (dependencies.store.clone(), dependencies.cx.clone());
        let npm = Npm::new(database, dependencies.public_url.as_str(), access, cx)
            .with_intake(dependencies.intake.clone());
        let npm = npm.with_provenance(dependencies.provenance(Ecosystem::Npm));
        let cargo_exchange = dependencies.exchange(Ecosystem::Cargo)?;
        let cargo = dependencies.hosting(Ecosystem::Cargo, &cargo_exchange);
        let pypi_exchange = dependencies.exchange(Ecosystem::Pypi)?;
        let pypi = dependencies.hosting(Ecosystem::Pypi, &pypi_exchange);
        let pep_807 = server::pep_807(pypi_exchange.clone(), &dependencies.public_url.below(UPLOADS))?;
        let rubygems_exchange = dependencies.exchange(Ecosystem::Rubygems)?;
        let rubygems = dependencies.hosting(Ecosystem::Rubygems, &rubygems_exchange);
        Ok(Self {
            npm,
            npm_exchange,
            cargo,
            cargo_exchange,
            pypi,
            pypi_exchange,
            pep_807,
            rubygems,
            rubygems_exchange,
            token_exchanges: TokenExchanges::new(dependencies)?,
        })
    }

    /// Adds a package of the configuration, unless it exists.
    pub(super) async fn register(&self, package: &PackageEntry) -> Result<(), String> {
        let name = package.ecosystem.normalized(&package.name)?;
        match package.ecosystem {
            Ecosystem::Npm => self.npm.register(&name, true).await.map_err(|error| error.to_string()),
            Ecosystem::Cargo => self.cargo.register(&name).await.map_err(|error| error.to_string()),
            Ecosystem::Pypi => self.pypi.register(&name).await.map_err(|error| error.to_string()),
            Ecosystem::Rubygems => self.rubygems.register(&name).await.map_err(|error| error.to_string()),
        }
    }

    /// Everything at the public URL's path. The exchanges of npm and PyPI are at the host's root as well, where their clients
    /// ask whatever the path.
    pub(super) fn router(self, public_url: &HttpUrl, ui: Ui) -> Router {
        let rubygems_exchange = format!("{}{}", rubygems::PREFIX, rubygems_protocol::EXCHANGE_PATH);
        let (tokens, metadata) = self.token_exchanges.routers(public_url);
        let at_root = metadata
            .nest_service(NPM_OIDC, server::npm(self.npm_exchange))
            .nest_service(PYPI_OIDC, server::pypi(self.pypi_exchange))
            .route_service(DISCOVERY_PATH, self.pep_807.clone())
            .nest_service(PEP_807_OIDC, self.pep_807);
        let registry = npm::router(self.npm)
            .merge(at_root.clone())
            .merge(tokens)
            .merge(cargo::router(self.cargo, public_url.as_str()))
            .route_service(crates_io::TOKENS_PATH, server::crates_io(self.cargo_exchange))
            .merge(pypi::router(self.pypi, public_url.as_str()))
            .merge(rubygems::router(self.rubygems))
            .route_service(&rubygems_exchange, server::rubygems(self.rubygems_exchange))
            .nest_service(ui::ROOT, ui::router(ui));
        let router = match public_url.path().trim_end_matches('/') {
            "" => registry,
            prefix => {
                let url = public_url.to_string();
                let unknown = move |method: Method, uri: Uri| async move {
                    let position = Position::OutsideRegistry;
                    Failure::unknown_path(&url, &method, uri.path(), position).answer(npm::shape)
                };
                Router::new().nest(prefix, registry).merge(at_root).fallback(unknown)
            }
        };
        router.layer(map_response(inert))
    }
}

/// Tells browsers to guess no type, and to run nothing of what is no page: packages bring what they like, and it is served beside the
/// pages.
async fn inert(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    let policy = HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'");
    headers.entry(CONTENT_SECURITY_POLICY).or_insert(policy);
    response
}
