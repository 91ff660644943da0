use serde::Serialize;

/// The verdict of a check: whether a publish from this job would be accepted.
///
/// ```
/// use oidc_exchange::client::doctor::Verdict;
///
/// /// Only a publish that was tried is called accepted.
/// fn may_release(verdict: Verdict) -> bool {
///     verdict == Verdict::Accepted
/// }
/// assert!(!may_release(Verdict::Untried));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Verdict {
    /// The registry gave a publish token.
    Accepted,
    /// The publish would be refused.
    Refused,
    /// The registry gave a publish token, and does not tell whether it is for the package.
    ExchangeAccepted,
    /// No exchange was tried: the registry exchanges no tokens and takes the identity token itself with the
    /// upload, or the exchange would use the job's only token. Reasons against a publish are errors among the
    /// diagnoses.
    Untried,
    /// The registry gave a publish token, even though the publisher that the user intends does not accept
    /// this job.
    Contradicted,
}

impl Verdict {
    /// Returns `true` if the registry accepted the job, as the publisher that the user intends does.
    pub fn is_accepted(self) -> bool {
        matches!(self, Self::Accepted | Self::ExchangeAccepted)
    }
}
