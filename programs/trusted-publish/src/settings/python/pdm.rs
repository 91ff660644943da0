//! The options that `pyproject.toml` adds to pdm's publish.
//!
//! Seen with pdm 2.29: they stand before the command's own, and before every variable.

use std::path::{Path, PathBuf};

use toml::{Table, Value};

use crate::command::options::values;
use crate::destination::Destination;

const FILE: &str = "pyproject.toml";

/// The folder for settings, below the home folder: of Linux and macOS.
const SETTINGS: [&str; 2] = [".config", "Library/Application Support"];

/// pdm's name of the public index.
const PUBLIC_NAME: &str = "pypi";

/// The repository other than the destination that the project's options name.
pub(crate) fn other_repository(destination: &Destination<'_>) -> Option<String> {
    let is_publish = destination.tool() == Some("pdm") && destination.publishes();
    if !is_publish || destination.is_named_by_command() {
        return None;
    }
    let named = ["-p", "--project"].into_iter().flat_map(|option| destination.values_of(option));
    let named = named.chain(destination.cx.environment().get("PDM_PROJECT"));
    let named: Vec<PathBuf> = named.map(|folder| Path::new(folder).join(FILE)).collect();
    let texts = destination.read(named).into_iter().chain(destination.files(FILE));
    let options: Vec<String> = texts.flat_map(|text| options(&text).unwrap_or_default()).collect();
    let words: Vec<&str> = options.iter().map(String::as_str).collect();
    let mut repositories =
        ["-r", "--repository"].into_iter().flat_map(|option| values(words.iter().copied(), option));
    let is_own = |name: &&str| destination.is(name) || (destination.is_public() && *name == PUBLIC_NAME);
    repositories.find(|name| !is_own(name)).map(str::to_owned)
}

/// The URL that the settings give to the public index's name, which pdm publishes at by default.
pub(crate) fn repository(destination: &Destination<'_>) -> Option<String> {
    let environment = destination.cx.environment();
    let named = ["-c", "--config"].into_iter().flat_map(|option| destination.values_of(option));
    let named = named.chain(environment.get("PDM_CONFIG_FILE")).map(PathBuf::from);
    let in_home = destination.home().into_iter().flat_map(|home| SETTINGS.map(|folder| home.join(folder)));
    let folders = environment.get("XDG_CONFIG_HOME").map(PathBuf::from).into_iter().chain(in_home);
    let of_user = named.chain(folders.map(|folder| folder.join("pdm/config.toml")));
    let texts = destination.files("pdm.toml").into_iter().chain(destination.read(of_user));
    let url = |text: String| {
        let table: Table = text.parse().ok()?;
        table.get("repository")?.get(PUBLIC_NAME)?.get("url")?.as_str().map(str::to_owned)
    };
    texts.into_iter().find_map(url)
}

fn options(text: &str) -> Option<Vec<String>> {
    let table: Table = text.parse().ok()?;
    let options = table.get("tool")?.get("pdm")?.get("options")?.get("publish")?;
    Some(match options {
        Value::String(options) => options.split_whitespace().map(str::to_owned).collect(),
        options => options.as_array()?.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
    })
}
