//! Cases of the client half.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error as _;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use oidc_core::http::{HttpErrorKind, ProxyFault, Response, Step};
use oidc_core::testing::conformance::Job;
use oidc_core::testing::{FakeHttp, FakeIssuer, ManualClock, NotRandom};
use oidc_core::{
    Ambient, Audience, Command, CommandError, CommandOutput, Commands, Context, Detection, Diagnosis,
    Environment, FileError, Files, ProviderSet, SourceError, SourceErrorKind,
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Expected, Platform};
use crate::harness::AUDIENCE;

/// The placeholders in a case's texts for the expected token, and for a token with another audience.
const TOKEN: &str = "{token}";
const OTHER_TOKEN: &str = "{other-token}";

/// The platforms whose variables are named after an audience or a tag, with a part of these names.
const NAMED_AFTER: &[(&str, &str)] =
    &[("gitlab", "_ID_TOKEN"), ("terraform", "TFC_WORKLOAD_IDENTITY_TOKEN_")];

/// The beginning of a case's secrets.
const SECRET: &str = "secret-";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Cases {
    /// The issuer that the provider is configured with.
    issuer: String,
    pub(super) cases: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Case {
    pub(super) name: String,
    #[serde(default)]
    environment: BTreeMap<String, String>,
    /// Variables that the registry or the user names.
    #[serde(default)]
    variables: Vec<String>,
    #[serde(default)]
    files: BTreeMap<String, String>,
    #[serde(default)]
    commands: Vec<Recorded>,
    #[serde(default)]
    http: Vec<Recorded>,
    /// The expected HTTP requests: method, URL and body of each.
    asked: Option<Vec<String>>,
    /// `token`, or the code of the error that came instead.
    expect: Expected,
}

/// The recorded result of a command or a request.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Recorded {
    /// The command's line, or the request's method and URL.
    of: String,
    /// The exit status, or the answer's.
    #[serde(default)]
    status: u16,
    /// The command's output, or the answer's body.
    #[serde(default)]
    gives: Value,
    /// `start`, `timeout`, `too-large`: it came to nothing.
    fails: Option<String>,
}

impl Cases {
    /// Checks a case, and returns the diagnosis that its user is shown.
    pub(super) fn hold(&self, platform: Platform, at: usize) -> Option<Diagnosis> {
        let case = &self.cases[at];
        let providers: ProviderSet = [(platform.at)(&self.issuer).unwrap()].into_iter().collect();
        let http = case.http();
        let context = case.context(http.clone());
        let said = case.token(&providers, case.detection(&context)).err().map(|error| {
            case.checked(&error);
            error.diagnosis().clone()
        });
        let outcome = said.as_ref().map_or("token", |said| said.code);
        assert_eq!(outcome, case.expect.0, "{}", case.name);
        if let Some(asked) = &case.asked {
            let request = |request: &oidc_core::http::Request| {
                let body = String::from_utf8_lossy(&request.body);
                format!("{} {} {body}", request.method.as_str(), request.url.as_str()).trim_end().to_owned()
            };
            assert_eq!(&http.requests().iter().map(request).collect::<Vec<_>>(), asked, "{}", case.name);
        }
        said
    }
}

impl Cases {
    /// Checks that the platform names every variable that its sources look up, which a host with a look-up function needs to
    /// know, and that its documentation has them too.
    pub(super) fn read_documented_variables(&self, platform: Platform) {
        let module = Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(platform.name).join("mod.rs");
        let module = std::fs::read_to_string(module).unwrap();
        let (_, section) = module.split_once("//! # Environment variables").unwrap();
        let section = section.split("//! # ").next().unwrap();
        let is_documented = |name: &str| {
            let is_any_of = NAMED_AFTER.iter().any(|(id, part)| *id == platform.name && name.contains(part));
            is_any_of || section.contains(&format!("`{name}`"))
        };
        let providers: ProviderSet = [(platform.at)(&self.issuer).unwrap()].into_iter().collect();
        for case in &self.cases {
            let mut undocumented = case.variables_read(&providers);
            undocumented.retain(|name| !case.variables.contains(name));
            let unnamed: Vec<_> = undocumented.iter().filter(|name| !is_named(&providers, name)).collect();
            assert!(unnamed.is_empty(), "{}, {}: {unnamed:?}", platform.name, case.name);
            undocumented.retain(|name| !is_documented(name));
            assert!(undocumented.is_empty(), "{}, {}: {undocumented:?}", platform.name, case.name);
        }
    }

