//! The ecosystems that this registry serves, each through its own endpoint.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::{Method, Uri};
use oidc_core::verify::Verifier;
use oidc_core::{Audience, Context, HttpUrl, InvalidAudience, Secret};
use oidc_exchange::npm::Port;
use oidc_exchange::pep_807::DISCOVERY_PATH;
use oidc_exchange::server::{self, Exchange, MintPolicy, Pep807Tokens};
use oidc_exchange::sql::SqlStore;
use oidc_exchange::{crates_io, npm as npm_protocol, rubygems as rubygems_protocol};

use super::StartError;
use super::access::Access;
use super::audit::Audit;
use super::authorize::Authorize;
use super::cargo;
use super::choices::Choices;
use super::config::{Config, Ecosystem, InvalidConfig, PackageEntry};
use super::failure::Failure;
use super::hosting::Host;
use super::intake::Intake;
use super::nowhere::Place;
use super::npm::{self, Npm};
use super::owners::NpmOwners;
use super::provenance::{Kept, Provenance};
use super::pypi;
use super::rubygems;
use super::ui::{self, Ui};

/// Where npm's clients exchange, below the registry's URL.
const NPM_OIDC: &str = "/-/npm/v1/oidc";
/// Where PyPI's clients exchange, at the host's root.
const PYPI_OIDC: &str = "/_/oidc";
/// Where PEP 807's clients exchange, at the host's root.
const PEP_807_OIDC: &str = "/_/pytp";
/// Where Python projects are uploaded, below the registry's URL.
const UPLOADS: &str = "/legacy/";
/// How long crates.io's tokens live, and ours for cargo.
const CARGO_LIFETIME: Duration = Duration::from_secs(30 * 60);

impl Ecosystem {
    /// Every ecosystem, in the order of pages.
    pub(super) const ALL: [Self; 4] = [Self::Npm, Self::Pypi, Self::Cargo, Self::Rubygems];

    /// The ecosystem of a name that [`as_str`](Self::as_str) gives.
    pub(super) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|ecosystem| ecosystem.as_str() == name)
    }

    /// A package's name as the stores have it.
    pub(super) fn normalized(self, name: &str) -> Result<String, String> {
        match self {
            Self::Npm => npm::normalized(name).map_err(|error| error.to_string()),
            Self::Cargo => cargo::normalized(name).map_err(|error| error.to_string()),
            Self::Pypi => pypi::normalized(name).map_err(|error| error.to_string()),
            Self::Rubygems => rubygems::normalized(name).map_err(|error| error.to_string()),
        }
    }

    /// What its clients are told as the registry's URL.
    pub(super) fn root(self, public_url: &HttpUrl) -> HttpUrl {
        match self {
            Self::Npm | Self::Cargo => public_url.clone(),
            Self::Pypi => public_url.below(UPLOADS),
            Self::Rubygems => public_url.below(rubygems::ROOT),
        }
    }

    /// Where its clients exchange an identity token; npm's put the package's name behind it.
    fn exchange_url(self, public_url: &HttpUrl) -> HttpUrl {
        match self {
            Self::Npm => public_url.below(npm_protocol::EXCHANGE_PATH),
            Self::Cargo => public_url.below(crates_io::TOKENS_PATH),
            Self::Pypi => public_url.below(&format!("{PYPI_OIDC}/mint-token")),
            Self::Rubygems => {
                public_url.below(&format!("{}{}", rubygems::PREFIX, rubygems_protocol::EXCHANGE_PATH))
            }
        }
    }

    /// For whom an identity token of this ecosystem's clients is made. They all differ, so that one's token is none for
    /// another.
    pub(super) fn audiences(self, public_url: &HttpUrl) -> Result<Vec<Audience>, StartError> {
        let audiences: Result<Vec<Audience>, InvalidAudience> = match self {
            Self::Npm => [Port::LeftOut, Port::PutIn]
                .map(|port| npm_protocol::audience(public_url, port))
                .into_iter()
                .collect(),
            Self::Cargo => crates_io::audience(public_url).map(|audience| vec![audience]),
            // PyPI's is a setting, which clients ask for.
            Self::Pypi => {
                Audience::new(format!("pypi:{}", public_url.host_and_port())).map(|audience| vec![audience])
            }
            Self::Rubygems => rubygems_protocol::audience(&public_url.below(rubygems::PREFIX))
                .map(|audience| vec![audience]),
        };
        let mut audiences = audiences.map_err(|error| InvalidConfig::PublicUrl(error.to_string()))?;
        audiences.dedup();
        Ok(audiences)
    }
}

/// The command that compares a publisher with a job.
const CHECKER: &str = "trusted-publish doctor … --publisher KEY=VALUE";

/// What the ecosystems share.
pub(super) struct Ground<'a> {
    pub(super) config: &'a Config,
    pub(super) public_url: &'a HttpUrl,
    /// Whose issuers and keys the endpoints' verifiers share.
    pub(super) verifier: Verifier,
    pub(super) store: SqlStore,
    pub(super) audit: Audit,
    pub(super) admin: Option<Secret>,
    pub(super) intake: Intake,
    /// What it takes to keep provenance, where it is kept.
    pub(super) provenance: Option<Arc<Kept>>,
    pub(super) cx: Context,
}

