//! The repositories of hatch's own settings file.
//!
//! Seen with hatch 1.18: a repository may be named as the URL of another one. It is then found by that name, and its URL is the file's.

use std::path::PathBuf;

use oidc_core::shown;
use toml::{Table, Value};

use crate::command::changes::Changes;
use crate::destination::Destination;
use crate::shown_url::shown_url;

/// The folder for settings, below the home folder: of Linux, macOS and Windows.
const SETTINGS: [&str; 3] = [".config", "Library/Application Support", "AppData/Local"];

/// hatch's name of the public index.
const MAIN: &str = "main";

/// Notes that hatch's settings give the destination's URL to another repository as its name.
pub(crate) fn note_other(destination: &Destination<'_>, changes: &mut Changes) {
    let texts = destination.read(paths(destination));
    let named = texts.iter().flat_map(|text| repositories(text).unwrap_or_default());
    let mut others = named.filter(|(name, url)| destination.is(name) && !destination.is(url));
    if let Some((name, url)) = others.next() {
        changes.note_elsewhere(
            &["hatch"],
            format!(
                "hatch's settings name a repository `{}` whose URL is `{}`; remove it there",
                shown(&name),
                shown_url(&url)
            ),
        );
    }
}

/// The URL that the settings have for the repository that hatch publishes at by default.
pub(crate) fn repository(destination: &Destination<'_>) -> Option<String> {
    let texts = destination.read(paths(destination));
    let text = texts.first()?;
    let table: Table = text.parse().ok()?;
    let chosen = table.get("publish")?.get("index")?.get("repo").and_then(Value::as_str).unwrap_or(MAIN);
    let named = repositories(text).unwrap_or_default().into_iter().find(|(name, _)| name == chosen);
    named.map(|(_, url)| url).or_else(|| Some(chosen.to_owned()).filter(|chosen| chosen != MAIN))
}

/// The names of the repositories, each with its URL.
fn repositories(text: &str) -> Option<Vec<(String, String)>> {
    let table: Table = text.parse().ok()?;
    let repositories = table.get("publish")?.get("index")?.get("repos")?.as_table()?;
    let url = |repository: &Value| match repository {
        Value::Table(parts) => parts.get("url")?.as_str().map(str::to_owned),
        text => text.as_str().map(str::to_owned),
    };
    let named = repositories.iter().filter_map(|(name, repository)| Some((name.clone(), url(repository)?)));
    Some(named.collect())
}

fn paths(destination: &Destination<'_>) -> Vec<PathBuf> {
    let environment = destination.cx.environment();
    let named = environment.get("HATCH_CONFIG").into_iter().chain(destination.values_of("--config"));
    let in_home = destination.home().into_iter().flat_map(|home| SETTINGS.map(|folder| home.join(folder)));
    let settings = environment.get("XDG_CONFIG_HOME").map(PathBuf::from).into_iter().chain(in_home);
    let settings = settings.map(|folder| folder.join("hatch/config.toml"));
    named.map(PathBuf::from).chain(settings).collect()
}
