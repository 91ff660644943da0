//! Variables that the programs around a tool set or remove for it, after `exec` has set them.
//!
//! Seen with pdm 2.29: `pdm run` sets variables that the project's files name in place of the job's, and those in further files. Where a
//! program may do so, the tool has to be told the registry by its own option. uv leaves the job's variables as they are.

use std::path::Path;

use oidc_core::shown;

use super::changes::Changes;
use crate::destination::Destination;
use crate::invalid_target::InvalidTarget;

/// The programs that set variables for others by settings of their own.
const SETTERS: [&str; 9] = ["pdm", "hatch", "mise", "direnv", "dotenv", "dotenvx", "doppler", "op", "asdf"];

/// The programs that may remove all variables, each with the words by which it does so or doesn't.
const ENV: (&str, [&str; 3]) = ("env", ["-i", "-", "--ignore-environment"]);
const SUDO: &str = "sudo";
/// sudo's option that keeps all of them; with a list it keeps those. Before its letter there may be others, but for those with a value.
const KEEP: (&str, char) = ("--preserve-env", 'E');
const WITH_VALUE: &str = "CDghpRrtTUu";

/// Tools whose option names the registry by its URL, and the option.
const BY_OPTION: [(&str, &str); 5] = [
    ("twine", "--repository-url"),
    ("maturin", "--repository-url"),
    ("uv", "--publish-url"),
    ("gem", "--host"),
    ("npm", "--registry"),
];

/// The options by which a program has another one run in a folder.
const IN_FOLDER: [&str; 5] = ["-C", "--chdir", "--directory", "--cwd", "--dir"];
/// The tools that say themselves where they would publish, from within that folder.
const ASKED: [&str; 4] = ["npm", "pnpm", "yarn", "bun"];

/// The refusal of a command whose tool is run in another folder, whose settings are not read here.
fn check_folder(launcher: &[&str], destination: &Destination<'_>) -> Result<(), InvalidTarget> {
    let is_asked = destination.tool().is_some_and(|tool| ASKED.contains(&tool));
    let mut folders = launcher.iter().filter(|word| IN_FOLDER.iter().any(|option| word.starts_with(option)));
    match folders.next().filter(|_| !is_asked) {
        Some(word) => Err(InvalidTarget::Elsewhere(format!(
            "`{}` has the tool run in another folder, whose settings are not read here; run the command in that folder",
            shown(word)
        ))),
        None => Ok(()),
    }
}

/// The refusal of a command whose tool is run by another program that changes one of the variables that `exec` sets or removes.
pub(crate) fn check(changes: &Changes, destination: &Destination<'_>) -> Result<(), InvalidTarget> {
    if let (Some(word), Some(variable)) = (destination.split_by_env(), changes.names().next()) {
        let (variable, by) = (variable.to_owned(), shown(word).to_string());
        return Err(InvalidTarget::Variable { variable, by, url: None });
    }
    let launcher = destination.launcher();
    check_folder(&launcher, destination)?;
    if launcher.is_empty() || !destination.publishes() {
        return Ok(());
    }
    let option = BY_OPTION.iter().find(|(tool, _)| destination.tool() == Some(tool));
    // It stands before a variable.
    if option.is_some_and(|(_, option)| destination.values_of(option).any(|url| destination.is(url))) {
        return Ok(());
    }
    let url = option.map(|(_, option)| format!("{option} {}", destination.url));
    let names: Vec<&str> = changes.names().collect();
    let refusal = |variable: &str, by: &str| InvalidTarget::Variable {
        variable: variable.to_owned(),
        by: shown(by).to_string(),
        url: url.clone(),
    };
    if let (Some(by), Some(variable)) = (removes_all(&launcher), names.first()) {
        return Err(refusal(variable, by));
    }
    for word in &launcher {
        let text = word.to_ascii_lowercase();
        if let Some(variable) = names.iter().find(|name| text.contains(&name.to_ascii_lowercase())) {
            return Err(refusal(variable, word));
        }
    }
    let mut setters = launcher.iter().filter(|word| SETTERS.iter().any(|program| is(word, program)));
    match (setters.next(), names.first()) {
        (Some(word), Some(variable)) => Err(refusal(variable, word)),
        _ => Ok(()),
    }
}

/// Returns `true` if a word is a program's name, with its folder or not.
fn is(word: &str, program: &str) -> bool {
    Path::new(word).file_name().is_some_and(|name| name == program)
}

/// The word by which all variables are removed.
fn removes_all<'a>(launcher: &[&'a str]) -> Option<&'a str> {
    let at = |program| launcher.iter().position(|word| is(word, program));
    let behind = |at: usize| launcher.get(at + 1..).unwrap_or_default();
    let by_env = at(ENV.0).and_then(|at| behind(at).iter().find(|word| ENV.1.contains(word)));
    let by_sudo = || launcher.get(at(SUDO).filter(|at| !behind(*at).iter().any(|word| keeps_all(word)))?);
    by_env.or_else(by_sudo).copied()
}

/// Returns `true` for the option by which sudo keeps all variables.
fn keeps_all(word: &str) -> bool {
    let letters = word.strip_prefix('-').filter(|letters| !letters.starts_with('-')).unwrap_or_default();
    word == KEEP.0
        || letters.chars().take_while(|letter| !WITH_VALUE.contains(*letter)).any(|letter| letter == KEEP.1)
}
