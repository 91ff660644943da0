//! A command's environment, with every tool's variables and for every kind of destination. The real tools obey
//! it in `tests/tests/clients/exec.rs`.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;

use oidc_core::http::Response;
use oidc_core::testing::FakeHttp;
use oidc_core::{Context, FileError, Files, HttpUrl, Secret};

use super::command::changes::Changes;
use super::command::named;
use super::destination::Destination;
use super::ecosystem::Ecosystem;
use super::invalid_target::InvalidTarget;

mod elsewhere;
mod files;
mod launched;
mod not_run;
mod overlooked;
mod spelled;
mod unread;

const OWN: &str = "https://own.example/a/";
const NPMJS: &str = "https://registry.npmjs.org/";

/// A job that publishes at a registry.
#[derive(Clone, Default)]
struct Job {
    registry: &'static str,
    package: Option<&'static str>,
    variables: Vec<(&'static str, &'static str)>,
    files: BTreeMap<&'static str, &'static str>,
    command: Vec<&'static str>,
    http: FakeHttp,
    /// The public registry instead of an own one.
    is_public: bool,
}

#[derive(Debug)]
struct InMemory(BTreeMap<&'static str, &'static str>);

impl Files for InMemory {
    fn read(&self, path: &Path, limit: usize) -> Result<Vec<u8>, FileError> {
        match path.to_str().and_then(|path| self.0.get(path)) {
            Some(text) if text.len() > limit => Err(FileError::too_large(path, limit)),
            Some(text) => Ok(text.as_bytes().to_vec()),
            None => Err(FileError::new(path, "not found")),
        }
    }
}

fn job(registry: &'static str) -> Job {
    Job { registry, command: vec!["tool", "publish"], ..Job::default() }
}

impl Job {
    fn package(self, name: &'static str) -> Self {
        Self { package: Some(name), ..self }
    }

    fn with(mut self, name: &'static str, value: &'static str) -> Self {
        self.variables.push((name, value));
        self
    }

    fn file(mut self, path: &'static str, content: &'static str) -> Self {
        self.files.insert(path, content);
        self
    }

    fn context(&self) -> Context {
        Context::default()
            .with_environment(self.variables.iter().copied().collect())
            .with_files(InMemory(self.files.clone()))
            .with_http(self.http.clone())
    }

    fn command(&self) -> Vec<OsString> {
        self.command.iter().map(Into::into).collect()
    }

    fn destination<'a>(&'a self, command: &'a [OsString], cx: &'a Context) -> Destination<'a> {
        let public = HttpUrl::parse(Ecosystem::named(self.registry).unwrap().public()).ok();
        let url = public.clone().filter(|_| self.is_public).unwrap_or_else(|| HttpUrl::parse(OWN).unwrap());
        Destination::new(&url, public, self.package, command, cx)
    }

    /// Checks that the command may be run.
    fn check(&self) -> Result<(), InvalidTarget> {
        let (cx, command) = (self.context(), self.command());
        named::check(&self.destination(&command, &cx))
    }

    /// The reason for which the command would publish at another registry, with a short-lived token and with a static credential.
    async fn elsewhere(&self) -> [Option<String>; 2] {
        let ecosystem = Ecosystem::named(self.registry).unwrap();
        let (cx, command) = (self.context(), self.command());
        let destination = self.destination(&command, &cx);
        let token = ecosystem.with_token(&Secret::new("fresh"), &destination).await;
        let without = ecosystem.without_token(&destination).await;
        [token, without].map(|changes| changes.elsewhere(&destination).map(str::to_owned))
    }

    fn run_by(mut self, command: &[&'static str]) -> Self {
        self.command = command.to_vec();
        self
    }

    async fn changes(&self, is_fresh: bool) -> Seen {
        let ecosystem = Ecosystem::named(self.registry).unwrap();
        let (cx, command) = (self.context(), self.command());
        let destination = self.destination(&command, &cx);
        let changes = match is_fresh {
            true => ecosystem.with_token(&Secret::new("fresh"), &destination).await,
            false => ecosystem.without_token(&destination).await,
        };
        Seen::new(self, &changes)
    }

    /// The command's environment with a short-lived token.
    async fn fresh(&self) -> Seen {
        self.changes(true).await
    }

    /// The command's environment with a static credential.
    async fn fallen_back(&self) -> Seen {
        self.changes(false).await
    }
}

