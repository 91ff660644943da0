use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use oidc_core::verify::Verifier;
use oidc_core::verify::backend::AwsLc;
use oidc_core::{Audience, Context, Provider, ProviderSet};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::authority::Authority;
use super::certificate_log::CertificateLog;
use super::documents::{Described, TIMESTAMP, npm_keys};
use super::instance::Instance;
use super::key::SigningKey;
use super::log::Log;
use super::proxy::{Proxy, TUF_HOST};
use super::timestamps::TimestampAuthority;
use super::tuf::{Repository, rfc_3339};
use super::{Fault, SigstoreError, server};
use crate::GRACE;

/// The audience of identity tokens for the certificate authority.
const AUDIENCE: &str = "sigstore";

/// The settings of a played Sigstore instance.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The loopback address of the services; port 0 takes any that is free.
    pub listen: SocketAddr,
    /// The issuers whose tokens get certificates, each with the kind of its platform, such as `github`.
    pub issuers: Vec<(String, String)>,
    /// The fault that is played.
    pub fault: Option<Fault>,
}

impl Settings {
    /// Settings for one issuer's tokens, on any free port, without a fault.
    #[must_use]
    pub fn new(kind: impl Into<String>, issuer: impl Into<String>) -> Self {
        let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        Self { listen, issuers: vec![(kind.into(), issuer.into())], fault: None }
    }
}

/// A Sigstore instance that runs. Dropping it ends it as well, a little later.
pub struct Running {
    url: String,
    proxy: String,
    since: String,
    instance: Arc<Instance>,
    files: BTreeMap<&'static str, Vec<u8>>,
    stop: oneshot::Sender<()>,
    server: JoinHandle<()>,
    tunnels: JoinHandle<()>,
}

impl Running {
    /// Starts an instance with new keys. It takes its clock from the context, and fetches the issuers' keys by it.
    ///
    /// # Errors
    ///
    /// When the address can't be listened on or is no loopback address, or an issuer can't be used.
    pub async fn start(settings: Settings, context: &Context) -> Result<Self, SigstoreError> {
        let listener = listen(settings.listen).await?;
        let tunnels = listen(SocketAddr::new(settings.listen.ip(), 0)).await?;
        let origin = listener.local_addr()?.to_string();
        let (url, proxy) = (format!("http://{origin}"), format!("http://{}", tunnels.local_addr()?));
        let since = rfc_3339(context.clock().now())?;
        let (instance, mut files) = instance(&settings, origin, &since, context)?;
        let instance = Arc::new(instance);
        let router = server::router(Arc::clone(&instance));
        let tunnel = Proxy::new(router.clone())?;
        files.insert("ca.pem", tunnel.authority().into_bytes());
        let (stop, stopped) = oneshot::channel();
        let connections =
            oidc_listener::most_connections().unwrap_or(usize::MAX).min(oidc_listener::CONNECTIONS);
        let settings = oidc_listener::Settings::new(connections, GRACE);
        let server = tokio::spawn(oidc_listener::serve(listener, router, settings, async {
            // An error means that `Running` was dropped, which is the same wish.
            let _wish = stopped.await;
        }));
        let tunnels = tokio::spawn(tunnel.serve(tunnels));
        Ok(Self { url, proxy, since, instance, files, stop, server, tunnels })
    }

    /// The URL of the certificate authority, the transparency log and the TUF repository.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The URL of the timestamp authority.
    pub fn timestamp_url(&self) -> String {
        format!("{}{TIMESTAMP}", self.url)
    }

    /// The URL of a proxy for https, which leads to this instance whoever asks for a host of the public one, and nowhere else.
    /// The authority in `ca.pem` vouches for the hosts' names.
    pub fn proxy(&self) -> &str {
        &self.proxy
    }

