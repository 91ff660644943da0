mod text;

use oidc_core::{Diagnosis, FieldValue, Severity, Target, shown};
use serde::Serialize;

use super::verdict::Verdict;
use crate::client::error::{ExchangeError, ExchangeErrorKind};
use crate::client::known::KnownRefusal;
use crate::client::rejection::RegistryReason;
use crate::client::scope::Scope;
use crate::codes;

/// The code of an issuer that each registry has to trust separately.
pub(super) const UNUSUAL_ISSUER: &str = codes::ISSUER_NOT_PUBLIC;

/// The result of a check. It never holds a secret.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Report {
    /// The verdict: whether a publish would be accepted.
    pub verdict: Verdict,
    /// The registry's URL.
    pub registry: String,
    /// The package, if the check is about one package and not about every package of the identity.
    pub package: Option<String>,
    /// The reason why the registry refused, if it gave one in a form for programs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refusal: Option<RegistryReason>,
    /// The platform that the job runs on, if it was detected.
    pub platform: Option<String>,
    /// The findings, the most severe first and then in the order of the checks.
    pub diagnoses: Vec<Diagnosis>,
    /// The configuration of a publisher that accepts this job; empty where the platform does not know it.
    pub settings: Vec<FieldValue>,
    /// The publisher that the user intends, compared with the job.
    pub differences: Vec<Difference>,
    /// The next steps, in order.
    pub next: Vec<String>,
    #[serde(skip)]
    stated: Vec<Diagnosis>,
    #[serde(skip)]
    is_found: bool,
    #[serde(skip)]
    pub(super) is_unreachable: bool,
    #[serde(skip)]
    known: Option<&'static KnownRefusal>,
    #[serde(skip)]
    has_no_exchange: bool,
    #[serde(skip)]
    is_unusable: bool,
    #[serde(skip)]
    is_decided: bool,
}

/// One key of the publisher that the user intends, with the job's value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Difference {
    /// The key in the publisher's configuration.
    pub key: String,
    /// The claim that it is compared with.
    pub claim: String,
    /// The publisher's value.
    pub publisher: String,
    /// The job's value, if it has one.
    pub job: Option<String>,
    /// `true` if the job's value does not match.
    pub differs: bool,
}

impl Report {
    /// An empty report.
    pub(super) fn new(registry: String, package: Option<&str>) -> Self {
        Self {
            verdict: Verdict::Untried,
            registry,
            package: package.map(str::to_owned),
            refusal: None,
            platform: None,
            diagnoses: Vec::new(),
            settings: Vec::new(),
            differences: Vec::new(),
            next: Vec::new(),
            stated: Vec::new(),
            is_found: true,
            is_unreachable: false,
            known: None,
            has_no_exchange: false,
            is_unusable: false,
            is_decided: true,
        }
    }

    /// A report on a registry or a package that can't be used.
    pub fn of_unusable(registry: &str, package: Option<&str>, diagnosis: Diagnosis) -> Self {
        let mut report = Self::new(registry.to_owned(), package);
        report.add(diagnosis);
        report.verdict = Verdict::Refused;
        report.is_unusable = true;
        report
    }

    /// The scope of the publish token.
    fn scope(&self) -> Scope {
        self.package.clone().map_or(Scope::Identity, Scope::Package)
    }

    pub(super) fn add(&mut self, diagnosis: Diagnosis) {
        self.diagnoses.push(diagnosis);
    }

    pub(super) fn add_all(&mut self, diagnoses: impl IntoIterator<Item = Diagnosis>) {
        self.diagnoses.extend(diagnoses);
    }

    /// Adds the reason why the publisher that the user intends would refuse the job.
    pub(super) fn add_stated(&mut self, diagnosis: Option<Diagnosis>) {
        self.stated.extend(diagnosis.clone());
        self.add_all(diagnosis);
    }