    /// The cases as jobs of the suite for platforms: those that get a token from the platform itself, those that it gives none,
    /// and those that it passes over.
    pub(super) fn jobs(&self, platform: Platform) -> Vec<Job> {
        let provider = (platform.at)(&self.issuer).unwrap();
        let job = |case: &Case| {
            let context = case.context(case.http());
            let name: &'static str = String::leak(case.name.clone());
            let variables = case.environment.iter().map(|(name, value)| (name.clone(), filled(value)));
            let token = match provider.detect(&case.detection(&context)) {
                Ok(None) => Ok(None),
                Ok(Some(source)) => {
                    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
                    runtime.block_on(source.token(&Audience::new(AUDIENCE).unwrap())).map(Some)
                }
                Err(error) => Err(error),
            };
            let job = match token.map_err(|error| error.kind()) {
                Ok(None) => Job::elsewhere(name, variables),
                Ok(Some(_)) => Job::permitted(name, variables),
                Err(SourceErrorKind::NotPermitted | SourceErrorKind::Missing) => {
                    Job::unpermitted(name, variables)
                }
                Err(_) => return None,
            };
            let named = case.variables.iter().map(|name| &*String::leak(name.clone()));
            Some(named.fold(job.in_world(context).with_secret(SECRET), Job::with_token_variable))
        };
        self.cases.iter().filter_map(job).collect()
    }
}

impl Case {
    fn context(&self, http: FakeHttp) -> Context {
        let files = self.files.iter().map(|(path, text)| (path.clone(), filled(text))).collect();
        Context::default()
            .with_environment(self.environment.iter().map(|(name, value)| (name, filled(value))).collect())
            .with_files(Recordings(files))
            .with_commands(RecordedCommands(self.commands.clone()))
            .with_http(http)
            .with_clock(ManualClock::at(0))
            .with_random(NotRandom(0))
    }

    /// The variables that are looked up, whether they are set or not.
    fn variables_read(&self, providers: &ProviderSet) -> BTreeSet<String> {
        let (set, read) = (self.environment.clone(), Arc::new(Mutex::new(BTreeSet::new())));
        let log = Arc::clone(&read);
        let environment = Environment::from_fn(move |name| {
            log.lock().unwrap().insert(name.to_owned());
            set.get(name).map(|value| filled(value))
        });
        let context = self.context(self.http()).with_environment(environment);
        // What comes of it is checked elsewhere.
        let _outcome = self.token(providers, self.detection(&context));
        let read = read.lock().unwrap();
        read.clone()
    }

    fn detection<'a>(&'a self, context: &'a Context) -> Detection<'a> {
        let mut detection = Detection::new(context);
        detection.token_variables = self.variables.iter().map(String::as_str).collect();
        detection
    }

    fn token(&self, providers: &ProviderSet, detection: Detection<'_>) -> Result<(), SourceError> {
        let source = Ambient::detect(providers, detection)?;
        self.shows_no_secret(&format!("{source:?}"));
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let token = runtime.block_on(source.token(&Audience::new(AUDIENCE).unwrap()))?;
        assert_eq!(token.secret().expose(), filled(TOKEN), "{}", self.name);
        Ok(())
    }

    /// Every error says what to do, in one line and without a secret.
    fn checked(&self, error: &SourceError) {
        let text = error.to_string();
        assert!(error.diagnosis().fix.is_some() && !text.contains('\n'), "{}: {text}", self.name);
        self.shows_no_secret(&format!("{text} {error:?}"));
        let mut below = error.source();
        while let Some(error) = below {
            self.shows_no_secret(&format!("{error} {error:?}"));
            below = error.source();
        }
    }

    fn shows_no_secret(&self, text: &str) {
        for secret in [SECRET, &filled(TOKEN), &filled(OTHER_TOKEN)] {
            assert!(!text.contains(secret), "{}: {text}", self.name);
        }
    }

