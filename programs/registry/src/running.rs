use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use oidc_core::verify::Verifier;
use oidc_core::verify::backend::AwsLc;
use oidc_core::{Context, HttpUrl, ProviderSet, Secret};
use oidc_exchange::server::{self, Exchange, InvalidLifetime, Trust};
use oidc_exchange::sql::SqlStore;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

use super::audit::{self, Audit};
use super::config::{Config, Ecosystem, InvalidConfig, Tls, without_password};
use super::database;
use super::ecosystems::{Ground, Served};
use super::hosting::Host;
use super::npm::Npm;
use super::platforms::providers;
use super::provenance;
use super::reconcile::reconcile;
use super::trust::NpmTrust;
use super::ui::Ui;

/// How long [`Running::stop`] waits for requests that are being answered.
const GRACE: Duration = Duration::from_secs(5);
/// How often what is over is forgotten.
const PURGE_EVERY: Duration = Duration::from_secs(60);
/// How much is forgotten in one transaction.
const PURGE_BATCH: u32 = 200;
/// An administrator's token may have this many bytes.
const MAX_ADMIN_TOKEN: usize = 4096;
/// A certificate chain or key may have this many bytes.
const MAX_PEM: usize = 1 << 20;

/// The registry did not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The configuration can't be used.
    #[error(transparent)]
    Config(#[from] InvalidConfig),
    /// A package or a publisher of the configuration can't be used.
    #[error("package `{package}`{publisher}: {reason}")]
    Package {
        /// The package.
        package: String,
        /// Which of its publishers.
        publisher: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A platform of the configuration can't be used.
    #[error("provider: {0}")]
    Provider(String),
    /// Publish tokens live too short or too long for a protocol.
    #[error("publish tokens: {0}")]
    Lifetime(#[from] InvalidLifetime),
    /// The publishers can't be stored.
    #[error("the publishers can't be stored: {0}")]
    Trust(String),
    /// The database can't be opened.
    #[error("the database `{url}`: {reason}; {}", database_fix(url))]
    Database {
        /// Its URL, without what may be a password.
        url: String,
        /// Why.
        reason: String,
    },
    /// A file that the configuration names can't be used.
    #[error("{0}")]
    File(String),
    /// The address can't be listened on.
    #[error("can't listen on {address}: {reason}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        reason: io::Error,
    },
}

/// What to do about a database that can't be opened.
fn database_fix(url: &str) -> &'static str {
    if url.starts_with("postgres") {
        "is PostgreSQL running there, and are the user and the database's name right?"
    } else {
        "see that it is there, and its folder too, and may be written"
    }
}

/// A registry that runs. Dropping it ends it as well, less gently.
pub struct Running {
    url: String,
    public_url: HttpUrl,
    served: Served,
    stop: oneshot::Sender<()>,
    server: JoinHandle<()>,
    purger: JoinHandle<()>,
    writer: JoinHandle<()>,
}

impl Running {
    /// Starts a registry. Everything that it needs of the outside world it takes from the context.
    ///
    /// # Errors
    ///
    /// When the configuration, a file that it names, the database or the address can't be used.
    pub async fn start(config: Config, cx: &Context) -> Result<Self, StartError> {
        config.check()?;
        let tls = config.tls.as_ref().map(|tls| certificate(tls, cx)).transpose()?;
        let admin = config.admin_token_file.as_ref().map(|file| admin_token(file, cx)).transpose()?;
        let connections = config.limits.connections()?;
        let failed = |reason| StartError::Listen { address: config.listen, reason };
        let listener = TcpListener::bind(config.listen).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let public_url = config.public_url(address.port())?;

        let failed = |reason: String| StartError::Database {
            url: without_password(config.database.expose()).unwrap_or_default(),
            reason,
        };
        let store = database::open(config.database.expose()).await.map_err(|error| failed(chain(&error)))?;
        let (audit, writer) = Audit::start(store.clone(), cx).map_err(|error| failed(error.to_string()))?;

        let providers = providers(&config.provider, cx)?;
        let verifier = verifier(&public_url, &providers, cx)?;
        let trust = Trust::new(providers.clone(), store.clone(), cx).with_policy(config.trust.policy());
        let (config, cx) = (&config, cx.clone());
        let intake = config.limits.intake();
        let public = &public_url;
        let provenance = match &config.provenance {
            Some(entry) => Some(Arc::new(provenance::open(entry, &trust, &providers, &store, &cx).await?)),
            None => None,
        };
        let ground =
            Ground { config, public_url: public, verifier, store, audit, admin, intake, provenance, cx };
        let mut served = Served::new(&ground)?;
        reconcile(config, &trust, &served).await?;
        let stores = (ground.store.clone(), trust.clone(), providers.clone());
        let ui = Ui::new(config, &public_url, stores, ground.admin.as_ref(), ground.cx.clone());
        served.npm = served.npm.clone().with_trust(NpmTrust::new(trust, providers, served.npm));

        let Ground { verifier, store, cx, .. } = ground;
        tokio::spawn(async move { verifier.warm_up().await });
        // What is over is so for every ecosystem.
        let purger = tokio::spawn(purge(served.npm_exchange.clone(), store, cx));
        let router = served.clone().router(&public_url, ui);
        let scheme = if tls.is_some() { "https" } else { "http" };
        let (stop, stopped) = oneshot::channel();
        let settings = oidc_listener::Settings::new(connections, GRACE).with_tls(tls);
        let server = tokio::spawn(oidc_listener::serve(listener, router, settings, async {
            // An error means that `Running` was dropped, which is the same wish.
            let _wish = stopped.await;
        }));
        Ok(Self { url: format!("{scheme}://{address}"), public_url, served, stop, server, purger, writer })
    }

