//! The settings files of npm's ecosystem, and the registries to which they send what a variable holds.
//!
//! Seen with npm 11.21, pnpm 10.34, yarn 4.18 and bun 1.4: `.npmrc` replaces `${NAME}` and `${NAME?}`, and for bun `$NAME` too; so does
//! pnpm's own `rc`, and `config.yaml` of pnpm 12.21. `pnpm-workspace.yaml` gives no registry a credential.

use std::collections::BTreeSet;
use std::path::PathBuf;

use oidc_core::Environment;

use super::bun;
use super::credentials::{Use, mentions};
use super::names::places;
use super::pnpm;
use super::yarn;
use crate::destination::Destination;

/// The variables and options that name an `.npmrc`.
const NAMED: [&str; 2] = ["npm_config_userconfig", "npm_config_globalconfig"];
const OPTIONS: [&str; 2] = ["--userconfig", "--globalconfig"];

/// Files of variables that yarn and bun read by themselves, the latter by the kind of run.
const DOTENV: [&str; 5] = [".env.yarn", ".env", ".env.local", ".env.production", ".env.development"];

/// So many copies of a variable are looked for in turn.
const MAX_COPIES: usize = 64;

/// So many settings files that an `.npmrc` names are looked at.
const MAX_NAMED: usize = 8;

/// The length above which a path is not looked at, in bytes.
const MAX_PATH: usize = 4096;

/// pnpm's own settings files, below the folder for settings.
const PNPM: [&str; 4] = ["pnpm/rc", "pnpm/auth.ini", "pnpm/config/rc", "pnpm/config/auth.ini"];

/// Returns `true` if what a variable holds by convention is meant for the destination: unless files send it to others alone.
pub(crate) fn is_own(name: &str, destination: &Destination<'_>) -> bool {
    let uses = uses(name, destination);
    uses.is_empty() || uses.iter().any(|found| found.is_own)
}

/// Another registry to which a file would send a token in this variable.
pub(crate) fn foreign_use(name: &str, destination: &Destination<'_>) -> Option<Use> {
    uses(name, destination).into_iter().find(|found| !found.is_own && !found.is_default)
}

fn uses(name: &str, destination: &Destination<'_>) -> Vec<Use> {
    let npmrc = npmrc(destination);
    let mut found = Vec::new();
    for name in copies(name, destination) {
        found.extend(npmrc.iter().flat_map(|text| uses_in(text, &name, destination)));
        found.extend(yarn::uses(&name, destination));
        found.extend(bun::uses(&name, destination));
        found.extend(pnpm::uses(&name, destination));
    }
    found
}

/// A variable, and those that yarn's and bun's files of variables make copies of it, also of its copies.
fn copies(name: &str, destination: &Destination<'_>) -> Vec<String> {
    let named = yarn::environment_files(destination);
    let named = named.into_iter().chain(destination.values_of("--env-file").map(str::to_owned));
    let files = DOTENV.iter().map(|file| (*file).to_owned()).chain(named);
    let texts: Vec<String> = files.flat_map(|file| destination.files(&file)).collect();
    let mut names = vec![name.to_owned()];
    let mut at = 0;
    while let Some(name) = names.get(at).filter(|_| at < MAX_COPIES).cloned() {
        let lines = texts.iter().flat_map(|text| text.lines());
        let lines = lines.filter_map(|line| line.trim().trim_start_matches("export ").split_once('='));
        let copies = lines.filter(|(_, value)| mentions(value, &name)).map(|(copy, _)| copy.trim());
        let new: BTreeSet<&str> = copies.filter(|copy| names.iter().all(|known| known != copy)).collect();
        names.extend(new.into_iter().map(str::to_owned).collect::<Vec<_>>());
        at += 1;
    }
    names
}

/// The lines of an `.npmrc`. npm ends a line at a carriage return alone as well, and takes a byte order mark for white space.
pub(crate) fn lines(text: &str) -> impl Iterator<Item = &str> {
    let is_white = |c: char| c.is_whitespace() || c == '\u{feff}';
    text.split(['\r', '\n']).map(move |line| line.trim_matches(is_white))
}

