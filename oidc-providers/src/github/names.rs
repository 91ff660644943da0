//! Checks of the names in a publisher's configuration, with the fix where one is not valid.

use oidc_core::shown;

use crate::codes;
use crate::rules::config::{Fault, invalid};
use crate::rules::{names, paths};

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
    paths::repository(key, text, (is_owner, OWNERS))
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
    let problem = "no environment's name holds any of ' \" ` , ; \\";
    names::environment(key, text, problem, |character| !NOT_IN_ENVIRONMENT.contains(&character), &[])
}
