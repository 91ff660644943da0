//! The URL that uv's settings files name for publishes.

use std::path::PathBuf;

use toml::{Table, Value};

use super::destination::Destination;

/// `publish-url` of `uv.toml`, or else of `pyproject.toml`, or else of the user's own file.
pub(super) fn publish_url(destination: &Destination<'_>) -> Option<String> {
    let environment = destination.cx.environment();
    let home = || destination.home().map(|home| home.join(".config"));
    let of_user = environment.get("XDG_CONFIG_HOME").map(PathBuf::from).or_else(home);
    let of_user = destination.read(of_user.map(|folder| folder.join("uv/uv.toml")));
    let whole = |text: &String| text.parse::<Table>().ok()?.get("publish-url").cloned();
    let of_project =
        |text: &String| text.parse::<Table>().ok()?.get("tool")?.get("uv")?.get("publish-url").cloned();
    let found = destination.files("uv.toml").iter().find_map(whole);
    let found = found.or_else(|| destination.files("pyproject.toml").iter().find_map(of_project));
    let found = found.or_else(|| of_user.iter().find_map(whole));
    found.as_ref().and_then(Value::as_str).map(str::to_owned)
}
