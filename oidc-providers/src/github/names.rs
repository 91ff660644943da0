//! Checks of the names in a publisher's configuration, with the fix where one is not valid.

use crate::rules::config::Fault;
use crate::rules::{names, paths};

/// Characters that GitHub does not allow in an environment's name.
const NOT_IN_ENVIRONMENT: &[char] = &['\'', '"', '`', ',', ';', '\\'];

/// The check of an owner's name, and the fix of one that none has.
const OWNERS: (fn(&str) -> bool, &str) =
    (is_owner, "an owner's name has letters, digits and `-`, and begins with a letter or digit");

fn is_owner(text: &str) -> bool {
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    text.bytes().all(is_word) && text.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric())
}

/// Checks the name of a user or an organization.
pub(super) fn owner(key: &str, text: &str) -> Result<(), Fault> {
    paths::owners_name(key, text, OWNERS)
}

/// Checks a repository: `OWNER/NAME`.
pub(super) fn repository(key: &str, text: &str) -> Result<(), Fault> {
    paths::repository(key, text, OWNERS)
}

/// Checks the name of an environment.
pub(super) fn environment(key: &str, text: &str) -> Result<(), Fault> {
    let problem = "no environment's name holds any of ' \" ` , ; \\";
    names::environment(key, text, problem, |character| !NOT_IN_ENVIRONMENT.contains(&character), &[])
}
