//! Which registry bun's settings files send a package to.
//!
//! Seen with bun 1.4.5: a scope's registry in `bunfig.toml` stands before every variable, and `install.registry` behind
//! `BUN_CONFIG_REGISTRY`. The file is read in the working directory, and `.bunfig.toml` in the home folder.

use std::path::PathBuf;

use toml::{Table, Value};

use super::destination::Destination;
use super::npm_config::{MAX_FILE, scope};

/// The registry that bun publishes the package at because of its scope, where it is another.
pub(super) fn elsewhere(destination: &Destination<'_>) -> Option<String> {
    let scope = scope(destination)?;
    let registry = files(destination).find_map(|settings| of_scope(&settings, scope))?;
    (!destination.is(&registry)).then_some(registry)
}

/// bun writes a scope with its `@` or without, and its registry as a text or with credentials beside it.
fn of_scope(settings: &Table, scope: &str) -> Option<String> {
    let scopes = settings.get("install")?.get("scopes")?;
    let registry = scopes.get(scope).or_else(|| scopes.get(format!("@{scope}")))?;
    let url = if let Value::Table(parts) = registry { parts.get("url")? } else { registry };
    url.as_str().map(str::to_owned)
}

/// The settings of each file, the nearest first. A file that isn't there or can't be read is none that bun reads.
fn files<'a>(destination: &'a Destination<'_>) -> impl Iterator<Item = Table> + 'a {
    let environment = destination.cx.environment();
    let home =
        ["XDG_CONFIG_HOME", "HOME", "USERPROFILE"].into_iter().filter_map(|name| environment.get(name));
    let paths = std::iter::once(PathBuf::from("bunfig.toml"))
        .chain(home.map(|home| PathBuf::from(home).join(".bunfig.toml")));
    paths.filter_map(|path| {
        let bytes = destination.cx.files().read(&path, MAX_FILE).ok()?;
        String::from_utf8(bytes).ok()?.parse().ok()
    })
}
