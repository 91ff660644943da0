//! Checks of the names in a publisher's configuration, with the fix where one is not valid.

use oidc_core::shown;

use super::claims::instance;
use super::fields::CI_CONFIG;
use crate::codes;
use crate::rules::config::{Fault, invalid};
use crate::rules::{names, paths};

/// Checks the path of a project with all its groups on an issuer's instance. A group may have the name of a host.
pub(super) fn project(key: &str, text: &str, issuer: &str) -> Result<(), Fault> {
    let own = instance(issuer).split(['/', ':']).next().unwrap_or_default();
    // Those whose addresses are often pasted in place of a path.
    let is_host =
        |group: &str| [own, "gitlab.com", "github.com"].iter().any(|host| group.eq_ignore_ascii_case(host));
    let refuse =
        |problem: &str, fix: &str| Err(invalid(codes::PUBLISHER_PROJECT, key, problem).found(text).fix(fix));
    // Before the check of the segments, which would only say that one of them is not allowed.
    paths::path(key, text, (codes::PUBLISHER_PROJECT, usize::MAX), ["project", "group/project"], is_host)?;
    if !text.contains('/') {
        let fix = "write it with all groups, such as `acme/group/widget`";
        return refuse("it is a project without its group", fix);
    }
    match text.split('/').find(|segment| !is_path_segment(segment)) {
        None => Ok(()),
        Some("") => {
            let parts: Vec<&str> = text.split('/').filter(|segment| !segment.is_empty()).collect();
            refuse("a part of it is empty", &format!("write `{}`", shown(&parts.join("/"))))
        }
        Some(segment) => refuse(
            &format!("GitLab allows no `{}` in a path", shown(segment)),
            "each part has letters, digits, and single `_`, `-` or `.` between them, and does not end in `.git` or `.atom`",
        ),
    }
}

/// Returns `true` if GitLab allows a segment: no special characters at its ends or in a row, no reserved
/// ending.
fn is_path_segment(segment: &str) -> bool {
    let is_word = |word: &str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_alphanumeric());
    segment.split(['_', '-', '.']).all(is_word) && !segment.ends_with(".git") && !segment.ends_with(".atom")
}

/// Checks the path of a CI configuration in its project.
pub(super) fn ci_config(key: &str, text: &str) -> Result<(), Fault> {
    paths::file_in_repository(key, text, codes::PUBLISHER_CI_CONFIG, CI_CONFIG.of.example)
}

/// Checks the name of an environment: ASCII letters, digits, spaces and a few other characters.
pub(super) fn environment(key: &str, text: &str) -> Result<(), Fault> {
    names::ascii(key, text)?;
    let is_allowed = |character: char| character.is_ascii_alphanumeric() || " -_/${}.".contains(character);
    names::environment(key, text, "no environment's name is like this", is_allowed, &['/'])
}
