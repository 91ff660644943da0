//! The parts of a registry that its ecosystems share, made from the configuration.

use std::sync::Arc;
use std::time::Duration;

use oidc_core::verify::Verifier;
use oidc_core::verify::backend::AwsLc;
use oidc_core::{Audience, Context, HttpUrl, ProviderSet, Secret};
use oidc_exchange::server::{self, Chain, Exchange, MintPolicy, TokenExchangeEndpoint, Trust};
use oidc_exchange::sql::SqlStore;
use tokio::task::JoinHandle;

use super::StartError;
use super::access::Access;
use super::audit::Audit;
use super::authorize::Authorize;
use super::choices::Choices;
use super::config::{Config, Ecosystem, InvalidConfig, without_password};
use super::database;
use super::hosting::Hosting;
use super::intake::Intake;
use super::owners::NpmOwners;
use super::platforms::providers;
use super::provenance::{self, Kept, Provenance};

/// The lifetime of crates.io's tokens, and of ours for cargo.
const CARGO_LIFETIME: Duration = Duration::from_secs(30 * 60);
/// The command that compares a publisher with a job.
const CHECKER: &str = "trusted-publish doctor … --publisher KEY=VALUE";

/// The parts of a registry that its ecosystems share.
pub(super) struct Dependencies<'a> {
    pub(super) config: &'a Config,
    pub(super) public_url: &'a HttpUrl,
    /// The verifier whose issuers and keys the endpoints' verifiers share.
    pub(super) verifier: Verifier,
    pub(super) store: SqlStore,
    pub(super) trust: Trust,
    pub(super) providers: ProviderSet,
    pub(super) audit: Audit,
    pub(super) admin: Option<Secret>,
    pub(super) intake: Intake,
    /// The rules and keys of provenance, where it is kept.
    pub(super) provenance: Option<Arc<Kept>>,
    pub(super) cx: Context,
}

impl<'a> Dependencies<'a> {
    /// Opens the database and what else the configuration names. Returns the task that writes the audit beside it.
    pub(super) async fn open(
        config: &'a Config,
        public_url: &'a HttpUrl,
        admin: Option<Secret>,
        cx: &Context,
    ) -> Result<(Self, JoinHandle<()>), StartError> {
        let url = config.database.expose();
        let failed =
            |reason: String| StartError::Database { url: without_password(url).unwrap_or_default(), reason };
        let store = database::open(url).await.map_err(|error| failed(Chain::of(&error).to_string()))?;
        let (audit, writer) = Audit::start(store.clone(), cx).map_err(|error| failed(error.to_string()))?;
        let providers = providers(&config.provider, cx)?;
        let verifier = verifier(public_url, &providers, cx)?;
        let trust = Trust::new(providers.clone(), store.clone(), cx).with_policy(config.trust.policy());
        let provenance = match &config.provenance {
            Some(entry) => Some(Arc::new(provenance::open(entry, &trust, &providers, &store, cx).await?)),
            None => None,
        };
        let (intake, cx) = (config.limits.intake(), cx.clone());
        let dependencies = Self {
            config,
            public_url,
            verifier,
            store,
            trust,
            providers,
            audit,
            admin,
            intake,
            provenance,
            cx,
        };
        Ok((dependencies, writer))
    }

    /// The endpoint through which an ecosystem's clients exchange.
    pub(super) fn exchange(&self, ecosystem: Ecosystem) -> Result<Exchange, StartError> {
        self.exchange_for(ecosystem, ecosystem.audiences(self.public_url)?)
    }

    /// The endpoint of OAuth 2.0 token exchange for an ecosystem. Its audience is its issuer, so that a token for it is none
    /// for another endpoint.
    pub(super) fn token_exchange(&self, ecosystem: Ecosystem) -> Result<TokenExchangeEndpoint, StartError> {
        let issuer = ecosystem.authorization_server(self.public_url);
        let audience = Audience::new(issuer.as_str());
        let audience = audience.map_err(|error| InvalidConfig::PublicUrl(error.to_string()))?;
        let exchange = self.exchange_for(ecosystem, vec![audience])?;
        Ok(server::token_exchange(exchange, ecosystem.as_str(), &issuer))
    }

    fn exchange_for(&self, ecosystem: Ecosystem, audiences: Vec<Audience>) -> Result<Exchange, StartError> {
        let verifier = self.verifier.for_audiences(audiences);
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

    pub(super) fn access(&self, ecosystem: Ecosystem, exchange: &Exchange) -> Arc<dyn Authorize> {
        Arc::new(Access::new(
            ecosystem.as_str(),
            exchange.clone(),
            self.admin.as_ref(),
            (self.config.trusted_only(ecosystem), Choices::new(self.store.clone())),
            ecosystem.exchange_url(self.public_url),
            self.cx.clone(),
        ))
    }

    pub(super) fn provenance(&self, ecosystem: Ecosystem) -> Provenance {
        let requirements = self.config.requirements(ecosystem);
        let choices = Choices::new(self.store.clone());
        Provenance::new(ecosystem.as_str(), self.provenance.clone(), requirements, choices)
    }

    pub(super) fn hosting(&self, ecosystem: Ecosystem, exchange: &Exchange) -> Hosting {
        let access = self.access(ecosystem, exchange);
        let (database, intake) = (self.store.clone(), self.intake.clone());
        let hosting = Hosting::new(ecosystem.as_str(), database, access, intake, self.cx.clone());
        hosting.with_provenance(self.provenance(ecosystem))
    }
}

/// A verifier of the configured issuers' tokens. Each ecosystem's has its own audiences, which come from the configuration
/// and never from a request's `Host`.
fn verifier(public_url: &HttpUrl, providers: &ProviderSet, cx: &Context) -> Result<Verifier, StartError> {
    let audiences = Ecosystem::Npm.audiences(public_url)?;
    Verifier::new(AwsLc, audiences, providers, cx).map_err(|error| StartError::Provider(error.to_string()))
}
