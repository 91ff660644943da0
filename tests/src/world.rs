//! A job, its platform and a registry in memory: what a report of a failed publish is set up in.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use http_body_util::{BodyExt as _, Full};
use oidc_core::http::{HttpClient, HttpError, HttpErrorKind, Method, Request, Response, Step};
use oidc_core::testing::{FakeHttp, FakeIssuer, ManualClock, NotRandom};
use oidc_core::verify::Verifier;
use oidc_core::verify::backend::AwsLc;
use oidc_core::{
    Audience, Command, CommandError, CommandOutput, Commands, Context, Environment, FileError, Files,
    Provider, ProviderSet, PublisherField, Timestamp,
};
use oidc_exchange::client::doctor::{Doctor, Report};
use oidc_exchange::client::{
    CratesIo, Diagnose, Jsr, JsrUpload, Npm, NuGet, OpenVsx, Packagist, PrefixDev, PubDev, Pypi, RubyGems,
    Scope, VsMarketplace,
};
use oidc_exchange::memory::MemoryStore;
use oidc_exchange::server::{
    self, EventSink, Exchange, ExchangeBuilder, ExchangeRequest, Package, PublisherRecord, Refusal, Room,
    TrustStore as _,
};
use oidc_providers::sample::Overrides;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use tower::ServiceExt as _;
use trusted_publish::wording;

use super::npm_asked::NpmAsked;

/// The time of everything.
pub const NOW: u64 = 1_700_000_000;
/// The registry's URL, unless a row says otherwise.
pub const REGISTRY: &str = "https://registry.example/";
pub const AUDIENCE: &str = "npm:registry.example";
pub const PACKAGE: &str = "@acme/widget";
/// The URL at which a job on GitHub Actions asks for its token.
const TOKEN_ENDPOINT: &str = "https://pipelines.example/token";
/// A piece of every secret that is in play.
pub const SECRET: &str = "hunter2";

/// One set-up, and what has to be said of it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Row {
    /// The report, as `repository#number`.
    pub reference: String,
    /// The fault there.
    pub what: String,
    #[serde(default = "github")]
    pub platform: String,
    /// The issuer, if not the platform's public one.
    pub issuer: Option<String>,
    /// Claims to change in the platform's sample; `null` leaves one out.
    #[serde(default)]
    pub claims: Map<String, Value>,
    /// Variables to add to the job's; `null` takes one away.
    #[serde(default)]
    pub environment: Map<String, Value>,
    #[serde(default)]
    pub files: BTreeMap<String, String>,
    /// The registry's protocol.
    #[serde(default = "npm")]
    pub protocol: String,
    /// `true` if it is the protocol's public registry, which is played here.
    #[serde(default)]
    pub public: bool,
    /// The output of commands, by their lines.
    #[serde(default)]
    pub commands: BTreeMap<String, String>,
    /// The npm on the job's path.
    #[serde(default)]
    pub npm: NpmAsked,
    /// The registry's URL as the job's user writes it.
    pub url: Option<String>,
    /// The audience that the token was made for, if not the registry's.
    pub audience: Option<String>,
    /// The package's publishers; absent for the one that accepts the sample job.
    pub publishers: Option<Vec<Value>>,
    /// Further publishers: with `package` and `pending` beside their own keys.
    #[serde(default)]
    pub also: Vec<Map<String, Value>>,
    /// The package that those are configured on, if not the one that is published.
    pub configured_on: Option<String>,
    /// `true` if they are still to create the package.
    #[serde(default)]
    pub pending: bool,
    /// Their age in days.
    #[serde(default)]
    pub age_days: u64,
    /// The publisher that the user states.
    #[serde(default)]
    pub intended: Map<String, Value>,
    /// The registry's answer to the exchange, where it isn't ours.
    pub answer: Option<Answer>,
    /// The answer at the registry's URL.
    pub probe: Option<Answer>,
    /// The answer of GitHub's token endpoint, with `TOKEN` for the token; status 0 for a time-out.
    pub token_endpoint: Option<Answer>,
    /// The seconds by which the registry's clock is ahead.
    #[serde(default)]
    pub registry_clock: i64,
    /// The seconds by which the job's clock is ahead.
    #[serde(default)]
    pub job_clock: i64,
    /// `true` if the token was exchanged before.
    #[serde(default)]
    pub used: bool,
    /// `true` if the exchange is asked for although the token can't be had anew.
    #[serde(default)]
    pub exchange: bool,
    /// The code and the named field that the doctor's report must hold.
    pub client: Option<(String, String)>,
    /// The code of the report's first diagnosis.
    pub first: Option<String>,
    /// The report's verdict.
    pub verdict: Option<String>,
    /// Texts that the report must hold.
    #[serde(default)]
    pub says: Vec<String>,
    /// Texts that it must not hold.
    #[serde(default)]
    pub hides: Vec<String>,
    /// The code and the named field that the registry's refusal must hold; absent where it grants, or isn't reached.
    pub registry: Option<(String, String)>,
    /// `true` if the job comes to no token, so that the registry is not reached.
    #[serde(default)]
    pub no_token: bool,
}

