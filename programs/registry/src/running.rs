//! The running registry: its listener, its services and the tasks behind them.

use std::fmt;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use oidc_core::{Context, HttpUrl, Secret};
use oidc_exchange::server::{Chain, Exchange};
use oidc_exchange::sql::SqlStore;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::StartError;
use super::audit;
use super::config::Config;
use super::dependencies::Dependencies;
use super::hosting::Hosting;
use super::npm::Npm;
use super::npm_trust::NpmTrust;
use super::reconcile::reconcile;
use super::services::Services;
use super::tls;
use super::ui::{Accounts, LogIn, Ui};

/// The time that [`Running::stop`] waits for requests that are being answered.
const GRACE: Duration = Duration::from_secs(5);
/// The interval between purges of expired records.
const PURGE_EVERY: Duration = Duration::from_secs(60);
/// The number of records that one transaction purges, of each kind. An exchange that meets a larger one waits longer.
const PURGE_BATCH: u32 = 20;
/// The size of an administrator's token, in bytes.
const MAX_ADMIN_TOKEN: usize = 4096;

/// A running registry. Dropping it ends it too, without the time of grace that [`stop`](Running::stop) gives.
pub struct Running {
    url: String,
    public_url: HttpUrl,
    services: Services,
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
        Self::start_for(config, None, cx).await
    }

    /// Starts a registry whose pages are for the accounts of `log_in`, and not for the administrator's token. The API is the
    /// administrator's all the same.
    ///
    /// # Errors
    ///
    /// As [`start`](Self::start).
    pub async fn start_with_log_in(
        config: Config,
        log_in: Arc<dyn LogIn>,
        cx: &Context,
    ) -> Result<Self, StartError> {
        Self::start_for(config, Some(log_in), cx).await
    }

    async fn start_for(
        config: Config,
        log_in: Option<Arc<dyn LogIn>>,
        cx: &Context,
    ) -> Result<Self, StartError> {
        config.check()?;
        let tls = config.tls.as_ref().map(|tls| tls::acceptor(tls, cx)).transpose()?;
        let admin = config.admin_token_file.as_ref().map(|file| admin_token(file, cx)).transpose()?;
        let scheme = if tls.is_some() { "https" } else { "http" };
        let settings = oidc_listener::Settings::new(config.limits.connections()?, GRACE).with_tls(tls);
        let (listener, address) = listen(config.listen).await?;
        let public_url = config.public_url(address.port())?;

        let (dependencies, writer) = Dependencies::open(&config, &public_url, admin, cx).await?;
        let (services, ui) = services(&dependencies, log_in).await?;
        let Dependencies { verifier, store, cx, .. } = dependencies;
        tokio::spawn(async move { verifier.warm_up().await });
        // Records expire alike in every ecosystem, so that one exchange purges those of all.
        let purger = tokio::spawn(purge(services.npm_exchange.clone(), store, cx));
        let router = services.clone().router(&public_url, ui);
        let (stop, stopped) = oneshot::channel();
        let server = tokio::spawn(oidc_listener::serve(listener, router, settings, async {
            // An error means that `Running` was dropped, which is the same wish.
            let _wish = stopped.await;
        }));
        Ok(Self { url: format!("{scheme}://{address}"), public_url, services, stop, server, purger, writer })
    }

    /// The address that is listened on, as a URL without a path.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The URL by which clients reach it, with its path.
    pub fn public_url(&self) -> &HttpUrl {
        &self.public_url
    }

    /// The npm packages that it hosts.
    pub fn npm(&self) -> &Npm {
        &self.services.npm
    }

    /// The Python projects that it hosts.
    pub fn pypi(&self) -> &Hosting {
        &self.services.pypi
    }

    /// The gems that it hosts.
    pub fn rubygems(&self) -> &Hosting {
        &self.services.rubygems
    }

    /// The crates that it hosts.
    pub fn cargo(&self) -> &Hosting {
        &self.services.cargo
    }

    /// Ends it: no new connection is taken, requests that are being answered have some seconds to come to their end,
    /// and events that wait are written.
    pub async fn stop(self) {
        let Self { stop, server, purger, writer, services, .. } = self;
        // It fails where serving has ended already.
        let _sent = stop.send(());
        purger.abort();
        // A panic of a task was reported where it happened.
        let _ended = server.await;
        let _aborted = purger.await;
        drop(services);
        let _written = writer.await;
    }
}

impl fmt::Debug for Running {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Running").field("url", &self.url).finish_non_exhaustive()
    }
}

async fn listen(address: SocketAddr) -> Result<(TcpListener, SocketAddr), StartError> {
    let failed = |reason| StartError::Listen { address, reason };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    Ok((listener, address))
}

/// The ecosystems with what the configuration file says, and the pages about them.
async fn services(
    dependencies: &Dependencies<'_>,
    log_in: Option<Arc<dyn LogIn>>,
) -> Result<(Services, Ui), StartError> {
    let Dependencies { config, public_url, store, trust, providers, admin, cx, .. } = dependencies;
    let mut services = Services::new(dependencies)?;
    let defined = reconcile(config, trust, &services).await?;
    let stores = (store.clone(), trust.clone(), providers.clone());
    let accounts = Accounts::new(log_in, admin.as_ref());
    let ui = Ui::new(config, public_url, stores, (accounts, defined.clone()), cx.clone());
    let npm_trust = NpmTrust::new(trust.clone(), providers.clone(), services.npm.clone(), defined);
    services.npm = services.npm.with_trust(npm_trust);
    Ok((services, ui))
}

async fn purge(exchange: Exchange, store: SqlStore, cx: Context) {
    loop {
        cx.clock().sleep(PURGE_EVERY).await;
        if let Err(error) = exchange.purge(PURGE_BATCH).await {
            tracing::error!(error = %Chain::of(&error), "purging expired records failed");
        }
        if let Err(error) = audit::purge(&store, cx.clock().now()).await {
            tracing::error!(error = %Chain::of(&error), "purging old events failed");
        }
    }
}

fn admin_token(file: &Path, cx: &Context) -> Result<Secret, StartError> {
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
