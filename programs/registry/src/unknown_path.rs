//! The answer to a path at which nothing is served. It names the protocol that the client probably speaks, and its URL.

use axum::http::{Method, StatusCode};
use oidc_core::{Diagnosis, Target};

use super::failure::Failure;
use super::rubygems;

/// The path of cargo's index, below the registry's URL.
const INDEX: &str = "/index/";

/// A protocol with a root of its own, below the registry's URL.
struct Protocol {
    /// The name of this part of the registry.
    what: &'static str,
    root: &'static str,
    /// The parts of paths that its clients' requests have, and no other protocol's.
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

/// The path of `gem push`, which shows an answer as it is.
const PUSH: &str = "/api/v1/gems";
/// The paths at which npm's clients ask by `POST` for what is known of packages, and take 404 for a registry that knows nothing.
const ADVISORIES: &str = "/-/npm/v1/security/";

/// The position of an unknown path in relation to the registry's URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Position {
    /// Below the registry's URL, so that the URL is right. The path is given without the URL's own path.
    InsideRegistry,
    /// Elsewhere on the registry's host.
    OutsideRegistry,
}

impl Failure {
    /// The answer to a path at which this registry, whose URL is `public_url`, serves nothing.
    pub(super) fn unknown_path(public_url: &str, method: &Method, path: &str, position: Position) -> Self {
        let meant = Meant::by(path);
        let problem = "nothing is served at this path";
        let failure = if position == Position::InsideRegistry && meant.is_at_its_root(path) {
            let message = format!("{problem}: this registry doesn't have what the client asks for");
            Self::at_no_path(method, path, message)
        } else {
            let url = format!("{}{}", public_url.trim_end_matches('/'), meant.root());
            let message = format!("{problem}; {} is at {url}", meant.what());
            Self::at_no_path(method, path, message).with_diagnosis(other_url(problem, &url))
        };
        if path.contains(PUSH) { failure.in_text() } else { failure }
    }

    fn at_no_path(method: &Method, path: &str, message: String) -> Self {
        if is_write(method, path) {
            Self::new(StatusCode::METHOD_NOT_ALLOWED, message).allowing("")
        } else {
            Self::new(StatusCode::NOT_FOUND, message)
        }
    }
}

/// The protocol that a path probably belongs to, with the part of the path that says so and its position.
struct Meant(Option<(&'static Protocol, &'static str, usize)>);

impl Meant {
    fn by(path: &str) -> Self {
        Self(PROTOCOLS.iter().find_map(|protocol| {
            let parts = protocol.paths.iter().filter_map(|part| path.find(part).map(|at| (*part, at)));
            parts.max_by_key(|(_, at)| *at).map(|(part, at)| (protocol, part, at))
        }))
    }

    fn root(&self) -> &'static str {
        self.0.map_or("/", |(protocol, ..)| protocol.root)
    }

    fn what(&self) -> &'static str {
        self.0.map_or("this registry", |(protocol, ..)| protocol.what)
    }

    /// Returns `true` if the client's own path begins at the protocol's root: the client was then given the right URL.
    fn is_at_its_root(&self, path: &str) -> bool {
        let Some((protocol, part, at)) = self.0 else { return true };
        let before = path.get(..at).unwrap_or_default().trim_end_matches('/');
        before == protocol.root.trim_end_matches('/') || (at == 0 && protocol.root.starts_with(part))
    }
}

/// Returns `true` if the client wants something changed. It must not get 404: to npm, what was to be removed is gone then, and
/// to a client that exchanges a token, nobody trusts its job.
fn is_write(method: &Method, path: &str) -> bool {
    match *method {
        Method::POST => !path.contains(ADVISORIES),
        Method::PUT | Method::PATCH | Method::DELETE => true,
        _ => false,
    }
}

fn other_url(problem: &str, url: &str) -> Diagnosis {
    let target = Target::Field("public_url".to_owned());
    Diagnosis::new("registry-path", target, format!("{problem} of the registry"))
        .expected(url)
        .fix("use the URL that is expected, with its path and no other")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(url: &str, path: &str, position: Position) -> String {
        Failure::unknown_path(url, &Method::GET, path, position).message().to_owned()
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
                let said = said(url, path, Position::OutsideRegistry);
                assert!(said.ends_with(expected), "{path}: {said}");
            }
        }
    }

    #[test]
    fn a_write_at_no_path_is_not_allowed_and_a_read_is_not_found() {
        let status = |method: &Method, path: &str, position| {
            Failure::unknown_path("http://localhost/r", method, path, position).status()
        };
        for position in [Position::InsideRegistry, Position::OutsideRegistry] {
            for path in
                ["/-/x", "/api/v1/gems", "/npm/legacy/", "/a/b/c", "/npm/api/v1/trusted_publishing/tokens"]
            {
                for method in [Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
                    assert_eq!(status(&method, path, position), 405, "{method} {path}");
                }
                for method in [Method::GET, Method::HEAD, Method::OPTIONS] {
                    assert_eq!(status(&method, path, position), 404, "{method} {path}");
                }
            }
            for path in ["/-/npm/v1/security/advisories/bulk", "/npm/-/npm/v1/security/audits/quick"] {
                assert_eq!(status(&Method::POST, path, position), 404, "a question, and not a write: {path}");
                assert_eq!(status(&Method::PUT, path, position), 405, "{path}");
            }
        }
    }

    #[test]
    fn nobody_is_told_the_url_that_they_use() {
        for path in
            ["/rubygems/specs.4.9.gz", "/simple/a/b", "/legacy/x", "/index/x", "/-/x", "/api/v1/crates/a"]
        {
            let said = said("http://localhost/r", path, Position::InsideRegistry);
            assert!(!said.contains("http://"), "{path}: {said}");
        }
        let npm = said("http://localhost/r", "/npm/-/ping", Position::InsideRegistry);
        assert!(npm.ends_with("; this registry is at http://localhost/r/"), "{npm}");
        for path in ["/api/v1/gems", "/rubygems/gems/api/v1/gems", "/simple/api/v1/api_key"] {
            let other = said("http://localhost/r", path, Position::InsideRegistry);
            assert!(
                other.ends_with("of this registry is at http://localhost/r/rubygems/"),
                "{path}: {other}"
            );
        }
    }
}