fn github() -> String {
    "github".to_owned()
}

fn npm() -> String {
    "npm".to_owned()
}

impl Row {
    /// The registry's URL: the public one's, the user's, or the usual one.
    fn registry_url(&self) -> &str {
        if self.public { Npm::PUBLIC_URL } else { self.url.as_deref().unwrap_or(REGISTRY) }
    }

    /// Returns `true` if our own registry plays this row's, and has to say something.
    pub fn reaches_our_registry(&self) -> bool {
        !self.no_token && self.protocol == "npm"
    }
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    pub status: u16,
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    #[serde(default)]
    pub body: String,
}

impl Answer {
    fn response(&self) -> Response {
        let headers = self.headers.iter().map(|(name, value)| (name.clone(), value.clone()));
        Response::new(self.status, headers.collect(), self.body.clone())
    }
}

/// A row, set up.
#[derive(Debug, Clone)]
pub struct World {
    pub row: Row,
    issuer: Arc<FakeIssuer>,
    exchange: Option<Exchange>,
    store: MemoryStore,
}

/// The refusal of the registry: of a publisher's configuration, or of a token.
#[derive(Debug)]
pub enum Refused {
    Configuration(oidc_core::InvalidPublisher),
    Token(Refusal),
}

impl Refused {
    pub fn diagnosis(&self) -> oidc_core::Diagnosis {
        match self {
            Self::Configuration(error) => error.faults()[0].clone(),
            Self::Token(refusal) => refusal.diagnosis(),
        }
    }

    pub fn message(&self) -> String {
        match self {
            Self::Configuration(error) => error.to_string(),
            Self::Token(refusal) => refusal.to_string(),
        }
    }
}

/// Our registry's exchange, with its words.
fn of(verifier: Verifier, store: &MemoryStore) -> ExchangeBuilder {
    Exchange::builder(verifier, store.clone()).checker("trusted-publish doctor … --publisher KEY=VALUE")
}

impl World {
    /// Sets a row up. An error where the registry refuses a publisher's configuration.
    pub async fn of(row: &Row) -> (Self, Option<Refused>) {
        let provider = oidc_providers::public(&row.platform).unwrap();
        let public = provider.profile().issuers[0].url().to_string();
        let issuer = Arc::new(FakeIssuer::new(row.issuer.clone().unwrap_or_else(|| public.clone())));
        let mut world = Self { row: row.clone(), issuer, exchange: None, store: MemoryStore::for_tests() };
        let mut refused = None;
        match world.registry(&public, &*provider).await {
            Ok(exchange) => world.exchange = Some(exchange),
            Err(error) => refused = Some(Refused::Configuration(error)),
        }
        if let (true, Some(exchange)) = (row.used, &world.exchange) {
            exchange
                .exchange(&world.token(AUDIENCE), &ExchangeRequest::package("npm", PACKAGE))
                .await
                .unwrap();
            exchange.purge(1000).await.unwrap();
        }
        (world, refused)
    }

