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

/// The variable with the address of the job's server.
const SERVER_URL: &str = "GITHUB_SERVER_URL";

/// The limit on the file with a run's event, in bytes.
const MAX_EVENT: usize = 1024 * 1024;

/// GitHub's own host, and the end of the hosts of its data-residency instances.
const GITHUB: &str = "github.com";
const RESIDENCY_SUFFIX: &str = ".ghe.com";

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
pub(crate) fn server_is_githubs(environment: &Environment) -> Option<bool> {
    let server = HttpUrl::parse(environment.get(SERVER_URL)?);
    Some(server.is_ok_and(|server| server.host() == GITHUB || server.host().ends_with(RESIDENCY_SUFFIX)))
}

/// Returns `true` if the job has both variables with which it asks for tokens.
pub(crate) fn has_pair(environment: &Environment) -> bool {
    environment.get(REQUEST_URL).is_some() && environment.get(REQUEST_TOKEN).is_some()
}

/// Returns whether the job runs for a pull request from a fork; `None` where that is not known.
pub(crate) fn is_from_fork(context: &Context) -> Option<bool> {
    let environment = context.environment();
    let event = environment.get("GITHUB_EVENT_NAME").unwrap_or_default();
    if !event.starts_with("pull_request") {
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

/// A token source that asks the job's runner.
#[derive(Debug)]
pub(crate) struct RunnerSource {
    context: Context,
    provider: &'static str,
    endpoint: fn(&Context) -> Endpoint,
    url: HttpUrl,
    token: Secret,
}

impl RunnerSource {
    /// Reads the two variables. `not_permitted` is the error of a job without one of them, by its name; `code` and `fix`
    /// are those of an address that is none.
    pub(crate) fn read(
        context: &Context,
        provider: &'static str,
        endpoint: fn(&Context) -> Endpoint,
        not_permitted: impl Fn(&'static str) -> SourceError,
        (code, fix): (&'static str, &str),
    ) -> Result<Box<dyn TokenSource>, SourceError> {
        let environment = context.environment();
        let url = environment.get(REQUEST_URL).ok_or_else(|| not_permitted(REQUEST_URL))?;
        let token = environment.get(REQUEST_TOKEN).ok_or_else(|| not_permitted(REQUEST_TOKEN))?;
        let url = HttpUrl::parse(url).map_err(|error| {
            let problem =
                format!("variable `{REQUEST_URL}` is not a URL that a token may be asked from: {error}");
            let diagnosis = Diagnosis::new(code, Target::Variable(REQUEST_URL.to_owned()), problem).fix(fix);
            SourceError::new(SourceErrorKind::Unavailable, diagnosis).with_source(error)
        })?;
        Ok(Box::new(Self { context: context.clone(), provider, endpoint, url, token: Secret::new(token) }))
    }
}

#[cfg_attr(not(target_arch = "wasm32"), async_trait)]
#[cfg_attr(target_arch = "wasm32", async_trait(?Send))]
impl TokenSource for RunnerSource {
    fn provider(&self) -> &str {
        self.provider
    }

    async fn token(&self, audience: &Audience) -> Result<IdToken, SourceError> {
        let request = Request::get(self.url.with_query("audience", audience.as_str()))
            .bearer(&self.token)
            .header("accept", "application/json");
        (self.endpoint)(&self.context).token_in("value", request, Some(&self.token), audience).await
    }

    fn is_renewable(&self) -> bool {
        true
    }
}
