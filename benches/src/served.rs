//! npm's endpoint over a database in a process of its own, whose CPU is read from outside.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::Ipv4Addr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use axum::Router;
use oidc_core::http::Request;
use oidc_core::testing::SigningAlgorithm;
use oidc_core::{Context, HttpUrl, Secret};
use oidc_exchange::server;

use crate::kept::Kept;
use crate::scene::Scene;
use crate::stores::{PACKAGE, Registry, tokens};

/// A registry in a process of its own, and identity tokens that it accepts.
#[derive(Debug)]
pub struct Served {
    process: Child,
    exchange: HttpUrl,
    tokens: Vec<Secret>,
    cx: Context,
}

impl Served {
    /// Starts this program again, with `serve URL TOKENS`.
    pub fn start(url: &str, count: usize) -> Self {
        Self::start_program(&std::env::current_exe().expect("this program"), url, count)
    }

    /// Starts a program of any release, with `serve URL TOKENS`.
    pub fn start_program(program: &Path, url: &str, count: usize) -> Self {
        let mut command = Command::new(program);
        let mut process = command
            .args(["serve", url, &count.to_string()])
            .stdout(Stdio::piped())
            .spawn()
            .expect("a process");
        let output = process.stdout.take().expect("its output");
        let mut lines = BufReader::new(output).lines().map(|line| line.expect("a line"));
        let base = HttpUrl::parse(&lines.next().expect("its address")).expect("a URL");
        let exchange = base.below(&format!("-/npm/v1/oidc/token/exchange/package/{PACKAGE}"));
        let tokens = lines.take(count).map(Secret::new).collect();
        Self { process, exchange, tokens, cx: Context::system().expect("a context") }
    }

    /// Exchanges so many tokens by so many callers, over a new connection for each token. Returns the time that passed, and the CPU
    /// of the registry.
    pub async fn exchange(&mut self, count: usize, callers: usize) -> (Duration, Duration) {
        let cx = self.cx.clone();
        let caller = move |url: HttpUrl, tokens: Vec<Secret>| {
            let cx = cx.clone();
            async move {
                for token in &tokens {
                    let request = Request::post(url.clone()).bearer(token);
                    let answer = cx.http().send(request).await.expect("an answer");
                    assert_eq!(answer.status, 201, "{}", String::from_utf8_lossy(&answer.body));
                }
            }
        };
        self.by_callers(count, callers, caller).await
    }

    /// Exchanges so many tokens by so many callers, each of whom keeps its connection.
    pub async fn exchange_kept(&mut self, count: usize, callers: usize) -> (Duration, Duration) {
        let caller = |url: HttpUrl, tokens: Vec<Secret>| async move {
            let mut connection = Kept::to(&url).await;
            for token in &tokens {
                connection.exchange(token).await;
            }
        };
        self.by_callers(count, callers, caller).await
    }

    async fn by_callers<C, F>(&mut self, count: usize, callers: usize, caller: C) -> (Duration, Duration)
    where
        C: Fn(HttpUrl, Vec<Secret>) -> F,
        F: Future<Output = ()> + Send + 'static,
    {
        let cpu = self.cpu();
        let begin = Instant::now();
        let tasks: Vec<_> = (0..callers)
            .map(|_| {
                let rest = self.tokens.len().saturating_sub(count / callers);
                tokio::spawn(caller(self.exchange.clone(), self.tokens.split_off(rest)))
            })
            .collect();
        for task in tasks {
            task.await.expect("a caller");
        }
        (begin.elapsed(), self.cpu().saturating_sub(cpu))
    }

    fn cpu(&self) -> Duration {
        cpu_of(self.process.id())
    }

    /// The number of times that its threads have waited.
    pub fn waits(&self) -> u64 {
        let of_one = |path: std::path::PathBuf| {
            let text = std::fs::read_to_string(path.join("status")).unwrap_or_default();
            let line = text.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"));
            line.and_then(|number| number.trim().parse::<u64>().ok()).unwrap_or_default()
        };
        let tasks = std::fs::read_dir(format!("/proc/{}/task", self.process.id())).into_iter().flatten();
        tasks.flatten().map(|task| of_one(task.path())).sum()
    }

    /// Its resident memory, in bytes.
    pub fn memory(&self) -> f64 {
        let text = std::fs::read_to_string(format!("/proc/{}/statm", self.process.id())).expect("its memory");
        text.split(' ').nth(1).and_then(|pages| pages.parse::<f64>().ok()).unwrap_or(f64::NAN) * 4096.0
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The CPU that the threads of a process have used.
pub fn cpu_of(process: u32) -> Duration {
    let Ok(tasks) = std::fs::read_dir(format!("/proc/{process}/task")) else { return Duration::ZERO };
    let of_one = |path: std::path::PathBuf| {
        let text = std::fs::read_to_string(path.join("schedstat")).unwrap_or_default();
        text.split(' ').next().and_then(|nanoseconds| nanoseconds.parse::<u64>().ok()).unwrap_or_default()
    };
    Duration::from_nanos(tasks.flatten().map(|task| of_one(task.path())).sum())
}

/// The CPU that this process and all servers of PostgreSQL on this machine have used.
pub fn cpu_with_servers() -> Duration {
    let processes = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let numbers = processes.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let is_server = |process: &u32| {
        std::fs::read_to_string(format!("/proc/{process}/comm")).is_ok_and(|name| name.trim() == "postgres")
    };
    numbers.filter(is_server).map(cpu_of).sum::<Duration>() + cpu_of(std::process::id())
}

/// The other process, with the runtime and the listener of the registry: prints its address and identity tokens, and serves
/// until it is killed.
pub fn serve(url: &str, count: usize) {
    let cx = Context::system().expect("a context");
    let runtime = registry::runtime(cx.environment()).expect("a runtime");
    let serving = serve_tokens(url.to_owned(), count);
    runtime.block_on(async { tokio::spawn(serving).await.expect("a server") });
}

async fn serve_tokens(url: String, count: usize) {
    let scene = Scene::new(SigningAlgorithm::Rs256).await;
    let registry = Registry::new(&scene, &url, 8).await;
    let app = Router::new().nest_service("/-/npm/v1/oidc", server::npm(registry.exchange.clone()));
    let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
    let mut output = std::io::stdout();
    writeln!(output, "http://{}/", listener.local_addr().expect("an address")).expect("standard output");
    for token in tokens(&scene, count) {
        writeln!(output, "{token}").expect("standard output");
    }
    let settings = oidc_listener::Settings::new(oidc_listener::CONNECTIONS, Duration::ZERO);
    oidc_listener::serve(listener, app, settings, std::future::pending()).await;
}
