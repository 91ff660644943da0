//! A path at which nothing is served: which protocol was meant by it, and where that one is.

use axum::http::{Method, StatusCode};
use oidc_core::{Diagnosis, Target};

use super::failure::Failure;
use super::rubygems;

/// Where cargo's index is, below the registry's URL.
const INDEX: &str = "/index/";

/// A protocol with a root of its own, below the registry's URL.
struct Protocol {
    /// What it is of this registry.
    what: &'static str,
    root: &'static str,
    /// What its clients' requests hold, and no other protocol's.
    paths: &'static [&'static str],
}

static PROTOCOLS: &[Protocol] = &[
    Protocol {
        what: "RubyGems of this registry",
        root: rubygems::ROOT,
        paths: &[
            "/api/v1/gems",
            "/api/v1/api_key",
            "/api/v1/dependencies",
            "/api/v1/oidc/",
            "/quick/Marshal",
            "specs.4.8",
            "/rubygems/",
        ],
    },
    Protocol { what: "Python's uploads of this registry", root: "/legacy/", paths: &["/legacy", "/_/oidc"] },
    Protocol { what: "Python's index of this registry", root: "/simple/", paths: &["/simple", "/pypi/"] },
    Protocol { what: "cargo's index of this registry", root: INDEX, paths: &["/index/", "/config.json"] },
    Protocol {
        what: "cargo of this registry",
        root: "/",
        paths: &["/api/v1/crates", "/api/v1/trusted_publishing"],
    },
    // npm's, which is at the registry's own URL.
    Protocol {
        what: "this registry",
        root: "/",
        paths: &["/-/ping", "/-/npm/", "/-/package/", "/-/user/", "/-/v1/", "/-/whoami"],
    },
];

/// What `gem push` asks; it shows an answer as it is.
const PUSH: &str = "/api/v1/gems";

/// Where a path is that nothing is served at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// Below the registry's URL, so that the URL is right; the path is without what the URL has of it.
    Below,
    /// Elsewhere on the registry's host.
    Beside,
}

impl Failure {
    /// No path of this registry, which is at `public_url`.
    pub(super) fn nowhere(public_url: &str, method: &Method, path: &str, place: Place) -> Self {
        let root = public_url.trim_end_matches('/');
        let meant = PROTOCOLS.iter().find_map(|protocol| {
            let parts = protocol.paths.iter().filter_map(|part| path.find(part).map(|at| (*part, at)));
            parts.max_by_key(|(_, at)| *at).map(|(part, at)| (protocol, part, at))
        });
        let below = meant.map_or("/", |(protocol, ..)| protocol.root);
        // The client was told the right URL where its own path begins behind it.
        let is_right = meant.is_none_or(|(_, part, at)| {
            let told = path.get(..at).unwrap_or_default().trim_end_matches('/');
            told == below.trim_end_matches('/') || (at == 0 && below.starts_with(part))
        });
        let problem = "nothing is served at this path";
        let status = match *method {
            // To npm, 404 means that what was to be removed is gone.
            Method::PUT | Method::PATCH | Method::DELETE => StatusCode::METHOD_NOT_ALLOWED,
            _ => StatusCode::NOT_FOUND,
        };
        let failure = if place == Place::Below && is_right {
            Self::new(status, format!("{problem}: this registry doesn't have what the client asks for"))
        } else {
            let what = meant.map_or("this registry", |(protocol, ..)| protocol.what);
            let url = format!("{root}{below}");
            let subject = Target::Field("public_url".to_owned());
            let diagnosis = Diagnosis::new("registry-path", subject, format!("{problem} of the registry"))
                .expected(&url)
                .fix("use the URL that is expected, with its path and no other");
            Self::new(status, format!("{problem}; {what} is at {url}")).with_diagnosis(diagnosis)
        };
        if path.contains(PUSH) { failure.in_text() } else { failure }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(url: &str, path: &str, place: Place) -> String {
        Failure::nowhere(url, &Method::GET, path, place).message().to_owned()
    }

    #[test]
    fn a_known_protocols_path_names_its_own_root() {
        for (path, expected) in [
            ("/api/v1/gems", "RubyGems of this registry is at http://localhost/r/rubygems/"),
            ("/api/v1/oidc/trusted_publisher/exchange_token", "at http://localhost/r/rubygems/"),
            ("/rubygems/specs.4.9.gz", "at http://localhost/r/rubygems/"),
            ("/npm/legacy/", "at http://localhost/r/legacy/"),
            ("/npm/_/oidc/mint-token", "at http://localhost/r/legacy/"),
            ("/npm/simple/widget/", "at http://localhost/r/simple/"),
            ("/npm/index/config.json", "at http://localhost/r/index/"),
            ("/config.json", "at http://localhost/r/index/"),
            ("/npm/api/v1/crates/new", "cargo of this registry is at http://localhost/r/"),
            ("/-/ping", "; this registry is at http://localhost/r/"),
        ] {
            for url in ["http://localhost/r", "http://localhost/r/"] {
                let said = said(url, path, Place::Beside);
                assert!(said.ends_with(expected), "{path}: {said}");
            }
        }
    }

    #[test]
    fn nobody_is_told_the_url_that_they_use() {
        for path in
            ["/rubygems/specs.4.9.gz", "/simple/a/b", "/legacy/x", "/index/x", "/-/x", "/api/v1/crates/a"]
        {
            let said = said("http://localhost/r", path, Place::Below);
            assert!(!said.contains("http://"), "{path}: {said}");
        }
        let npm = said("http://localhost/r", "/npm/-/ping", Place::Below);
        assert!(npm.ends_with("; this registry is at http://localhost/r/"), "{npm}");
        for path in ["/api/v1/gems", "/rubygems/gems/api/v1/gems", "/simple/api/v1/api_key"] {
            let other = said("http://localhost/r", path, Place::Below);
            assert!(
                other.ends_with("of this registry is at http://localhost/r/rubygems/"),
                "{path}: {other}"
            );
        }
    }
}