/// A command's environment.
struct Seen {
    variables: BTreeMap<String, String>,
    notes: String,
}

impl Seen {
    fn new(job: &Job, changes: &Changes) -> Self {
        let mut variables: BTreeMap<String, String> =
            job.variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        for name in changes.removed() {
            variables.remove(name);
        }
        variables.extend(changes.exposed().map(|(name, value)| (name.to_owned(), value.to_owned())));
        Self { variables, notes: changes.notes_for(None).collect::<Vec<_>>().join("\n") }
    }

    #[track_caller]
    fn has(&self, expected: &[(&str, &str)]) {
        for (name, value) in expected {
            assert_eq!(self.variables.get(*name).map(String::as_str), Some(*value), "{name}");
        }
    }

    #[track_caller]
    fn lacks(&self, names: &[&str]) {
        for name in names {
            assert_eq!(self.variables.get(*name), None, "{name}");
        }
    }

    /// The variables that hold a value.
    fn holding(&self, value: &str) -> Vec<&str> {
        let holding = self.variables.iter().filter(|(_, held)| *held == value);
        holding.map(|(name, _)| name.as_str()).collect()
    }
}

#[tokio::test]
async fn every_python_tool_is_told_the_url_beside_the_token() {
    for registry in ["pypi", "pep-807", "pyx"] {
        let conflicting = [
            "UV_PUBLISH_INDEX",
            "UV_PUBLISH_USERNAME",
            "UV_PUBLISH_PASSWORD",
            "MATURIN_REPOSITORY",
            "TWINE_REPOSITORY",
        ];
        let job = conflicting.into_iter().fold(job(registry), |job, name| job.with(name, "x"));
        let seen = job.with("TWINE_REPOSITORY_URL", "https://other.example/").fresh().await;
        for (token, url) in [
            ("TWINE_PASSWORD", "TWINE_REPOSITORY_URL"),
            ("UV_PUBLISH_TOKEN", "UV_PUBLISH_URL"),
            ("MATURIN_PYPI_TOKEN", "MATURIN_REPOSITORY_URL"),
            ("FLIT_PASSWORD", "FLIT_INDEX_URL"),
            ("HATCH_INDEX_AUTH", "HATCH_INDEX_REPO"),
            ("PDM_PUBLISH_PASSWORD", "PDM_PUBLISH_REPO"),
            ("POETRY_PYPI_TOKEN_TRUSTED_PUBLISH", "POETRY_REPOSITORIES_TRUSTED_PUBLISH_URL"),
        ] {
            seen.has(&[(token, "fresh"), (url, OWN)]);
        }
        for user in ["TWINE_USERNAME", "FLIT_USERNAME", "HATCH_INDEX_USER", "PDM_PUBLISH_USERNAME"] {
            seen.has(&[(user, "__token__")]);
        }
        seen.lacks(&conflicting);
        seen.lacks(&["POETRY_PYPI_TOKEN_PYPI"]);
        assert!(seen.notes.contains("-r trusted-publish"), "{}", seen.notes);
    }
}

#[tokio::test]
async fn the_user_of_uv_is_told_that_a_name_does_not_go_with_the_url() {
    let named = Job { command: vec!["/usr/bin/uv", "publish", "--index", "own"], ..job("pypi") };
    let notes = named.fresh().await.notes;
    assert!(notes.contains("takes no `--index`"), "{notes}");
}