    /// A registry that trusts the platform's public issuer, with the row's publishers.
    async fn registry(
        &self,
        public: &str,
        provider: &dyn Provider,
    ) -> Result<Exchange, oidc_core::InvalidPublisher> {
        let keys = Arc::new(FakeIssuer::new(public));
        let now = NOW.saturating_add_signed(self.row.registry_clock);
        let cx = Context::default()
            .with_http(FakeHttp::of_issuer(keys))
            .with_clock(ManualClock::at(now))
            .with_random(NotRandom(7));
        let providers = oidc_providers::all();
        let audience = Audience::new(AUDIENCE).unwrap();
        let verifier = Verifier::new(AwsLc, [audience], &providers, &cx).unwrap();
        let package = Package::new("npm", self.row.configured_on.as_deref().unwrap_or(PACKAGE));
        for (number, config) in self.publishers().into_iter().enumerate() {
            let identity = provider.publisher(&config)?.identity();
            let lacks = |field: &PublisherField| field.learned && config.get(field.key).is_none();
            let lapses = provider.publisher_fields().iter().any(lacks);
            let created = Timestamp::from_secs(now).minus(Duration::from_secs(self.row.age_days * 86_400));
            let id = format!("publisher-{number}");
            let mut record =
                PublisherRecord::new(id, package.clone(), provider.id(), identity, config, created);
            record.pending = self.row.pending;
            record.lapses = lapses;
            self.store.add(&record, &Room::default()).await.unwrap();
        }
        for (number, more) in self.row.also.iter().enumerate() {
            let mut config = more.clone();
            let package = config.remove("package").map(|name| name.as_str().unwrap().to_owned());
            let pending = config.remove("pending") == Some(Value::Bool(true));
            let config = Value::Object(config);
            let identity = provider.publisher(&config)?.identity();
            let package = Package::new("npm", package.as_deref().unwrap_or(PACKAGE));
            let created = Timestamp::from_secs(now);
            let id = format!("also-{number}");
            let mut record = PublisherRecord::new(id, package, provider.id(), identity, config, created);
            record.pending = pending;
            self.store.add(&record, &Room::default()).await.unwrap();
        }
        Ok(of(verifier, &self.store).build())
    }

    fn publishers(&self) -> Vec<Value> {
        let usual = match self.row.platform.as_str() {
            "gitlab" => json!({ "project_path": "acme/group/widget", "ci_config": ".gitlab-ci.yml" }),
            "circleci" => json!({
                "org_id": "11111111-1111-4111-8111-111111111111",
                "project_id": "22222222-2222-4222-8222-222222222222",
                "pipeline_definition_id": "33333333-3333-4333-8333-333333333333",
                "vcs_origin": "github.com/acme/widget",
            }),
            _ => json!({ "repository": "acme/widget", "workflow": "publish.yml" }),
        };
        self.row.publishers.clone().unwrap_or_else(|| vec![usual])
    }

    /// The job's identity token for an audience: the same for the same job.
    pub fn token(&self, audience: &str) -> String {
        let mut overrides: Overrides = Overrides::new();
        for (name, value) in &self.row.claims {
            overrides.insert(name.clone(), Some(value.clone()).filter(|value| !value.is_null()));
        }
        let audience = self.row.audience.as_deref().unwrap_or(audience);
        let (url, id) = (self.issuer.url(), "00000000-0000-4000-8000-000000000001");
        let claims = match self.row.platform.as_str() {
            "gitlab" => oidc_providers::gitlab::sample::claims_with(url, audience, NOW, id, &overrides),
            "circleci" => oidc_providers::circleci::sample::claims_with(url, audience, NOW, id, &overrides),
            _ => oidc_providers::github::sample::claims_with(url, audience, NOW, id, &overrides),
        };
        self.issuer.sign(&claims)
    }

