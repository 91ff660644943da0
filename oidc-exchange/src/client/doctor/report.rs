use std::fmt::Write as _;

use oidc_core::{Diagnosis, Setting, Severity, Subject, shown};
use serde::Serialize;

use crate::client::error::{ExchangeError, ExchangeErrorKind};
use crate::client::known::KnownRefusal;
use crate::client::scope::Scope;
use crate::client::told::RegistryReason;
use crate::codes;

/// The stable name of an issuer that each registry has to trust by itself.
pub(super) const UNUSUAL_ISSUER: &str = codes::ISSUER_NOT_PUBLIC;

/// What a check came to. It never holds a secret.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Report {
    /// Whether a publish would be accepted.
    pub verdict: Verdict,
    /// The registry's URL.
    pub registry: String,
    /// The package, if the check is about one and not about every package of the identity.
    pub package: Option<String>,
    /// Why the registry refused, where it says so for programs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refusal: Option<RegistryReason>,
    /// The platform that the job runs on, if it was found.
    pub platform: Option<String>,
    /// What was found, the worst first and then in the order of the checks.
    pub diagnoses: Vec<Diagnosis>,
    /// What a publisher that lets this job in is configured with; empty where the platform can't say.
    pub settings: Vec<Setting>,
    /// The publisher that the user has in mind, side by side with the job.
    pub differences: Vec<Difference>,
    /// What to do next, in order.
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

/// Whether a publish from this job would be accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Verdict {
    /// The registry gave a publish token.
    Accepted,
    /// It would not be.
    Refused,
    /// The registry gave a publish token, and doesn't tell whether the package is among those that it is for.
    ExchangeAccepted,
    /// Nothing was tried: the registry exchanges no tokens and takes the identity token itself with the upload, or the job's only
    /// token would be used, if it isn't yet. What speaks against a publish all the same is an error among the diagnoses.
    Untried,
    /// The registry gave a publish token, although the publisher that the user has in mind lets this job not in.
    Contradicted,
}

impl Verdict {
    /// Whether the registry let the job in, as the publisher that the user has in mind does.
    pub fn is_accepted(self) -> bool {
        matches!(self, Self::Accepted | Self::ExchangeAccepted)
    }
}

/// One key of the publisher that the user has in mind, and what the job has for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Difference {
    /// The key in the publisher's configuration.
    pub key: String,
    /// The claim that it is held against.
    pub claim: String,
    /// The publisher's value.
    pub publisher: String,
    /// The job's, if it has one.
    pub job: Option<String>,
    /// Whether the job's does not fit.
    pub differs: bool,
}

impl Report {
    /// A report of which nothing is known yet.
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

    /// A report on a registry or a package that can't be one.
    pub fn of_unusable(registry: &str, package: Option<&str>, diagnosis: Diagnosis) -> Self {
        let mut report = Self::new(registry.to_owned(), package);
        report.add(diagnosis);
        report.verdict = Verdict::Refused;
        report.is_unusable = true;
        report
    }

    /// What a publish token would be for.
    fn scope(&self) -> Scope {
        self.package.clone().map_or(Scope::Identity, Scope::Package)
    }

    pub(super) fn add(&mut self, diagnosis: Diagnosis) {
        self.diagnoses.push(diagnosis);
    }

    pub(super) fn add_all(&mut self, diagnoses: impl IntoIterator<Item = Diagnosis>) {
        self.diagnoses.extend(diagnoses);
    }

    /// What the publisher that the user has in mind would refuse the job for.
    pub(super) fn add_stated(&mut self, diagnosis: Option<Diagnosis>) {
        self.stated.extend(diagnosis.clone());
        self.add_all(diagnosis);
    }

    /// There is no registry at its URL: what it might mind of the job is of no concern before it is found.
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

    /// The registry exchanges nothing, so that only an upload shows whether it takes the token.
    pub(super) fn leave_untried(&mut self) {
        self.has_no_exchange = true;
        let problem = "this registry exchanges no tokens: it takes the identity token itself with the upload, so nothing was tried";
        let fix = "publish: only the upload shows whether the registry takes the token";
        let untried = Diagnosis::new(codes::NO_EXCHANGE, Subject::Token, problem).severity(Severity::Notice);
        self.add(untried.fix(fix));
    }

