use std::fmt;
use std::io;

use oidc_core::http::{HttpError, HttpErrorKind, Response, message_of, message_without};
use oidc_core::{Audience, Diagnosis, ForeignUrl, HttpUrl, IdToken, InvalidAudience, Secret, Subject, shown};

use super::known::KnownRefusal;
use super::scope::Scope;
use super::told::{RegistryReason, Told};
use crate::codes;

/// A registry gave no publish token. It never holds a secret.
///
/// [`ExchangeError::diagnosis`] is the whole explanation. `Display` is its line without the text of the error below, which
/// `source()` gives as itself.
#[derive(Debug)]
pub struct ExchangeError {
    kind: ExchangeErrorKind,
    diagnosis: Box<Diagnosis>,
    reason: Option<Box<RegistryReason>>,
    known: Option<&'static KnownRefusal>,
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
    /// The answer is what the protocol says, and holds no publish token.
    NoToken,
    /// What the answer holds in the place of a publish token is none.
    InvalidToken,
    /// The registry takes no trusted publishes, or has no tokens for what one was asked for.
    Unsupported,
    /// The registry's URL, the package or the identity token can't be used. Nothing was sent.
    InvalidRequest,
}

impl ExchangeError {
    /// An error from its kind and its explanation.
    pub fn new(kind: ExchangeErrorKind, diagnosis: Diagnosis) -> Self {
        Self { kind, diagnosis: Box::new(diagnosis), reason: None, known: None, source: None }
    }

    /// What kind of failure.
    pub fn kind(&self) -> &ExchangeErrorKind {
        &self.kind
    }

    /// What is wrong and what to change.
    pub fn diagnosis(&self) -> &Diagnosis {
        &self.diagnosis
    }

    /// What the registry refused for, where it says so in a form for programs.
    pub fn reason(&self) -> Option<&RegistryReason> {
        self.reason.as_deref()
    }

