use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use oidc_core::testing::{FakeIssuer, SigningAlgorithm};
use oidc_core::{Context, Secret};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::mint::Minter;
use super::platform::{Job, Variables};
use super::server::Server;
use super::{Changes, Fault, JobCommands, Platform};

/// The time that [`Running::stop`] waits for clients that neither finish their request nor hang up.
pub const GRACE: Duration = Duration::from_secs(2);

/// The settings of an issuer.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The platform to play.
    pub platform: &'static Platform,
    /// The loopback address to listen on; port 0 for any free port.
    pub listen: SocketAddr,
    /// The path of the issuer's URL: empty, or with a slash before it and none behind it.
    pub issuer_path: String,
    /// The audiences of tokens that are made before the job and lie in its environment.
    pub audiences: Vec<String>,
    /// The variable for such a token, where there is one audience. By default the platform names it by the
    /// audience.
    pub token_variable: Option<String>,
    /// The changes to the claims of every token.
    pub changes: Changes,
    /// The lifetime of tokens, in seconds; the platform's usual one by default.
    pub lifetime: Option<u64>,
    /// The fault.
    pub fault: Option<Fault>,
    /// The delay that [`Fault::Slow`] gives an answer.
    pub delay: Duration,
}

impl Settings {
    /// A platform at its best, on any free port.
    pub fn new(platform: &'static Platform) -> Self {
        Self {
            platform,
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            issuer_path: String::new(),
            audiences: Vec::new(),
            token_variable: None,
            changes: Changes::default(),
            lifetime: None,
            fault: None,
            delay: Duration::from_secs(10),
        }
    }
}

/// An issuer did not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// Whoever reaches the issuer gets tokens, so it is for this machine alone.
    #[error("{0} is not a loopback address; listen on 127.0.0.1 or [::1]")]
    NotLoopback(SocketAddr),
    /// The address can't be listened on.
    #[error("can't listen on {address}: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// The reason.
        source: io::Error,
    },
    /// The platform's jobs ask for tokens at run time, so there is no variable to put one into.
    #[error("a job on {0} asks for its tokens at run time; name a variable for one that is made before")]
    NoVariable(&'static str),
    /// One variable can't hold several tokens.
    #[error("a variable for the token takes exactly one audience, not {0}")]
    Audiences(usize),
    /// The path can't be part of an issuer's URL.
    #[error("`{}` is not an issuer's path; write it as `/org/acme`, in letters, digits, `-`, `_` and `.`", .0.escape_debug())]
    InvalidPath(String),
    /// The name can't be exported by a shell.
    #[error("`{}` is not a variable's name; use letters, digits and underscores", .0.escape_debug())]
    InvalidVariable(String),
}

/// An issuer that runs. Dropping it ends it as well, a little later.
pub struct Running {
    url: String,
    env: Variables,
    minter: Arc<Minter>,
    stop: watch::Sender<bool>,
    server: JoinHandle<()>,
}

/// The algorithms that a platform signs with, the usual one first.
fn algorithms(platform: &Platform) -> Vec<SigningAlgorithm> {
    let all = oidc_providers::all();
    let provider = all.iter().find(|provider| provider.id() == platform.name);
    provider.map_or_else(Vec::new, |provider| {
        provider.profile().algorithms.iter().copied().map(SigningAlgorithm::from).collect()
    })
}

impl Running {
    /// Starts an issuer, which takes its clock and timer from the context.
    ///
    /// # Errors
    ///
    /// When the settings contradict each other or the address can't be listened on.
    pub async fn start(settings: Settings, context: &Context) -> Result<Self, StartError> {
        let variables = token_variables(&settings)?;
        is_path(&settings.issuer_path)?;
        let listener = listen(settings.listen).await?;
        let address = listener.local_addr().map_err(listening(settings.listen))?;
        let url = format!("http://{address}{}", settings.issuer_path);
        let minter = Arc::new(Minter {
            platform: settings.platform,
            issuer: FakeIssuer::with_algorithms(&url, &algorithms(settings.platform))
                .with_jwks_path(settings.platform.jwks_path),
            changes: settings.changes,
            lifetime: settings.lifetime,
            fault: settings.fault,
            context: context.clone(),
            made: Mutex::new(BTreeMap::new()),
        });
        let request_token = FakeIssuer::unique_id();
        let mut env = job_variables(&minter, &request_token);
        for (name, audience) in variables {
            env.push((name, minter.token(&audience, &Changes::default())));
        }
        let (stop, stopped) = watch::channel(false);
        let server = Server {
            minter: Arc::clone(&minter),
            request_token: Secret::new(request_token),
            delay: settings.delay,
            path: settings.issuer_path,
            stop: stopped.clone(),
        };
        let server = tokio::spawn(serve(listener, server, stopped));
        Ok(Self { url, env, minter, stop, server })
    }