    /// Whether the registry takes identity tokens themselves, and was not asked for that reason.
    pub(super) fn has_no_exchange(&self) -> bool {
        self.has_no_exchange
    }

    /// Whether something speaks against a publish.
    pub(super) fn has_errors(&self) -> bool {
        self.diagnoses.iter().any(|diagnosis| diagnosis.severity == Severity::Error)
    }

    /// The registry took the token: what was only to be considered about its claims is settled.
    /// A package is held against those that the token is for.
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

    /// What works is not to be changed.
    fn excuse_all_but_the_statement(&mut self) {
        for diagnosis in self.diagnoses.iter_mut().filter(|one| self.stated.contains(one)) {
            let fix = "change neither the registry's settings nor the job: the registry let the job in; your statement is what \
                       differs";
            diagnosis.fix = Some(fix.to_owned());
        }
    }

    /// What the user has in mind and the job has too is not what the registry expects.
    fn other_than_stated(&self, refused: &Diagnosis) -> Option<String> {
        let (claim, expected) = (self.refusal.as_ref()?.subject.as_ref()?, refused.expected.as_ref()?);
        let is_it = |one: &&Difference| !one.differs && (one.claim == *claim || one.key == *claim);
        let stated = self.differences.iter().find(is_it).filter(|one| one.publisher != *expected)?;
        let (key, value) = (shown(&stated.key), shown(&stated.publisher));
        Some(format!("; you state `{key}` = `{value}`, which fits this job and is not what the registry has"))
    }

