//! Runners that set GitHub's variables: those of GitHub, of Forgejo, and of other compatible servers.

use std::path::Path;

use async_trait::async_trait;
use oidc_core::http::Request;
use oidc_core::{
    Audience, Context, Diagnosis, Environment, HttpUrl, IdToken, Secret, SourceError, SourceErrorKind,
    Target, TokenSource,
};
use serde_json::Value;

use crate::endpoint::Endpoint;

/// The variables with which a job asks for tokens.
const REQUEST_URL: &str = "ACTIONS_ID_TOKEN_REQUEST_URL";
const REQUEST_TOKEN: &str = "ACTIONS_ID_TOKEN_REQUEST_TOKEN";

/// The variables that tell a job on GitHub and its permission, which compatible runners set too.
pub(crate) const SOURCE_VARIABLES: &[&str] = &[
    "GITHUB_ACTIONS",
    SERVER_URL,
    "FORGEJO_ACTIONS",
    "FORGEJO_TOKEN",
    REQUEST_URL,
    REQUEST_TOKEN,
    "GITHUB_EVENT_NAME",
    "GITHUB_EVENT_PATH",
    "GITHUB_REPOSITORY",
];

/// The variables with which a job can ask for tokens, and those that give access to them. The runtime's token, which some
/// steps get for a cache, is one on GitHub (the first client of `actions/toolkit` used it), and the same secret on Forgejo.
pub(crate) const IDENTITY_VARIABLES: &[&str] = &["ACTIONS_ID_TOKEN_REQUEST_*", "ACTIONS_RUNTIME_TOKEN"];

/// The variable with the address of the job's server.
const SERVER_URL: &str = "GITHUB_SERVER_URL";

/// The limit on the file with a run's event, in bytes.
const MAX_EVENT: usize = 1024 * 1024;

/// GitHub's own host, and the end of the hosts of its data-residency instances.
const GITHUB: &str = "github.com";
pub(crate) const RESIDENCY_SUFFIX: &str = ".ghe.com";

/// The path of Forgejo's API for jobs, in the address that a token is asked from.
const FORGEJO_API: &str = "/api/actions/";

/// Returns `true` if the job runs on Forgejo Actions, whose runner sets GitHub's variables too.
pub(crate) fn is_forgejos(environment: &Environment) -> bool {
    let asks_forgejo = |url: &str| HttpUrl::parse(url).is_ok_and(|url| url.path().starts_with(FORGEJO_API));
    // A job on GitHub may have a secret of this name, to publish on a Forgejo.
    let has_token =
        || environment.get("FORGEJO_TOKEN").is_some() && server_is_githubs(environment) != Some(true);
    environment.get("FORGEJO_ACTIONS") == Some("true")
        || environment.get(REQUEST_URL).is_some_and(asks_forgejo)
        || has_token()
}

/// Returns whether the job's server is one of GitHub's own; `None` where the job does not say. An Enterprise Server
/// has any host, and so has a server with a compatible runner.
fn server_is_githubs(environment: &Environment) -> Option<bool> {
    let server = HttpUrl::parse(environment.get(SERVER_URL)?);
    Some(server.is_ok_and(|server| server.host() == GITHUB || server.host().ends_with(RESIDENCY_SUFFIX)))
}

/// Returns `true` if the job has both variables with which it asks for tokens.
pub(crate) fn has_pair(environment: &Environment) -> bool {
    environment.get(REQUEST_URL).is_some() && environment.get(REQUEST_TOKEN).is_some()
}

/// Returns whether the job runs for a pull request from a fork; `None` where that is not known.
fn is_from_fork(context: &Context) -> Option<bool> {
    let environment = context.environment();
    let event = environment.get("GITHUB_EVENT_NAME").unwrap_or_default();
    // A run of `pull_request_target` is the target's own, with the permissions that its workflow has.
    if !event.starts_with("pull_request") || event == "pull_request_target" {
        return Some(false);
    }
    let path = environment.get("GITHUB_EVENT_PATH")?;
    let event = context.files().read(Path::new(path), MAX_EVENT).ok()?;
    let event: Value = serde_json::from_slice(&event).ok()?;
    let head = event.pointer("/pull_request/head/repo")?;
    let text = |name| head.get(name).and_then(Value::as_str);
    match (text("full_name"), environment.get("GITHUB_REPOSITORY")) {
        // `null` stands for a fork that was deleted since.
        _ if head.is_null() => Some(true),
        // `fork` is not asked first: it says that the head's repository was forked from any other, and a
        // repository that is a fork itself gets pull requests from its own branches too.
        (Some(head), Some(base)) => Some(!head.eq_ignore_ascii_case(base)),
        _ => head.get("fork")?.as_bool(),
    }
}