impl Ground<'_> {
    /// The endpoint through which an ecosystem's clients exchange.
    pub(super) fn exchange(&self, ecosystem: Ecosystem) -> Result<Exchange, StartError> {
        let verifier = self.verifier.for_audiences(ecosystem.audiences(self.public_url)?);
        let verifier = verifier.map_err(|error| StartError::Provider(error.to_string()))?;
        let policy = match ecosystem {
            Ecosystem::Cargo => MintPolicy::default().lifetime(CARGO_LIFETIME),
            Ecosystem::Npm | Ecosystem::Pypi | Ecosystem::Rubygems => MintPolicy::default(),
        };
        let builder = Exchange::builder(verifier, self.store.clone());
        let builder = match ecosystem {
            Ecosystem::Npm => builder.package_owners(NpmOwners(self.store.clone())),
            Ecosystem::Cargo | Ecosystem::Pypi | Ecosystem::Rubygems => builder,
        };
        Ok(builder
            .mint_policy(policy)
            .trust_policy(self.config.trust.policy())
            .public_url(&ecosystem.root(self.public_url))
            .checker(CHECKER)
            .issuer_hint(|issuer| format!("`issuer = \"{issuer}\"` in `[[provider]]`"))
            .sink(self.audit.clone())
            .build())
    }

    fn access(&self, ecosystem: Ecosystem, exchange: &Exchange) -> Arc<dyn Authorize> {
        Arc::new(Access::new(
            ecosystem.as_str(),
            exchange.clone(),
            self.admin.as_ref(),
            (self.config.trusted_only(ecosystem), Choices::new(self.store.clone())),
            ecosystem.exchange_url(self.public_url),
            self.cx.clone(),
        ))
    }

    fn provenance(&self, ecosystem: Ecosystem) -> Provenance {
        let requirements = self.config.requirements(ecosystem);
        Provenance::new(ecosystem.as_str(), self.provenance.clone(), requirements)
    }

    fn host(&self, ecosystem: Ecosystem, exchange: &Exchange) -> Host {
        let access = self.access(ecosystem, exchange);
        let (database, intake) = (self.store.clone(), self.intake.clone());
        let host = Host::new(ecosystem.as_str(), database, access, intake, self.cx.clone());
        host.with_provenance(self.provenance(ecosystem))
    }
}

/// Every ecosystem's packages and its exchange.
#[derive(Clone, Debug)]
pub(super) struct Served {
    pub(super) npm: Npm,
    pub(super) npm_exchange: Exchange,
    pub(super) cargo: Host,
    cargo_exchange: Exchange,
    pub(super) pypi: Host,
    pypi_exchange: Exchange,
    pep_807: Pep807Tokens,
    pub(super) rubygems: Host,
    rubygems_exchange: Exchange,
}

impl Served {
    pub(super) fn new(ground: &Ground<'_>) -> Result<Self, StartError> {
        let npm_exchange = ground.exchange(Ecosystem::Npm)?;
        let access = ground.access(Ecosystem::Npm, &npm_exchange);
        let (database, cx) = (ground.store.clone(), ground.cx.clone());
        let npm =
            Npm::new(database, ground.public_url.as_str(), access, cx).with_intake(ground.intake.clone());
        let npm = npm.with_provenance(ground.provenance(Ecosystem::Npm));
        let cargo_exchange = ground.exchange(Ecosystem::Cargo)?;
        let cargo = ground.host(Ecosystem::Cargo, &cargo_exchange);
        let pypi_exchange = ground.exchange(Ecosystem::Pypi)?;
        let pypi = ground.host(Ecosystem::Pypi, &pypi_exchange);
        let pep_807 = server::pep_807(pypi_exchange.clone(), &ground.public_url.below(UPLOADS))?;
        let rubygems_exchange = ground.exchange(Ecosystem::Rubygems)?;
        let rubygems = ground.host(Ecosystem::Rubygems, &rubygems_exchange);
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
        let at_root = Router::new()
            .nest_service(NPM_OIDC, server::npm(self.npm_exchange))
            .nest_service(PYPI_OIDC, server::pypi(self.pypi_exchange))
            .route_service(DISCOVERY_PATH, self.pep_807.clone())
            .nest_service(PEP_807_OIDC, self.pep_807);
        let registry = npm::router(self.npm)
            .merge(at_root.clone())
            .merge(cargo::router(self.cargo, public_url.as_str()))
            .route_service(crates_io::TOKENS_PATH, server::crates_io(self.cargo_exchange))
            .merge(pypi::router(self.pypi, public_url.as_str()))
            .merge(rubygems::router(self.rubygems))
            .route_service(&rubygems_exchange, server::rubygems(self.rubygems_exchange))
            .nest_service(ui::ROOT, ui::router(ui));
        match public_url.path().trim_end_matches('/') {
            "" => registry,
            prefix => {
                let url = public_url.to_string();
                let nowhere = move |method: Method, uri: Uri| async move {
                    Failure::nowhere(&url, &method, uri.path(), Place::Beside).answer(npm::shape)
                };
                Router::new().nest(prefix, registry).merge(at_root).fallback(nowhere)
            }
        }
    }
}