/// The credentials in an `.npmrc` that are what a variable holds.
fn uses_in(text: &str, name: &str, destination: &Destination<'_>) -> Vec<Use> {
    let own: Vec<String> = places(&destination.url);
    let lines = lines(text).filter(|line| !line.starts_with(['#', ';']));
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
pub(crate) fn npmrc(destination: &Destination<'_>) -> Vec<String> {
    let environment = destination.cx.environment();
    let mut paths: Vec<PathBuf> =
        NAMED.iter().flat_map(|name| values_of_variable(name, destination)).collect();
    paths.extend(OPTIONS.iter().flat_map(|option| destination.values_of(option)).map(PathBuf::from));
    paths.extend(pnpm::in_settings(&PNPM, destination));
    // npm's own file for all users is beside the folder that npm is in.
    let programs =
        environment.get("PATH").into_iter().flat_map(|path| std::env::split_paths(path).collect::<Vec<_>>());
    paths.extend(
        programs
            .filter(|folder| folder.ends_with("bin"))
            .map(|folder| folder.with_file_name("etc").join("npmrc")),
    );
    paths.extend(values_of_variable("npm_config_prefix", destination).map(|prefix| prefix.join(GLOBAL)));
    paths.extend(environment.get("PREFIX").map(|prefix| PathBuf::from(prefix).join(GLOBAL)));
    let mut texts = destination.read(paths);
    texts.extend(destination.files(".npmrc"));
    // A file that the project's names can name one in turn.
    for _ in 0..2 {
        let named: Vec<PathBuf> = texts.iter().flat_map(|text| named_by(text, destination)).collect();
        texts.extend(destination.read(named));
    }
    texts.push(of_variables(environment));
    texts
}

/// The settings that variables hold, as lines of an `.npmrc`. npm replaces variables in them too.
fn of_variables(environment: &Environment) -> String {
    let setting = |name: &str| {
        let (prefix, key) = name.split_at_checked("npm_config_".len())?;
        let value = environment.get(name).filter(|_| prefix.eq_ignore_ascii_case("npm_config_"))?;
        Some(format!("{key}={}\n", value.replace(['\r', '\n'], " ")))
    };
    environment.names().filter_map(setting).collect()
}

/// npm's file for all users, below the folder that its programs are below.
const GLOBAL: &str = "etc/npmrc";

/// The settings files that an `.npmrc` names.
fn named_by(text: &str, destination: &Destination<'_>) -> Vec<PathBuf> {
    let quotes = ['"', '\''];
    let lines = lines(text).filter_map(|line| line.split_once('='));
    let named = lines.filter_map(|(key, value)| match key.trim().trim_matches(quotes) {
        "userconfig" | "globalconfig" => Some(path(value.trim().trim_matches(quotes), destination)),
        "prefix" => Some(path(value.trim().trim_matches(quotes), destination).join(GLOBAL)),
        _ => None,
    });
    named.take(MAX_NAMED).collect()
}

/// The path that a setting names: npm replaces variables in it, and `~/` is the home folder.
fn path(value: &str, destination: &Destination<'_>) -> PathBuf {
    let value = expanded(value, destination.cx.environment());
    let in_home = value.strip_prefix("~/").and_then(|rest| Some(destination.home()?.join(rest)));
    in_home.unwrap_or_else(|| PathBuf::from(value))
}

/// A path with the values of the variables that it names. One that is longer than paths are is left as it is.
fn expanded(value: &str, environment: &Environment) -> String {
    let mut parts = value.split("${");
    let mut path = parts.next().unwrap_or_default().to_owned();
    for part in parts.take_while(|_| value.len() <= MAX_PATH) {
        let (name, rest) = part.split_once('}').unwrap_or(("", part));
        path.push_str(environment.get(name.trim_end_matches('?')).unwrap_or_default());
        path.push_str(rest);
    }
    path
}

/// The values of a variable of npm's, whose case doesn't matter.
fn values_of_variable<'a>(name: &'a str, destination: &'a Destination<'_>) -> impl Iterator<Item = PathBuf> {
    let environment = destination.cx.environment();
    let named = environment.names().filter(move |found| name.eq_ignore_ascii_case(found));
    named.filter_map(move |name| environment.get(name)).map(|value| path(value, destination))
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