    /// Records that there is no registry at its URL. Warnings and notices about claims are dropped, since
    /// they matter only once the registry is found.
    pub(super) fn miss_registry(&mut self) {
        self.diagnoses.retain(|one| one.severity == Severity::Error || !is_about_claim(one));
        let is_nowhere = |one: &Diagnosis| {
            matches!(
                one.code,
                codes::REGISTRY_UNREACHABLE
                    | codes::EXCHANGE_UNREACHABLE
                    | oidc_core::codes::HTTP_PROXY
                    | oidc_core::codes::HTTP_CERTIFICATE
            )
        };
        self.diagnoses.sort_by_key(|one| !is_nowhere(one));
        self.is_found = false;
    }

    /// Records that the registry exchanges no tokens, so that only an upload shows whether it accepts the
    /// identity token.
    pub(super) fn leave_untried(&mut self) {
        self.has_no_exchange = true;
        let problem = "this registry exchanges no tokens: it takes the identity token itself with the upload, so nothing was tried";
        let fix = "publish: only the upload shows whether the registry takes the token";
        let untried = Diagnosis::new(codes::NO_EXCHANGE, Target::Token, problem).severity(Severity::Notice);
        self.add(untried.fix(fix));
    }

    /// Returns `true` if the registry takes identity tokens themselves, so that no exchange was tried.
    pub(super) fn has_no_exchange(&self) -> bool {
        self.has_no_exchange
    }

    /// Returns `true` if a finding speaks against a publish.
    pub(super) fn has_errors(&self) -> bool {
        self.diagnoses.iter().any(|diagnosis| diagnosis.severity == Severity::Error)
    }

    /// Records that the registry accepted the token, which settles notices about its claims. `named` is the
    /// package that the user wants to publish, and `told` are the packages that the token is for.
    pub(super) fn accept(&mut self, named: Option<&str>, told: Option<&[String]>) {
        let is_contradicted = self.differences.iter().any(|difference| difference.differs);
        self.verdict = match (named, told) {
            _ if is_contradicted => Verdict::Contradicted,
            (Some(_), None) => Verdict::ExchangeAccepted,
            (Some(name), Some(told)) if !told.iter().any(|one| one == name) => Verdict::Refused,
            _ => Verdict::Accepted,
        };
        if is_contradicted {
            self.excuse_all_but_the_statement();
        }
        if let (Verdict::Refused, Some(name), Some(told)) = (self.verdict, named, told) {
            self.add(other_packages(name, &self.registry, told));
        }
        let is_settled = |one: &Diagnosis| one.severity == Severity::Notice || one.code == UNUSUAL_ISSUER;
        self.diagnoses.retain(|one| !is_settled(one) || !is_about_claim(one));
    }

    /// Changes the fix of findings about the user's statement, since the registry's settings and the job work
    /// as they are.
    fn excuse_all_but_the_statement(&mut self) {
        for diagnosis in self.diagnoses.iter_mut().filter(|one| self.stated.contains(one)) {
            let fix = "change neither the registry's settings nor the job: the registry accepted the job; your statement is what \
                       differs";
            diagnosis.fix = Some(fix.to_owned());
        }
    }

    /// The note on an intended value that matches the job and differs from the value that the registry
    /// expects.
    fn other_than_stated(&self, refused: &Diagnosis) -> Option<String> {
        let (claim, expected) = (self.refusal.as_ref()?.subject.as_ref()?, refused.expected.as_ref()?);
        let is_it = |one: &&Difference| !one.differs && (one.claim == *claim || one.key == *claim);
        let stated = self.differences.iter().find(is_it).filter(|one| one.publisher != *expected)?;
        let (key, value) = (shown(&stated.key), shown(&stated.publisher));
        Some(format!("; you state `{key}` = `{value}`, which fits this job and is not what the registry has"))
    }

