//! A platform and a Sigstore instance on loopback, and a folder with a package.

use std::process::{Command, Output};

use ci_issuer::sigstore::{self, Fault};
use ci_issuer::{Changes, Platform, Running, Settings};
use oidc_core::{Context, Environment, HttpUrl};
use oidc_provenance::Services;
use tempfile::TempDir;
use tests::http;

pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_tested-trusted-publish");
pub(crate) const TARBALL: &[u8] = b"the bytes of the tarball";

pub(crate) struct World {
    pub(crate) issuer: Running,
    pub(crate) sigstore: sigstore::Running,
    pub(crate) folder: TempDir,
    platform: &'static Platform,
}

impl World {
    pub(crate) async fn start(platform: &'static Platform, fault: Option<Fault>) -> Self {
        Self::of_job(platform, fault, &[]).await
    }

    /// A job whose tokens have these claims.
    pub(crate) async fn of_job(
        platform: &'static Platform,
        fault: Option<Fault>,
        claims: &[(&str, &str)],
    ) -> Self {
        let cx = http::system();
        let visibility =
            if platform.name == "gitlab" { "project_visibility" } else { "repository_visibility" };
        let mut settings = Settings::new(platform);
        let public = Changes::default().set(visibility, "public");
        settings.changes = claims.iter().fold(public, |changes, (claim, value)| changes.set(*claim, *value));
        let issuer = Running::start(settings, &cx).await.unwrap();
        let mut settings = sigstore::Settings::new(platform.name, issuer.url());
        settings.fault = fault;
        let sigstore = sigstore::Running::start(settings, &cx).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("widget-1.0.0.tgz"), TARBALL).unwrap();
        sigstore.write(folder.path()).unwrap();
        Self { issuer, sigstore, folder, platform }
    }

    pub(crate) fn trusted_root(&self) -> String {
        String::from_utf8(self.sigstore.file("trusted_root.json").unwrap().to_vec()).unwrap()
    }

    pub(crate) fn services(&self) -> Services {
        let url = HttpUrl::parse(self.sigstore.url()).unwrap();
        Services::new(url.clone(), url)
    }

    /// The same authority, with the log's interface of version 2 and the timestamps that it needs.
    pub(crate) fn tiled_services(&self) -> Services {
        let url = HttpUrl::parse(self.sigstore.url()).unwrap();
        let timestamps = HttpUrl::parse(&self.sigstore.timestamp_url()).unwrap();
        Services::with_tiled_log(url.clone(), url, timestamps)
    }

    /// The job's variables.
    pub(crate) fn variables(&self) -> Vec<(String, String)> {
        let mut variables = self.issuer.env().to_vec();
        if self.platform.name == "gitlab" {
            let token = self.issuer.token("sigstore", &Changes::default());
            variables.push(("SIGSTORE_ID_TOKEN".to_owned(), token));
        }
        variables
    }

    pub(crate) fn context(&self) -> Context {
        http::system().with_environment(self.variables().into_iter().collect::<Environment>())
    }

    /// Runs the program in the job.
    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        self.run_with(&[], arguments)
    }

    /// Runs the program in the job with other variables, of which empty ones are left out.
    pub(crate) fn run_with(&self, changes: &[(&str, &str)], arguments: &[&str]) -> Output {
        let mut command = Command::new(PROGRAM);
        command.env_clear().envs(self.variables()).args(arguments).current_dir(self.folder.path());
        for (name, value) in changes {
            if value.is_empty() {
                command.env_remove(name)
            } else {
                command.env(name, value)
            };
        }
        command.output().unwrap()
    }
}

/// What a program said on both streams.
pub(crate) fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}
