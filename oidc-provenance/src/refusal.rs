use oidc_core::{Diagnosis, Mismatch, Target};

/// The reason why provenance is not accepted, as a diagnosis: the thing that differs, the value that was found,
/// the expected value and the fix.
///
/// A registry answers with `Display`, which is one line. [`Refusal::diagnosis`] has the same as data; its code is
/// one of [`codes`](crate::codes), or that of a publisher's rule.
///
/// ```
/// use oidc_core::{Diagnosis, Target};
/// use oidc_provenance::Refusal;
///
/// // A rule of the registry's own.
/// let diagnosis = Diagnosis::new("our-branch", Target::Claim("ref".to_owned()), "built from another branch");
/// let refusal = Refusal::new(diagnosis.found("refs/heads/fork").expected("refs/heads/main"));
/// assert_eq!(refusal.code(), "our-branch");
/// assert!(refusal.to_string().contains("refs/heads/fork"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{diagnosis}")]
pub struct Refusal {
    diagnosis: Box<Diagnosis>,
}

impl Refusal {
    /// A refusal with its explanation, for rules of an application's own.
    pub fn new(diagnosis: Diagnosis) -> Self {
        Self { diagnosis: Box::new(diagnosis) }
    }

    /// A refusal about a member of the bundle, the statement or the certificate.
    pub(crate) fn of(code: &'static str, field: impl Into<String>, problem: impl Into<String>) -> Self {
        Self::new(Diagnosis::new(code, Target::Field(field.into()), problem))
    }

    pub(crate) fn found(self, found: impl Into<String>) -> Self {
        Self::new(self.diagnosis.found(found))
    }

    pub(crate) fn expected(self, expected: impl Into<String>) -> Self {
        Self::new(self.diagnosis.expected(expected))
    }

    pub(crate) fn fix(self, fix: impl Into<String>) -> Self {
        Self::new(self.diagnosis.fix(fix))
    }

    /// Returns the explanation. Where a publisher's rule is not met, it contains the publisher's configuration.
    pub fn diagnosis(&self) -> &Diagnosis {
        &self.diagnosis
    }

    /// Returns the code of the diagnosis.
    pub fn code(&self) -> &'static str {
        self.diagnosis.code
    }
}

impl From<Mismatch> for Refusal {
    fn from(mismatch: Mismatch) -> Self {
        Self::new(mismatch.diagnosis().clone())
    }
}