    /// The registry refused the token. Where it says why, other claims need no consideration, and a reason that was
    /// foreseen is said once.
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
            let is_other = |one: &Diagnosis| match (&one.subject, one.severity) {
                (Subject::Claim(_), Severity::Notice) => true,
                (Subject::Claim(claim), Severity::Warning) => reason.subject.as_ref() != Some(claim),
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

    /// Comes to the verdict. What the registry did outweighs what was thought that it would do.
    ///
    /// What the vendor's pages say is not true of other registries with its protocol.
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

    /// A notice of what an error is about too says nothing new.
    fn drop_what_is_said_twice(&mut self) {
        let is_error = |one: &&Diagnosis| one.severity == Severity::Error;
        let of_errors: Vec<_> =
            self.diagnoses.iter().filter(is_error).map(|one| one.subject.clone()).collect();
        self.diagnoses.retain(|one| one.severity != Severity::Notice || !of_errors.contains(&one.subject));
    }

    /// Some paragraphs for a terminal.
    pub fn to_text(&self) -> String {
        let mut text = format!("{}\n", self.headline());
        for diagnosis in &self.diagnoses {
            text.push('\n');
            text.push_str(&diagnosis.to_text());
        }
        if !self.verdict.is_accepted() && self.is_about_publisher() {
            self.write_settings(&mut text);
        }
        self.write_differences(&mut text);
        self.write_next(&mut text);
        text
    }

    /// One line: what a publish would come to.
    pub fn headline(&self) -> String {
        let name = match &self.package {
            None if self.is_unusable => String::new(),
            _ => format!(" of {}", self.scope()),
        };
        let registry = shown(&self.registry);
        let outcome = match self.verdict {
            Verdict::ExchangeAccepted => {
                let name = self.scope();
                return format!(
                    "The exchange at {registry} was accepted; whether {name} is among its packages, this protocol doesn't say."
                );
            }
            Verdict::Accepted => "would be accepted",
            Verdict::Contradicted => "would be accepted, but not by the trusted publisher that you name",
            Verdict::Refused => "would be refused",
            Verdict::Untried if self.has_no_exchange && self.has_errors() => {
                "was not tried, since this registry exchanges no tokens; the errors below speak against it"
            }
            Verdict::Untried if self.has_no_exchange => {
                "was not tried, since this registry exchanges no tokens; nothing that can be seen from here speaks against it"
            }
            Verdict::Untried => {
                "was not tried, and nothing speaks against it; it is not known whether an earlier step used the job's only token \
                 already"
            }
        };
        format!("A publish{name} at {registry} {outcome}.")
    }

    /// Whether it may be the package's publisher that is wrong.
    pub(super) fn is_about_publisher(&self) -> bool {
        let may_be = |reason: &RegistryReason| reason.code == codes::NOT_TRUSTED;
        let is_known = |known: &KnownRefusal| known.is_about_publisher();
        self.is_found
            && self.is_decided
            && self.refusal.as_ref().is_none_or(may_be)
            && self.known.is_none_or(is_known)
    }

    /// Returns `true` if the registry decided about the token, and was not out of order or somewhere else.
    pub(super) fn is_decided(&self) -> bool {
        self.is_decided
    }

    /// Whether the refusal's remedy is known.
    pub(super) fn is_known(&self) -> bool {
        self.known.is_some()
    }

    fn write_settings(&self, text: &mut String) {
        if self.settings.is_empty() {
            return;
        }
        let (required, optional): (Vec<_>, Vec<_>) =
            self.settings.iter().partition(|setting| setting.field.required);
        text.push_str("\nA trusted publisher that lets this job in has:\n");
        write_values(text, &required);
        if optional.iter().any(|setting| setting.value.is_some()) {
            text.push_str("and, if it has these at all:\n");
            write_values(text, &optional);
        }
        let absent: Vec<&str> = optional
            .iter()
            .filter(|setting| setting.value.is_none())
            .map(|setting| setting.field.key)
            .collect();
        if !absent.is_empty() {
            // Writing into a String can't fail.
            let _infallible = writeln!(text, "and none of: {}", absent.join(", "));
        }
    }

    fn write_differences(&self, text: &mut String) {
        if self.differences.is_empty() {
            return;
        }
        text.push_str("\nThe trusted publisher that you name, and this job:\n");
        for difference in &self.differences {
            let sign = if difference.differs { "differs" } else { "fits" };
            let job = difference
                .job
                .as_deref()
                .map_or_else(|| "nothing".to_owned(), |job| format!("`{}`", shown(job)));
            let (key, publisher) = (shown(&difference.key), shown(&difference.publisher));
            let _infallible = writeln!(text, "  {key}: publisher `{publisher}`, job {job}: {sign}");
        }
    }

    fn write_next(&self, text: &mut String) {
        if self.next.is_empty() {
            return;
        }
        text.push_str("\nNext:\n");
        for (number, step) in self.next.iter().enumerate() {
            let _infallible = writeln!(text, "  {}. {step}", number + 1);
        }
    }
}

/// Returns `true` if the registry decided about the token.
fn is_decision(kind: &ExchangeErrorKind) -> bool {
    let is_later = |status: u16| matches!(status, 408 | 425 | 429);
    matches!(kind, ExchangeErrorKind::Rejected { status, .. } if (400..=499).contains(status) && !is_later(*status))
}

/// The registry gave a token for packages of which the named one is none.
fn other_packages(package: &str, registry: &str, told: &[String]) -> Diagnosis {
    let problem = format!(
        "the registry accepted the exchange, and {} is not among the packages that the token is for",
        Scope::Package(package.to_owned())
    );
    let diagnosis = Diagnosis::new(codes::PACKAGE_NOT_GRANTED, Subject::Url(registry.to_owned()), problem);
    let fix = "configure this job as a trusted publisher of the package too, or publish a package that it is one of";
    diagnosis.found(told.join(", ")).expected(package).fix(fix)
}

fn is_about_claim(diagnosis: &Diagnosis) -> bool {
    matches!(diagnosis.subject, Subject::Claim(_))
}

fn write_values(text: &mut String, settings: &[&Setting]) {
    for setting in settings {
        let key = setting.field.key;
        let _infallible = match setting.text() {
            Some(value) => writeln!(text, "  {key} = `{}`", shown(&value)),
            None if setting.field.required => writeln!(text, "  {key}: nothing that this job has"),
            None => Ok(()),
        };
    }
}
