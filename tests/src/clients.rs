//! Real package managers, each run in a home of its own.
//!
//! A client is found by a variable such as `TEST_NPM`, or on the `PATH`; cargo is the one that builds the tests. A test of a client
//! that is not there is ignored, with the reason (`#[needs(npm)]`), unless `REQUIRE_CLIENTS=1`.
// The one place where tests read the environment and wait by the wall clock.
#![allow(clippy::disallowed_methods)]

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tempfile::TempDir;
use tokio::process::Command;

use super::programs::Program;

#[path = "../needs/src/clients.rs"]
mod facts;

/// The deadline of one run of a client.
const TIMEOUT: Duration = Duration::from_secs(120);

#[derive(Debug, Clone, Copy)]
pub enum Tool {
    Npm,
    Yarn,
    Pnpm,
    Pnpm12,
    Cargo,
    Uv,
    Twine,
    Maturin,
    Pip,
    Flit,
    Hatch,
    Pdm,
    Poetry,
    Gem,
    Bundle,
    Bun,
    Ovsx,
    Vsce,
    /// The program of `pypi-attestations`, for its Python.
    PypiVerifier,
}

impl Tool {
    /// The client in a fresh home. A test that asks for one says so by `#[needs(…)]`, and is ignored where there is none.
    pub async fn find(self) -> Client {
        let program = match self {
            Self::Cargo => env::var_os("TEST_CARGO").unwrap_or_else(|| env!("CARGO").into()).into(),
            _ => {
                facts::find(&format!("{self:?}").to_lowercase()).unwrap_or_else(|problem| panic!("{problem}"))
            }
        };
        Client { program, home: tempfile::tempdir().unwrap() }
    }
}

fn search_path() -> OsString {
    env::var_os("PATH").unwrap_or_default()
}

/// A package manager and the home that it keeps its settings and caches in.
#[derive(Debug)]
pub struct Client {
    program: PathBuf,
    home: TempDir,
}

/// The result of a run.
#[derive(Debug)]
pub struct Output {
    pub status: ExitStatus,
    pub stdout: String,
    pub stderr: String,
}

impl Output {
    /// The standard output of a run that succeeded.
    #[track_caller]
    pub fn succeeded(self) -> String {
        assert!(self.status.success(), "{}\n{}", self.stdout, self.stderr);
        self.stdout
    }

    /// Everything that was printed by a run that failed.
    #[track_caller]
    pub fn failed(self) -> String {
        assert!(!self.status.success(), "{}\n{}", self.stdout, self.stderr);
        format!("{}\n{}", self.stdout, self.stderr)
    }
}

impl Client {
    pub fn home(&self) -> &Path {
        self.home.path()
    }

    /// The client's program.
    pub fn program(&self) -> &Path {
        &self.program
    }

    /// The search path with this client before all others, for a client that runs another.
    pub fn path_first(&self) -> OsString {
        let folders = self.program.parent().map(PathBuf::from).into_iter();
        env::join_paths(folders.chain(env::split_paths(&search_path()))).unwrap()
    }

    /// The Python that the client belongs to.
    pub fn python(&self) -> PathBuf {
        let beside = self.program.with_file_name("python3");
        if beside.is_file() { beside } else { "python3".into() }
    }

    /// The Ruby that the client belongs to.
    pub fn ruby(&self) -> PathBuf {
        let beside = self.program.with_file_name("ruby");
        if beside.is_file() { beside } else { "ruby".into() }
    }

    /// A folder in the client's home with these files in it.
    pub fn project(&self, name: &str, files: &[(&str, &str)]) -> PathBuf {
        let folder = self.home().join(name);
        for (file, content) in files {
            let path = folder.join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, content).unwrap();
        }
        folder
    }

    /// Runs the client in `folder` under `trusted-publish exec`, with its options before `--`.
    pub async fn publish(
        &self,
        folder: &Path,
        variables: &[(&str, &str)],
        options: &[&str],
        arguments: &[&str],
    ) -> Output {
        let program = self.program.to_str().unwrap();
        let arguments = [&["exec"], options, &["--", program], arguments].concat();
        self.run_program(&Program::TrustedPublish.path(), folder, variables, &arguments).await
    }

    /// Runs the client in `folder`. It sees `variables` and what isolates it, and nothing of this process's environment.
    pub async fn run(&self, folder: &Path, variables: &[(&str, &str)], arguments: &[&str]) -> Output {
        self.run_program(&self.program, folder, variables, arguments).await
    }

    /// Runs any program as if it were the client.
    pub async fn run_program(
        &self,
        program: &Path,
        folder: &Path,
        variables: &[(&str, &str)],
        arguments: &[&str],
    ) -> Output {
        let child = Command::new(program)
            .args(arguments)
            .current_dir(folder)
            .env_clear()
            .env("PATH", search_path())
            .envs(self.isolation())
            .envs(variables.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let output = match tokio::time::timeout(TIMEOUT, child.wait_with_output()).await {
            Ok(output) => output.unwrap(),
            Err(_) => panic!("{} {arguments:?} took longer than {TIMEOUT:?}", program.display()),
        };
        Output {
            status: output.status,
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// Settings that keep a client to its home, quiet, and away from hosts other than the test's.
    fn isolation(&self) -> Vec<(&'static str, OsString)> {
        let inside = |name: &str| self.home().join(name).into_os_string();
        vec![
            ("HOME", self.home().into()),
            ("XDG_CACHE_HOME", inside(".cache")),
            ("XDG_CONFIG_HOME", inside(".config")),
            ("XDG_DATA_HOME", inside(".local/share")),
            ("XDG_STATE_HOME", inside(".local/state")),
            ("NO_COLOR", "1".into()),
            ("CARGO_HOME", inside(".cargo")),
            ("RUSTC", Path::new(env!("CARGO")).with_file_name("rustc").into_os_string()),
            ("PIP_DISABLE_PIP_VERSION_CHECK", "1".into()),
            ("PIP_NO_INPUT", "1".into()),
            ("PYTHONUSERBASE", inside(".local")),
            ("UV_PYTHON_DOWNLOADS", "never".into()),
            ("PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring".into()),
            ("PDM_CHECK_UPDATE", "0".into()),
            ("GEM_HOME", inside(".gem")),
            ("NO_UPDATE_NOTIFIER", "1".into()),
            ("NPM_CONFIG_UPDATE_NOTIFIER", "false".into()),
            ("NPM_CONFIG_CACHE", inside(".npm")),
            ("NPM_CONFIG_PREFIX", inside(".npm-prefix")),
            ("NPM_CONFIG_GLOBALCONFIG", inside(".npmrc-global")),
            ("NPM_CONFIG_USERCONFIG", inside(".npmrc")),
            ("NPM_CONFIG_AUDIT", "false".into()),
            ("NPM_CONFIG_FUND", "false".into()),
            ("NPM_CONFIG_FETCH_RETRIES", "0".into()),
            ("PNPM_HOME", inside(".pnpm")),
            ("YARN_ENABLE_TELEMETRY", "0".into()),
            ("YARN_GLOBAL_FOLDER", inside(".yarn")),
            ("YARN_IGNORE_PATH", "1".into()),
            ("YARN_NODE_LINKER", "node-modules".into()),
            ("YARN_HTTP_RETRY", "0".into()),
            ("YARN_ENABLE_IMMUTABLE_INSTALLS", "0".into()),
            // yarn refuses plain http and versions younger than a day unless told otherwise.
            ("YARN_UNSAFE_HTTP_WHITELIST", "127.0.0.1".into()),
            ("YARN_NPM_MINIMAL_AGE_GATE", "0".into()),
        ]
    }
}
