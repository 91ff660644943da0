//! The registry's URL, what answers there, and what its clock shows.

use jiff::fmt::rfc2822;
use oidc_core::http::{HttpErrorKind, Response, message_of};
use oidc_core::{
    Claims, Context, Diagnosis, HttpUrl, InvalidUrl, LEEWAY, Severity, Subject, Timestamp, Unverified,
    in_words, shown,
};

use super::report::Report;
use crate::client::{Registry, error};

/// What is wrong with a registry's URL that can't be used.
pub fn unusable_url(error: &InvalidUrl) -> Diagnosis {
    let diagnosis = Diagnosis::new("registry-url", Subject::Url(error.url().to_owned()), error.to_string());
    diagnosis.fix("write the registry's URL as `https://host/path/`, without credentials")
}

/// What a probe found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// A registry, as far as can be told.
    Registry,
    /// Something else, to which nothing can be published.
    Other,
    /// Nothing.
    Nothing,
}

/// Asks the registry for something that it tells anybody.
pub(super) async fn probe<R: Registry>(
    registry: &R,
    claims: Option<&Unverified<Claims>>,
    cx: &Context,
    report: &mut Report,
) -> Found {
    let request = registry.probe();
    let url = request.url.clone();
    let wants_json = request.headers.iter().any(|(name, _)| *name == "accept");
    match cx.http().send(request).await {
        Ok(answer) => {
            if let Some(other) = other(registry, &url, wants_json, &answer) {
                report.add(other);
                return Found::Other;
            }
            report.add_all(strange_answer(&url, &answer));
            report.add_all(clock(&answer, claims.map(Unverified::read_unverified), cx.clock().now()));
            Found::Registry
        }
        Err(error) => {
            let is_other_scheme = matches!(error.kind(), HttpErrorKind::NotTls | HttpErrorKind::NotHttp);
            let is_nowhere = is_other_scheme
                || matches!(error.kind(), HttpErrorKind::Connect(_) | HttpErrorKind::Request(_));
            let severity = if is_nowhere { Severity::Error } else { Severity::Warning };
            let problem = format!("the registry can't be reached: {error}");
            let fix = if is_other_scheme {
                error::CHECK_SCHEME
            } else {
                "check the registry's URL, its certificate, and the proxy in `https_proxy` and `no_proxy`"
            };
            let diagnosis = Diagnosis::new("registry-unreachable", Subject::Url(url.to_string()), problem);
            report.add(diagnosis.severity(severity).fix(fix));
            if is_nowhere { Found::Nothing } else { Found::Registry }
        }
    }
}

/// What answers where no registry is.
fn other<R: Registry>(registry: &R, url: &HttpUrl, wants_json: bool, answer: &Response) -> Option<Diagnosis> {
    let subject = || Subject::Url(registry.url().to_string());
    let status = answer.status;
    if matches!(status, 407 | 511) {
        return None;
    }
    if wants_json && error::is_html(answer) {
        let problem = format!(
            "a web page answers, not a registry: status {status} at `{url}`; it is a proxy's, a log-in's or a web site's"
        );
        return Some(Diagnosis::new("registry-html", subject(), problem).fix(error::CHECK_URL));
    }
    if registry.is_there(status) {
        return None;
    }
    let says = message_of(answer).map_or_else(String::new, |message| format!(": {message}"));
    let problem = format!("no registry is at this URL: status {status} at `{url}`{says}");
    let fix = "use the URL that the registry itself has, with the path that it is below, if it is below one, and without one \
               if not";
    Some(Diagnosis::new("registry-path", subject(), problem).fix(fix))
}

/// An answer that no registry gives.
fn strange_answer(url: &HttpUrl, answer: &Response) -> Option<Diagnosis> {
    let subject = Subject::Url(url.to_string());
    let status = answer.status;
    if matches!(status, 407 | 511) {
        let problem = format!("a proxy answers instead of the registry: status {status}");
        let fix = "give the proxy its credentials, or name the registry's host in `no_proxy`";
        return Some(Diagnosis::new("registry-proxy", subject, problem).fix(fix));
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
        let diagnosis = Diagnosis::new("registry-redirect", subject, problem).severity(Severity::Warning);
        return Some(diagnosis.found(target).fix(fix));
    }
    None
}

/// The registry's clock, from its `Date` (RFC 9110, section 6.6.1), against the token's times, or else this machine's.
fn clock(answer: &Response, claims: Option<&Claims>, now: Timestamp) -> Option<Diagnosis> {
    let registry = date(answer.header("date")?)?;
    let diagnosis =
        |code, problem: String| Diagnosis::new(code, Subject::Clock, problem).found(registry.to_string());
    if let Some(issued) = claims.and_then(|claims| claims.time("iat")) {
        let ahead = issued.since(registry);
        if ahead > LEEWAY {
            let problem = format!(
                "the registry's clock is {} behind the platform's: the token is not valid yet there",
                in_words(ahead)
            );
            let fix = "set the registry's clock, with NTP, or tell its operator";
            return Some(diagnosis("clock-registry", problem).expected(issued.to_string()).fix(fix));
        }
        if let Some(ends) = claims
            .and_then(|claims| claims.time("exp"))
            .filter(|ends| ends.plus(LEEWAY) <= registry && now < *ends)
        {
            let problem =
                format!("the registry's clock is {} past the token's end", in_words(registry.since(ends)));
            let fix = "set the registry's clock, with NTP, or tell its operator";
            return Some(
                diagnosis("clock-registry", problem).expected(format!("earlier than {ends}")).fix(fix),
            );
        }
    }
    let skew = registry.since(now).max(now.since(registry));
    (skew > LEEWAY).then(|| {
        let problem = format!("this machine's clock and the registry's are {} apart", in_words(skew));
        diagnosis("clock-skew", problem)
            .expected(now.to_string())
            .severity(Severity::Warning)
            .fix("set this machine's clock, with NTP, if it is the one that is wrong")
    })
}

fn date(text: &str) -> Option<Timestamp> {
    let time = rfc2822::parse(text).ok()?.timestamp();
    u64::try_from(time.as_second()).ok().map(Timestamp::from_secs)
}
