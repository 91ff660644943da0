//! The operations of npm's own registry that this one doesn't support.

use crate::unsupported::{IMMUTABLE, NO_USERS, Operation, PUBLISHERS};

/// The path to which `npm unpublish` and `npm owner` write.
pub(super) static REVISION: Operation =
    Operation { what: "unpublishing or changing a package's owners", instead: IMMUTABLE, needs_token: true };
/// The document that `npm deprecate` and `npm star` write: the package's own without a tarball.
pub(super) static DOCUMENT: Operation = Operation {
    what: "a document without a tarball, as for deprecating, unpublishing or starring,",
    instead: IMMUTABLE,
    needs_token: true,
};
static ACCESS: Operation =
    Operation { what: "managing the access of users and teams", instead: PUBLISHERS, needs_token: true };
static USERS: Operation =
    Operation { what: "a login or another operation of users", instead: NO_USERS, needs_token: false };
static TOKENS: Operation = Operation { what: "managing access tokens", instead: NO_USERS, needs_token: true };
static HOOKS: Operation =
    Operation { what: "managing hooks", instead: "ask the registry's operator", needs_token: true };
static STAGING: Operation =
    Operation { what: "staged publishing", instead: "publish with `npm publish`", needs_token: true };
static SEARCH: Operation =
    Operation { what: "searching", instead: "ask for a package by its name", needs_token: false };

/// The operation that a path's segments stand for, if it is one of these.
///
/// Advisories and signing keys are not among them: a client asks for those with every installation and takes 404 as it is meant.
pub(super) fn unsupported(segments: &[&str]) -> Option<&'static Operation> {
    match segments {
        [_, .., "-rev", _] => Some(&REVISION),
        ["-", "package", _, .., "access" | "collaborators"] | ["-", "team" | "org", ..] => Some(&ACCESS),
        ["-", "user", "token", ..] | ["-", "npm", "v1", "tokens", ..] => Some(&TOKENS),
        ["-", "user" | "whoami", ..] | ["-", "v1", "login" | "done", ..] | ["-", "npm", "v1", "user", ..] => {
            Some(&USERS)
        }
        ["-", "npm", "v1", "hooks", ..] => Some(&HOOKS),
        ["-", "stage", ..] => Some(&STAGING),
        ["-", "v1", "search"] | ["-", "all"] => Some(&SEARCH),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_clients_ask_for_is_known() {
        for (path, operation) in [
            ("widget/-rev/1-x", &REVISION),
            ("@acme/widget/-rev/undefined", &REVISION),
            ("@acme%2fwidget/-/widget-1.0.0.tgz/-rev/undefined", &REVISION),
            ("-/package/widget/access", &ACCESS),
            ("-/package/@acme/widget/collaborators", &ACCESS),
            ("-/team/acme/developers/package", &ACCESS),
            ("-/org/acme/user", &ACCESS),
            ("-/user/org.couchdb.user:x", &USERS),
            ("-/user/token/x", &TOKENS),
            ("-/npm/v1/tokens/token/x", &TOKENS),
            ("-/npm/v1/user", &USERS),
            ("-/v1/login", &USERS),
            ("-/whoami", &USERS),
            ("-/npm/v1/hooks/hook/1", &HOOKS),
            ("-/stage/package/@acme%2fwidget", &STAGING),
            ("-/v1/search", &SEARCH),
        ] {
            let segments: Vec<&str> = path.split('/').collect();
            assert_eq!(unsupported(&segments), Some(operation), "{path}");
        }
        for path in [
            "widget",
            "-rev/1",
            "-/ping",
            "-/package/access/dist-tags",
            "-/npm/v1/keys",
            "-/package/access/trust",
        ] {
            let segments: Vec<&str> = path.split('/').collect();
            assert_eq!(unsupported(&segments), None, "{path}");
        }
    }
}
