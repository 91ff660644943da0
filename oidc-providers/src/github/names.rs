//! Checks of the names in a publisher's configuration, with the fix where one is not valid.

use oidc_core::shown;

use crate::codes;
use crate::rules::config::{Fault, invalid};
use crate::rules::names;

/// Characters that GitHub does not allow in an environment's name.
const NOT_IN_ENVIRONMENT: &[char] = &['\'', '"', '`', ',', ';', '\\'];

/// The fix of a name that no owner has.
const OWNERS: &str = "an owner's name has letters, digits and `-`, and begins with a letter or digit";

fn is_owner(text: &str) -> bool {
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    text.bytes().all(is_word) && text.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric())
}

/// Checks the name of a user or an organization.
pub(super) fn owner(key: &str, text: &str) -> Result<(), Fault> {
    names::ascii(key, text)?;
    if is_owner(text) {
        return Ok(());
    }
    Err(invalid(codes::PUBLISHER_REPOSITORY, key, "it can't be an owner's name").found(text).fix(OWNERS))
}

/// Checks a repository: `OWNER/NAME`.
pub(super) fn repository(key: &str, text: &str) -> Result<(), Fault> {
    let refuse = |problem: &str, fix: &str| {
        Err(invalid(codes::PUBLISHER_REPOSITORY, key, problem).found(text).fix(fix))
    };
    // The more special mistakes are tested first, because each has a better fix than the general one.
    names::no_address(key, text, codes::PUBLISHER_REPOSITORY, 2, names::is_host)?;
    names::ascii(key, text)?;
    if let Some(scoped) = text.strip_prefix('@') {
        return refuse("it is a package's name", &format!("write the repository: `{}`", shown(scoped)));
    }
    if text.contains('@') {
        return refuse("it looks like an e-mail address", "write the repository as `owner/name`");
    }
    let Some((owner, name)) = text.split_once('/').filter(|(_, name)| !name.contains('/')) else {
        return refuse("it is not an owner and a name", "write it as `owner/name`, such as `acme/widget`");
    };
    if !is_owner(owner) {
        return refuse("the owner's name can't be one", OWNERS);
    }
    if let Some(stem) = name.strip_suffix(".git") {
        return refuse("no repository's name ends in `.git`", &format!("write `{owner}/{}`", shown(stem)));
    }
    match is_repository(name) {
        true => Ok(()),
        false => refuse("the repository's name can't be one", "a name has letters, digits, `-`, `_` and `.`"),
    }
}

/// Returns `true` if a repository can have a name.
fn is_repository(name: &str) -> bool {
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    name.bytes().all(is_letter) && !matches!(name, "" | "." | "..")
}

/// Checks the file name of a workflow.
pub(super) fn workflow(key: &str, text: &str) -> Result<(), Fault> {
    let path = names::before_ref(text).filter(|_| text.contains("@refs/")).unwrap_or(text);
    names::yaml(key, path)?;
    if text.contains(['/', '\\']) {
        let name = path.rsplit(['/', '\\']).next().unwrap_or_default();
        return Err(invalid(codes::PUBLISHER_WORKFLOW, key, "it is a path, where the file's name is meant")
            .found(text)
            .fix(format!("write `{}`; the folder is always `.github/workflows`", shown(name))));
    }
    names::one_script(key, text)
}

/// Checks the name of an environment.
pub(super) fn environment(key: &str, text: &str) -> Result<(), Fault> {
    if text.contains(NOT_IN_ENVIRONMENT) {
        let problem = "no environment's name holds any of ' \" ` , ; \\";
        return Err(names::no_environment(key, text, problem, &text.replace(NOT_IN_ENVIRONMENT, "")));
    }
    names::one_script(key, text)
}
