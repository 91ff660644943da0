//! The names by which npm's ecosystem looks settings up: a package's scope, the place of a registry, and variables, in any letter case.

use oidc_core::HttpUrl;

use super::packages::scope_of;
use crate::command::changes::Changes;
use crate::destination::Destination;

/// The scope of the package, without its `@`.
pub(crate) fn scope<'a>(destination: &Destination<'a>) -> Option<&'a str> {
    destination.package.and_then(scope_of)
}

/// The keys by which npm looks a registry's settings up: the registry's URL up to the last slash before it publishes, and the whole
/// URL when it does. These are two keys where the slash is missing.
pub(crate) fn places(url: &HttpUrl) -> Vec<String> {
    let place = |path: &str| format!("//{}{path}", url.host_and_port());
    match url.path().strip_suffix('/') {
        Some(path) => vec![place(path)],
        None => {
            let parent = url.path().rsplit_once('/').map_or("", |(parent, _)| parent);
            vec![place(url.path()), place(parent)]
        }
    }
}

/// Sets a setting of npm's or pnpm's. npm ignores the case of a variable's name and takes the last of several.
pub(crate) fn set(name: &str, value: &str, destination: &Destination<'_>, changes: &mut Changes) {
    let others = destination.cx.environment().names().filter(|other| other.eq_ignore_ascii_case(name));
    changes.remove(&others.collect::<Vec<_>>());
    changes.set(name, value);
}
