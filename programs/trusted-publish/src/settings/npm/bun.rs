//! The registry to which bun's settings files send a package.
//!
//! Seen with bun 1.4.5: a scope's registry in `bunfig.toml` stands before every variable, and `install.registry` behind
//! `BUN_CONFIG_REGISTRY`. A scope without a URL is npmjs's. `$NAME` in a value is replaced by what the variable holds, and `${NAME}` is not. The file is the one that the
//! command names or else in the working directory or the workspace's root above it, and `.bunfig.toml` in the home folder.

use std::path::PathBuf;

use oidc_exchange::client::Npm;
use toml::{Table, Value};

use super::credentials::{Use, mentions};
use super::packages::scopes;
use crate::destination::{Destination, MAX_PARENTS};

/// The registry that bun publishes a package at because of its scope, where it is another.
pub(crate) fn elsewhere(destination: &Destination<'_>) -> Option<String> {
    let scopes = scopes(destination);
    let settings: Vec<Table> = files(destination).collect();
    let named = settings.iter().flat_map(|table| scopes.iter().filter_map(|scope| of_scope(table, scope)));
    named.into_iter().find(|registry| !destination.is(registry))
}

/// bun writes a scope with its `@` or without, and its registry as a text or with credentials beside it.
fn of_scope(settings: &Table, scope: &str) -> Option<String> {
    let scopes = settings.get("install")?.get("scopes")?;
    url(scopes.get(scope).or_else(|| scopes.get(format!("@{scope}")))?)
}

/// The URL of a scope's registry.
fn url(registry: &Value) -> Option<String> {
    let url = match registry {
        Value::Table(parts) => parts.get("url").map_or(Some(Npm::PUBLIC_URL), Value::as_str),
        text => text.as_str(),
    };
    url.map(str::to_owned)
}

/// The registries to which bun sends what a variable holds, by the settings that name it for a scope.
pub(crate) fn uses(name: &str, destination: &Destination<'_>) -> Vec<Use> {
    let used = files(destination).flat_map(|settings| {
        let scopes = settings.get("install").and_then(|install| install.get("scopes")?.as_table().cloned());
        let named = scopes.into_iter().flatten().filter(|(_, registry)| names(registry, name));
        named.filter_map(|(_, registry)| url(&registry)).collect::<Vec<_>>()
    });
    let found = used.map(|registry| Use {
        file: "`bunfig.toml`",
        is_own: destination.is(&registry),
        registry,
        is_default: false,
    });
    found.collect()
}

/// Returns `true` if the settings of a scope's registry mention a variable.
fn names(registry: &Value, variable: &str) -> bool {
    match registry {
        Value::Table(parts) => parts.values().filter_map(Value::as_str).any(|part| mentions(part, variable)),
        text => text.as_str().is_some_and(|text| mentions(text, variable)),
    }
}

/// The registry of every package without a scope, where a file names it.
pub(crate) fn default_registry(destination: &Destination<'_>) -> Option<String> {
    files(destination).find_map(|settings| url(settings.get("install")?.get("registry")?))
}

/// The settings of each file, the nearest first. A file that isn't there or can't be read is none that bun reads.
fn files<'a>(destination: &'a Destination<'_>) -> impl Iterator<Item = Table> + 'a {
    let environment = destination.cx.environment();
    let home =
        ["XDG_CONFIG_HOME", "HOME", "USERPROFILE"].into_iter().filter_map(|name| environment.get(name));
    let named = ["--config", "-c"].into_iter().flat_map(|option| destination.values_of(option));
    let paths = named
        .map(PathBuf::from)
        .chain(destination.folders().map(|folder| folder.join("bunfig.toml")))
        .chain((1..MAX_PARENTS).map(|level| PathBuf::from("../".repeat(level)).join("bunfig.toml")))
        .chain(home.map(|home| PathBuf::from(home).join(".bunfig.toml")));
    paths.filter_map(|path| {
        let bytes = destination.file(&path)?;
        String::from_utf8(bytes).ok()?.parse().ok()
    })
}