    fn http(&self) -> FakeHttp {
        self.http.iter().fold(FakeHttp::new(), |http, recorded| {
            let (method, url) = recorded.of.split_once(' ').expect("method and URL");
            let method = if method == "POST" { "POST" } else { "GET" };
            match recorded.fails.as_deref() {
                None => http.on(method, url, Response::new(recorded.status, Vec::new(), recorded.output())),
                Some("timeout") => http.fail(
                    method,
                    url,
                    HttpErrorKind::Timeout { step: Step::Answer, after: Duration::from_secs(5) },
                ),
                Some("proxy") => {
                    let refused = ProxyFault::Refused { status: 403, message: Some("Forbidden".to_owned()) };
                    http.fail(method, url, HttpErrorKind::Proxy(refused))
                }
                Some("too-large") => http.fail(method, url, HttpErrorKind::TooLarge(1)),
                Some(_) => http.fail(method, url, HttpErrorKind::Connect("nobody is there".to_owned())),
            }
        })
    }
}

impl Recorded {
    fn output(&self) -> String {
        match &self.gives {
            Value::Null => String::new(),
            Value::String(text) => filled(text),
            json => filled(&json.to_string()),
        }
    }
}

/// A case's text with tokens in it. They are unsigned, which is enough for a client.
fn filled(text: &str) -> String {
    let issuer = FakeIssuer::new("https://issuer.example");
    let token = |audience: &str| {
        let header = json!({"alg": "none"}).to_string();
        let token = issuer.sign_bytes(header.as_bytes(), json!({"aud": audience}).to_string().as_bytes());
        let (message, _) = token.rsplit_once('.').expect("a signature");
        format!("{message}.AAAA")
    };
    let mut filled = text.to_owned();
    for (name, audience) in [(TOKEN, AUDIENCE), (OTHER_TOKEN, "somebody-else")] {
        if text.contains(name) {
            filled = filled.replace(name, &token(audience));
        }
    }
    filled
}

struct Recordings(BTreeMap<String, String>);

impl std::fmt::Debug for Recordings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl Files for Recordings {
    fn read(&self, path: &Path, limit: usize) -> Result<Vec<u8>, FileError> {
        match self.0.get(&*path.to_string_lossy()) {
            Some(text) if text.len() <= limit => Ok(text.clone().into_bytes()),
            Some(_) => Err(FileError::new(path, "it is too long")),
            None => Err(FileError::new(path, "no such file")),
        }
    }
}

struct RecordedCommands(Vec<Recorded>);

impl std::fmt::Debug for RecordedCommands {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("recorded commands")
    }
}

#[cfg_attr(not(target_arch = "wasm32"), async_trait)]
#[cfg_attr(target_arch = "wasm32", async_trait(?Send))]
impl Commands for RecordedCommands {
    async fn run(&self, command: Command) -> Result<CommandOutput, CommandError> {
        let line = format!("{} {}", command.program, command.arguments.join(" "));
        let program = command.program;
        let Some(recorded) = self.0.iter().find(|recorded| recorded.of == line) else {
            return Err(CommandError::Start { program, reason: "no such command".to_owned() });
        };
        match recorded.fails.as_deref() {
            None => Ok(CommandOutput::new(Some(i32::from(recorded.status)), recorded.output())),
            Some("timeout") => Err(CommandError::Timeout { program, deadline: command.deadline }),
            Some("too-large") => Err(CommandError::TooLarge { program, limit: command.max_output }),
            Some(_) => Err(CommandError::Start { program, reason: "not allowed".to_owned() }),
        }
    }
}

/// Returns `true` if the platforms name a variable among those that they look up.
fn is_named(providers: &ProviderSet, name: &str) -> bool {
    let is_it = |pattern: &str| match (pattern.strip_prefix('*'), pattern.strip_suffix('*')) {
        (Some(end), _) => name.ends_with(end),
        (_, Some(start)) => name.starts_with(start),
        _ => name == pattern,
    };
    providers.source_variables().into_iter().any(is_it)
}
