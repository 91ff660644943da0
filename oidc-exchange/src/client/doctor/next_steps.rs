//! The next steps, in order, from long-lived secrets to trusted publishing.

use oidc_core::{Diagnosis, FieldValue, Severity, Target, shown};

use super::report::Report;
use super::static_credentials::UNEXCHANGED;
use super::verdict::Verdict;
use crate::client::diagnose::ProtocolFacts;
use crate::client::wording::Wording;
use crate::codes;

/// Returns the remaining steps.
pub(super) fn steps(
    report: &Report,
    facts: &ProtocolFacts,
    is_vendors: bool,
    wording: &Wording,
) -> Vec<String> {
    let page = if is_vendors { format!(": {}", facts.link) } else { String::new() };
    let mut steps = after_verdict(report, &page, wording);
    steps.extend(cleanup(report, facts, wording));
    steps
}

/// The steps that follow from the verdict.
fn after_verdict(report: &Report, page: &str, wording: &Wording) -> Vec<String> {
    match report.verdict {
        Verdict::Refused => {
            first_step(report, wording).into_iter().chain(first_publisher(report, page)).collect()
        }
        Verdict::Untried if report.has_no_exchange() => {
            let publish = "publish: only the upload shows whether the registry takes the token";
            vec![first_step(report, wording).unwrap_or_else(|| publish.to_owned())]
        }
        Verdict::Untried => vec![exchange_apart(wording)],
        Verdict::Contradicted => vec![
            "compare what you name with the package's trusted publishers: another one of them accepted this job, or what you \
             name is not what is configured"
                .to_owned(),
        ],
        Verdict::Accepted | Verdict::ExchangeAccepted => Vec::new(),
    }
}

/// The publisher to configure, where a refusal may come of having none.
fn first_publisher(report: &Report, page: &str) -> Option<String> {
    let is_asked = report.diagnoses.iter().any(|one| one.code == codes::EXCHANGE_REJECTED);
    let publisher = publisher(report).filter(|_| is_asked && report.is_about_publisher())?;
    Some(format!("if the package has no trusted publisher yet, configure one with {publisher}{page}"))
}

/// The long-lived secrets to remove.
fn cleanup(report: &Report, facts: &ProtocolFacts, wording: &Wording) -> Vec<String> {
    let mut steps = Vec::new();
    let unexchanged = places(report, |one| one.code == UNEXCHANGED);
    if !unexchanged.is_empty() {
        steps.push(format!(
            "remove the identity token from {}: what publishes is the token that the exchange gives for it",
            unexchanged.join(", ")
        ));
    }
    let places = places(report, is_left);
    if !places.is_empty() {
        let option = wording.of_always().map(|option| format!(" (`{option}` with this tool)"));
        steps.push(format!("publish once without a static token{}", option.unwrap_or_default()));
        steps.push(format!("remove what is left of the old way: {}", places.join(", ")));
        if report.diagnoses.iter().any(|one| is_secret(one) && one.severity != Severity::Notice) {
            steps.push(facts.static_credentials.revocation.to_owned());
        }
    }
    steps
}

/// The step for the first error. Where a registry gives no reason, the comparison is left to the user.
fn first_step(report: &Report, wording: &Wording) -> Option<String> {
    let first = report.diagnoses.iter().find(|one| one.severity == Severity::Error)?;
    Some(match first.code {
        // The registry's message may itself refer its user to this check.
        codes::EXCHANGE_REJECTED if names_check(first, wording) => {
            "compare the values listed above with the trusted publisher in the registry's settings".to_owned()
        }
        codes::EXCHANGE_REJECTED if !report.is_decided() => {
            "do what is advised at the first error above, and run this check again; the registry has not judged the trusted publisher"
                .to_owned()
        }
        // A registry's own reason needs no advice.
        codes::EXCHANGE_REJECTED if first.fix.is_none() || report.refusal.is_some() => {
            "do what the registry says, and run this check again".to_owned()
        }
        codes::EXCHANGE_REJECTED
            if !report.is_known() && !report.settings.is_empty() && report.differences.is_empty() =>
        {
            compare(wording)
        }
        codes::CLOCK_PLATFORM => {
            "tell the platform's operator that its clock is wrong: nothing is to be set here".to_owned()
        }
        code => format!("fix the first error above ({code}), and run this check again"),
    })
}

fn exchange_apart(wording: &Wording) -> String {
    let check = match wording.of_exchange() {
        Some(option) => format!("run this check with `{option}` in a job of its own"),
        None => "let this check make the exchange in a job of its own".to_owned(),
    };
    format!("publish, if no earlier step of this job used its token, or {check}")
}

fn compare(wording: &Wording) -> String {
    let option = wording.of_publisher().map(|option| format!(": `{option}` does it for you"));
    format!(
        "compare the package's trusted publisher with what this job has (above), field by field{}",
        option.unwrap_or_default()
    )
}

fn names_check(one: &Diagnosis, wording: &Wording) -> bool {
    [Some(&one.problem), one.fix.as_ref()].into_iter().flatten().any(|text| wording.is_about_check(text))
}

fn is_secret(one: &Diagnosis) -> bool {
    matches!(one.code, codes::STATIC_TOKEN | codes::STATIC_TOKEN_FILE)
}

/// A publisher that accepts the job; `None` where no publisher can.
fn publisher(report: &Report) -> Option<String> {
    let required = report.settings.iter().filter(|setting| setting.field.required);
    let text = |setting: &FieldValue| Some(format!("{} = `{}`", setting.field.key, shown(&setting.text()?)));
    let texts: Option<Vec<String>> = required.map(text).collect();
    texts.filter(|texts| !texts.is_empty()).map(|texts| texts.join(", "))
}

/// Returns `true` for a long-lived secret, or a placeholder of one.
fn is_left(one: &Diagnosis) -> bool {
    is_secret(one) || matches!(one.code, codes::PLACEHOLDER_TOKEN | codes::TOKEN_REFERENCE_UNSET)
}

/// The places where the registry's own tools find secrets of a kind.
fn places(report: &Report, is_one: impl Fn(&Diagnosis) -> bool) -> Vec<String> {
    let is_own = |one: &&Diagnosis| is_one(one) && one.severity != Severity::Notice;
    let place = |one: &Diagnosis| match &one.target {
        Target::Variable(_) | Target::File(_) => Some(one.target.to_string()),
        _ => None,
    };
    report.diagnoses.iter().filter(is_own).filter_map(place).collect()
}
