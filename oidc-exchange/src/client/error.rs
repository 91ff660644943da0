mod fixes;

use std::fmt;

use oidc_core::http::{HttpError, HttpErrorKind, Response, message_of, message_without};
use oidc_core::{Audience, Diagnosis, ForeignUrl, HttpUrl, IdToken, Secret, Target, shown};

pub(super) use self::fixes::{
    CHECK_SCHEME, CHECK_URL, CHECK_WAY, PROXY, by_proxy, nothing_listens, of_proxy,
};
use self::fixes::{advice, by_status, without_audience};
use super::known::KnownRefusal;
use super::rejection::{RegistryReason, Rejection};
use super::scope::Scope;
use crate::codes;

/// An error of an exchange or another request to a registry. It never holds a secret.
///
/// [`ExchangeError::diagnosis`] is the whole explanation. `Display` writes its line without the text of the
/// underlying error, which is available through `source()`.
///
/// ```
/// use oidc_exchange::client::{ExchangeError, ExchangeErrorKind};
///
/// fn explain(error: &ExchangeError) -> String {
///     match error.kind() {
///         ExchangeErrorKind::Rejected { status, .. } => format!("{status}: {}", error.diagnosis().to_text()),
///         _ => error.diagnosis().to_text(),
///     }
/// }
/// ```
#[derive(Debug)]
pub struct ExchangeError {
    kind: ExchangeErrorKind,
    diagnosis: Box<Diagnosis>,
    reason: Option<Box<RegistryReason>>,
    known: Option<&'static KnownRefusal>,
    source: Option<Box<HttpError>>,
}

/// The kind of an [`ExchangeError`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ExchangeErrorKind {
    /// No complete answer came. The exchange may have succeeded all the same.
    Unreachable,
    /// The registry refused.
    Rejected {
        /// The answer's status.
        status: u16,
        /// The registry's message, fit to be shown.
        message: Option<String>,
    },
    /// The answer does not follow the protocol, or is too long.
    InvalidAnswer,
    /// The answer follows the protocol, and contains no publish token.
    NoToken,
    /// The text that the answer contains as a publish token can't be one.
    InvalidToken,
    /// The registry accepts no trusted publishes, or has no tokens for the requested scope.
    Unsupported,
    /// The registry's URL, the package or the identity token can't be used. No exchange was sent.
    InvalidRequest,
}

impl ExchangeError {
    /// An error of a kind with its explanation.
    pub fn new(kind: ExchangeErrorKind, diagnosis: Diagnosis) -> Self {
        Self { kind, diagnosis: Box::new(diagnosis), reason: None, known: None, source: None }
    }

    /// Returns the kind of failure.
    pub fn kind(&self) -> &ExchangeErrorKind {
        &self.kind
    }

    /// Returns the explanation: the problem and the fix.
    pub fn diagnosis(&self) -> &Diagnosis {
        &self.diagnosis
    }

    /// Returns the reason of the refusal, if the registry gave one in a form for programs.
    pub fn reason(&self) -> Option<&RegistryReason> {
        self.reason.as_deref()
    }

