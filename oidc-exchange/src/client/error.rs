use std::fmt;

use oidc_core::http::{HttpError, HttpErrorKind, Response, message_of};
use oidc_core::{Diagnosis, HttpUrl, IdToken, Secret, Subject};

/// A registry gave no publish token. It never holds a secret.
#[derive(Debug, thiserror::Error)]
#[error("{diagnosis}")]
pub struct ExchangeError {
    kind: ExchangeErrorKind,
    diagnosis: Box<Diagnosis>,
    source: Option<Box<HttpError>>,
}

/// What kept the registry's token from us.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ExchangeErrorKind {
    /// No complete answer came. The exchange may have happened all the same.
    Unreachable,
    /// The registry refused.
    Rejected {
        /// The answer's status.
        status: u16,
        /// What the registry said, fit to be shown.
        message: Option<String>,
    },
    /// The answer is not what the protocol says, or too long.
    InvalidAnswer,
    /// The registry's URL or the package can't be used.
    InvalidRequest,
}

impl ExchangeError {
    /// An error from its kind and its explanation.
    pub fn new(kind: ExchangeErrorKind, diagnosis: Diagnosis) -> Self {
        Self { kind, diagnosis: Box::new(diagnosis), source: None }
    }

    /// What kind of failure.
    pub fn kind(&self) -> &ExchangeErrorKind {
        &self.kind
    }

    /// What is wrong and what to change.
    pub fn diagnosis(&self) -> &Diagnosis {
        &self.diagnosis
    }

    /// No complete answer came.
    pub(super) fn no_answer(url: &HttpUrl, error: HttpError) -> Self {
        let problem = format!("the registry gave no usable answer to the exchange: {error}");
        let (kind, code, fix) = match error.kind() {
            HttpErrorKind::Connect(_) => {
                let fix = "check the registry's URL, its certificate and the proxy";
                (ExchangeErrorKind::Unreachable, "exchange-unreachable", fix)
            }
            HttpErrorKind::TooLarge(_) => (ExchangeErrorKind::InvalidAnswer, "exchange-answer", CHECK_URL),
            HttpErrorKind::Request(_) => {
                (ExchangeErrorKind::InvalidRequest, "exchange-request", "check the registry's URL")
            }
            _ => {
                let fix = "the exchange is not tried again by itself, since it may have happened; run the publish again";
                (ExchangeErrorKind::Unreachable, "exchange-unreachable", fix)
            }
        };
        let diagnosis = Diagnosis::new(code, Subject::Url(url.to_string()), problem).fix(fix);
        Self { kind, diagnosis: Box::new(diagnosis), source: Some(Box::new(error)) }
    }

    /// The answer's status is not a success.
    pub(super) fn rejected(
        url: &HttpUrl,
        package: &dyn fmt::Display,
        answer: &Response,
        token: &IdToken,
    ) -> Self {
        let message = message_of(answer).filter(|message| !repeats(message, token.secret()));
        let status = answer.status;
        let says = message.as_deref().map_or_else(String::new, |message| format!(": {message}"));
        let problem = format!("the registry refused the exchange for `{package}` with status {status}{says}");
        let subject = Subject::Url(url.to_string());
        let diagnosis = Diagnosis::new("exchange-rejected", subject, problem).fix(advice(status));
        Self::new(ExchangeErrorKind::Rejected { status, message }, diagnosis)
    }

    /// The answer is a success without a usable token.
    pub(super) fn invalid_answer(url: &HttpUrl, what: &str) -> Self {
        let diagnosis = Diagnosis::new("exchange-answer", Subject::Url(url.to_string()), what).fix(CHECK_URL);
        Self::new(ExchangeErrorKind::InvalidAnswer, diagnosis)
    }
}

const CHECK_URL: &str = "check that the URL is the registry's and not that of a proxy or a web page";

/// Whether a message repeats the token that the registry was asked with, or a part of it.
fn repeats(message: &str, token: &Secret) -> bool {
    token.expose().split('.').any(|part| part.len() >= 16 && message.contains(part))
}

fn advice(status: u16) -> &'static str {
    match status {
        300..=399 => {
            "redirects are not followed with an identity token; use the URL that the registry itself has"
        }
        400 => "the registry could not read the request; check that it speaks this protocol",
        401 => "the registry did not accept the identity token; look at its issuer, audience and age",
        403 => "a rule of the trusted publisher differs; compare it with what the registry says",
        404 => {
            "the registry knows no trusted publisher of this package for this token, or not this path; check the \
             package's trusted publisher (repository, workflow file, environment, all case-sensitive) and the \
             registry's URL"
        }
        408 | 425 | 429 | 500..=599 => "try again later",
        _ => "see what the registry says",
    }
}
