//! A CI platform and a registry that trusts one of its jobs.

use std::fmt::Write as _;
use std::path::Path;

use ci_issuer::{self as issuer, Changes, Fault, GITHUB, Platform, Settings, sigstore};
use oidc_core::Context;
use oidc_exchange::sql::SqlStore;
use registry::{self, Config};
use tempfile::TempDir;

use super::clients::Client;
use super::http;

/// A configuration for a registry of packages (npm's, or as in `cargo:widget`), each with one publisher: the job that the platform's sample claims
/// are of, with further `rules`.
pub fn config(
    platform: &Platform,
    issuer: &str,
    folder: &Path,
    prefix: &str,
    packages: &[&str],
    rules: &str,
) -> String {
    let kind = platform.name;
    let job = match kind {
        "gitlab" => "project_path = \"acme/group/widget\"\nci_config = \".gitlab-ci.yml\"",
        _ => "repository = \"acme/widget\"\nworkflow = \"publish.yml\"",
    };
    let mut config = format!(
        "listen = \"127.0.0.1:0\"\npublic_url = \"http://127.0.0.1:0{prefix}\"\n\
         database = \"{}\"\n[[provider]]\nkind = \"{kind}\"\nissuer = \"{issuer}\"\n",
        database(folder)
    );
    for name in packages {
        let (ecosystem, name) = name.split_once(':').unwrap_or(("npm", name));
        let package = format!("[[package]]\necosystem = \"{ecosystem}\"\nname = \"{name}\"\n");
        let publisher = format!("[[package.publisher]]\nprovider = \"{kind}\"\n{job}\n{rules}\n");
        write!(config, "{package}{publisher}").unwrap();
    }
    config
}

/// Jobs that get no publish token: what their platform says of them, further rules of the publisher, and what a refusal names.
pub fn refused_jobs() -> [(Settings, &'static str, &'static str); 3] {
    let changed = |claim: &str, value: &str| Settings {
        changes: Changes::default().set(claim, value),
        ..Settings::new(&GITHUB)
    };
    [
        (changed("repository", "evil/widget"), "", "evil/widget"),
        (changed("environment", "staging"), "environment = \"publish\"", "environment"),
        (Settings { fault: Some(Fault::Expired), ..Settings::new(&GITHUB) }, "", "expired"),
    ]
}

/// A job that gets the same identity token however often it asks.
pub fn same_token() -> Settings {
    Settings { fault: Some(Fault::SameToken), ..Settings::new(&GITHUB) }
}

/// The database in a folder.
pub fn database(folder: &Path) -> String {
    format!("sqlite:{}/registry.db", folder.display())
}

/// The token of a registry's administrator.
pub const ADMIN: &str = "an-administrators-token";

/// A CI platform and a registry, in this process.
#[derive(Debug)]
pub struct Scene {
    pub issuer: issuer::Running,
    pub registry: registry::Running,
    pub cx: Context,
    /// The changes to the claims of tokens that are made before a job.
    pub changes: Changes,
    platform: &'static Platform,
    database: SqlStore,
    folder: TempDir,
}

impl Scene {
    /// A registry with its packages under `prefix`, which trusts the sample job of the platform.
    pub async fn start(settings: Settings, prefix: &str, packages: &[&str], rules: &str) -> Self {
        let configure = |config: String, _: &Path| config;
        Self::configured(settings, prefix, packages, rules, configure).await
    }

    /// The same, by https with a certificate of its own for `localhost`; see [`Scene::certificate`].
    pub async fn secure(settings: Settings, packages: &[&str], rules: &str) -> Self {
        let configure = |config: String, folder: &Path| {
            let signed = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
            std::fs::write(folder.join("cert.pem"), signed.cert.pem()).unwrap();
            std::fs::write(folder.join("key.pem"), signed.signing_key.serialize_pem()).unwrap();
            let file = |name: &str| folder.join(name).display().to_string();
            let tls =
                format!("[tls]\ncertificate = \"{}\"\nkey = \"{}\"\n", file("cert.pem"), file("key.pem"));
            config.replace("http://127.0.0.1:0", "https://localhost:0") + &tls
        };
        Self::configured(settings, "", packages, rules, configure).await
    }

    async fn configured(
        settings: Settings,
        prefix: &str,
        packages: &[&str],
        rules: &str,
        configure: impl FnOnce(String, &Path) -> String,
    ) -> Self {
        Self::within(http::system(), settings, prefix, packages, rules, configure).await
    }

    /// The same in a world of its own, with whatever `configure` changes in the configuration.
    pub async fn within(
        cx: Context,
        settings: Settings,
        prefix: &str,
        packages: &[&str],
        rules: &str,
        configure: impl FnOnce(String, &Path) -> String,
    ) -> Self {
        let platform = settings.platform;
        let issuer = issuer::Running::start(settings, &cx).await.unwrap();
        Self::of_issuer(cx, issuer, platform, prefix, packages, rules, configure).await
    }