    /// Returns the known cause and fix of the refusal, where the registry's own words don't tell the fix.
    pub fn known_refusal(&self) -> Option<&'static KnownRefusal> {
        self.known
    }

    /// Returns the HTTP error, if no complete answer came (proxy, certificate, deadline).
    pub fn http(&self) -> Option<&HttpError> {
        self.source.as_deref()
    }

    /// The registry has no publish tokens for this scope, only for the `expected` one, such as "every package
    /// of the identity".
    pub fn unsupported_scope(registry: &HttpUrl, scope: &Scope, expected: &str) -> Self {
        let problem = format!("a publish token of this registry can't be for {scope}");
        let diagnosis = Diagnosis::new(codes::EXCHANGE_SCOPE, Target::Url(registry.to_string()), problem)
            .expected(expected)
            .fix(match scope {
                Scope::Package(_) => "ask for the token without naming a package",
                Scope::Identity => "name the package that is to be published",
            });
        Self::new(ExchangeErrorKind::Unsupported, diagnosis)
    }

    /// The registry's URL can't be used: no audience can be derived from it, or it is not what the protocol needs.
    pub fn invalid_url(registry: &HttpUrl, error: &dyn fmt::Display) -> Self {
        let subject = Target::Url(registry.to_string());
        let diagnosis = Diagnosis::new(codes::REGISTRY_URL, subject, error.to_string());
        Self::new(ExchangeErrorKind::InvalidRequest, diagnosis.fix("check the registry's URL"))
    }

    /// The package's name is not valid at the registry.
    pub(super) fn invalid_package(registry: &HttpUrl, error: &dyn fmt::Display) -> Self {
        let subject = Target::Url(registry.to_string());
        let diagnosis = Diagnosis::new(codes::EXCHANGE_PACKAGE, subject, error.to_string());
        let fix = "name the package as the registry does";
        Self::new(ExchangeErrorKind::InvalidRequest, diagnosis.fix(fix))
    }

    /// The identity token is for another party, where it could be used in the job's name.
    pub(super) fn other_audience(registry: &HttpUrl, audience: &Audience) -> Self {
        let problem = format!(
            "the identity token is for the audience `{audience}`, which is not one of {}; it was not sent",
            shown(&registry.host_and_port())
        );
        let diagnosis = Diagnosis::new(oidc_core::codes::AUDIENCE, Target::Claim("aud".to_owned()), problem)
            .found(audience.as_str())
            .fix("ask the platform for a token with the audience of this registry");
        Self::new(ExchangeErrorKind::InvalidRequest, diagnosis)
    }

    /// The publish token is from another registry, and the registry that gets it could use it there.
    pub(super) fn of_other_registry(url: &HttpUrl) -> Self {
        let problem = format!(
            "the publish token was given by another registry than {}; it was not sent",
            shown(&url.host_and_port())
        );
        let diagnosis = Diagnosis::new(codes::EXCHANGE_REQUEST, Target::Url(url.to_string()), problem);
        Self::new(ExchangeErrorKind::InvalidRequest, diagnosis.fix("revoke it at the registry that gave it"))
    }

    /// Adds another fix.
    pub(super) fn fixed_also_by(mut self, fix: &str) -> Self {
        let known = self.diagnosis.fix.take().map_or_else(String::new, |known| format!("{known}; "));
        self.diagnosis.fix = Some(known + fix);
        self
    }

    /// Returns `true` if the registry answered that the requested resource does not exist.
    pub(super) fn is_not_found(&self) -> bool {
        matches!(self.kind, ExchangeErrorKind::Rejected { status: 404, .. })
    }

    /// No complete answer came to a request before the exchange.
    pub(super) fn no_reply(url: &HttpUrl, error: HttpError) -> Self {
        Self::unanswered(
            url,
            error,
            "run it again; nothing was exchanged yet",
            "the registry gave no usable answer",
        )
    }

    /// No complete answer came to the request that revokes a token.
    pub(super) fn no_end(url: &HttpUrl, error: HttpError) -> Self {
        Self::unanswered(
            url,
            error,
            "nothing: the token ends by itself",
            "the registry gave no usable answer",
        )
    }

    /// No complete answer came to an exchange.
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
        let subject = Target::Url(url.to_string());
        let mut diagnosis = error.diagnosis(code, subject, problem, fix);
        if let Some(problem) = nothing_listens(url, &error) {
            diagnosis.problem = problem;
        }
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
        // A proxy's answer has no registry's reason, and its advice is not about the exchange.
        let rejection = if is_elsewhere { None } else { Rejection::read(answer, token.secret()) };
        let status = answer.status;
        let says =
            rejection.as_ref().and_then(|rejection| rejection.problem.clone()).or_else(|| message.clone());
        let says = says.map_or_else(String::new, |says| format!(": {says}"));
        let problem = format!(
            "the registry refused the exchange for {scope} with status {status}{says}{}",
            by_proxy(answer)
        );
        let subject = Target::Url(url.to_string());
        let code = if is_elsewhere { codes::EXCHANGE_ELSEWHERE } else { codes::EXCHANGE_REJECTED };
        let mut diagnosis = Diagnosis::new(code, subject, problem);
        let known = KnownRefusal::find(known, answer, message.as_deref()).filter(|_| !is_elsewhere);
        // What is known of the registry's own refusals is more exact than the advice by status.
        let advice = || advice(answer, message.as_deref()).map(str::to_owned);
        diagnosis.fix =
            known.map(|known| known.fix().to_owned()).or_else(|| of_proxy(url, answer)).or_else(advice);
        let kind = ExchangeErrorKind::Rejected { status, message };
        let Some(rejection) = rejection else { return Self { known, ..Self::new(kind, diagnosis) } };
        let reason = Some(Box::new(rejection.reason()));
        Self { reason, ..Self::new(kind, rejection.explain(diagnosis)) }
    }

    /// The answer's status is a success, and the answer is not from the registry.
    pub(super) fn elsewhere(url: &HttpUrl, answer: &Response) -> Self {
        let status = answer.status;
        let problem = format!(
            "a web page answered, with status {status}, and not the registry: a proxy, a log-in page or a web site{}",
            by_proxy(answer)
        );
        let diagnosis = Diagnosis::new(codes::EXCHANGE_ELSEWHERE, Target::Url(url.to_string()), problem);
        let fix = of_proxy(url, answer).unwrap_or_else(|| CHECK_URL.to_owned());
        Self::new(ExchangeErrorKind::InvalidAnswer, diagnosis.fix(fix))
    }

    /// The registry does not tell its audience.
    pub(super) fn no_audience(url: &HttpUrl, answer: &Response) -> Self {
        let message = message_of(answer);
        let status = answer.status;
        let says = message.as_deref().map_or_else(String::new, |message| format!(": {message}"));
        let by = by_proxy(answer);
        let problem =
            format!("the registry tells no audience for identity tokens, status {status}{says}{by}");
        let fix = of_proxy(url, answer).unwrap_or_else(|| without_audience(answer).to_owned());
        let diagnosis =
            Diagnosis::new(codes::REGISTRY_AUDIENCE, Target::Url(url.to_string()), problem).fix(fix);
        let kind = match status {
            // A proxy's page says nothing of the registry; a registry without the path answers with a page, too.
            403 if answer.is_from_elsewhere() => ExchangeErrorKind::Rejected { status, message },
            403 | 404 => ExchangeErrorKind::Unsupported,
            _ => ExchangeErrorKind::Rejected { status, message },
        };
        Self::new(kind, diagnosis)
    }

    /// The registry did not revoke a publish token.
    pub(super) fn not_revoked(url: &HttpUrl, answer: &Response, token: &Secret) -> Self {
        let message = message_without(answer, token);
        let status = answer.status;
        let says = message.as_deref().map_or_else(String::new, |message| format!(": {message}"));
        let problem = format!("the registry did not end the publish token, status {status}{says}");
        let fix = "it ends by itself; until then, keep it secret";
        let diagnosis =
            Diagnosis::new(codes::REVOKE_REJECTED, Target::Url(url.to_string()), problem).fix(fix);
        Self::new(ExchangeErrorKind::Rejected { status, message }, diagnosis)
    }

    /// The index does not tell the URLs of its endpoints.
    pub(super) fn no_discovery(url: &HttpUrl, answer: &Response) -> Self {
        let message = message_of(answer);
        let status = answer.status;
        let says = message.as_deref().map_or_else(String::new, |message| format!(": {message}"));
        let problem = format!(
            "the index doesn't tell where its endpoints are (PEP 807), status {status}{says}{}",
            by_proxy(answer)
        );
        let diagnosis = Diagnosis::new(codes::REGISTRY_DISCOVERY, Target::Url(url.to_string()), problem);
        let otherwise = match status {
            300..=399 | 408 | 425 | 429 | 500..=599 => by_status(status),
            _ => {
                "check the upload URL; an index that knows nothing of PEP 807 answers 404, and is then asked as PyPI is"
            }
        };
        let fix = of_proxy(url, answer).unwrap_or_else(|| otherwise.to_owned());
        Self::new(ExchangeErrorKind::Rejected { status, message }, diagnosis.fix(fix))
    }

    /// A URL that the registry named is not one of its own.
    pub(super) fn foreign(url: &HttpUrl, name: &str, foreign: &ForeignUrl) -> Self {
        let problem = format!("the `{name}` that the registry names is no address of its own");
        let diagnosis = Diagnosis::new(codes::REGISTRY_FOREIGN_URL, Target::Url(url.to_string()), problem)
            .found(foreign.found())
            .expected(foreign.expected())
            .fix("tell the registry's operator; an identity token is sent to no other origin");
        Self::new(ExchangeErrorKind::InvalidAnswer, diagnosis)
    }

    /// The answer is a success that does not follow the protocol.
    pub(super) fn invalid_answer(url: &HttpUrl, what: &str) -> Self {
        Self::unusable(ExchangeErrorKind::InvalidAnswer, url, what)
    }

    /// The answer is a success without a publish token.
    pub(super) fn no_token(url: &HttpUrl, what: &str) -> Self {
        Self::unusable(ExchangeErrorKind::NoToken, url, what)
    }

    /// The answer is a success whose publish token can't be one.
    pub(super) fn invalid_token(url: &HttpUrl, what: &str) -> Self {
        Self::unusable(ExchangeErrorKind::InvalidToken, url, what)
    }

    fn unusable(kind: ExchangeErrorKind, url: &HttpUrl, what: &str) -> Self {
        let diagnosis = Diagnosis::new(codes::EXCHANGE_ANSWER, Target::Url(url.to_string()), what);
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