    /// The host of the TUF repository of the public instance, which is a folder's name in npm's cache.
    pub fn tuf_host(&self) -> &'static str {
        TUF_HOST
    }

    /// The files that clients need, by name: `trusted_root.json`, `signing_config.json`, `trust_config.json` (both in one),
    /// `root.json` (the TUF repository's) and `ca.pem` (the proxy's authority).
    pub fn file(&self, name: &str) -> Option<&[u8]> {
        self.files.get(name).map(Vec::as_slice)
    }

    /// Writes the [files](Self::file) into a folder, which is made where it is missing.
    ///
    /// # Errors
    ///
    /// When the folder or a file can't be written.
    pub fn write(&self, folder: &Path) -> io::Result<()> {
        std::fs::create_dir_all(folder)?;
        self.files.iter().try_for_each(|(name, content)| std::fs::write(folder.join(name), content))
    }

    /// The variables that lead clients through the proxy, names and values, with the files in `folder`.
    pub fn variables(&self, folder: &Path) -> Vec<(String, String)> {
        let ca = folder.join("ca.pem").to_string_lossy().into_owned();
        let direct = "127.0.0.1,localhost".to_owned();
        let proxy = self.proxy.clone();
        let variables = [("HTTPS_PROXY", proxy), ("NO_PROXY", direct), ("NODE_EXTRA_CA_CERTS", ca)];
        variables.map(|(name, value)| (name.to_owned(), value)).into()
    }

    /// The number of entries in the transparency log.
    pub fn entries(&self) -> usize {
        self.instance.log.len()
    }

    /// Publishes an npm registry's keys in the TUF repository, where npm looks for them before it asks the registry. `registry`
    /// is the registry's host, with its port and path; `keys` is its answer at `/-/npm/v1/keys`.
    ///
    /// # Errors
    ///
    /// When the metadata can't be signed.
    pub fn publish_npm_keys(&self, registry: &str, keys: &Value) -> Result<(), SigstoreError> {
        let name = format!("{}/keys.json", registry.trim_end_matches('/'));
        let content = npm_keys(keys, &self.since).to_string().into_bytes();
        let mut repository = self.instance.repository.lock().unwrap_or_else(PoisonError::into_inner);
        repository.publish(BTreeMap::from([(name, content)]))
    }

    /// Ends the services.
    pub async fn stop(self) {
        self.tunnels.abort();
        // It fails where serving has ended already.
        let _sent = self.stop.send(());
        // A panic of a task was reported where it happened.
        let _ended = self.server.await;
        let _aborted = self.tunnels.await;
    }
}

impl fmt::Debug for Running {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Running").field("url", &self.url).field("proxy", &self.proxy).finish_non_exhaustive()
    }
}

async fn listen(address: SocketAddr) -> Result<TcpListener, SigstoreError> {
    if !address.ip().is_loopback() {
        return Err(SigstoreError::NotLoopback(address));
    }
    Ok(TcpListener::bind(address).await?)
}

type Files = BTreeMap<&'static str, Vec<u8>>;

/// An instance with new keys, and the documents that describe it.
fn instance(
    settings: &Settings,
    origin: String,
    since: &str,
    context: &Context,
) -> Result<(Instance, Files), SigstoreError> {
    let now = context.clock().now();
    let (authority, certificate_log, log) =
        (Authority::new(now)?, SigningKey::generate()?, SigningKey::generate()?);
    let wrong = |fault| (settings.fault == Some(fault)).then(SigningKey::generate).transpose();
    let timestamps = TimestampAuthority::new(now, wrong(Fault::WrongTimestampKey)?)?;
    let described = Described {
        url: &format!("http://{origin}"),
        since,
        authority: &authority,
        certificate_log: &certificate_log,
        log: &log,
        timestamps: &timestamps,
    };
    let trusted_root = described.trusted_root().to_string().into_bytes();
    let mut files = Files::from([
        ("signing_config.json", described.signing_config().to_string().into_bytes()),
        ("trust_config.json", described.trust_config().to_string().into_bytes()),
    ]);
    let mut repository = Repository::new(now)?;
    repository.publish(BTreeMap::from([("trusted_root.json".to_owned(), trusted_root.clone())]))?;
    files.insert("trusted_root.json", trusted_root);
    files.insert("root.json", repository.root().to_vec());
    let instance = Instance {
        verifier: verifier(&settings.issuers, context)?,
        authority,
        certificate_log: CertificateLog { key: wrong(Fault::WrongSct)?.unwrap_or(certificate_log) },
        log: Log { key: log, wrong_key: wrong(Fault::WrongLogKey)?, origin, entries: Mutex::default() },
        timestamps,
        repository: Mutex::new(repository),
        fault: settings.fault,
        context: context.clone(),
    };
    Ok((instance, files))
}

fn verifier(issuers: &[(String, String)], context: &Context) -> Result<Verifier, SigstoreError> {
    let invalid = |error: &dyn fmt::Display| SigstoreError::Issuer(error.to_string());
    let provider =
        |(kind, issuer): &(String, String)| oidc_providers::at(kind, issuer).map_err(|error| invalid(&error));
    let providers = issuers.iter().map(provider).collect::<Result<Vec<Arc<dyn Provider>>, _>>()?;
    let providers: ProviderSet = providers.into_iter().collect();
    let audience = Audience::new(AUDIENCE).map_err(|error| invalid(&error))?;
    Verifier::new(AwsLc, [audience], &providers, context).map_err(|error| invalid(&error))
}