/// A platform whose jobs ask a runner with GitHub's variables.
#[derive(Debug)]
pub(crate) struct Runner {
    /// The platform's name.
    pub(crate) provider: &'static str,
    pub(crate) endpoint: fn(&Context) -> Endpoint,
    /// The code and the fix where the address to ask is none.
    pub(crate) no_url: (&'static str, &'static str),
    /// The error of a job that may not ask.
    pub(crate) not_permitted: NotPermitted,
    /// The error of a job for a pull request from a fork, on a platform that gives none of them tokens.
    pub(crate) from_fork: Option<FromFork>,
    /// The fix of a job that may not ask on a server which is not the platform's own.
    pub(crate) on_other_servers: Option<&'static str>,
}

/// The error of a job that may not ask for tokens.
#[derive(Debug)]
pub(crate) struct NotPermitted {
    pub(crate) code: &'static str,
    /// The words that follow the problem.
    pub(crate) more: &'static str,
    pub(crate) fix: &'static str,
    pub(crate) link: &'static str,
}

/// The error of a job for a pull request from a fork.
#[derive(Debug)]
pub(crate) struct FromFork {
    pub(crate) code: &'static str,
    pub(crate) link: &'static str,
    /// The fix where the pull request is no fork's.
    pub(crate) otherwise: &'static str,
}

/// The fix of a job for a pull request from a fork.
const AFTER_MERGE: &str = "publish after the merge: by a push, a tag or a release of the repository itself";

impl Runner {
    /// Returns the source of a job's tokens.
    pub(crate) fn source(&'static self, context: &Context) -> Result<Box<dyn TokenSource>, SourceError> {
        let environment = context.environment();
        let missing = |variable| self.not_permitted(context, variable);
        let url = environment.get(REQUEST_URL).ok_or_else(|| missing(REQUEST_URL))?;
        let token = environment.get(REQUEST_TOKEN).ok_or_else(|| missing(REQUEST_TOKEN))?;
        let url = HttpUrl::parse(url).map_err(|error| {
            let problem =
                format!("variable `{REQUEST_URL}` is not a URL that a token may be asked from: {error}");
            let (code, fix) = self.no_url;
            let diagnosis = Diagnosis::new(code, Target::Variable(REQUEST_URL.to_owned()), problem).fix(fix);
            SourceError::new(SourceErrorKind::Unavailable, diagnosis).with_source(error)
        })?;
        Ok(Box::new(RunnerSource { context: context.clone(), runner: self, url, token: Secret::new(token) }))
    }

    /// The error of a job without a variable that it asks with. It is an error and not the absence of a source: the
    /// platform is known, and only the job's permission is missing.
    fn not_permitted(&self, context: &Context, variable: &str) -> SourceError {
        let NotPermitted { code, more, fix, link } = self.not_permitted;
        let without = format!("may not ask for identity tokens: variable `{variable}` is not set");
        let target = Target::Variable(variable.to_owned());
        let fork = self.from_fork.as_ref().map(|fork| (fork, is_from_fork(context)));
        let diagnosis = match fork.filter(|(_, is_from_fork)| *is_from_fork != Some(false)) {
            Some((fork, is_known)) => fork.diagnosis(is_known.is_some(), code, target, &without),
            None => {
                let diagnosis = Diagnosis::new(code, target, format!("this job {without}{more}"));
                let is_others = server_is_githubs(context.environment()) == Some(false);
                match self.on_other_servers.filter(|_| is_others) {
                    Some(fix) => diagnosis.fix(fix),
                    None => diagnosis.fix(fix).link(link),
                }
            }
        };
        SourceError::new(SourceErrorKind::NotPermitted, diagnosis)
    }
}

impl FromFork {
    /// The diagnosis of a job for a pull request that is from a fork, or may be: then with the `code` of any other job.
    fn diagnosis(&self, is_known: bool, code: &'static str, target: Target, without: &str) -> Diagnosis {
        if is_known {
            let problem = "a pull request from a fork gets no identity token, whatever the workflow permits";
            return Diagnosis::new(self.code, target, problem).fix(AFTER_MERGE).link(self.link);
        }
        let problem = format!(
            "this job runs for a pull request and {without}; if this is a pull request from a fork, it gets none whatever \
             the workflow permits"
        );
        let fix = format!("{AFTER_MERGE}; or, if the pull request is no fork's, {}", self.otherwise);
        Diagnosis::new(code, target, problem).fix(fix).link(self.link)
    }
}

/// A token source that asks the job's runner.
#[derive(Debug)]
struct RunnerSource {
    context: Context,
    runner: &'static Runner,
    url: HttpUrl,
    token: Secret,
}

#[cfg_attr(not(target_arch = "wasm32"), async_trait)]
#[cfg_attr(target_arch = "wasm32", async_trait(?Send))]
impl TokenSource for RunnerSource {
    fn provider(&self) -> &str {
        self.runner.provider
    }

    async fn token(&self, audience: &Audience) -> Result<IdToken, SourceError> {
        let request = Request::get(self.url.with_query("audience", audience.as_str()))
            .bearer(&self.token)
            .header("accept", "application/json");
        (self.runner.endpoint)(&self.context).token_in("value", request, Some(&self.token), audience).await
    }

    fn is_renewable(&self) -> bool {
        true
    }
}
