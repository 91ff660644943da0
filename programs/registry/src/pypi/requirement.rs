//! Dependencies of a project and the Pythons that it is for, in the form that is the same for all their spellings.

use std::str::FromStr as _;

use oidc_exchange::pypi::ProjectName;
use pep440_rs::VersionSpecifiers;

use super::marker::condition;

/// The accepted versions, in an order that is the same for all spellings (packaging.python.org, "Version specifiers"). A comma
/// may stand at the end, as installers take it and older build backends wrote it.
pub(super) fn specifiers(text: &str) -> Option<String> {
    let text = text.trim_end();
    let listed = text.strip_suffix(',').filter(|listed| !listed.trim().is_empty()).unwrap_or(text);
    let specifiers = VersionSpecifiers::from_str(listed).ok()?;
    let mut specifiers: Vec<String> = specifiers.iter().map(ToString::to_string).collect();
    specifiers.sort_unstable();
    specifiers.dedup();
    Some(specifiers.join(","))
}

/// A dependency (packaging.python.org, "Dependency specifiers"). One that names a URL is none: it is for the index to say
/// where a project is.
pub(super) fn requirement(text: &str) -> Option<String> {
    let (requirement, marker) = match text.split_once(';') {
        Some((requirement, marker)) => (requirement, format!(";{}", condition(marker)?)),
        None => (text, String::new()),
    };
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    let requirement = requirement.trim();
    let end = requirement.find(|c| !is_name(c)).unwrap_or(requirement.len());
    let (name, rest) = requirement.split_at_checked(end)?;
    let (extras, rest) = match rest.trim_start().strip_prefix('[') {
        Some(rest) => {
            let (extras, rest) = rest.split_once(']')?;
            (format!("[{}]", names(extras)?), rest)
        }
        None => (String::new(), rest),
    };
    let rest = rest.trim();
    let rest = rest.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')).unwrap_or(rest);
    let name = ProjectName::parse(name).ok()?.normalized();
    Some(format!("{name}{extras}{}{marker}", specifiers(rest)?))
}

fn names(list: &str) -> Option<String> {
    if list.trim().is_empty() {
        return Some(String::new());
    }
    let names = list.split(',').map(|name| Some(ProjectName::parse(name.trim()).ok()?.normalized()));
    let mut names = names.collect::<Option<Vec<_>>>()?;
    names.sort_unstable();
    Some(names.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_requirement_are_the_same() {
        for (one, other) in [
            ("My.Gadget>=1.0,<2", "my-gadget (<2, >=1.0)"),
            ("gadget[b,A] ; python_version < '3.9'", "gadget[a, b];python_version<\"3.9\""),
            ("gadget", " gadget "),
            ("gadget [] ==1.*", "gadget[]==1.*"),
        ] {
            assert!(requirement(one).is_some(), "{one}");
            assert_eq!(requirement(one), requirement(other), "{one}");
        }
        for (one, other) in [
            ("gadget", "gadgets"),
            ("gadget", "gadget>=1"),
            ("gadget>=1", "gadget>=1; extra == 'x'"),
            ("gadget; extra == 'x'", "gadget; extra == 'y'"),
            ("gadget; extra == 'x y'", "gadget; extra == 'xy'"),
            ("gadget[a]", "gadget[b]"),
            ("gadget; extra == 'x'", "gadget; extra == '\"x'"),
        ] {
            assert_ne!(requirement(one).unwrap(), requirement(other).unwrap(), "{one}");
        }
        assert_eq!(specifiers("!=3.9.1, >=3.8"), specifiers(">=3.8,!=3.9.1"));
        assert_eq!(specifiers(">=3.8, "), specifiers(">=3.8"));
        assert_eq!(specifiers(""), Some(String::new()));
    }

    #[test]
    fn what_is_no_requirement_is_none() {
        for text in [
            "",
            "-gadget",
            "gadget @ https://example.org/gadget.whl",
            "gadget >= one",
            "gadget>=3.8.*",
            "gadget[a",
            "gadget[a b]",
            "gadget;",
            "gadget; extra == 'x",
            "gadget; for Linux",
            "gadget other",
            "gadget >=1,,<2",
            "gadget ,",
            "gadget (>=1",
            "wídget",
        ] {
            assert_eq!(requirement(text), None, "{text}");
        }
        assert_eq!(specifiers("three"), None);
    }
}