    /// A registry that keeps provenance, signs with a key of its own and attests each publish, and the Sigstore instance that it
    /// trusts. `configure` changes the configuration.
    pub async fn with_provenance(
        settings: Settings,
        packages: &[&str],
        fault: Option<sigstore::Fault>,
        configure: impl FnOnce(String) -> String,
    ) -> (Self, sigstore::Running) {
        let cx = http::system();
        let platform = settings.platform;
        let issuer = issuer::Running::start(settings, &cx).await.unwrap();
        let of_sigstore = sigstore::Settings::new(platform.name, issuer.url());
        let instance =
            sigstore::Running::start(sigstore::Settings { fault, ..of_sigstore }, &cx).await.unwrap();
        let keep = |config: String, folder: &Path| {
            instance.write(folder).unwrap();
            let file = |name: &str| folder.join(name).display().to_string();
            let (root, key) = (file("trusted_root.json"), file("registry-key.pem"));
            let log = instance.url();
            configure(format!(
                "{config}\n[provenance]\ntrusted_root = \"{root}\"\nsigning_key = \"{key}\"\nlog = \"{log}\"\n"
            ))
        };
        let scene = Self::of_issuer(cx, issuer, platform, "", packages, "", keep).await;
        (scene, instance)
    }

    async fn of_issuer(
        cx: Context,
        issuer: issuer::Running,
        platform: &'static Platform,
        prefix: &str,
        packages: &[&str],
        rules: &str,
        configure: impl FnOnce(String, &Path) -> String,
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("admin-token"), ADMIN).unwrap();
        let admin = format!("admin_token_file = \"{}/admin-token\"\n", folder.path().display());
        let config = admin + &config(platform, issuer.url(), folder.path(), prefix, packages, rules);
        let config = configure(config, folder.path());
        let config = Config::parse(&config).unwrap();
        let database = config.database.clone();
        let registry = registry::Running::start(config, &cx).await.unwrap();
        let database = SqlStore::open(database.expose()).await.unwrap();
        Self { issuer, registry, cx, changes: Changes::default(), platform, database, folder }
    }

    /// The path of the certificate of a [`Scene::secure`].
    pub fn certificate(&self) -> std::path::PathBuf {
        self.folder.path().join("cert.pem")
    }

    /// The folder with the registry's files.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The registry's URL as clients are told it, with a slash at its end.
    pub fn url(&self) -> String {
        format!("{}/", self.registry.public_url().as_str().trim_end_matches('/'))
    }

    /// The audience that npm asks for.
    pub fn audience(&self) -> String {
        format!("npm:{}", self.registry.public_url().host())
    }

    /// The audience that yarn asks for.
    pub fn audience_with_port(&self) -> String {
        format!("npm:{}", self.registry.public_url().host_and_port())
    }

    /// A token for an audience.
    pub fn token(&self, audience: &str) -> String {
        self.issuer.token(audience, &self.changes)
    }

    /// The variables of a job. On a platform that makes tokens before the job, one for `audience` is among them.
    pub fn job(&self, audience: &str) -> Vec<(String, String)> {
        let mut variables = self.issuer.env().to_vec();
        if self.platform.name == "gitlab" {
            variables.push(("NPM_ID_TOKEN".into(), self.token(audience)));
        }
        variables
    }

    /// The variables of a job that uses npm.
    pub fn npm_job(&self) -> Vec<(String, String)> {
        self.job(&self.audience())
    }

    /// The variables of a job that uses yarn.
    pub fn yarn_job(&self) -> Vec<(String, String)> {
        let mut variables = self.job(&self.audience_with_port());
        variables.push(("YARN_NPM_REGISTRY_SERVER".into(), self.url()));
        variables
    }

    /// The `.npmrc` that makes this the default registry. It holds no credential.
    pub fn npmrc(&self) -> String {
        format!("registry={}\n", self.url())
    }

    /// All that a publish changes: packuments, publish tokens, used identity tokens.
    pub async fn state(&self, packages: &[&str]) -> State {
        let mut packuments = Vec::new();
        for package in packages {
            let answer = http::send(&self.cx, http::get(&self.url(), &http::escaped(package))).await;
            packuments.push((answer.status, String::from_utf8(answer.body).unwrap()));
        }
        State {
            packuments,
            tokens: self.count("oidc_token").await,
            used: self.count("oidc_replay").await,
            learned: self.count("oidc_learned_id").await,
        }
    }

    /// The texts that a query selects.
    pub async fn texts(&self, query: &'static str) -> Vec<String> {
        sqlx::query_scalar(query).fetch_all(self.database.pool()).await.unwrap()
    }

    /// Runs a statement that changes something.
    pub async fn execute(&self, statement: &'static str) {
        sqlx::query(statement).execute(self.database.pool()).await.unwrap();
    }

    /// The registry's database.
    pub fn database(&self) -> &SqlStore {
        &self.database
    }

    pub async fn count(&self, table: &str) -> i64 {
        let statement = sqlx::AssertSqlSafe(format!("SELECT COUNT(*) FROM {table}"));
        sqlx::query_scalar(statement).fetch_one(self.database.pool()).await.unwrap()
    }
}

/// See [`Scene::state`].
#[derive(Debug, PartialEq, Eq)]
pub struct State {
    pub packuments: Vec<(u16, String)>,
    pub tokens: i64,
    pub used: i64,
    pub learned: i64,
}

/// Variables as [`Client::run`] takes them.
pub fn borrowed(variables: &[(String, String)]) -> Vec<(&str, &str)> {
    variables.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
}

/// A folder with a package to publish, the same as [`http::tarball`] holds.
pub fn package(client: &Client, name: &str, version: &str, npmrc: &str) -> std::path::PathBuf {
    let manifest = manifest(name, version);
    let files = [
        ("package.json", manifest.as_str()),
        ("index.js", &http::index(version)),
        (".npmrc", npmrc),
        ("yarn.lock", ""),
    ];
    client.project(&format!("{name}-{version}"), &files)
}

pub fn manifest(name: &str, version: &str) -> String {
    format!(r#"{{ "name": "{name}", "version": "{version}", "license": "MIT", "main": "index.js" }}"#)
}
