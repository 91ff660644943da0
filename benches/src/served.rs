//! npm's endpoint over a database in a process of its own, whose CPU is read from outside.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::Ipv4Addr;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use oidc_core::http::Request;
use oidc_core::testing::SigningAlgorithm;
use oidc_core::{Context, HttpUrl, Secret};
use oidc_exchange::server;

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
        let program = std::env::current_exe().expect("this program");
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

    /// Exchanges so many tokens by so many callers. Returns the time that passed, and the CPU of the registry.
    pub async fn exchange(&mut self, count: usize, callers: usize) -> (Duration, Duration) {
        let cpu = self.cpu();
        let begin = Instant::now();
        let tasks: Vec<_> = (0..callers)
            .map(|_| {
                let rest = self.tokens.len().saturating_sub(count / callers);
                let (tokens, url, cx) = (self.tokens.split_off(rest), self.exchange.clone(), self.cx.clone());
                tokio::spawn(async move {
                    for token in &tokens {
                        let request = Request::post(url.clone()).bearer(token);
                        let answer = cx.http().send(request).await.expect("an answer");
                        assert_eq!(answer.status, 201, "{}", String::from_utf8_lossy(&answer.body));
                    }
                })
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

/// The other process: prints its address and identity tokens, and serves until it is killed.
pub async fn serve(url: &str, count: usize) {
    let scene = Scene::new(SigningAlgorithm::Rs256).await;
    let registry = Registry::new(&scene, url, 8).await;
    let app = Router::new().nest_service("/-/npm/v1/oidc", server::npm(registry.exchange.clone()));
    let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
    let mut output = std::io::stdout();
    writeln!(output, "http://{}/", listener.local_addr().expect("an address")).expect("standard output");
    let scene = Arc::new(scene);
    for token in tokens(&scene, count) {
        writeln!(output, "{token}").expect("standard output");
    }
    axum::serve(listener, app).await.expect("a server");
}
