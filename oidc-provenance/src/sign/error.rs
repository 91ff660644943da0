use std::error::Error;
use std::fmt;

use oidc_core::http::{HttpError, Response, message_of};
use oidc_core::{Diagnosis, HttpUrl, SourceError, Target};

use crate::codes;

/// An error of signing. It holds no secret.
///
/// ```
/// # fn report(error: &oidc_provenance::SignError) {
/// use oidc_provenance::Logged;
///
/// eprintln!("{}", error.diagnosis().to_text());
/// if error.logged() != Logged::No {
///     eprintln!("the log may have the entry already, which does no harm");
/// }
/// # }
/// ```
#[derive(Debug)]
pub struct SignError {
    diagnosis: Box<Diagnosis>,
    logged: Logged,
    source: Option<Box<dyn Error + Send + Sync>>,
}

/// The state of the transparency log after signing failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Logged {
    /// Nothing was written.
    No,
    /// The request was sent and its answer was lost, so the entry may have been written.
    Perhaps,
    /// The entry is in the log, but the log's answer can't be used.
    Yes,
}

impl SignError {
    pub(super) fn new(diagnosis: Diagnosis) -> Self {
        Self { diagnosis: Box::new(diagnosis), logged: Logged::No, source: None }
    }

    pub(super) fn of_source(error: SourceError) -> Self {
        let diagnosis = error.diagnosis().clone();
        Self { source: Some(Box::new(error)), ..Self::new(diagnosis) }
    }

    pub(super) fn internal(why: &str) -> Self {
        Self::new(Diagnosis::new(
            codes::PROVENANCE_KEY,
            Target::Key,
            format!("no signature can be made: {why}"),
        ))
    }

    /// An error of the log.
    pub(super) fn log(code: &'static str, problem: &str, logged: Logged) -> Self {
        Self { logged, ..Self::new(Diagnosis::new(code, Target::Key, problem)) }
    }

    /// A request that got no complete answer.
    pub(super) fn of_http(code: &'static str, url: &HttpUrl, problem: &str, error: HttpError) -> Self {
        let fix = "try again later, or publish without provenance";
        let diagnosis = error.diagnosis(code, Target::Url(url.to_string()), problem, fix);
        Self { source: Some(Box::new(error)), ..Self::new(diagnosis) }
    }

    /// An answer that is no success.
    pub(super) fn of_answer(code: &'static str, url: &HttpUrl, problem: &str, answer: &Response) -> Self {
        let said = message_of(answer).map(|message| format!(": {message}")).unwrap_or_default();
        let problem = format!("{problem}: status {}{said}", answer.status);
        Self::new(Diagnosis::new(code, Target::Url(url.to_string()), problem))
    }

    #[must_use]
    pub(super) fn logged_as(self, logged: Logged) -> Self {
        Self { logged, ..self }
    }

    /// Returns the explanation: the problem and, where there is one, the fix.
    pub fn diagnosis(&self) -> &Diagnosis {
        &self.diagnosis
    }

    /// Returns the state of the public log: whether the statement was written to it before signing failed.
    pub fn logged(&self) -> Logged {
        self.logged
    }
}

impl fmt::Display for SignError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.diagnosis.above(Error::source(self)).fmt(f)
    }
}

impl Error for SignError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_ref().map(|source| &**source as _)
    }
}
