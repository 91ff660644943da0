//! The clients: where each is looked for, and the oldest version that will do.
#![allow(clippy::disallowed_methods, reason = "the one place where tests look for programs")]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, iter};

/// A client's name, the variable that points to it, and the oldest major version that will do.
pub(crate) const CLIENTS: &[(&str, &str, u32)] = &[
    ("npm", "TEST_NPM", 11),
    ("yarn", "TEST_YARN", 4),
    ("pnpm", "TEST_PNPM", 10),
    // It runs npm no longer, and reads none of its settings.
    ("pnpm12", "TEST_PNPM12", 12),
    ("uv", "TEST_UV", 0),
    ("twine", "TEST_TWINE", 6),
    ("maturin", "TEST_MATURIN", 1),
    ("pip", "TEST_PIP", 23),
    ("flit", "TEST_FLIT", 4),
    ("hatch", "TEST_HATCH", 1),
    ("pdm", "TEST_PDM", 2),
    ("poetry", "TEST_POETRY", 2),
    ("gem", "TEST_GEM", 3),
    ("bundle", "TEST_BUNDLE", 2),
    ("pypiverifier", "TEST_PYPI_VERIFIER", 0),
    ("bun", "TEST_BUN", 1),
    ("ovsx", "TEST_OVSX", 1),
    ("vsce", "TEST_VSCE", 4),
    ("chromium", "TEST_CHROMIUM", 100),
    ("chromedriver", "TEST_CHROMEDRIVER", 100),
];

/// The client of this name, or the reason for which it can't be used.
pub(crate) fn find(name: &str) -> Result<PathBuf, String> {
    let Some((_, variable, oldest)) = CLIENTS.iter().find(|(known, ..)| *known == name) else {
        return Err(format!("{name} is not in tests/needs/src/clients.rs"));
    };
    let program =
        program(name, variable).ok_or_else(|| format!("{name} is neither on the PATH nor in {variable}"))?;
    let version = version(&program);
    let number = version.split_whitespace().find(|word| word.starts_with(|c: char| c.is_ascii_digit()));
    let major = number.and_then(|number| number.split('.').next()?.parse::<u32>().ok());
    if major < Some(*oldest) {
        return Err(format!("{name} is {:?} and {oldest} is needed", version.trim()));
    }
    Ok(program)
}

/// The program: the one that the variable points to, or the first of that name on the `PATH`.
fn program(name: &str, variable: &str) -> Option<PathBuf> {
    if let Some(program) = env::var_os(variable).filter(|program| !program.is_empty()) {
        return Some(program.into());
    }
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).map(|folder| folder.join(name)).find(|program| program.is_file())
}

fn version(program: &Path) -> String {
    // A client that is a script finds its interpreter, and the programs beside it, first.
    let path = env::var_os("PATH").unwrap_or_default();
    let folders = iter::empty().chain(program.parent().map(PathBuf::from)).chain(env::split_paths(&path));
    let path = env::join_paths(folders).unwrap_or_default();
    // yarn would run the release that a project's settings name.
    let output =
        Command::new(program).arg("--version").env("PATH", path).env("YARN_IGNORE_PATH", "1").output();
    output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default()
}
