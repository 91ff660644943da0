//! The programs `registry`, `ci-issuer` and `trusted-publish`, run as a script would run them.
//!
//! cargo builds a package's own binaries for its tests and no others, so that this package has these programs' `main` as binaries of its
//! own, called `tested-NAME`. A test always runs what its sources say.
// Waiting for a process is waiting by the wall clock.
#![allow(clippy::disallowed_methods)]

use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

pub use rustix::process::Signal;
use rustix::process::{Pid, kill_process};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// The deadline of a program's next output, and of its end.
const TIMEOUT: Duration = Duration::from_secs(30);

#[derive(Debug, Clone, Copy)]
pub enum Program {
    Registry,
    CiIssuer,
    TrustedPublish,
}

impl Program {
    /// The program's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Registry => "registry",
            Self::CiIssuer => "ci-issuer",
            Self::TrustedPublish => "trusted-publish",
        }
    }

    /// The program, as this package builds it.
    pub fn path(self) -> PathBuf {
        let variable = format!("CARGO_BIN_EXE_tested-{}", self.name());
        std::env::var_os(&variable).expect("cargo says where the programs are").into()
    }

    /// Starts it. It sees `variables` and nothing of this process's environment.
    pub fn start(self, folder: &Path, variables: &[(&str, &str)], arguments: &[&str]) -> Process {
        let mut child = Command::new(self.path())
            .args(arguments)
            .current_dir(folder)
            .env_clear()
            .envs(variables.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let stdout = Lines::of(child.stdout.take().unwrap());
        let stderr = Lines::of(child.stderr.take().unwrap());
        Process { child, stdout, stderr }
    }

    /// Runs it to its end.
    pub async fn run(self, folder: &Path, arguments: &[&str]) -> Ended {
        self.start(folder, &[], arguments).ended().await
    }
}

/// A folder that holds the programs by their own names.
#[cfg(unix)]
pub fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for program in [Program::Registry, Program::CiIssuer, Program::TrustedPublish] {
        std::os::unix::fs::symlink(program.path(), folder.path().join(program.name())).unwrap();
    }
    folder
}

/// A registry that reads `registry.toml` of a folder, ready, with the URL that it says it listens on.
pub async fn registry(folder: &Path, log: &str) -> (Process, String) {
    let arguments = ["--config", "registry.toml"];
    let process = Program::Registry.start(folder, &[("RUST_LOG", log)], &arguments);
    let first = process.stdout.first().await;
    let Some(url) = first.as_deref().and_then(|line| line.strip_prefix("listening on ")) else {
        panic!("{first:?}: {}", process.stderr.text());
    };
    let url = url.to_owned();
    (process, url)
}

/// A program that runs.
#[derive(Debug)]
pub struct Process {
    child: Child,
    pub stdout: Lines,
    pub stderr: Lines,
}

/// The exit status of a program and its whole output.
#[derive(Debug)]
pub struct Ended {
    pub status: ExitStatus,
    pub stdout: String,
    pub stderr: String,
}

/// Sends a signal to the process with this id.
pub fn send(signal: Signal, id: u32) {
    kill_process(pid(id), signal).unwrap();
}

pub(crate) fn pid(id: u32) -> Pid {
    id.try_into().ok().and_then(Pid::from_raw).unwrap()
}

impl Process {
    /// Sends a signal and waits for the end.
    pub async fn signal(self, signal: Signal) -> Ended {
        send(signal, self.id());
        self.ended().await
    }

    /// The id of its process.
    pub fn id(&self) -> u32 {
        self.child.id().unwrap()
    }

    /// Ends it at once with SIGKILL, in the middle of whatever it does.
    pub async fn kill(mut self) -> Ended {
        self.child.start_kill().unwrap();
        self.ended().await
    }

    /// Waits for the end.
    pub async fn ended(mut self) -> Ended {
        let status = tokio::time::timeout(TIMEOUT, self.child.wait()).await;
        let status = status.unwrap_or_else(|_| panic!("still runs after {TIMEOUT:?}")).unwrap();
        Ended { status, stdout: self.stdout.all().await, stderr: self.stderr.all().await }
    }
}

/// The output of a program, line by line.
#[derive(Debug)]
pub struct Lines {
    text: Arc<Mutex<String>>,
    count: watch::Receiver<usize>,
    reader: JoinHandle<()>,
}

impl Lines {
    fn of(stream: impl AsyncRead + Send + Unpin + 'static) -> Self {
        let text = Arc::new(Mutex::new(String::new()));
        let (sender, count) = watch::channel(0);
        let to = Arc::clone(&text);
        let reader = tokio::spawn(async move {
            let mut stream = BufReader::new(stream);
            let mut line = Vec::new();
            while stream.read_until(b'\n', &mut line).await.is_ok_and(|bytes| bytes > 0) {
                to.lock().unwrap().push_str(&String::from_utf8_lossy(&line));
                sender.send_modify(|count| *count += 1);
                line.clear();
            }
        });
        Self { text, count, reader }
    }

    /// The first line, or `None` if the stream ends before there is one.
    pub async fn first(&self) -> Option<String> {
        self.until(|_| true).await
    }

    /// The first line that fits, or `None` if the stream ends before there is one.
    pub async fn until(&self, fits: impl Fn(&str) -> bool) -> Option<String> {
        let mut count = self.count.clone();
        let find = async {
            loop {
                let ended = count.has_changed().is_err();
                if let Some(line) = self.text().lines().find(|line| fits(line)) {
                    return Some(line.to_owned());
                }
                if ended || count.changed().await.is_err() && self.text().lines().all(|line| !fits(line)) {
                    return None;
                }
            }
        };
        tokio::time::timeout(TIMEOUT, find).await.unwrap_or_else(|_| panic!("nothing said in {TIMEOUT:?}"))
    }

    /// The output so far.
    pub fn text(&self) -> String {
        self.text.lock().unwrap().clone()
    }

    async fn all(self) -> String {
        self.reader.await.unwrap();
        self.text.lock().unwrap().clone()
    }
}