#[tokio::test]
async fn the_public_registrys_own_variables_hold_a_token_of_its_own_alone() {
    let own = job("pypi").with("POETRY_PYPI_TOKEN_PYPI", "static").fresh().await;
    own.lacks(&["POETRY_PYPI_TOKEN_PYPI"]);
    let public = Job { is_public: true, ..job("pypi") }.fresh().await;
    public.has(&[("POETRY_PYPI_TOKEN_PYPI", "fresh")]);
    // `-r pypi` is what poetry's settings say without it.
    public.has(&[("POETRY_REPOSITORIES_PYPI_URL", "https://upload.pypi.org/legacy/")]);
    public.lacks(&["POETRY_REPOSITORIES_TRUSTED_PUBLISH_URL"]);
    assert_eq!(public.notes, "");

    let own = job("crates-io").with("CARGO_REGISTRY_TOKEN", "static").fresh().await;
    own.has(&[("CARGO_REGISTRY_TOKEN", "static"), ("CARGO_REGISTRY_DEFAULT", "trusted-publish")]);
    let public = Job { is_public: true, ..job("crates-io") }.fresh().await;
    public.has(&[
        ("CARGO_REGISTRY_TOKEN", "fresh"),
        ("CARGO_REGISTRY_CREDENTIAL_PROVIDER", "cargo:token"),
        ("CARGO_REGISTRY_DEFAULT", "crates-io"),
    ]);
    assert_eq!(public.holding("fresh"), ["CARGO_REGISTRY_TOKEN"]);
}

