//! The settings files of npm's ecosystem, and the registries to which they send what a variable holds.
//!
//! Seen with npm 11.21, pnpm 10.34, yarn 4.18 and bun 1.4: `.npmrc` replaces `${NAME}` and `${NAME?}`, and for bun `$NAME` too; so does
//! pnpm's own `rc`. `pnpm-workspace.yaml` gives no registry a credential.

use std::path::PathBuf;

use super::destination::Destination;
use super::npm_config::places;
use super::{bun_config, yarn_config};

/// The variables and options that name an `.npmrc`.
const NAMED: [&str; 2] = ["npm_config_userconfig", "npm_config_globalconfig"];
const OPTIONS: [&str; 2] = ["--userconfig", "--globalconfig"];

/// pnpm's own settings files, below the folder for settings.
const PNPM: [&str; 2] = ["pnpm/rc", "pnpm/auth.ini"];
/// That folder, below the home folder: of Linux, macOS and Windows.
const SETTINGS: [&str; 3] = [".config", "Library/Preferences", "AppData/Local"];

/// A registry to which a file sends what a variable holds.
#[derive(Debug)]
pub(super) struct Use {
    pub(super) file: &'static str,
    pub(super) registry: String,
    pub(super) is_own: bool,
    /// A setting for every registry, in whose place the command has another where there is a token.
    pub(super) is_default: bool,
}

/// Returns `true` if what a variable holds by convention is meant for the destination: unless files send it to others alone.
pub(super) fn is_own(name: &str, destination: &Destination<'_>) -> bool {
    let uses = uses(name, destination);
    uses.is_empty() || uses.iter().any(|found| found.is_own)
}

/// Another registry to which a file would send a token in this variable.
pub(super) fn foreign_use(name: &str, destination: &Destination<'_>) -> Option<Use> {
    uses(name, destination).into_iter().find(|found| !found.is_own && !found.is_default)
}

fn uses(name: &str, destination: &Destination<'_>) -> Vec<Use> {
    let mut found: Vec<Use> =
        npmrc(destination).iter().flat_map(|text| uses_in(text, name, destination)).collect();
    found.extend(yarn_config::uses(name, destination));
    found.extend(bun_config::uses(name, destination));
    found
}

/// Returns `true` if a value has what a variable holds in it: `$NAME`, `${NAME}` or `${NAME`, something and `}`.
pub(super) fn mentions(value: &str, name: &str) -> bool {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    value.split('$').skip(1).any(|rest| {
        let rest = rest.strip_prefix('{').unwrap_or(rest);
        rest.strip_prefix(name).is_some_and(|rest| !rest.starts_with(is_word))
    })
}

/// The credentials in an `.npmrc` that are what a variable holds.
fn uses_in(text: &str, name: &str, destination: &Destination<'_>) -> Vec<Use> {
    let own: Vec<String> = places(&destination.url);
    let lines = text.lines().map(str::trim).filter(|line| !line.starts_with(['#', ';']));
    let credentials =
        lines.filter_map(|line| line.split_once('=')).filter(|(_, value)| mentions(value, name));
    let used = credentials.map(|(key, _)| {
        let key = key.trim().trim_matches(['"', '\'']);
        let registry = key.rsplit_once("/:").map_or(key, |(registry, _)| registry);
        let is_own = own.iter().any(|place| place.trim_end_matches('/') == registry);
        Use { file: "`.npmrc`", registry: registry.to_owned(), is_own, is_default: false }
    });
    used.collect()
}

/// The texts of npm's settings files, and of pnpm's.
pub(super) fn npmrc(destination: &Destination<'_>) -> Vec<String> {
    let environment = destination.cx.environment();
    let named = environment.names().filter(|found| NAMED.iter().any(|name| name.eq_ignore_ascii_case(found)));
    let mut paths: Vec<PathBuf> = named.filter_map(|name| environment.get(name)).map(PathBuf::from).collect();
    paths.extend(OPTIONS.iter().flat_map(|option| destination.values_of(option)).map(PathBuf::from));
    let settings = destination.home().into_iter().flat_map(|home| SETTINGS.map(|folder| home.join(folder)));
    let settings = environment.get("XDG_CONFIG_HOME").map(PathBuf::from).into_iter().chain(settings);
    paths.extend(settings.flat_map(|folder| PNPM.map(|file| folder.join(file))));
    // npm's own file for all users is beside the folder that npm is in.
    let programs =
        environment.get("PATH").into_iter().flat_map(|path| std::env::split_paths(path).collect::<Vec<_>>());
    paths.extend(
        programs
            .filter(|folder| folder.ends_with("bin"))
            .map(|folder| folder.with_file_name("etc").join("npmrc")),
    );
    let mut texts = destination.read(paths);
    texts.extend(destination.files(".npmrc"));
    texts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_mentions_a_variable_by_its_whole_name() {
        for value in [
            "${NPM_TOKEN}",
            "${NPM_TOKEN?}",
            "${NPM_TOKEN:-}",
            "x$NPM_TOKEN",
            "$A${NPM_TOKEN}",
            "$NPM_TOKEN-",
        ] {
            assert!(mentions(value, "NPM_TOKEN"), "{value}");
        }
        for value in ["${NPM_TOKEN_CORP}", "NPM_TOKEN", "${MY_NPM_TOKEN}", "$NPM_TOKENS", "", "$", "${"] {
            assert!(!mentions(value, "NPM_TOKEN"), "{value}");
        }
    }
}