    /// Records that the registry refused the token. Where it gave a reason, findings about other claims are
    /// dropped, and a reason that was found before is not repeated.
    pub(super) fn refuse(&mut self, error: &ExchangeError) {
        self.verdict = Verdict::Refused;
        self.refusal = error.reason().cloned();
        self.known = error.known_refusal();
        self.is_decided = is_decision(error.kind());
        let mut refused = error.diagnosis().clone();
        if refused.code == codes::EXCHANGE_ELSEWHERE || *error.kind() == ExchangeErrorKind::Unreachable {
            self.miss_registry();
        }
        if let Some(reason) = &self.refusal {
            let is_other = |one: &Diagnosis| match (&one.target, one.severity) {
                (Target::Claim(_), Severity::Notice) => true,
                (Target::Claim(claim), Severity::Warning) => reason.subject.as_ref() != Some(claim),
                _ => false,
            };
            self.diagnoses.retain(|one| !is_other(one));
            let is_same = |one: &Diagnosis| {
                one.code == reason.code
                    && one.expected == refused.expected
                    && refused.problem.ends_with(&one.problem)
            };
            if self.diagnoses.iter().any(is_same) {
                refused.problem = format!(
                    "the registry refused the exchange for {} for the same reason ({})",
                    self.scope(),
                    reason.code
                );
                (refused.found, refused.expected, refused.fix) = (None, None, None);
            }
        }
        refused.problem.extend(self.other_than_stated(&refused));
        self.add(refused);
    }

    /// Decides on the verdict. The registry's answer outweighs the findings before it.
    ///
    /// The vendor's page is removed for other registries of its protocol, to which it does not apply.
    pub(super) fn conclude(&mut self, vendors_page: &str, is_vendors: bool) {
        for diagnosis in &mut self.diagnoses {
            diagnosis.link = diagnosis.link.filter(|link| is_vendors || *link != vendors_page);
        }
        match self.verdict {
            Verdict::Accepted | Verdict::ExchangeAccepted => {
                for diagnosis in &mut self.diagnoses {
                    diagnosis.severity = diagnosis.severity.min(Severity::Warning);
                }
            }
            Verdict::Untried if self.has_errors() && !self.has_no_exchange => self.verdict = Verdict::Refused,
            _ => {}
        }
        self.drop_what_is_said_twice();
        self.diagnoses.sort_by_key(|diagnosis| std::cmp::Reverse(diagnosis.severity));
    }

    /// Drops notices about the subject of an error.
    fn drop_what_is_said_twice(&mut self) {
        let is_error = |one: &&Diagnosis| one.severity == Severity::Error;
        let of_errors: Vec<_> =
            self.diagnoses.iter().filter(is_error).map(|one| one.target.clone()).collect();
        self.diagnoses.retain(|one| one.severity != Severity::Notice || !of_errors.contains(&one.target));
    }

    /// Returns `true` if the package's publisher may be at fault.
    pub(super) fn is_about_publisher(&self) -> bool {
        let may_be = |reason: &RegistryReason| reason.code == codes::NOT_TRUSTED;
        let is_known = |known: &KnownRefusal| known.is_about_publisher();
        self.is_found
            && self.is_decided
            && self.refusal.as_ref().is_none_or(may_be)
            && self.known.is_none_or(is_known)
    }

    /// Returns `true` if the registry itself decided about the token: it was neither out of order nor another
    /// server.
    pub(super) fn is_decided(&self) -> bool {
        self.is_decided
    }

    /// Returns `true` if the refusal's fix is known.
    pub(super) fn is_known(&self) -> bool {
        self.known.is_some()
    }
}

/// Returns `true` if the registry decided about the token.
fn is_decision(kind: &ExchangeErrorKind) -> bool {
    let is_later = |status: u16| matches!(status, 408 | 425 | 429);
    matches!(kind, ExchangeErrorKind::Rejected { status, .. } if (400..=499).contains(status) && !is_later(*status))
}

/// The registry gave a token for packages that don't include the named one.
fn other_packages(package: &str, registry: &str, told: &[String]) -> Diagnosis {
    let problem = format!(
        "the registry accepted the exchange, and {} is not among the packages that the token is for",
        Scope::Package(package.to_owned())
    );
    let diagnosis = Diagnosis::new(codes::PACKAGE_NOT_GRANTED, Target::Url(registry.to_owned()), problem);
    let fix = "configure this job as a trusted publisher of the package too, or publish a package that it is one of";
    diagnosis.found(told.join(", ")).expected(package).fix(fix)
}

fn is_about_claim(diagnosis: &Diagnosis) -> bool {
    matches!(diagnosis.target, Target::Claim(_))
}