    /// The address that is listened on, as a URL without a path.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Where clients reach it, with its path.
    pub fn public_url(&self) -> &HttpUrl {
        &self.public_url
    }

    /// The npm packages that it hosts.
    pub fn npm(&self) -> &Npm {
        &self.served.npm
    }

    /// The Python projects that it hosts.
    pub fn pypi(&self) -> &Host {
        &self.served.pypi
    }

    /// The gems that it hosts.
    pub fn rubygems(&self) -> &Host {
        &self.served.rubygems
    }

    /// The crates that it hosts.
    pub fn cargo(&self) -> &Host {
        &self.served.cargo
    }

    /// Ends it: no new connection is taken, requests that are being answered have some seconds to come to their end,
    /// and events that wait are written.
    pub async fn stop(self) {
        let Self { stop, server, purger, writer, served, .. } = self;
        // It fails where serving has ended already.
        let _sent = stop.send(());
        purger.abort();
        // A panic of a task was reported where it happened.
        let _ended = server.await;
        let _aborted = purger.await;
        drop(served);
        let _written = writer.await;
    }
}

impl fmt::Debug for Running {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Running").field("url", &self.url).finish_non_exhaustive()
    }
}

/// A verifier of the configured issuers' tokens. Each ecosystem's has its own audiences, which come from the configuration
/// and never from a request's `Host`.
fn verifier(public_url: &HttpUrl, providers: &ProviderSet, cx: &Context) -> Result<Verifier, StartError> {
    let audiences = Ecosystem::Npm.audiences(public_url)?;
    Verifier::new(AwsLc, audiences, providers, cx).map_err(|error| StartError::Provider(error.to_string()))
}

async fn purge(exchange: Exchange, store: SqlStore, cx: Context) {
    loop {
        cx.clock().sleep(PURGE_EVERY).await;
        if let Err(error) = exchange.purge(PURGE_BATCH).await {
            tracing::error!(error = %chain(&error), "purging expired records failed");
        }
        if let Err(error) = audit::purge(&store, cx.clock().now()).await {
            tracing::error!(error = %chain(&error), "old events can't be forgotten");
        }
    }
}

fn certificate(tls: &Tls, cx: &Context) -> Result<TlsAcceptor, StartError> {
    use rustls::pki_types::pem::PemObject as _;
    use rustls::pki_types::{CertificateDer, PrivateKeyDer};

    let read = |path| cx.files().read(path, MAX_PEM).map_err(|error| StartError::File(error.to_string()));
    let unusable = |path: &std::path::Path, why: &dyn fmt::Display| {
        StartError::File(format!("the file `{}` can't be used: {why}", path.display()))
    };
    let chain = CertificateDer::pem_slice_iter(&read(&tls.certificate)?)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| unusable(&tls.certificate, &error))?;
    let key = PrivateKeyDer::from_pem_slice(&read(&tls.key)?).map_err(|error| unusable(&tls.key, &error))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, key))
        .map_err(|error| unusable(&tls.certificate, &error))?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}

fn admin_token(file: &std::path::Path, cx: &Context) -> Result<Secret, StartError> {
    let content =
        cx.files().read(file, MAX_ADMIN_TOKEN).map_err(|error| StartError::File(error.to_string()))?;
    let token = String::from_utf8(content).map(|token| Secret::new(token.trim()));
    match token {
        Ok(token) if token.expose().len() >= 16 => Ok(token),
        _ => Err(StartError::File(format!(
            "the file `{}` holds no administrator's token: expected a line of at least 16 characters",
            file.display()
        ))),
    }
}

pub(super) fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    server::Chain::of(error).to_string()
}