    /// What the refusal is known to stand for, where the registry's own words don't tell what to do.
    pub fn known_refusal(&self) -> Option<&'static KnownRefusal> {
        self.known
    }

    /// Why no complete answer came, where none did: the proxy, the certificate, the deadline.
    pub fn http(&self) -> Option<&HttpError> {
        self.source.as_deref()
    }

    /// The registry has no publish tokens for this scope, but for what is `expected`: "every package of the identity".
    pub fn unsupported_scope(registry: &HttpUrl, scope: &Scope, expected: &str) -> Self {
        let problem = format!("a publish token of this registry can't be for {scope}");
        let diagnosis = Diagnosis::new(codes::EXCHANGE_SCOPE, Subject::Url(registry.to_string()), problem)
            .expected(expected)
            .fix(match scope {
                Scope::Package(_) => "ask for the token without naming a package",
                Scope::Identity => "name the package that is to be published",
            });
        Self::new(ExchangeErrorKind::Unsupported, diagnosis)
    }

    /// The audience of identity tokens doesn't follow from the registry's URL.
    pub fn invalid_url(registry: &HttpUrl, error: &InvalidAudience) -> Self {
        let subject = Subject::Url(registry.to_string());
        let diagnosis = Diagnosis::new(codes::REGISTRY_URL, subject, error.to_string());
        Self::new(ExchangeErrorKind::InvalidRequest, diagnosis.fix("check the registry's URL"))
    }

    /// The package's name is none of the registry's.
    pub(super) fn invalid_package(registry: &HttpUrl, error: &dyn fmt::Display) -> Self {
        let subject = Subject::Url(registry.to_string());
        let diagnosis = Diagnosis::new(codes::EXCHANGE_PACKAGE, subject, error.to_string());
        let fix = "name the package as the registry does";
        Self::new(ExchangeErrorKind::InvalidRequest, diagnosis.fix(fix))
    }

    /// The identity token is for somebody else, who could be spoken to with it in the job's name.
    pub(super) fn other_audience(registry: &HttpUrl, audience: &Audience) -> Self {
        let problem = format!(
            "the identity token is for the audience `{audience}`, which is not one of {}; it was not sent",
            shown(&registry.host_and_port())
        );
        let diagnosis = Diagnosis::new(oidc_core::codes::AUDIENCE, Subject::Claim("aud".to_owned()), problem)
            .found(audience.as_str())
            .fix("ask the platform for a token with the audience of this registry");
        Self::new(ExchangeErrorKind::InvalidRequest, diagnosis)
    }

    /// The publish token is another registry's, who could be robbed of it.
    pub(super) fn of_other_registry(url: &HttpUrl) -> Self {
        let problem = format!(
            "the publish token was given by another registry than {}; it was not sent",
            shown(&url.host_and_port())
        );
        let diagnosis = Diagnosis::new(codes::EXCHANGE_REQUEST, Subject::Url(url.to_string()), problem);
        Self::new(ExchangeErrorKind::InvalidRequest, diagnosis.fix("revoke it at the registry that gave it"))
    }

    /// With more to do about it.
    pub(super) fn fixed_also_by(mut self, fix: &str) -> Self {
        let known = self.diagnosis.fix.take().map_or_else(String::new, |known| format!("{known}; "));
        self.diagnosis.fix = Some(known + fix);
        self
    }

    /// Whether the registry doesn't know what it was asked for.
    pub(super) fn is_not_found(&self) -> bool {
        matches!(self.kind, ExchangeErrorKind::Rejected { status: 404, .. })
    }

    /// No complete answer came to a question that is asked before the exchange.
    pub(super) fn no_reply(url: &HttpUrl, error: HttpError) -> Self {
        Self::unanswered(
            url,
            error,
            "run it again; nothing was exchanged yet",
            "the registry gave no usable answer",
        )
    }

    /// No complete answer came to the request that ends a token.
    pub(super) fn no_end(url: &HttpUrl, error: HttpError) -> Self {
        Self::unanswered(
            url,
            error,
            "nothing: the token ends by itself",
            "the registry gave no usable answer",
        )
    }

    /// No complete answer to an exchange came.
    pub(super) fn no_answer(url: &HttpUrl, error: HttpError) -> Self {
        let fix =
            "the exchange is not tried again by itself, since it may have happened; run the publish again";
        Self::unanswered(url, error, fix, "the registry gave no usable answer to the exchange")
    }

    fn unanswered(url: &HttpUrl, error: HttpError, otherwise: &'static str, problem: &str) -> Self {
        let (kind, code, fix) = match error.kind() {
            HttpErrorKind::Connect(_) | HttpErrorKind::Proxy(_) | HttpErrorKind::Certificate { .. } => {
                (ExchangeErrorKind::Unreachable, codes::EXCHANGE_UNREACHABLE, CHECK_WAY)
            }
            HttpErrorKind::NotTls | HttpErrorKind::NotHttp => {
                (ExchangeErrorKind::Unreachable, codes::EXCHANGE_UNREACHABLE, CHECK_SCHEME)
            }
            HttpErrorKind::TooLarge(_) => {
                (ExchangeErrorKind::InvalidAnswer, codes::EXCHANGE_ANSWER, CHECK_URL)
            }
            HttpErrorKind::Request(_) => {
                (ExchangeErrorKind::InvalidRequest, codes::EXCHANGE_REQUEST, "check the registry's URL")
            }
            _ => (ExchangeErrorKind::Unreachable, codes::EXCHANGE_UNREACHABLE, otherwise),
        };
        let subject = Subject::Url(url.to_string());
        let diagnosis = match nothing_listens(url, &error) {
            Some(problem) => Diagnosis::new(code, subject, problem).fix(fix),
            None => error.diagnosis(code, subject, problem, fix),
        };
        Self { source: Some(Box::new(error)), ..Self::new(kind, diagnosis) }
    }

    /// The answer's status is not a success.
    pub(super) fn rejected(
        url: &HttpUrl,
        scope: &Scope,
        answer: &Response,
        token: &IdToken,
        known: &'static [KnownRefusal],
    ) -> Self {
        let message = message_without(answer, token.secret());
        let is_elsewhere = answer.is_from_elsewhere();
        // What a proxy says is no registry's reason, and its advice not ours.
        let told = if is_elsewhere { None } else { Told::read(answer, token.secret()) };
        let status = answer.status;
        let says = told.as_ref().and_then(|told| told.problem.clone()).or_else(|| message.clone());
        let says = says.map_or_else(String::new, |says| format!(": {says}"));
        let problem = format!("the registry refused the exchange for {scope} with status {status}{says}");
        let subject = Subject::Url(url.to_string());
        let code = if is_elsewhere { codes::EXCHANGE_ELSEWHERE } else { codes::EXCHANGE_REJECTED };
        let mut diagnosis = Diagnosis::new(code, subject, problem);
        let known = KnownRefusal::find(known, answer, message.as_deref()).filter(|_| !is_elsewhere);
        diagnosis.fix =
            known.map(KnownRefusal::fix).or_else(|| advice(answer, message.as_deref())).map(str::to_owned);
        let kind = ExchangeErrorKind::Rejected { status, message };
        let Some(told) = told else { return Self { known, ..Self::new(kind, diagnosis) } };
        let reason = Some(Box::new(told.reason()));
        Self { reason, ..Self::new(kind, told.explain(diagnosis)) }
    }

    /// The answer's status is a success, and somebody else than the registry gave it.
    pub(super) fn elsewhere(url: &HttpUrl, answer: &Response) -> Self {
        let status = answer.status;
        let problem = format!(
            "a web page answered, with status {status}, and not the registry: a proxy, a log-in page or a web site"
        );
        let diagnosis = Diagnosis::new(codes::EXCHANGE_ELSEWHERE, Subject::Url(url.to_string()), problem);
        Self::new(ExchangeErrorKind::InvalidAnswer, diagnosis.fix(CHECK_URL))
    }

    /// The registry doesn't tell its audience.
    pub(super) fn no_audience(url: &HttpUrl, answer: &Response) -> Self {
        let message = message_of(answer);
        let status = answer.status;
        let says = message.as_deref().map_or_else(String::new, |message| format!(": {message}"));
        let problem = format!("the registry tells no audience for identity tokens, status {status}{says}");
        let fix = match status {
            403 => "the registry has trusted publishing switched off; use another credential",
            404 => {
                "the registry does not seem to take trusted publishes; check its URL, or use another credential"
            }
            _ => by_status(status),
        };
        let diagnosis =
            Diagnosis::new(codes::REGISTRY_AUDIENCE, Subject::Url(url.to_string()), problem).fix(fix);
        let kind = match status {
            403 | 404 => ExchangeErrorKind::Unsupported,
            _ => ExchangeErrorKind::Rejected { status, message },
        };
        Self::new(kind, diagnosis)
    }

    /// The registry didn't end a publish token.
    pub(super) fn not_revoked(url: &HttpUrl, answer: &Response, token: &Secret) -> Self {
        let message = message_without(answer, token);
        let status = answer.status;
        let says = message.as_deref().map_or_else(String::new, |message| format!(": {message}"));
        let problem = format!("the registry did not end the publish token, status {status}{says}");
        let fix = "it ends by itself; until then, keep it secret";
        let diagnosis =
            Diagnosis::new(codes::REVOKE_REJECTED, Subject::Url(url.to_string()), problem).fix(fix);
        Self::new(ExchangeErrorKind::Rejected { status, message }, diagnosis)
    }

    /// The index doesn't tell where its endpoints are.
    pub(super) fn no_discovery(url: &HttpUrl, answer: &Response) -> Self {
        let message = message_of(answer);
        let status = answer.status;
        let says = message.as_deref().map_or_else(String::new, |message| format!(": {message}"));
        let problem =
            format!("the index doesn't tell where its endpoints are (PEP 807), status {status}{says}");
        let diagnosis = Diagnosis::new(codes::REGISTRY_DISCOVERY, Subject::Url(url.to_string()), problem);
        let fix = match status {
            300..=399 | 408 | 425 | 429 | 500..=599 => by_status(status),
            _ => {
                "check the upload URL; an index that knows nothing of PEP 807 answers 404, and is then asked as PyPI is"
            }
        };
        Self::new(ExchangeErrorKind::Rejected { status, message }, diagnosis.fix(fix))
    }

    /// A URL that the registry hands out is not one of its own.
    pub(super) fn foreign(url: &HttpUrl, name: &str, foreign: &ForeignUrl) -> Self {
        let problem = format!("the `{name}` that the registry names is no address of its own");
        let diagnosis = Diagnosis::new(codes::REGISTRY_FOREIGN_URL, Subject::Url(url.to_string()), problem)
            .found(foreign.found())
            .expected(foreign.expected())
            .fix("tell the registry's operator; an identity token is sent to no other origin");
        Self::new(ExchangeErrorKind::InvalidAnswer, diagnosis)
    }

    /// The answer is a success that the protocol doesn't know.
    pub(super) fn invalid_answer(url: &HttpUrl, what: &str) -> Self {
        Self::unusable(ExchangeErrorKind::InvalidAnswer, url, what)
    }

    /// The answer is a success without a publish token.
    pub(super) fn no_token(url: &HttpUrl, what: &str) -> Self {
        Self::unusable(ExchangeErrorKind::NoToken, url, what)
    }

    /// The answer is a success with something else than a publish token.
    pub(super) fn invalid_token(url: &HttpUrl, what: &str) -> Self {
        Self::unusable(ExchangeErrorKind::InvalidToken, url, what)
    }

    fn unusable(kind: ExchangeErrorKind, url: &HttpUrl, what: &str) -> Self {
        let diagnosis = Diagnosis::new(codes::EXCHANGE_ANSWER, Subject::Url(url.to_string()), what);
        Self::new(kind, diagnosis.fix(CHECK_URL))
    }
}

