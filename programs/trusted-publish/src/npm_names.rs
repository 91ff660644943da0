//! The names by which npm's ecosystem looks settings up: a package's scope, and the place of a registry.

use oidc_core::HttpUrl;

use super::destination::Destination;
use super::npm_packages::scope_of;

/// The scope of the package, without its `@`.
pub(super) fn scope<'a>(destination: &Destination<'a>) -> Option<&'a str> {
    destination.package.and_then(scope_of)
}

/// The keys by which npm looks a registry's settings up: the registry's URL up to the last slash before it publishes, and the whole
/// URL when it does. These are two keys where the slash is missing.
pub(super) fn places(url: &HttpUrl) -> Vec<String> {
    let place = |path: &str| format!("//{}{path}", url.host_and_port());
    match url.path().strip_suffix('/') {
        Some(path) => vec![place(path)],
        None => {
            let parent = url.path().rsplit_once('/').map_or("", |(parent, _)| parent);
            vec![place(url.path()), place(parent)]
        }
    }
}
