//! The variables that tell npm, pnpm, yarn and bun where to publish and with which token, and the files of theirs that say otherwise.

use oidc_core::{HttpUrl, Secret, shown};
use oidc_exchange::client::Npm;
use serde_json::Value;

use super::bun;
use super::credentials::Use;
use super::files::{self, foreign_use, npmrc};
use super::names::{places, scope, set};
use super::packages::{Manifest, PublishConfig, manifests, scopes};
use super::pnpm;
use super::yarn;
use crate::command::changes::Changes;
use crate::destination::Destination;
use crate::shown_url::shown_url;

/// npm's setting for the default registry.
const REGISTRY: &str = "npm_config_registry";

/// npm's setting for the scope that packages without one are taken to be of, and a name that no scope has.
const SCOPE: &str = "npm_config_scope";
const NO_SCOPE: &str = "@";

/// The variables that an `.npmrc` or a script names by convention.
pub(crate) const BY_CONVENTION: [&str; 2] = ["NODE_AUTH_TOKEN", "NPM_TOKEN"];

/// The marks that may be around a key or a value of an `.npmrc`.
const QUOTES: [char; 2] = ['"', '\''];

/// Settings of npm's that hold credentials for whatever registry is the default one.
const UNBOUND: [&str; 4] =
    ["npm_config__auth", "npm_config__authtoken", "npm_config__password", "npm_config_username"];

/// Tells all of them to publish at the destination. Where `token` is left out, they find the credential that is configured for it.
pub(crate) fn tell(destination: &Destination<'_>, token: Option<&Secret>, changes: &mut Changes) {
    if token.is_some() || !is_default_registry(destination) {
        let is_unbound = |name: &&str| UNBOUND.iter().any(|unbound| name.eq_ignore_ascii_case(unbound));
        changes.remove(&destination.cx.environment().names().filter(is_unbound).collect::<Vec<_>>());
    }
    set_registries(destination, changes);
    pnpm::tell(destination, token, changes);
    note_manifests(destination, changes);
    note_scopes(destination, changes);
    if let Some(token) = token {
        set_token(destination, token, changes);
        withhold_shared(destination, changes);
    }
    yarn::tell(destination, token, changes);
    if let Some(other) = bun::elsewhere(destination) {
        changes.withhold("BUN_CONFIG_TOKEN");
        changes.note_elsewhere(&["bun"], format!(
            "bun gets no token: `bunfig.toml` sends the package to `{}`, whatever a variable says; change it there",
            shown_url(&other)
        ));
    }
}

/// Returns `true` if the job's own setting for the default registry is the destination.
fn is_default_registry(destination: &Destination<'_>) -> bool {
    let environment = destination.cx.environment();
    let registry = environment.names().find(|name| name.eq_ignore_ascii_case(REGISTRY));
    registry.and_then(|name| environment.get(name)).is_some_and(|url| destination.is(url))
}

/// Sets the default registry and that of the package's scope.
fn set_registries(destination: &Destination<'_>, changes: &mut Changes) {
    let url = destination.url.as_str();
    set(REGISTRY, url, destination, changes);
    match scope(destination) {
        Some(scope) => set(&format!("npm_config_@{scope}:registry"), url, destination, changes),
        // npm publishes a package without a scope at the registry of the scope in its settings. This one has none.
        None => set(SCOPE, NO_SCOPE, destination, changes),
    }
}

/// Sets npm's own setting for the token, and the variables that files name by convention unless a file sends them elsewhere.
fn set_token(destination: &Destination<'_>, token: &Secret, changes: &mut Changes) {
    for name in keys(&destination.url) {
        changes.set_secret(name, token);
    }
    for name in BY_CONVENTION {
        match foreign_use(name, destination) {
            None => changes.set_secret(name, token),
            Some(other) => changes.note(&["npm", "pnpm", "yarn", "bun"], left_alone(name, &other)),
        }
    }
}

/// A tool's own variable that a file also sends to another registry can't hold the token, nor what was in it before.
fn withhold_shared(destination: &Destination<'_>, changes: &mut Changes) {
    for (name, tool) in [("YARN_NPM_AUTH_TOKEN", &["yarn"]), ("BUN_CONFIG_TOKEN", &["bun"])] {
        let Some(other) = foreign_use(name, destination) else { continue };
        changes.withhold(name);
        let [called] = tool;
        changes.note(
            tool,
            format!(
                "{called} gets no token: {} sends what {name} holds to `{}`; name another variable there",
                other.file,
                shown_url(&other.registry)
            ),
        );
    }
}

fn left_alone(name: &str, other: &Use) -> String {
    format!(
        "{name} is left as it is: {} sends it to `{}`; npm, pnpm, yarn and bun have the token in variables of their own",
        other.file,
        shown_url(&other.registry)
    )
}

/// The registry that such settings name for packages without one for their scope. An empty one is npm's public registry.
fn registry_of(config: &PublishConfig) -> Option<String> {
    let registry = config.get("registry")?;
    let is_empty = matches!(registry, Value::Null | Value::Bool(false)) || registry == "";
    Some(match registry.as_str().filter(|_| !is_empty) {
        Some(url) => url.to_owned(),
        None if is_empty => Npm::PUBLIC_URL.to_owned(),
        None => registry.to_string(),
    })
}

