//! Runners that set GitHub's variables: those of GitHub, of Forgejo, and of other compatible servers.

use oidc_core::{Diagnosis, Environment, HttpUrl, SourceError, SourceErrorKind, Target};

/// The variables with which a job asks for tokens.
pub(crate) const REQUEST_URL: &str = "ACTIONS_ID_TOKEN_REQUEST_URL";
pub(crate) const REQUEST_TOKEN: &str = "ACTIONS_ID_TOKEN_REQUEST_TOKEN";

/// The variable with the address of the job's server.
const SERVER_URL: &str = "GITHUB_SERVER_URL";

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

/// Reads the address that a token is asked from. `code` and `fix` are those of an address that is none.
pub(crate) fn request_url(text: &str, code: &'static str, fix: &str) -> Result<HttpUrl, SourceError> {
    HttpUrl::parse(text).map_err(|error| {
        let problem =
            format!("variable `{REQUEST_URL}` is not a URL that a token may be asked from: {error}");
        let diagnosis = Diagnosis::new(code, Target::Variable(REQUEST_URL.to_owned()), problem).fix(fix);
        SourceError::new(SourceErrorKind::Unavailable, diagnosis).with_source(error)
    })
}
