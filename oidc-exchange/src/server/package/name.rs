//! Names of packages, by the rules of their ecosystems.

use oidc_core::shown;

use crate::crates_io::{CrateName, InvalidCrateName};
use crate::npm::{InvalidPackageName, PackageName};
use crate::pypi::{InvalidProjectName, ProjectName};
use crate::rubygems::{GemName, InvalidGemName};

/// The limit on a name of an ecosystem without a rule of its own, in bytes.
const MAX_NAME: usize = 255;

/// A name that no package of its ecosystem can have, with the rule for such names.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(transparent)]
pub struct InvalidPackage(#[from] Reason);

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
enum Reason {
    #[error("no package is named")]
    Empty,
    #[error(transparent)]
    Npm(InvalidPackageName),
    #[error(transparent)]
    Pypi(InvalidProjectName),
    #[error(transparent)]
    Cargo(InvalidCrateName),
    #[error(transparent)]
    RubyGems(InvalidGemName),
    #[error("`{}` is not a package's name: expected at most {MAX_NAME} bytes, and no control characters or invisible ones", shown(.0))]
    Other(String),
}

/// Returns a name as its ecosystem normalizes it.
pub(super) fn normalized(ecosystem: &str, name: &str) -> Result<String, InvalidPackage> {
    if name.is_empty() {
        return Err(Reason::Empty.into());
    }
    let normalized = match ecosystem {
        "npm" => PackageName::parse(name).map(|name| name.as_str().to_owned()).map_err(Reason::Npm),
        "pypi" => ProjectName::parse(name).map(|name| name.normalized()).map_err(Reason::Pypi),
        "cargo" => CrateName::parse(name).map(|name| name.canonical()).map_err(Reason::Cargo),
        "rubygems" => GemName::parse(name).map(|name| name.as_str().to_owned()).map_err(Reason::RubyGems),
        _ if is_visible(name) => Ok(name.to_owned()),
        _ => Err(Reason::Other(name.chars().take(MAX_NAME).collect())),
    };
    Ok(normalized?)
}

fn is_visible(name: &str) -> bool {
    name.len() <= MAX_NAME && shown(name).up_to(name.len()).to_string() == name
}