impl std::error::Error for ExchangeError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.http().map(|error| error as _)
    }
}

impl fmt::Display for ExchangeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.diagnosis.above(std::error::Error::source(self)).fmt(f)
    }
}

pub(super) const CHECK_SCHEME: &str = "write the registry's URL with the scheme that is spoken at its port";

pub(super) const CHECK_URL: &str =
    "check that the URL is the registry's and not that of a proxy or a web page";

/// What to check where a registry can't be reached.
pub(super) const CHECK_WAY: &str = "check the registry's URL; where the network takes a proxy, name it in `https_proxy`, with exceptions in `no_proxy`";

/// What is wrong where a registry's host refuses the connection.
pub(super) fn nothing_listens(url: &HttpUrl, error: &HttpError) -> Option<String> {
    let is_refused = matches!(error.kind(), HttpErrorKind::Connect(_)) && is_refused(error);
    is_refused
        .then(|| format!("nothing listens at {}: is the registry running?", shown(&url.host_and_port())))
}

/// Whether nobody listens where a request was sent. An I/O error hides what it wraps from those that walk the chain.
fn is_refused(error: &(dyn std::error::Error + 'static)) -> bool {
    let io = error.downcast_ref::<io::Error>();
    io.is_some_and(|error| error.kind() == io::ErrorKind::ConnectionRefused)
        || io.and_then(io::Error::get_ref).is_some_and(|wrapped| is_refused(wrapped))
        || error.source().is_some_and(is_refused)
}

/// Whether a message says no more than the status. npmjs says `package not found` for every claim that differs, and web
/// servers name the path that they don't have.
fn is_generic(message: &str) -> bool {
    let message = message.trim_end_matches('.').to_ascii_lowercase();
    message.starts_with("oidc token exchange error")
        || STATUS_WORDS.contains(&&*message)
        || OF_PATHS.iter().any(|part| message.contains(part))
}

/// Messages that are a status in words.
const STATUS_WORDS: &[&str] = &[
    "an html page",
    "bad request",
    "forbidden",
    "internal server error",
    "not found",
    "package not found",
    "unauthorized",
    "unprocessable content",
    "unprocessable entity",
];

/// Parts of what servers say of a path that they don't have.
const OF_PATHS: &[&str] =
    &["page not found", "cannot post", "no route", "no such endpoint", "resource not found"];

/// What to do. A registry's own reason needs nothing beside it.
fn advice(answer: &Response, message: Option<&str>) -> Option<&'static str> {
    let has_reason = message.is_some_and(|message| !is_generic(message));
    if answer.is_from_elsewhere() {
        return Some(if answer.status == 407 { PROXY } else { CHECK_URL });
    }
    match answer.status {
        408 | 425 | 429 => Some(by_status(answer.status)),
        400..=499 if has_reason => None,
        status => Some(by_status(status)),
    }
}

const PROXY: &str = "give the proxy its credentials, or name the registry's host in `no_proxy`";

fn by_status(status: u16) -> &'static str {
    match status {
        300..=399 => {
            "redirects are not followed with an identity token; use the URL that the registry itself has"
        }
        400 => "the registry could not read the request; check that it speaks this protocol",
        401 => "the registry did not accept the identity token; look at its issuer, audience and age",
        403 => "a rule of the trusted publisher differs; compare it with what the registry says",
        404 => {
            "the registry knows no trusted publisher of this package for this token, or not this path; compare the package's \
             trusted publisher with this job letter by letter (repository, workflow file, environment; registries differ in \
             whether case matters), and check the registry's URL"
        }
        408 | 425 | 429 | 500..=599 => "try again later",
        _ => "see what the registry says",
    }
}
