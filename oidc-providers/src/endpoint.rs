//! Tokens from an endpoint over HTTP, for the platforms that have one.

use std::time::Duration;

use oidc_core::http::{Request, Response, message_of, message_without};
use oidc_core::{
    Audience, Context, Diagnosis, HttpUrl, IdToken, Secret, SourceError, SourceErrorKind, Target, shown,
};

use crate::codes;
use crate::command::code_of;

/// The code of a text that is no token.
const UNUSABLE: &str = codes::TOKEN_ENDPOINT_UNUSABLE;

/// The deadline of each try.
const DEADLINE: Duration = Duration::from_secs(5);

/// The limit on an answer, in bytes: it holds one token.
const MAX_ANSWER: usize = 64 * 1024;

/// A platform's endpoint: its name for a person, and the fix where it gives no tokens.
#[derive(Clone, Debug)]
pub(crate) struct Endpoint {
    context: Context,
    name: &'static str,
    fix: &'static str,
}

impl Endpoint {
    /// An endpoint whose requests are one operation.
    pub(crate) fn new(context: &Context, name: &'static str, fix: &'static str) -> Self {
        Self { context: context.operation(), name, fix }
    }

    /// Sends a request, and sends it again where that may help. `secret` is the secret that it authenticates
    /// with, which no error repeats.
    pub(crate) async fn ask(
        &self,
        request: Request,
        secret: Option<&Secret>,
    ) -> Result<Response, SourceError> {
        let request = request.max_body(MAX_ANSWER).deadline(DEADLINE);
        let url = request.url.clone();
        match self.context.send_with_retries(request).await {
            Ok(response) if response.is_success() && !is_from_between(&response) => Ok(response),
            Ok(response) => Err(self.refused(&url, &response, secret)),
            Err(error) => {
                let problem = format!("{} can't be asked for an identity token", self.name);
                let subject = Target::Url(url.to_string());
                let diagnosis =
                    error.diagnosis(codes::TOKEN_ENDPOINT_UNAVAILABLE, subject, &problem, self.fix);
                Err(SourceError::new(SourceErrorKind::Unavailable, diagnosis).with_source(error))
            }
        }
    }

    /// Reads a token for this audience from an answer.
    pub(crate) fn token(
        &self,
        url: &HttpUrl,
        token: Option<String>,
        audience: &Audience,
    ) -> Result<IdToken, SourceError> {
        let Some(token) = token else { return Err(self.unusable(url, "it holds none")) };
        self.context.id_token(token, audience).map_err(|error| {
            let code = code_of(&error, UNUSABLE);
            self.answer(SourceErrorKind::InvalidToken, code, url, &error.to_string()).with_source(error)
        })
    }

    /// The error of an answer without a token.
    pub(crate) fn unusable(&self, url: &HttpUrl, why: &str) -> SourceError {
        self.answer(SourceErrorKind::NoToken, UNUSABLE, url, why)
    }

    fn answer(&self, kind: SourceErrorKind, code: &'static str, url: &HttpUrl, why: &str) -> SourceError {
        let problem = format!("{}'s answer can't be used as an identity token: {why}", self.name);
        self.failed(kind, code, url, problem)
    }

    fn refused(&self, url: &HttpUrl, response: &Response, secret: Option<&Secret>) -> SourceError {
        let message = match secret {
            Some(secret) => message_without(response, secret),
            None => message_of(response),
        };
        let message = message.map_or_else(String::new, |message| format!(", {message}"));
        let problem = format!("{} gave no identity token: status {}{message}", self.name, response.status);
        // The status of a proxy's answer says nothing about the platform, so it is not classified by its
        // status.
        if is_from_between(response) {
            return elsewhere(url, &problem);
        }
        let kind =
            if response.is_transient() { SourceErrorKind::Unavailable } else { SourceErrorKind::Rejected };
        self.failed(kind, codes::TOKEN_ENDPOINT_REFUSED, url, problem)
    }

    fn failed(
        &self,
        kind: SourceErrorKind,
        code: &'static str,
        url: &HttpUrl,
        problem: String,
    ) -> SourceError {
        SourceError::new(kind, Diagnosis::new(code, Target::Url(url.to_string()), problem).fix(self.fix))
    }
}

/// Returns `true` if a proxy or web site between the job and its platform answered. A platform that works neither
/// redirects nor sends a web page.
pub(crate) fn is_from_between(response: &Response) -> bool {
    let is_page = || response.is_success() && response.is_html();
    response.is_from_elsewhere() || (300..=399).contains(&response.status) || is_page()
}

/// The refusal of a proxy or web site between the job and its platform.
pub(crate) fn elsewhere(url: &HttpUrl, problem: &str) -> SourceError {
    let problem = format!("{problem}; that is a web page or a proxy's answer, and not the platform's");
    let diagnosis = Diagnosis::new(codes::TOKEN_ENDPOINT_ELSEWHERE, Target::Url(url.to_string()), problem);
    let host = shown(url.host());
    let fix = format!(
        "look for a proxy between this job and `{host}`, and have it let the request through; or name the host in `no_proxy`"
    );
    SourceError::new(SourceErrorKind::Unavailable, diagnosis.fix(fix))
}