#[tokio::test]
async fn cargo_is_told_the_name_that_its_settings_have_and_else_the_index_that_is_there() {
    let settings = "[registries.our-own]\nindex = \"sparse+https://own.example/a/index/\"\n";
    let named = job("crates-io").file(".cargo/config.toml", settings).fresh().await;
    named.has(&[
        ("CARGO_REGISTRIES_OUR_OWN_TOKEN", "fresh"),
        ("CARGO_REGISTRIES_OUR_OWN_CREDENTIAL_PROVIDER", "cargo:token"),
        ("CARGO_REGISTRY_DEFAULT", "our-own"),
    ]);
    assert_eq!((named.holding("fresh").len(), named.notes.as_str()), (1, ""));

    let index = |api: &str| {
        let body = format!(r#"{{"dl":"https://own.example/dl","api":"{api}"}}"#);
        FakeHttp::new().on(
            "GET",
            "https://own.example/a/index/config.json",
            Response::new(200, Vec::new(), body),
        )
    };
    let found = Job { http: index("https://own.example/a"), ..job("crates-io") }.fresh().await;
    found.has(&[
        ("CARGO_REGISTRIES_TRUSTED_PUBLISH_INDEX", "sparse+https://own.example/a/index/"),
        ("CARGO_REGISTRIES_TRUSTED_PUBLISH_TOKEN", "fresh"),
        ("CARGO_REGISTRY_DEFAULT", "trusted-publish"),
    ]);
    for http in [FakeHttp::new(), index("https://evil.example/a"), index("http://own.example/a"), index("")] {
        let missing = Job { http, ..job("crates-io") }.fresh().await;
        missing.lacks(&["CARGO_REGISTRIES_TRUSTED_PUBLISH_INDEX"]);
        // An unknown registry is an error for cargo, and the public one would not be.
        missing.has(&[("CARGO_REGISTRY_DEFAULT", "trusted-publish")]);
        assert!(missing.notes.contains("CARGO_REGISTRIES_TRUSTED_PUBLISH_INDEX"), "{}", missing.notes);
    }
}

#[tokio::test]
async fn npm_pnpm_yarn_and_bun_are_told_the_registry_of_the_package_and_of_its_scope() {
    let upper = job("npm")
        .package("@acme/widget")
        .with("NPM_CONFIG_REGISTRY", NPMJS)
        .with("PNPM_CONFIG__AUTH", "{}")
        .with("YARN_NPM_AUTH_IDENT", "a:b");
    let seen = upper.fresh().await;
    seen.has(&[
        ("npm_config_registry", OWN),
        ("npm_config_@acme:registry", OWN),
        ("npm_config_//own.example/a/:_authToken", "fresh"),
        ("pnpm_config_registry", OWN),
        (
            "pnpm_config__auth",
            r#"{"https://own.example/a/":{"@":{"authToken":"fresh"},"@acme":{"authToken":"fresh"}}}"#,
        ),
        ("YARN_NPM_PUBLISH_REGISTRY", OWN),
        ("YARN_NPM_AUTH_TOKEN", "fresh"),
        ("BUN_CONFIG_REGISTRY", OWN),
        ("BUN_CONFIG_TOKEN", "fresh"),
        ("NODE_AUTH_TOKEN", "fresh"),
        ("NPM_TOKEN", "fresh"),
    ]);
    seen.lacks(&["NPM_CONFIG_REGISTRY", "PNPM_CONFIG__AUTH", "YARN_NPM_AUTH_IDENT"]);
    assert_eq!(seen.notes, "");
    let plain = job("npm").package("widget").with("NPM_CONFIG_SCOPE", "@else").fresh().await;
    plain.has(&[("npm_config_scope", "@")]);
    plain.lacks(&["npm_config_@acme:registry", "NPM_CONFIG_SCOPE"]);
}

#[tokio::test]
async fn a_static_credential_stays_where_it_is_and_is_copied_nowhere() {
    for (registry, variable) in [
        ("npm", "NODE_AUTH_TOKEN"),
        ("npm", "NPM_TOKEN"),
        ("crates-io", "CARGO_REGISTRY_TOKEN"),
        ("crates-io", "CARGO_REGISTRIES_OTHER_TOKEN"),
        ("nuget", "NUGET_API_KEY"),
    ] {
        let seen = job(registry).package("widget").with(variable, "static").fallen_back().await;
        assert_eq!(seen.holding("static"), [variable], "{registry}");
    }
    // So does what goes to whatever registry is the default one.
    for variable in ["npm_config__auth", "NPM_CONFIG__AUTHTOKEN", "NPM_CONFIG_TOKEN", "npm_config_token"] {
        let job = job("npm").package("widget").with(variable, "static");
        assert!(job.fallen_back().await.holding("static").is_empty(), "{variable}");
        assert!(job.fresh().await.holding("static").is_empty(), "{variable}");
        let own = job.with("NPM_CONFIG_REGISTRY", OWN).fallen_back().await;
        assert_eq!(own.holding("static"), [variable]);
    }
    let server = job("npm").package("widget").with("YARN_NPM_AUTH_TOKEN", "static");
    let server = server.with("YARN_NPM_REGISTRY_SERVER", OWN).fallen_back().await;
    assert_eq!(server.holding("static"), ["YARN_NPM_AUTH_TOKEN"]);
    // A tool that is told where to publish is not left with another registry's credential.
    for (registry, token, url) in [
        ("npm", "YARN_NPM_AUTH_TOKEN", "YARN_NPM_PUBLISH_REGISTRY"),
        ("npm", "BUN_CONFIG_TOKEN", "BUN_CONFIG_REGISTRY"),
        ("pypi", "UV_PUBLISH_TOKEN", "UV_PUBLISH_URL"),
        ("pypi", "UV_PUBLISH_PASSWORD", "UV_PUBLISH_URL"),
        ("pypi", "TWINE_PASSWORD", "TWINE_REPOSITORY_URL"),
        ("pypi", "MATURIN_PYPI_TOKEN", "MATURIN_REPOSITORY_URL"),
        ("rubygems", "GEM_HOST_API_KEY", "RUBYGEMS_HOST"),
        ("open-vsx", "OVSX_PAT", "OVSX_REGISTRY_URL"),
        ("vs-marketplace", "VSCE_PAT", "VSCE_MARKETPLACE_URL"),
        ("prefix-dev", "PREFIX_API_KEY", "PREFIX_SERVER_URL"),
    ] {
        let job = job(registry).package("widget").with(token, "static");
        let seen = job.fallen_back().await;
        assert!(seen.holding("static").is_empty(), "{token}");
        assert!(seen.variables[url].starts_with("https://own.example/a"), "{url}");
        let elsewhere = job.clone().with(url, "https://own.example/b/").fallen_back().await;
        assert!(elsewhere.holding("static").is_empty(), "{token}");
        let own = job.clone().with(url, OWN).fallen_back().await;
        assert_eq!(own.holding("static"), [token]);
        let public = Job { is_public: true, ..job }.fallen_back().await;
        assert_eq!(public.holding("static"), [token]);
    }
}
