//! The variables that tell pnpm since its version 11, which reads none of npm's for a registry, where to publish and with which token.
//!
//! Seen with pnpm 11.28 and 12.21: [`AUTH`] has registries, each with scopes and their tokens. A scope's packages are published there,
//! whatever a settings file says; a manifest stands before it. pnpm before 11.10 finds its token in npm's variable alone.

use std::path::PathBuf;

use oidc_core::Secret;
use serde_json::{Map, Value, json};

use super::credentials::{Use, mentions};
use super::names::{scope, set};
use crate::command::changes::Changes;
use crate::destination::Destination;
use crate::settings::yaml::flattened;

const REGISTRY: &str = "pnpm_config_registry";
const AUTH: &str = "pnpm_config__auth";

/// The folder for settings, below the home folder: of Linux, macOS and Windows.
const SETTINGS: [&str; 3] = [".config", "Library/Preferences", "AppData/Local"];
/// The files of settings for all projects, below that folder, and their key that is as [`AUTH`].
const FILES: [&str; 2] = ["pnpm/config.yaml", "pnpm/config/config.yaml"];
const AUTH_KEY: &str = "_auth";

/// The scope of packages without one.
const NO_SCOPE: &str = "@";

/// The token in the dry run, which publishes nothing and has to know the package's scope.
const DRY_RUN: &str = "dry-run";

/// Tells pnpm to publish at the destination. Where `token` is left out, it finds the credential that is configured for it.
pub(crate) fn tell(destination: &Destination<'_>, token: Option<&Secret>, changes: &mut Changes) {
    set(REGISTRY, destination.url.as_str(), destination, changes);
    let Some(token) = token else { return };
    set(AUTH, &auth(destination, DRY_RUN), destination, changes);
    changes.set_secret(AUTH, &Secret::new(auth(destination, token.expose())));
}

/// A token for the destination, which is the registry of the package's scope and of packages without one.
fn auth(destination: &Destination<'_>, token: &str) -> String {
    let own = scope(destination).map(|scope| format!("@{scope}"));
    let scopes = std::iter::once(NO_SCOPE.to_owned()).chain(own);
    let tokens: Map<String, Value> = scopes.map(|scope| (scope, json!({ "authToken": token }))).collect();
    json!({ destination.url.as_str(): tokens }).to_string()
}

/// The registries to which pnpm sends what a variable holds, by its settings for all projects.
pub(crate) fn uses(name: &str, destination: &Destination<'_>) -> Vec<Use> {
    let texts = destination.read_named(in_settings(&FILES, destination));
    let found = texts.into_iter().flat_map(|(path, text)| match flattened(&text) {
        Ok(settings) => {
            let named = settings.into_iter().filter(|(_, value)| mentions(value, name));
            let registry = |keys: Vec<String>| {
                let mut keys = keys.into_iter().skip_while(|key| key != AUTH_KEY);
                keys.nth(1)
            };
            named.filter_map(|(keys, _)| registry(keys)).collect()
        }
        // It may send the variable anywhere.
        Err(_) => vec![format!("a registry in {}, which is not read", path.to_string_lossy())],
    });
    let used = found.map(|registry| Use {
        file: "pnpm's `config.yaml`",
        is_own: destination.is(&registry),
        registry,
        is_default: false,
    });
    used.collect()
}

/// The paths of files below each folder for settings.
pub(crate) fn in_settings(files: &[&str], destination: &Destination<'_>) -> Vec<PathBuf> {
    let settings = destination.home().into_iter().flat_map(|home| SETTINGS.map(|folder| home.join(folder)));
    let named = destination.cx.environment().get("XDG_CONFIG_HOME").map(PathBuf::from);
    let folders = named.into_iter().chain(settings);
    folders.flat_map(|folder| files.iter().map(move |file| folder.join(file)).collect::<Vec<_>>()).collect()
}
