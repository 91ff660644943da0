//! A path at which nothing is served: which protocol was meant by it, and where that one is.

use axum::http::StatusCode;
use oidc_core::{Diagnosis, Subject};

use super::failure::Failure;
use super::rubygems;

/// Where cargo's index is, below the registry's URL.
const INDEX: &str = "/index/";

/// A protocol with a root of its own, below the registry's URL.
struct Protocol {
    /// What it is for.
    what: &'static str,
    root: &'static str,
    /// What its clients' requests hold, and no other protocol's.
    paths: &'static [&'static str],
}

static PROTOCOLS: &[Protocol] = &[
    Protocol {
        what: "RubyGems",
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
    Protocol { what: "Python's uploads", root: "/legacy/", paths: &["/legacy", "/_/oidc"] },
    Protocol { what: "Python's index", root: "/simple/", paths: &["/simple", "/pypi/"] },
    Protocol { what: "cargo's index", root: INDEX, paths: &["/index/", "/config.json"] },
    Protocol { what: "cargo", root: "/", paths: &["/api/v1/crates", "/api/v1/trusted_publishing"] },
];

/// What `gem push` asks; it shows an answer as it is.
const PUSH: &str = "/api/v1/gems";

impl Failure {
    /// No path of this registry, which is at `public_url`.
    pub(super) fn nowhere(public_url: &str, path: &str) -> Self {
        let root = public_url.trim_end_matches('/');
        let meant = PROTOCOLS.iter().find(|protocol| protocol.paths.iter().any(|part| path.contains(part)));
        let (whose, url) = match meant {
            Some(protocol) => {
                (format!("{} of this registry is", protocol.what), format!("{root}{}", protocol.root))
            }
            None => ("this registry is".to_owned(), format!("{root}/")),
        };
        let subject = Subject::Field("public_url".to_owned());
        let diagnosis =
            Diagnosis::new("registry-path", subject, "nothing is served at this path of the registry")
                .expected(&url)
                .fix("use the URL that is expected, with its path and no other");
        let message = format!("nothing is served at this path; {whose} at {url}");
        let failure = Self::new(StatusCode::NOT_FOUND, message).with_diagnosis(diagnosis);
        if path.contains(PUSH) { failure.in_text() } else { failure }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
                let failure = Failure::nowhere(url, path);
                assert!(failure.message().ends_with(expected), "{path}: {}", failure.message());
            }
        }
    }
}