    /// The issuer's URL, which its tokens name.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The platform that is played.
    pub fn platform(&self) -> &'static Platform {
        self.minter.platform
    }

    /// The commands that a job finds.
    pub fn commands(&self) -> JobCommands {
        JobCommands::new(Arc::clone(&self.minter))
    }

    /// The variables that a job sees, names and values, secrets among them.
    pub fn env(&self) -> &[(String, String)] {
        &self.env
    }

    /// The keys and signatures behind it, to rotate keys or to sign what it would not.
    pub fn issuer(&self) -> &FakeIssuer {
        &self.minter.issuer
    }

    /// A token for an audience, with the claims of the settings and these changes on top.
    pub fn token(&self, audience: &str, changes: &Changes) -> String {
        self.minter.token(audience, changes)
    }

    /// Ends it: no new connection is taken, and requests that are being answered have [`GRACE`] to come to
    /// their end.
    pub async fn stop(self) {
        self.stop.send_replace(true);
        // A panic of the server's task was reported where it happened.
        let _ended = self.server.await;
    }
}

impl fmt::Debug for Running {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Running")
            .field("platform", &self.minter.platform)
            .field("url", &self.url)
            .finish_non_exhaustive()
    }
}

async fn listen(address: SocketAddr) -> Result<TcpListener, StartError> {
    if !address.ip().is_loopback() {
        return Err(StartError::NotLoopback(address));
    }
    TcpListener::bind(address).await.map_err(listening(address))
}

fn listening(address: SocketAddr) -> impl FnOnce(io::Error) -> StartError {
    move |source| StartError::Listen { address, source }
}

async fn serve(listener: TcpListener, server: Server, mut stopped: watch::Receiver<bool>) {
    let until = async move {
        // An error means that `Running` was dropped, which is the same wish.
        let _wish = stopped.wait_for(|stop| *stop).await;
    };
    let connections = oidc_listener::most_connections().unwrap_or(usize::MAX).min(oidc_listener::CONNECTIONS);
    let settings = oidc_listener::Settings::new(connections, GRACE);
    oidc_listener::serve(listener, server.router(), settings, until).await;
}

fn is_path(path: &str) -> Result<(), StartError> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    let is_segment =
        |segment: &str| segment.bytes().any(|byte| byte != b'.') && segment.bytes().all(is_plain);
    match path.strip_prefix('/') {
        Some(rest) if rest.split('/').all(is_segment) => Ok(()),
        None if path.is_empty() => Ok(()),
        _ => Err(StartError::InvalidPath(path.to_owned())),
    }
}

fn job_variables(minter: &Minter, request_token: &str) -> Variables {
    let claims = minter.claims("", &Changes::default());
    let token = |audience: &str| minter.token(audience, &Changes::default());
    (minter.platform.variables)(&Job {
        url: minter.issuer.url(),
        request_token,
        claims: &claims,
        token: &token,
    })
}

/// The variables for tokens that are made before the job, each with its token's audience.
fn token_variables(settings: &Settings) -> Result<Variables, StartError> {
    if let Some(name) = &settings.token_variable {
        let [audience] = settings.audiences.as_slice() else {
            return Err(StartError::Audiences(settings.audiences.len()));
        };
        let is_name = !name.starts_with(|letter: char| letter.is_ascii_digit())
            && name.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_');
        if name.is_empty() || !is_name {
            return Err(StartError::InvalidVariable(name.clone()));
        }
        return Ok(vec![(name.clone(), audience.clone())]);
    }
    match settings.platform.token_variable {
        Some(named) => {
            let variables: Variables =
                settings.audiences.iter().map(|one| (named(one), one.clone())).collect();
            let names: BTreeSet<&str> = variables.iter().map(|(name, _)| name.as_str()).collect();
            if names.len() < variables.len() {
                Err(StartError::Audiences(variables.len()))
            } else {
                Ok(variables)
            }
        }
        None if settings.audiences.is_empty() => Ok(Variables::new()),
        None => Err(StartError::NoVariable(settings.platform.name)),
    }
}
