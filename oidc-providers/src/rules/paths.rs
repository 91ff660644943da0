//! Paths of repositories and of files in them, in a publisher's configuration, and addresses that are pasted in their place.

use oidc_core::shown;

use super::config::{Fault, invalid};
use super::names::{ascii, before_ref, one_script, yaml};
use crate::codes;

/// The owner in `OWNER/NAME`, or all groups in `GROUP/SUBGROUP/NAME`.
pub(crate) fn owner(repository: &str) -> &str {
    repository.rsplit_once('/').map_or("", |(owner, _)| owner)
}

/// Checks that a repository's path is no address that was pasted in its place. On the platform a path has at most this
/// number of parts.
fn no_address(
    key: &str,
    text: &str,
    code: &'static str,
    parts: usize,
    is_host: impl Fn(&str) -> bool,
) -> Result<(), Fault> {
    let Some(path) = pasted_path(text, is_host) else { return Ok(()) };
    let path = path.split('/').take(parts).collect::<Vec<_>>().join("/");
    Err(invalid(code, key, "it is an address").found(text).fix(format!("write `{}`", shown(&path))))
}

/// Checks that the path of a repository or project is neither an address nor another name, nor looks like a path.
/// `what` is the word for it and its form, such as `owner/name`.
pub(crate) fn path(
    key: &str,
    text: &str,
    (code, parts): (&'static str, usize),
    [what, form]: [&str; 2],
    is_host: impl Fn(&str) -> bool,
) -> Result<(), Fault> {
    let refuse = |problem: &str, fix: String| Err(invalid(code, key, problem).found(text).fix(fix));
    no_address(key, text, code, parts, is_host)?;
    ascii(key, text)?;
    match text.strip_prefix('@') {
        Some(scoped) => {
            let fix = format!("write the {what}: `{}`, in the form `{form}`", shown(scoped));
            refuse("it is a package's name", fix)
        }
        None if text.contains('@') => {
            refuse("it looks like an e-mail address", format!("write the {what} as `{form}`"))
        }
        None => Ok(()),
    }
}

/// Checks a repository, `OWNER/NAME`, whose owner's name is one that the platform allows, or has this fix.
pub(crate) fn repository(
    key: &str,
    text: &str,
    (is_owner, owners): (fn(&str) -> bool, &str),
) -> Result<(), Fault> {
    let refuse = |problem: &str, fix: &str| {
        Err(invalid(codes::PUBLISHER_REPOSITORY, key, problem).found(text).fix(fix))
    };
    // The more special mistakes are tested first, because each has a better fix than the general one.
    path(key, text, (codes::PUBLISHER_REPOSITORY, 2), ["repository", "owner/name"], is_host)?;
    let Some((owner, name)) = text.split_once('/').filter(|(_, name)| !name.contains('/')) else {
        return refuse("it is not an owner and a name", "write it as `owner/name`, such as `acme/widget`");
    };
    if !is_owner(owner) {
        return refuse("the owner's name can't be one", owners);
    }
    if let Some(stem) = name.strip_suffix(".git") {
        return refuse("no repository's name ends in `.git`", &format!("write `{owner}/{}`", shown(stem)));
    }
    match is_repository(name) {
        true => Ok(()),
        false => refuse("the repository's name can't be one", "a name has letters, digits, `-`, `_` and `.`"),
    }
}

/// Checks the name of an owner, which is one that the platform allows, or has this fix.
pub(crate) fn owners_name(
    key: &str,
    text: &str,
    (is_owner, owners): (fn(&str) -> bool, &str),
) -> Result<(), Fault> {
    ascii(key, text)?;
    if is_owner(text) {
        return Ok(());
    }
    Err(invalid(codes::PUBLISHER_REPOSITORY, key, "it can't be an owner's name").found(text).fix(owners))
}

/// Checks the name of a YAML file that is in a certain folder of its repository.
pub(crate) fn file_in_folder(key: &str, text: &str, folder: &str) -> Result<(), Fault> {
    let path = before_ref(text).filter(|_| text.contains("@refs/")).unwrap_or(text);
    yaml(key, path)?;
    if text.contains(['/', '\\']) {
        let name = path.rsplit(['/', '\\']).next().unwrap_or_default();
        return Err(invalid(codes::PUBLISHER_WORKFLOW, key, "it is a path, where the file's name is meant")
            .found(text)
            .fix(format!(
                "write `{}`; the folder is always `{}`",
                shown(name),
                folder.trim_end_matches('/')
            )));
    }
    one_script(key, text)
}

/// Returns `true` if a repository can have a name.
pub(crate) fn is_repository(name: &str) -> bool {
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    name.bytes().all(is_letter) && !matches!(name, "" | "." | "..")
}

/// Checks the path of a YAML file in its repository.
pub(crate) fn file_in_repository(
    key: &str,
    text: &str,
    code: &'static str,
    example: &str,
) -> Result<(), Fault> {
    let refuse = |problem: &str, fix: &str| Err(invalid(code, key, problem).found(text).fix(fix));
    if text.contains("://") {
        return refuse(
            "it is an address",
            &format!("write the file's path in the project, such as `{example}`"),
        );
    }
    if text.starts_with('/') || text.ends_with('/') {
        return refuse("it is no path in the project", &format!("write `{}`", shown(text.trim_matches('/'))));
    }
    if text.contains('\\') || text.split('/').any(|segment| matches!(segment, "." | "..")) {
        let fix = "write the file's path from the project's root, with `/`";
        return refuse("it is a path that no file has", fix);
    }
    yaml(key, text)?;
    one_script(key, text)
}

/// The path of a repository in a web address or clone address that was pasted in its place, with or without a
/// longer path after the repository. `None` where the text is no address. Without a scheme, only `is_host`
/// tells a host from an owner.
fn pasted_path(text: &str, is_host: impl Fn(&str) -> bool) -> Option<&str> {
    let rest = match text.split_once("://") {
        Some((_, rest)) => rest.split_once('/')?.1,
        None => match text.split_once('/')? {
            (host, rest) if !host.contains(['@', ':']) && is_host(host) => rest,
            _ => text.strip_prefix("git@")?.split_once(':')?.1,
        },
    };
    let path = rest.split(['?', '#']).next()?.trim_matches('/');
    // GitLab separates a project from its pages by `/-/`.
    let path = path.split("/-/").next()?;
    Some(path.strip_suffix(".git").unwrap_or(path))
}

/// Returns `true` if a first segment is a host and not an owner, for platforms where no owner's name has a
/// dot.
pub(crate) fn is_host(segment: &str) -> bool {
    [".com", ".org", ".net", ".io", ".dev"].iter().any(|domain| segment.ends_with(domain))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pasted_address_gives_its_path() {
        for (text, expected) in [
            ("https://github.com/acme/widget", Some("acme/widget")),
            ("https://github.com/acme/widget.git", Some("acme/widget")),
            ("https://github.com/acme/widget/", Some("acme/widget")),
            ("https://github.com/acme/widget?tab=readme#x", Some("acme/widget")),
            ("https://gitlab.com/acme/group/widget/-/tree/main", Some("acme/group/widget")),
            ("git+https://github.com/acme/widget.git", Some("acme/widget")),
            ("ssh://git@github.com/acme/widget.git", Some("acme/widget")),
            ("git@github.com:acme/widget.git", Some("acme/widget")),
            ("github.com/acme/widget", Some("acme/widget")),
            ("acme/widget", None),
            ("acme.example/widget", None),
            ("widget", None),
            ("https://github.com", None),
        ] {
            assert_eq!(pasted_path(text, is_host), expected, "{text}");
        }
    }
}
