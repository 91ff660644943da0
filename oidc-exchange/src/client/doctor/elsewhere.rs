//! Variables that direct the protocol's tools to another registry than the one that is checked.

use oidc_core::{Diagnosis, Environment, HttpUrl, Severity, Target};

use crate::client::wording::Wording;
use crate::codes;

/// Returns diagnoses of variables that name another registry. A value that is no URL is a name that the tool
/// itself knows.
pub(super) fn look<'a>(
    variables: &'static [&'static str],
    url: &'a HttpUrl,
    wording: &'a Wording,
    environment: &'a Environment,
) -> impl Iterator<Item = Diagnosis> + 'a {
    let other = |name: &&str| {
        let found = HttpUrl::parse(environment.get(name)?).ok()?;
        (!found.same_origin(url)).then(|| diagnosis(name, &found, url, wording))
    };
    variables.iter().filter_map(other)
}

fn diagnosis(name: &str, found: &HttpUrl, url: &HttpUrl, wording: &Wording) -> Diagnosis {
    let problem = format!(
        "variable `{name}` sends the publish to another registry than the one that was checked: `{found}`, where no exchange was tried"
    );
    let diagnosis = Diagnosis::new(codes::REGISTRY_ELSEWHERE, Target::Variable(name.to_owned()), problem);
    let itself = wording.does_itself("; ", "sets it for its command");
    let fix = format!("set it to `{url}` or unset it{itself}");
    diagnosis.severity(Severity::Warning).found(found.to_string()).expected(url.to_string()).fix(fix)
}