    fn environment(&self) -> Environment {
        let mut variables: BTreeMap<String, String> = BTreeMap::new();
        let mut set = |name: &str, value: &str| variables.insert(name.to_owned(), value.to_owned());
        match self.row.platform.as_str() {
            "gitlab" => {
                set("GITLAB_CI", "true");
                set("NPM_ID_TOKEN", &self.token(AUDIENCE));
            }
            "circleci" => {
                set("CIRCLECI", "true");
                set("NPM_ID_TOKEN", &self.token(AUDIENCE));
            }
            _ => {
                set("GITHUB_ACTIONS", "true");
                set("ACTIONS_ID_TOKEN_REQUEST_URL", &format!("{TOKEN_ENDPOINT}?api-version=2.0"));
                set("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "request-token-hunter2");
            }
        }
        for (name, value) in &self.row.environment {
            match value.as_str() {
                Some(text) => {
                    variables.insert(name.clone(), text.replace("TOKEN", &self.token(AUDIENCE)));
                }
                None => {
                    variables.remove(name);
                }
            }
        }
        variables.into_iter().collect()
    }

    /// The job's world.
    pub fn context(&self) -> Context {
        Context::default()
            .with_environment(self.environment())
            .with_http(self.clone())
            .with_files(InMemory(self.row.files.clone()))
            .with_commands(Recorded(self.clone()))
            .with_clock(ManualClock::at(NOW.saturating_add_signed(self.row.job_clock)))
            .with_random(NotRandom(7))
    }

    /// The doctor's report.
    pub async fn examine(&self) -> Report {
        let url = self.row.url.as_deref().unwrap_or(REGISTRY);
        let given = (!self.row.public).then_some(url);
        let everything = Scope::Identity;
        match self.row.protocol.as_str() {
            "npm" => {
                self.ask(given.map_or_else(|| Ok(Npm::public()), Npm::at), Npm::scope(PACKAGE).unwrap()).await
            }
            "pypi" => self.ask(given.map_or_else(|| Ok(Pypi::public()), Pypi::at), everything).await,
            "crates-io" => {
                self.ask(given.map_or_else(|| Ok(CratesIo::public()), CratesIo::at), everything).await
            }
            "rubygems" => {
                self.ask(given.map_or_else(|| Ok(RubyGems::public()), RubyGems::at), everything).await
            }
            "pub-dev" => self.ask(given.map_or_else(|| Ok(PubDev::public()), PubDev::at), everything).await,
            "nuget" => {
                let registry =
                    given.map_or_else(|| Ok(NuGet::public("acme-org")), |url| NuGet::at(url, "acme-org"));
                let registry = registry.map(|registry| registry.with_user_setting("--owner NAME"));
                self.ask(registry, everything).await
            }
            "jsr" => {
                let upload = JsrUpload::new("acme", "widget", "1.0.0", format!("sha256-{}", "0".repeat(64)));
                let uploads = vec![upload];
                let registry = given
                    .map_or_else(|| Ok(Jsr::public(uploads.clone())), |url| Jsr::at(url, uploads.clone()));
                self.ask(registry, everything).await
            }
            "open-vsx" => {
                self.ask(
                    given.map_or_else(|| Ok(OpenVsx::public()), OpenVsx::at),
                    OpenVsx::scope("acme.widget").unwrap(),
                )
                .await
            }
            "prefix-dev" => {
                self.ask(given.map_or_else(|| Ok(PrefixDev::public()), PrefixDev::at), everything).await
            }
            "vs-marketplace" => {
                let registry = given
                    .map_or_else(|| Ok(VsMarketplace::public("acme")), |url| VsMarketplace::at(url, "acme"));
                self.ask(registry, everything).await
            }
            "packagist" => {
                let owner = || "acme".parse().unwrap();
                let registry =
                    given.map_or_else(|| Ok(Packagist::public(owner())), |url| Packagist::at(url, owner()));
                self.ask(registry, Packagist::scope("acme/widget").unwrap()).await
            }
            other => panic!("{other} is not played here"),
        }
    }

    async fn ask<R: Diagnose>(&self, registry: Result<R, oidc_core::InvalidUrl>, scope: Scope) -> Report {
        let registry = match registry {
            Ok(registry) => registry,
            Err(error) => {
                let diagnosis = oidc_exchange::client::doctor::unusable_url(&error);
                return Report::of_unusable(error.url(), Some(PACKAGE), diagnosis);
            }
        };
        let doctor = Doctor::of(&registry, scope).intending(self.row.intended.clone()).wording(wording());
        // A token that is gone already can be exchanged to see what the registry says.
        let doctor = if self.row.exchange || self.row.used { doctor.exchanging_always() } else { doctor };
        doctor.examine(&oidc_providers::all(), &self.context()).await
    }

    /// Our registry's exchange.
    pub fn exchange(&self) -> &Exchange {
        self.exchange.as_ref().unwrap()
    }

    /// Our registry's exchange, with one more sink.
    pub fn exchange_into(&self, sink: impl EventSink + 'static) -> Exchange {
        of(self.exchange().verifier().clone(), &self.store).sink(sink).build()
    }

    /// The answer of our registry to the job's token.
    pub async fn refusal(&self) -> Option<Refused> {
        let exchange = self.exchange.as_ref()?;
        let token = self.token(AUDIENCE);
        exchange.exchange(&token, &ExchangeRequest::package("npm", PACKAGE)).await.err().map(Refused::Token)
    }

    async fn ask_registry(&self, request: &Request) -> Response {
        if let Some(answer) = &self.row.answer {
            let mut answer = answer.clone();
            answer.body = answer.body.replace("TOKEN", &self.token(AUDIENCE));
            return answer.response();
        }
        let Some(exchange) = &self.exchange else { return Response::new(404, Vec::new(), "{}") };
        let mut asked = http::Request::post(request.url.path());
        for (name, value) in &request.headers {
            asked = asked.header(*name, value.expose());
        }
        let asked = asked.body(Full::new(axum::body::Bytes::new())).unwrap();
        let answer = server::npm(exchange.clone()).oneshot(asked).await.unwrap();
        let status = answer.status().as_u16();
        let body = answer.into_body().collect().await.map(http_body_util::Collected::to_bytes);
        Response::new(status, Vec::new(), body.map_or_else(|_| Vec::new(), |bytes| bytes.to_vec()))
    }

    fn token_endpoint(&self, request: &Request) -> Result<Response, HttpErrorKind> {
        let audience = request.url.as_str().split_once("audience=").map(|(_, rest)| decoded(rest));
        let token = self.token(&audience.unwrap_or_default());
        match &self.row.token_endpoint {
            Some(answer) if answer.status == 0 => {
                Err(HttpErrorKind::Timeout { step: Step::Answer, after: request.deadline })
            }
            Some(answer) => {
                let body = answer.body.replace("TOKEN", &token);
                Ok(Response::new(answer.status, Vec::new(), body))
            }
            None => Ok(Response::new(200, Vec::new(), json!({ "value": token }).to_string())),
        }
    }

    fn probe(&self) -> Response {
        self.row.probe.as_ref().map_or_else(|| Response::new(200, Vec::new(), "{}"), Answer::response)
    }
}

#[async_trait]
impl HttpClient for World {
    async fn send(&self, request: Request) -> Result<Response, HttpError> {
        if request.url.as_str().starts_with(TOKEN_ENDPOINT) {
            return self.token_endpoint(&request).map_err(|kind| HttpError::new(&request, kind));
        }
        match request.method {
            Method::Get if request.url.path() == "/_/oidc/audience" => {
                let audience = if self.row.public { "pypi" } else { "pypi:registry.example" };
                Ok(Response::new(200, Vec::new(), json!({ "audience": audience }).to_string()))
            }
            Method::Get if request.url.path() == "/oidc/audience" => {
                let audience = json!({ "audience": request.url.origin() });
                Ok(Response::new(200, Vec::new(), audience.to_string()))
            }
            Method::Get => match self.probe() {
                answer if answer.status == 0 => {
                    let kind = HttpErrorKind::Connect("no route to host".to_owned());
                    Err(HttpError::new(&request, kind))
                }
                answer => Ok(answer),
            },
            _ => Ok(self.ask_registry(&request).await),
        }
    }
}

/// A part of a query, without its escapes.
fn decoded(text: &str) -> String {
    percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned()
}

/// Files by their path.
#[derive(Debug)]
struct InMemory(BTreeMap<String, String>);

impl Files for InMemory {
    fn read(&self, path: &Path, _limit: usize) -> Result<Vec<u8>, FileError> {
        let content = self.0.get(&*path.to_string_lossy());
        content.map(|text| text.clone().into_bytes()).ok_or_else(|| FileError::new(path, "not found"))
    }
}

/// Commands by their lines, and npm.
#[derive(Debug)]
struct Recorded(World);

#[async_trait]
impl Commands for Recorded {
    async fn run(&self, command: Command) -> Result<CommandOutput, CommandError> {
        let Self(world) = self;
        let line = [std::slice::from_ref(&command.program), &command.arguments].concat().join(" ");
        if let Some(output) = world.row.commands.get(&line) {
            return Ok(CommandOutput::new(
                Some(0),
                output.replace("TOKEN", &world.token(AUDIENCE)).into_bytes(),
            ));
        }
        let registry = world.row.registry_url();
        let missing =
            || CommandError::Start { program: command.program.clone(), reason: "no such command".to_owned() };
        world.row.npm.answer(&command, registry, PACKAGE).ok_or_else(missing)
    }
}

/// Every platform, as the doctor knows them.
pub fn providers() -> ProviderSet {
    oidc_providers::all()
}
