//! The URL that uv's settings files name for publishes.

use std::path::PathBuf;

use toml::{Table, Value};

use crate::destination::Destination;

/// The settings for all users.
const OF_ALL: &str = "/etc/uv/uv.toml";

/// `publish-url` of the file that the command or a variable names, or else of `uv.toml`, of `pyproject.toml`, of the user's own file or
/// of all users'.
pub(crate) fn publish_url(destination: &Destination<'_>) -> Option<String> {
    let environment = destination.cx.environment();
    let whole = |text: &String| text.parse::<Table>().ok()?.get("publish-url").cloned();
    let named = destination.values_of("--config-file").chain(environment.get("UV_CONFIG_FILE")).next();
    let found = if let Some(file) = named {
        destination.read([PathBuf::from(file)]).iter().find_map(whole)
    } else {
        let home = || destination.home().map(|home| home.join(".config"));
        let of_user = environment.get("XDG_CONFIG_HOME").map(PathBuf::from).or_else(home);
        let of_user = of_user.map(|folder| folder.join("uv/uv.toml"));
        let others = destination.read(of_user.into_iter().chain([PathBuf::from(OF_ALL)]));
        let of_project =
            |text: &String| text.parse::<Table>().ok()?.get("tool")?.get("uv")?.get("publish-url").cloned();
        let found = destination.files("uv.toml").iter().find_map(whole);
        let found = found.or_else(|| destination.files("pyproject.toml").iter().find_map(of_project));
        found.or_else(|| others.iter().find_map(whole))
    };
    found.as_ref().and_then(Value::as_str).map(str::to_owned)
}
