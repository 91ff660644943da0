//! Tokens from an endpoint over HTTP, for the platforms that have one.

use std::time::Duration;

use oidc_core::http::{Request, Response, message_of, message_without};
use oidc_core::{
    Audience, Context, Diagnosis, HttpUrl, IdToken, InvalidIdToken, Secret, SourceError, SourceErrorKind,
    Target, shown,
};
use serde_json::{Map, Value};

use crate::codes;

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
    /// The fix where the platform is at fault, and the job is not.
    otherwise: &'static str,
    codes: &'static Codes,
}

/// The codes of an endpoint's errors.
#[derive(Debug)]
pub(crate) struct Codes {
    pub(crate) unavailable: &'static str,
    pub(crate) refused: &'static str,
    pub(crate) no_token: &'static str,
    pub(crate) unusable: &'static str,
}

/// The codes that platforms share.
const SHARED: &Codes = &Codes {
    unavailable: codes::TOKEN_ENDPOINT_UNAVAILABLE,
    refused: codes::TOKEN_ENDPOINT_REFUSED,
    no_token: codes::TOKEN_ENDPOINT_UNUSABLE,
    unusable: codes::TOKEN_ENDPOINT_UNUSABLE,
};

impl Endpoint {
    /// An endpoint whose requests are one operation.
    pub(crate) fn new(context: &Context, name: &'static str, fix: &'static str) -> Self {
        Self { context: context.operation(), name, fix, otherwise: fix, codes: SHARED }
    }

    /// Sets the fix where the platform is at fault, and codes of the platform's own.
    pub(crate) fn with(self, otherwise: &'static str, codes: &'static Codes) -> Self {
        Self { otherwise, codes, ..self }
    }

    /// Sends a request, and reads the token from a member of the answer, which is a JSON object.
    pub(crate) async fn token_in(
        &self,
        member: &str,
        request: Request,
        secret: Option<&Secret>,
        audience: &Audience,
    ) -> Result<IdToken, SourceError> {
        let url = request.url.clone();
        let answer = self.ask(request, secret).await?.json::<Map<String, Value>>();
        let token = answer.as_ref().and_then(|answer| answer.get(member)?.as_str());
        match token.filter(|token| !token.is_empty()) {
            Some(token) => self.token(&url, token, audience),
            None => Err(self.no_token(&url, &format!("a JSON object with a text `{member}`"))),
        }
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
                let diagnosis = error.diagnosis(self.codes.unavailable, subject, &problem, self.otherwise);
                Err(SourceError::new(SourceErrorKind::Unavailable, diagnosis).with_source(error))
            }
        }
    }

    /// Reads a token for this audience.
    pub(crate) fn token(
        &self,
        url: &HttpUrl,
        token: &str,
        audience: &Audience,
    ) -> Result<IdToken, SourceError> {
        self.context.id_token(token, audience).map_err(|error| {
            let problem = format!("what {} gave can't be used: {error}", self.name);
            let diagnosis = match &error {
                InvalidIdToken::Audience { found, .. } => {
                    let target = Target::Claim("aud".to_owned());
                    let found = found.as_deref().unwrap_or("(none)").trim_matches('`');
                    let fix = format!(
                        "something between the job and {} loses the audience; look for a proxy",
                        self.name
                    );
                    let diagnosis = Diagnosis::new(oidc_core::codes::AUDIENCE, target, problem);
                    diagnosis.found(found).expected(audience.as_str()).fix(fix)
                }
                _ => Diagnosis::new(self.codes.unusable, Target::Url(url.to_string()), problem)
                    .fix(self.otherwise),
            };
            SourceError::new(SourceErrorKind::InvalidToken, diagnosis).with_source(error)
        })
    }

    /// The error of an answer without a token.
    pub(crate) fn no_token(&self, url: &HttpUrl, expected: &str) -> SourceError {
        let problem = format!("{}'s answer holds no identity token: expected {expected}", self.name);
        let diagnosis = Diagnosis::new(self.codes.no_token, Target::Url(url.to_string()), problem);
        SourceError::new(SourceErrorKind::NoToken, diagnosis.fix(self.otherwise))
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
        let by = response.suspected_proxy().map_or_else(String::new, |proxy| format!(" ({proxy})"));
        let problem = problem + &by;
        if is_from_between(response) {
            return elsewhere(url, &problem, response);
        }
        let (kind, fix) = match response.is_transient() {
            true if by.is_empty() => (SourceErrorKind::Unavailable, self.otherwise.to_owned()),
            true => (SourceErrorKind::Unavailable, perhaps_by_proxy(url)),
            false => (SourceErrorKind::Rejected, self.fix.to_owned()),
        };
        let diagnosis = Diagnosis::new(self.codes.refused, Target::Url(url.to_string()), problem);
        SourceError::new(kind, diagnosis.fix(fix))
    }
}

/// Returns `true` if a proxy or web site between the job and its platform answered. A platform that works neither
/// redirects nor sends a web page.
fn is_from_between(response: &Response) -> bool {
    let is_page = || response.is_success() && response.is_html();
    response.is_from_elsewhere() || (300..=399).contains(&response.status) || is_page()
}

/// The fix where the platform or the proxy on the way to it is at fault.
fn perhaps_by_proxy(url: &HttpUrl) -> String {
    format!(
        "run the job again; if it goes on, look at the proxy, which may have answered in the platform's place, or name `{}` in \
         `no_proxy`",
        shown(url.host())
    )
}

/// The refusal of a proxy or web site between the job and its platform.
fn elsewhere(url: &HttpUrl, problem: &str, response: &Response) -> SourceError {
    let problem = format!("{problem}; that is a web page or a proxy's answer, and not the platform's");
    let diagnosis = Diagnosis::new(codes::TOKEN_ENDPOINT_ELSEWHERE, Target::Url(url.to_string()), problem);
    let host = shown(url.host());
    let fix = match (response.status, response.suspected_proxy()) {
        (407, Some(proxy)) => format!("{}, or name `{host}` in `no_proxy`", proxy.credentials_advice()),
        (407, None) => format!(
            "give the proxy between this job and `{host}` its credentials, or name the host in `no_proxy`"
        ),
        (_, Some(_)) => format!("have the proxy let the request through, or name `{host}` in `no_proxy`"),
        (_, None) => format!(
            "look for a proxy between this job and `{host}`, and have it let the request through; or name the host in `no_proxy`"
        ),
    };
    SourceError::new(SourceErrorKind::Unavailable, diagnosis.fix(fix))
}
