//! The registry that the command itself names.

use oidc_core::shown;

use crate::destination::Destination;
use crate::invalid_target::InvalidTarget;
use crate::shown_url::shown_url;

/// Options of publish tools that name a registry by its URL. Each stands before every variable, and most tools send it whatever token
/// they have.
/// A shorter name stands before one that it is the beginning of.
const OPTIONS: [&str; 8] = [
    "-r",
    "--repo",
    "--repository",
    "--repository-url",
    "--publish-url",
    "--registry",
    "--registryUrl",
    "--host",
];

/// Options whose value is a URL that takes neither a package nor a token, and cargo's settings, which are read as such.
const HARMLESS: &[&str] = &[
    "--config",
    "--check-url",
    "--index-url",
    "--extra-index-url",
    "--default-index",
    "--find-links",
    "--proxy",
    "--https-proxy",
    "--http-proxy",
    "--noproxy",
];

/// Tools that know a registry by a name too, and send it the token; the options for it, and what they call the public one.
const BY_NAME: [(&str, [&str; 2], &str); 2] =
    [("hatch", ["--repo", "-r"], "main"), ("pdm", ["--repository", "-r"], "pypi")];

/// A command that names another registry than the destination would take the token there, and is not run.
pub(crate) fn check(destination: &Destination<'_>) -> Result<(), InvalidTarget> {
    if destination.tool() == Some("cargo") && destination.values_of("-C").next().is_some() {
        let reason = "by `-C` cargo reads the settings of another folder, which are not read here; run the command in that folder";
        return Err(InvalidTarget::Elsewhere(reason.to_owned()));
    }
    let by_url = OPTIONS.iter().flat_map(|option| {
        destination.values_of(option).filter(|value| value.contains("://")).map(move |value| (*option, value))
    });
    let by_url = by_url.chain(of_any_option(destination));
    let by_name = BY_NAME.iter().filter(|(tool, ..)| destination.tool() == Some(tool));
    let by_name = by_name.flat_map(move |(_, options, public)| {
        let values = options
            .iter()
            .flat_map(move |option| destination.values_of(option).map(move |value| (*option, value)));
        values.filter(move |(_, value)| !(destination.is_public() && value == public))
    });
    match by_url.chain(by_name).find(|(_, value)| !destination.is(value)) {
        Some((option, value)) => {
            let option = shown(option).to_string();
            Err(InvalidTarget::OtherRegistry { option, named: shown_url(value) })
        }
        None => Ok(()),
    }
}

/// The URLs that options of a known tool have as their values or in them, such as hatch's `-o repo=URL`.
fn of_any_option<'a>(destination: &'a Destination<'_>) -> impl Iterator<Item = (&'a str, &'a str)> {
    let is_known = destination.tool().is_some() && destination.publishes();
    let arguments = destination.arguments().filter(move |_| is_known);
    let before = std::iter::once("").chain(arguments.clone());
    before.zip(arguments).filter_map(|(before, argument)| {
        let end = argument.find("://")?;
        let is_scheme = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '.' | '-');
        let start = argument.get(..end)?.trim_end_matches(is_scheme).len();
        let option = if argument.starts_with('-') { argument.split_once('=')?.0 } else { before };
        let is_harmless = !option.starts_with('-') || HARMLESS.contains(&option);
        (!is_harmless).then_some((option, argument.get(start..)?))
    })
}
