//! The registry's URL, the server that answers there, and its clock.

use jiff::fmt::rfc2822;
use oidc_core::http::{HttpErrorKind, Response, Step, message_of};
use oidc_core::{Context, Diagnosis, HttpUrl, InvalidUrl, Severity, Target, Timestamp, shown};

use super::report::Report;
use crate::client::diagnose::Diagnose;
use crate::client::error;
use crate::codes;

/// The code of a registry that gave no answer.
const UNREACHABLE: &str = codes::REGISTRY_UNREACHABLE;

/// Makes the diagnosis of a registry's URL that can't be used.
pub fn unusable_url(error: &InvalidUrl) -> Diagnosis {
    let diagnosis =
        Diagnosis::new(codes::REGISTRY_URL, Target::Url(error.url().to_owned()), error.to_string());
    diagnosis.fix("write the registry's URL as `https://host/path/`, without credentials")
}

/// The result of a probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// A registry, as far as can be decided.
    Registry,
    /// Another server, to which nothing can be published.
    Other,
    /// No server.
    Nothing,
}

/// The result of a probe, and the registry's clock, if its answer has a `Date`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Probed {
    pub(super) found: Found,
    pub(super) clock: Option<Timestamp>,
}

impl Probed {
    pub(super) fn without_clock(found: Found) -> Self {
        Self { found, clock: None }
    }
}

/// Asks the registry for public information.
pub(super) async fn probe(registry: &dyn Diagnose, cx: &Context, report: &mut Report) -> Probed {
    let request = registry.probe();
    let url = request.url.clone();
    let wants_json = request.headers.iter().any(|(name, _)| *name == "accept");
    match cx.send(request).await {
        Ok(answer) => {
            if let Some(other) = other(registry, &url, wants_json, &answer) {
                report.add(other);
                return Probed::without_clock(Found::Other);
            }
            report.add_all(strange_answer(&url, &answer));
            Probed { found: Found::Registry, clock: answer.header("date").and_then(date) }
        }
        Err(error) => {
            let (is_nowhere, fix) = match error.kind() {
                HttpErrorKind::NotTls | HttpErrorKind::NotHttp => (true, error::CHECK_SCHEME),
                HttpErrorKind::Connect(_) | HttpErrorKind::Proxy(_) | HttpErrorKind::Certificate { .. } => {
                    (true, error::CHECK_WAY)
                }
                HttpErrorKind::Request(_) => (true, "check the registry's URL"),
                HttpErrorKind::Timeout { step: Step::Connect | Step::Tls, .. } => (true, error::CHECK_WAY),
                _ => (false, error::CHECK_WAY),
            };
            let severity = if is_nowhere { Severity::Error } else { Severity::Warning };
            let subject = Target::Url(url.to_string());
            let mut diagnosis = error.diagnosis(UNREACHABLE, subject, "the registry can't be reached", fix);
            if let Some(problem) = error::nothing_listens(&url, &error) {
                diagnosis.problem = problem;
            }
            report.add(diagnosis.severity(severity));
            Probed::without_clock(if is_nowhere { Found::Nothing } else { Found::Registry })
        }
    }
}

/// The diagnosis of an answer that is not from a registry.
fn other(registry: &dyn Diagnose, url: &HttpUrl, wants_json: bool, answer: &Response) -> Option<Diagnosis> {
    let subject = || Target::Url(registry.url().to_string());
    let status = answer.status;
    if matches!(status, 407 | 511) {
        return None;
    }
    if wants_json && answer.is_html() {
        let problem = format!(
            "a web page answers, not a registry: status {status} at `{url}`; it is a proxy's, a log-in's or a web site's{}",
            error::by_proxy(answer)
        );
        let fix = error::of_proxy(url, answer).unwrap_or_else(|| error::CHECK_URL.to_owned());
        return Some(Diagnosis::new(codes::REGISTRY_HTML, subject(), problem).fix(fix));
    }
    if registry.is_there(status) {
        return None;
    }
    let says = message_of(answer).map_or_else(String::new, |message| format!(": {message}"));
    let by = error::by_proxy(answer);
    let problem = format!("no registry is at this URL: status {status} at `{url}`{says}{by}");
    let own = "use the URL that the registry itself has, with the path that it is below, if it is below one, and without one \
               if not";
    let fix = error::of_proxy(url, answer).unwrap_or_else(|| own.to_owned());
    Some(Diagnosis::new(codes::REGISTRY_PATH, subject(), problem).fix(fix))
}

/// The diagnosis of an answer that a registry does not give by itself.
fn strange_answer(url: &HttpUrl, answer: &Response) -> Option<Diagnosis> {
    let subject = Target::Url(url.to_string());
    let status = answer.status;
    if matches!(status, 407 | 511) {
        let by = error::by_proxy(answer);
        let problem = format!("a proxy answers instead of the registry: status {status}{by}");
        let fix = error::of_proxy(url, answer).unwrap_or_else(|| error::PROXY.to_owned());
        return Some(Diagnosis::new(codes::REGISTRY_PROXY, subject, problem).fix(fix));
    }
    if let (300..=399, Some(to)) = (status, answer.header("location")) {
        let target = HttpUrl::parse(to).map_or_else(
            |_| shown(to.split('?').next().unwrap_or_default()).to_string(),
            |to| to.to_string(),
        );
        let problem = format!(
            "the registry's URL redirects (status {status}), and an identity token follows no redirect"
        );
        let fix = "use the URL that the registry itself has";
        let diagnosis =
            Diagnosis::new(codes::REGISTRY_REDIRECT, subject, problem).severity(Severity::Warning);
        return Some(diagnosis.found(target).fix(fix));
    }
    None
}

fn date(text: &str) -> Option<Timestamp> {
    let time = rfc2822::parse(text).ok()?.timestamp();
    u64::try_from(time.as_second()).ok().map(Timestamp::from_secs)
}