/// Manifests that send their package elsewhere.
fn note_manifests(destination: &Destination<'_>, changes: &mut Changes) {
    for manifest in &manifests(destination) {
        if manifest.is_unread {
            changes.note_elsewhere(
                &["bun"],
                "package.json is no plain JSON, so that the registry that it may name is not known; bun obeys that before any variable"
                    .to_owned(),
            );
        }
        note_for_yarn_and_bun(manifest, destination, changes);
        // npm and pnpm are asked themselves for every other package.
        if manifest.is_of_package(destination) {
            note_for_npm(manifest, destination, changes);
        }
    }
}

/// The registry other than the destination that a manifest names.
fn other_registry(manifest: &Manifest, destination: &Destination<'_>) -> Option<String> {
    let registry = registry_of(&manifest.publish).filter(|registry| !destination.is(registry))?;
    Some(shown_url(&registry))
}

/// yarn and bun obey no variable before a manifest.
fn note_for_yarn_and_bun(manifest: &Manifest, destination: &Destination<'_>, changes: &mut Changes) {
    let Some(registry) = other_registry(manifest, destination) else { return };
    let named = "`publishConfig.registry` in package.json is";
    changes.withhold("YARN_NPM_AUTH_TOKEN");
    changes.note_elsewhere(
        &["yarn"],
        format!(
            "yarn gets no token: {named} `{registry}`, which yarn obeys before any variable; remove it there"
        ),
    );
    changes.note_elsewhere(&["bun"], format!(
        "bun publishes at `{registry}`: {named} that, which bun obeys before any variable; remove it there"
    ));
}

/// npm, and pnpm before version 11, obey a variable for the package's scope before a manifest. Later ones name the manifest's registry
/// in their dry run.
fn note_for_npm(manifest: &Manifest, destination: &Destination<'_>, changes: &mut Changes) {
    let config = &manifest.publish;
    let stated = || config.get("scope")?.as_str().map(|scope| scope.trim_start_matches('@'));
    let key = scope(destination).or_else(stated).map(|scope| format!("@{scope}:registry"));
    let of_scope = key.and_then(|key| Some((config.get(&key)?.as_str()?.to_owned(), key)));
    if let Some((registry, key)) =
        of_scope.filter(|(registry, _)| !registry.is_empty() && !destination.is(registry))
    {
        changes.note_elsewhere(&["npm", "pnpm"], format!(
            "npm and pnpm publish at `{}`: `publishConfig.{key}` in package.json is that, which they obey before any variable; \
             remove it there", shown_url(&registry)
        ));
    }
    let is_obeyed = scope(destination).is_none() && !destination.is_named_by_command();
    if let Some(registry) = other_registry(manifest, destination).filter(|_| is_obeyed) {
        changes.note_elsewhere(&["npm", "pnpm"], format!(
            "npm and pnpm publish at `{registry}`: `publishConfig.registry` in package.json is that, which they obey before any \
             variable; remove it there, or pass `--registry {}` to npm or to pnpm before version 11", shown(destination.url.as_str())
        ));
    }
}

/// An `.npmrc` that sends a package's scope elsewhere. A variable overrides it for npm and pnpm, and none does for bun.
fn note_scopes(destination: &Destination<'_>, changes: &mut Changes) {
    let texts = npmrc(destination);
    for key in scopes(destination).iter().map(|scope| format!("@{scope}:registry")) {
        let lines = texts.iter().flat_map(|text| files::lines(text)).filter_map(|line| line.split_once('='));
        let of_scope = lines.filter(|(name, _)| name.trim().trim_matches(QUOTES) == key);
        let mut values = of_scope.map(|(_, value)| value.trim().trim_matches(QUOTES));
        if let Some(registry) = values.find(|value| !destination.is(value)).map(shown_url) {
            changes.note_elsewhere(&["bun"], format!(
                "bun publishes at `{registry}`: `{}` in `.npmrc` is that, which bun obeys before any variable; change it there",
                shown(&key)
            ));
        }
    }
}

/// npm's own setting for a registry's token, as a variable.
pub(crate) fn keys(url: &HttpUrl) -> Vec<String> {
    places(url).into_iter().map(|place| format!("npm_config_{place}/:_authToken")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn npm_finds_its_token_by_the_registrys_url() {
        for (url, expected) in [
            ("https://r.example", vec!["npm_config_//r.example/:_authToken"]),
            ("https://r.example/", vec!["npm_config_//r.example/:_authToken"]),
            ("http://127.0.0.1:4873/", vec!["npm_config_//127.0.0.1:4873/:_authToken"]),
            ("https://r.example/a/npm/", vec!["npm_config_//r.example/a/npm/:_authToken"]),
            (
                "https://r.example/a/npm",
                vec!["npm_config_//r.example/a/npm/:_authToken", "npm_config_//r.example/a/:_authToken"],
            ),
        ] {
            assert_eq!(keys(&HttpUrl::parse(url).unwrap()), expected);
        }
    }
}
