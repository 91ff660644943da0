//! The `repository` of a package's manifest, compared with the repository that the package was built from.

use oidc_core::{Diagnosis, Target};
use serde_json::Value;
use url::Url;

use crate::codes;
use crate::refusal::Refusal;

/// The manifest's field, as messages name it.
const FIELD: &str = "repository";

/// Short forms of npm, and the hosts that they stand for.
const SHORT: [(&str, &str); 2] = [("github:", "https://github.com/"), ("gitlab:", "https://gitlab.com/")];

/// Returns the repository that the field `repository` of a manifest names, as `host/owner/name`. The field is a text,
/// or an object with `url`, in any of npm's forms. `None` where it names no repository on a host.
///
/// ```
/// use oidc_provenance::source_of;
/// use serde_json::json;
///
/// for field in [
///     json!("acme/widget"),
///     json!("github:acme/widget"),
///     json!("git@github.com:acme/widget.git"),
///     json!({ "type": "git", "url": "git+https://github.com/acme/widget.git", "directory": "packages/a" }),
/// ] {
///     assert_eq!(source_of(&field).as_deref(), Some("github.com/acme/widget"));
/// }
/// ```
pub fn source_of(field: &Value) -> Option<String> {
    let text = written(field)?;
    let url = Url::parse(&long_form(text)).ok()?;
    let host = url.host_str().filter(|host| !host.is_empty())?;
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    let path = url.path().trim_matches('/');
    let path = path.strip_suffix(".git").unwrap_or(path);
    Some(format!("{}{port}/{path}", host.to_ascii_lowercase()))
}

/// The text of the field: itself, or its `url`.
fn written(field: &Value) -> Option<&str> {
    field.as_str().or_else(|| field.get("url")?.as_str()).map(str::trim).filter(|text| !text.is_empty())
}

/// The field as a URL of https.
fn long_form(text: &str) -> String {
    for (short, host) in SHORT {
        if let Some(path) = text.strip_prefix(short) {
            return format!("{host}{path}");
        }
    }
    let text = text.strip_prefix("git+").unwrap_or(text);
    if let Some((scheme, rest)) = text.split_once("://") {
        let is_git = matches!(scheme, "git" | "ssh" | "http" | "https");
        return if is_git { format!("https://{rest}") } else { text.to_owned() };
    }
    match text.split_once(':') {
        // The form of scp: user, host, path.
        Some((host, path)) if host.contains('@') => format!("https://{host}/{path}"),
        None if text.split('/').count() == 2 && !text.starts_with('.') => {
            format!("https://github.com/{text}")
        }
        _ => text.to_owned(),
    }
}

/// Returns `true` if the text is the source in the form that npm gives to it at a publish, so that neither needs to be parsed.
fn is_in_npms_form(text: &str, source: &str) -> bool {
    let url = text.strip_prefix("git+").and_then(|url| url.strip_suffix(".git"));
    let path = source.strip_prefix("https://");
    path.is_some_and(|path| path.contains('/')) && url == Some(source)
}

/// Checks that the field names the source repository of the certificate, a URL.
pub(crate) fn agrees(field: Option<&Value>, source: &str) -> Result<(), Refusal> {
    let refuse = |problem: &str, found: &str| {
        let diagnosis =
            Diagnosis::new(codes::PROVENANCE_REPOSITORY, Target::Field(FIELD.to_owned()), problem);
        let fix = format!("write `\"repository\": \"git+{source}.git\"` into the package's manifest");
        Err(Refusal::new(diagnosis.found(found).expected(source).fix(fix)))
    };
    let Some(text) = field.and_then(written) else {
        return refuse("the manifest has no `repository`; each package of a workspace needs its own", "");
    };
    if is_in_npms_form(text, source) {
        return Ok(());
    }
    let expected = source_of(&Value::from(source)).unwrap_or_default();
    let Some(found) = field.and_then(source_of) else {
        return refuse("the manifest's `repository` is no URL of a repository", text);
    };
    match () {
        () if found == expected => Ok(()),
        () if found.eq_ignore_ascii_case(&expected) => {
            refuse("the manifest's `repository` differs in upper and lower case, which counts", text)
        }
        () if found.trim_end_matches(".git") == expected.trim_end_matches(".git") => {
            refuse("the manifest's `repository` differs in `.git` at its end", text)
        }
        () if found.starts_with(&format!("{expected}/")) => refuse(
            "the manifest's `repository` has more than the repository's URL; a folder is `directory`",
            text,
        ),
        () => refuse("the manifest's `repository` is another one than the package was built from", text),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const SOURCE: &str = "https://github.com/acme/Widget";

    fn problem(field: Option<&Value>) -> Option<String> {
        let refusal = agrees(field, SOURCE).err()?;
        assert_eq!(refusal.code(), codes::PROVENANCE_REPOSITORY);
        Some(refusal.diagnosis().problem.clone())
    }

    #[test]
    fn every_form_of_the_right_repository_is_taken() {
        for text in [
            "https://github.com/acme/Widget",
            "https://github.com/acme/Widget/",
            "git+https://github.com/acme/Widget.git",
            "git+https://github.com/acme/Widget.git#main",
            "git+ssh://git@github.com/acme/Widget.git",
            "ssh://git@github.com/acme/Widget.git",
            "git://github.com/acme/Widget.git",
            "http://github.com/acme/Widget",
            "https://token@GitHub.com/acme/Widget.git",
            "git@github.com:acme/Widget.git",
            "github:acme/Widget",
            "acme/Widget",
            " acme/Widget ",
        ] {
            assert_eq!(problem(Some(&json!(text))), None, "{text}");
            assert_eq!(problem(Some(&json!({ "url": text, "directory": "a" }))), None, "{text}");
        }
    }

    #[test]
    fn a_source_that_is_no_url_is_named_by_nothing() {
        for source in ["", "https://"] {
            assert!(agrees(Some(&json!(format!("git+{source}.git"))), source).is_err(), "{source}");
        }
    }

    #[test]
    fn a_difference_is_told_precisely() {
        for (field, part) in [
            (None, "has no `repository`"),
            (Some(json!("")), "has no `repository`"),
            (Some(json!({ "directory": "a" })), "has no `repository`"),
            (Some(json!(7)), "has no `repository`"),
            (Some(json!("acme/widget")), "upper and lower case"),
            (Some(json!("git+https://github.com/Acme/Widget.git")), "upper and lower case"),
            (Some(json!("https://github.com/acme/Widget.git.git")), "`.git`"),
            (Some(json!("https://github.com/acme/Widget/tree/main/a")), "`directory`"),
            (Some(json!("https://github.com/evil/gadget")), "another one"),
            (Some(json!("https://gitlab.com/acme/Widget")), "another one"),
            (Some(json!("gitlab:acme/Widget")), "another one"),
            (Some(json!("https://github.com.evil.example/acme/Widget")), "another one"),
            (Some(json!("https://github.com:8443/acme/Widget")), "another one"),
            (Some(json!("https://github.com@evil.example/acme/Widget")), "another one"),
            (Some(json!("widget")), "no URL"),
            (Some(json!("../acme/Widget")), "no URL"),
            (Some(json!("file:///acme/Widget")), "no URL"),
        ] {
            let found = problem(field.as_ref()).unwrap_or_default();
            assert!(found.contains(part), "{field:?}: {found}");
        }
    }
}
