use oidc_core::verify::{Reason, VerifyError};
use oidc_core::{Diagnosis, HttpUrl, Identity, Mismatch, Timestamp, shown};

use super::candidates::only_first;
use super::chain::Chain;
use super::explain;
use super::minter::MintError;
use super::package::Package;
use super::refusal_kind::RefusalKind;
use super::store_error::StoreError;
use super::wording::Wording;

/// A refused exchange.
///
/// `Display` is safe for the caller: it contains the caller's own claims, escaped, and of the package's
/// configuration only the parts that a token of the same repository may be told. `source()` is a failure of
/// the registry itself, for the log.
///
/// Each endpoint documents its status for each kind, which is that of its protocol: [`npm`](super::npm) answers `NotTrusted` with 404,
/// and [`pypi`](super::pypi) with 422. An endpoint of the application's own chooses its statuses:
///
/// ```
/// use oidc_exchange::server::{Refusal, RefusalKind};
///
/// /// An endpoint of the application's own tells the caller what it may know, with a status of its protocol.
/// fn answer(refusal: &Refusal) -> (u16, String) {
///     let status = match refusal.kind() {
///         RefusalKind::Malformed => 400,
///         RefusalKind::NotTrusted | RefusalKind::RuleDiffers => 403,
///         RefusalKind::KeysUnavailable { .. } => 503,
///         RefusalKind::Internal => 500,
///         _ => 401,
///     };
///     (status, refusal.to_string())
/// }
/// ```
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct Refusal {
    kind: RefusalKind,
    message: String,
    diagnosis: Option<Box<Diagnosis>>,
    /// The text for the registry's operator only.
    for_log: Option<String>,
    /// The publisher's id, for the operator.
    nearest: Option<String>,
    /// The reason why the verifier refused the token.
    token: Option<Box<VerifyError>>,
    #[source]
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// A token's description of its own job, for a person.
pub(super) struct Job {
    /// The configuration of a publisher for the job, after a semicolon; empty where there is none.
    pub(super) settings: String,
    /// The token's immutable ids, after a comma; empty where there are none.
    pub(super) ids: String,
}

impl Refusal {
    /// Returns the reason why the verifier refused the identity token, if it did. `Display` includes it.
    pub fn verify_error(&self) -> Option<&VerifyError> {
        self.token.as_deref()
    }

    /// Returns the kind.
    pub fn kind(&self) -> RefusalKind {
        self.kind
    }

    /// Returns the refusal's explanation as data. It is as safe for the caller as `Display` is.
    pub fn diagnosis(&self) -> Diagnosis {
        match &self.diagnosis {
            Some(diagnosis) => (**diagnosis).clone(),
            None => explain::of_kind(self.kind, &self.message),
        }
    }

    /// Returns what the registry's operator may know in addition to the message to the caller.
    pub(super) fn for_operator(&self) -> Option<String> {
        match (self.kind, &self.source) {
            (RefusalKind::Internal, Some(source)) => {
                Some(format!("{}: {}", self.message, Chain::of(&**source)))
            }
            _ => self.for_log.clone(),
        }
    }

    /// Returns the publisher that is nearest to the token, by its id, for the operator.
    pub(super) fn nearest(&self) -> Option<&str> {
        self.nearest.as_deref()
    }

    /// Adds the publisher that is nearest to the token.
    pub(super) fn near(self, publisher: &str) -> Self {
        Self { nearest: Some(publisher.to_owned()), ..self }
    }

    fn for_log(&self) -> String {
        self.for_log.clone().unwrap_or_else(|| self.message.clone())
    }

    fn because(mut self, diagnosis: Diagnosis) -> Self {
        self.diagnosis = Some(Box::new(diagnosis));
        self
    }

    pub(super) fn new(kind: RefusalKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            diagnosis: None,
            for_log: None,
            nearest: None,
            token: None,
            source: None,
        }
    }

    /// A request that does not follow the protocol; `message` is fit to be shown.
    pub(super) fn malformed(message: impl Into<String>) -> Self {
        Self::new(RefusalKind::Malformed, message)
    }

    pub(super) fn no_token(message: impl Into<String>) -> Self {
        Self::new(RefusalKind::NoToken, message)
    }

    /// A token that was used before. `renewal` is the way to get a new token from its platform.
    pub(super) fn already_used(
        package: Option<&str>,
        max_uses: u32,
        expires_at: Timestamp,
        renewal: &str,
    ) -> Self {
        let message = format!(
            "the identity token was already used{}: it may be exchanged {}{}, and a dry run or an earlier step of the job \
             counts; {renewal} (this one ends at {expires_at})",
            package.map_or_else(String::new, |package| format!(" for `{}`", shown(package))),
            if max_uses == 1 { "once".to_owned() } else { format!("{max_uses} times") },
            if package.is_some() { " for a package" } else { "" },
        );
        Self::new(RefusalKind::AlreadyUsed, message)
    }

    /// A token that is older than the uses that the store remembers.
    pub(super) fn unknowable(renewal: &str) -> Self {
        let message = format!(
            "the identity token may have been used already: it is from before this registry was started, or from its first \
             moments, and uses from then are not remembered; {renewal}"
        );
        Self::new(RefusalKind::AlreadyUsed, message)
    }

    /// A token that expired between its verification and its use.
    pub(super) fn too_late(renewal: &str) -> Self {
        Self::new(RefusalKind::InvalidToken, format!("the identity token has expired; {renewal}"))
    }

    /// A token that no publisher trusts. The message contains only the token's own claims, including its ids,
    /// in the same words whether the package exists, has publishers, is still to be created, or has a
    /// publisher of the same name with other ids.
    pub(super) fn not_trusted(
        ecosystem: &str,
        package: Option<&str>,
        identity: &Identity,
        job: &Job,
        stranger: Option<&Mismatch>,
        wording: &Wording,
    ) -> Self {
        let package = match package {
            Some(package) => format!("package `{}`", shown(package)),
            None => format!("any package ({ecosystem})"),
        };
        let refused = format!("no trusted publisher of {package} accepts `{}`", shown(&identity.key));
        let came = format!("the token is from the issuer `{}`{}", shown(&identity.issuer), job.ids);
        let checker = wording
            .checker
            .as_deref()
            .map_or_else(String::new, |checker| format!(", which `{checker}` does for you"));
        let message = format!(
            "{refused}{}; compare the package's publisher with this job, field by field{checker}, or configure one (again, if \
             the repository was renamed, transferred or deleted and created again); {came}",
            job.settings
        );
        let stranger = stranger
            .map(|mismatch| {
                format!("; a publisher of the same name is somebody else's: {}", mismatch.diagnosis())
            })
            .unwrap_or_default();
        let for_log = Some(format!("{refused}; {came}{stranger}"));
        Self { for_log, ..Self::new(RefusalKind::NotTrusted, message) }
    }

    /// Adds a note for the operator where the identity may have more publishers than were read.
    pub(super) fn of_first(self, is_cut: bool) -> Self {
        let for_log = if is_cut { Some(self.for_log() + &only_first()) } else { self.for_log };
        Self { for_log, ..self }
    }

    /// A token that proved the publisher's own repository, so that the message may contain the expected
    /// value.
    pub(super) fn rule_differs(package: &Package, mismatch: &Mismatch, others: usize) -> Self {
        let (of, of_it) = match package.is_prefix() {
            true => ("for packages", ""),
            false => ("of package", " of the package"),
        };
        let others = match others {
            0 => String::new(),
            1 => format!(" (one more publisher{of_it} doesn't match either)"),
            n => format!(" ({n} more publishers{of_it} don't match either)"),
        };
        let message = format!(
            "the trusted publisher {of} `{}` does not match: {}{others}",
            shown(&package.label()),
            mismatch.diagnosis()
        );
        Self::new(RefusalKind::RuleDiffers, message).because(mismatch.diagnosis().clone())
    }

    /// A token that does not prove anything. `public_url` is the URL that clients use for the registry, and
    /// `trusted` its trusted issuers, which only the operator may know.
    pub(super) fn unverified(
        error: VerifyError,
        public_url: Option<&HttpUrl>,
        trusted: &[String],
        wording: &Wording,
    ) -> Self {
        let kind = kind_of(error.reason());
        let fix = match (error.reason(), public_url) {
            (Reason::Audience { .. }, Some(url)) => Some(explain::audience_of(url)),
            _ => error.fix().map(str::to_owned),
        };
        let tail = fix.as_deref().map_or_else(String::new, |fix| format!("; {fix}"));
        let message = format!("{}{tail}", error.problem());
        let for_log = matches!(error.reason(), Reason::Issuer)
            .then(|| format!("{}; {}", error.problem(), explain::trusted(&error, trusted, wording)));
        let refusal = Self::new(kind, message).because(explain::of_token(&error, fix.as_deref()));
        Self { for_log, token: Some(Box::new(error)), ..refusal }
    }

    /// A verified token that lacks a claim of its identity.
    pub(super) fn unidentified(mismatch: &Mismatch) -> Self {
        let diagnosis = mismatch.diagnosis();
        Self::new(RefusalKind::InvalidToken, diagnosis.to_string()).because(diagnosis.clone())
    }

    pub(super) fn superseded() -> Self {
        let message = "the package's trusted publisher was changed during the exchange; try again";
        Self::new(RefusalKind::RuleDiffers, message)
    }

    pub(super) fn internal(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        let message = "the registry could not complete the exchange; nothing was used up, try again later";
        Self { source: Some(source.into()), ..Self::new(RefusalKind::Internal, message) }
    }

    /// A token that was used up before making the publish token failed.
    pub(super) fn used_up(error: MintError, renewal: &str) -> Self {
        let message = format!(
            "the registry could not complete the exchange, and the identity token is used up; {renewal}"
        );
        Self { source: Some(Box::new(error)), ..Self::new(RefusalKind::Internal, message) }
    }
}

/// The kind of a refusal by the verifier.
fn kind_of(reason: &Reason) -> RefusalKind {
    match reason {
        Reason::KeysUnavailable { retry_after, .. } => {
            RefusalKind::KeysUnavailable { retry_after: *retry_after }
        }
        _ => RefusalKind::InvalidToken,
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        Self::internal(error)
    }
}

impl From<MintError> for Refusal {
    fn from(error: MintError) -> Self {
        Self::internal(error)
    }
}
