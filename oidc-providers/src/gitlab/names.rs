//! Checks of the names in a publisher's configuration, with the fix where one is not valid.

use oidc_core::shown;

use super::claims::instance;
use crate::codes;
use crate::rules::config::{Fault, invalid};
use crate::rules::names;

/// Hosts, in addition to the instance's own, whose addresses are often pasted in place of a path.
const HOSTS: &[&str] = &["gitlab.com", "github.com"];

/// Checks the path of a project with all its groups on an issuer's instance. A group may have the name of a host.
pub(super) fn project(key: &str, text: &str, issuer: &str) -> Result<(), Fault> {
    let own = instance(issuer).split(['/', ':']).next().unwrap_or_default();
    let is_host = |group: &str| HOSTS.iter().chain([&own]).any(|host| group.eq_ignore_ascii_case(host));
    let refuse =
        |problem: &str, fix: &str| Err(invalid(codes::PUBLISHER_PROJECT, key, problem).found(text).fix(fix));
    // Before the check of the segments, which would only say that one of them is not allowed.
    names::no_address(key, text, codes::PUBLISHER_PROJECT, usize::MAX, is_host)?;
    names::ascii(key, text)?;
    if text.contains('@') {
        let fix = "write the project as `group/project`";
        return refuse("it looks like a package's name or an e-mail address", fix);
    }
    if !text.contains('/') {
        let fix = "write it with all groups, such as `acme/group/widget`";
        return refuse("it is a project without its group", fix);
    }
    match text.split('/').find(|segment| !is_path_segment(segment)) {
        None => Ok(()),
        Some("") => refuse("a part of it is empty", &format!("write `{}`", shown(&joined(text)))),
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
    segment.split(['_', '-', '.']).all(is_word)
        && ![".git", ".atom"].iter().any(|ending| segment.ends_with(ending))
}

fn joined(text: &str) -> String {
    text.split('/').filter(|segment| !segment.is_empty()).collect::<Vec<_>>().join("/")
}

/// Checks the path of a CI configuration in its project.
pub(super) fn ci_config(key: &str, text: &str) -> Result<(), Fault> {
    let refuse = |problem: &str, fix: &str| {
        Err(invalid(codes::PUBLISHER_CI_CONFIG, key, problem).found(text).fix(fix))
    };
    if text.contains("://") {
        return refuse("it is an address", "write the file's path in the project, such as `.gitlab-ci.yml`");
    }
    if text.starts_with('/') || text.ends_with('/') {
        return refuse("it is no path in the project", &format!("write `{}`", shown(text.trim_matches('/'))));
    }
    if text.contains('\\') || text.split('/').any(|segment| matches!(segment, "." | "..")) {
        let fix = "write the file's path from the project's root, with `/`";
        return refuse("it is a path that no configuration has", fix);
    }
    names::yaml(key, text)?;
    names::one_script(key, text)
}

/// Checks the name of an environment: ASCII letters, digits, spaces and a few other characters.
pub(super) fn environment(key: &str, text: &str) -> Result<(), Fault> {
    names::ascii(key, text)?;
    let is_allowed = |character: char| character.is_ascii_alphanumeric() || " -_/${}.".contains(character);
    if text.chars().all(is_allowed) && !text.starts_with('/') && !text.ends_with('/') {
        return Ok(());
    }
    let written: String = text.chars().filter(|&character| is_allowed(character)).collect();
    let problem = "no environment's name is like this";
    Err(names::no_environment(key, text, problem, written.trim_matches('/')))
}
