//! What the platforms that are asked for tokens over HTTP have in common.

use std::time::Duration;

use oidc_core::http::{Request, Response, message_of, message_without};
use oidc_core::{
    Audience, Context, Diagnosis, HttpUrl, IdToken, Secret, SourceError, SourceErrorKind, Subject, shown,
};

use crate::command::code_of;

/// The stable name of what is no token.
const UNUSABLE: &str = "token-endpoint-unusable";

/// How often an endpoint is asked before it counts as unavailable.
const TRIES: u32 = 3;

/// The wait before the second try; each further one is four times as long.
const FIRST_WAIT: Duration = Duration::from_millis(250);

/// How long each try may take.
const DEADLINE: Duration = Duration::from_secs(5);

/// An answer holds one token.
const MAX_ANSWER: usize = 64 * 1024;

/// A platform's endpoint: its name for a person, and what to do where it gives no tokens.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Endpoint<'a> {
    pub(crate) context: &'a Context,
    pub(crate) name: &'static str,
    pub(crate) fix: &'static str,
}

impl Endpoint<'_> {
    /// Sends a request, and again where that may help. `secret` is what it authenticates with, which no error repeats.
    pub(crate) async fn ask(
        &self,
        request: Request,
        secret: Option<&Secret>,
    ) -> Result<Response, SourceError> {
        let request = request.max_body(MAX_ANSWER).deadline(DEADLINE);
        let mut wait = FIRST_WAIT;
        let mut tries = 1;
        loop {
            let (error, is_transient) = match self.context.http().send(request.clone()).await {
                Ok(response) if response.is_success() => return Ok(response),
                Ok(response) => (
                    self.refused(&request.url, &response, secret),
                    response.status == 429 || response.status >= 500,
                ),
                Err(error) => {
                    let problem = format!("{} can't be asked for an identity token", self.name);
                    let subject = Subject::Url(request.url.to_string());
                    let diagnosis =
                        error.diagnosis("token-endpoint-unavailable", subject, &problem, self.fix);
                    let is_transient = error.is_transient();
                    let failed = SourceError::new(SourceErrorKind::Unavailable, diagnosis);
                    (failed.with_source(error), is_transient)
                }
            };
            if !is_transient || tries == TRIES || !self.context.clock().has_timer() {
                return Err(error);
            }
            self.context.clock().sleep(wait).await;
            (tries, wait) = (tries + 1, wait.saturating_mul(4));
        }
    }

    /// A token out of an answer, for this audience and no other.
    pub(crate) fn token(
        &self,
        url: &HttpUrl,
        token: Option<String>,
        audience: &Audience,
    ) -> Result<IdToken, SourceError> {
        let Some(token) = token else { return Err(self.unusable(url, "it holds none")) };
        self.context.id_token(token, audience).map_err(|error| {
            self.rejected(url, code_of(&error, UNUSABLE), &error.to_string()).with_source(error)
        })
    }

    /// The error of an answer that can't be used.
    pub(crate) fn unusable(&self, url: &HttpUrl, why: &str) -> SourceError {
        self.rejected(url, UNUSABLE, why)
    }

    fn rejected(&self, url: &HttpUrl, code: &'static str, why: &str) -> SourceError {
        let problem = format!("{}'s answer can't be used as an identity token: {why}", self.name);
        self.failed(SourceErrorKind::InvalidToken, code, url, problem)
    }

    fn refused(&self, url: &HttpUrl, response: &Response, secret: Option<&Secret>) -> SourceError {
        let message = match secret {
            Some(secret) => message_without(response, secret),
            None => message_of(response),
        };
        let message = message.map_or_else(String::new, |message| format!(", {message}"));
        let problem = format!("{} gave no identity token: status {}{message}", self.name, response.status);
        if response.is_from_elsewhere() {
            return elsewhere(url, &problem);
        }
        let kind =
            if response.status >= 500 { SourceErrorKind::Unavailable } else { SourceErrorKind::Rejected };
        self.failed(kind, "token-endpoint-refused", url, problem)
    }

    fn failed(
        &self,
        kind: SourceErrorKind,
        code: &'static str,
        url: &HttpUrl,
        problem: String,
    ) -> SourceError {
        SourceError::new(kind, Diagnosis::new(code, Subject::Url(url.to_string()), problem).fix(self.fix))
    }
}

/// The refusal of somebody between the job and its platform.
pub(crate) fn elsewhere(url: &HttpUrl, problem: &str) -> SourceError {
    let problem = format!("{problem}; that is a web page or a proxy's answer, and not the platform's");
    let diagnosis = Diagnosis::new("token-endpoint-elsewhere", Subject::Url(url.to_string()), problem);
    let host = shown(url.host());
    let fix = format!(
        "look for a proxy between this job and `{host}`, and have it let the request through; or name the host in `no_proxy`"
    );
    SourceError::new(SourceErrorKind::Unavailable, diagnosis.fix(fix))
}
