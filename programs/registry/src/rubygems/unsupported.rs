//! The operations of rubygems.org that this registry doesn't support.

use crate::unsupported::{IMMUTABLE, NO_USERS, Operation, PUBLISHERS};

static YANK: Operation = Operation { what: "yanking a gem", instead: IMMUTABLE, needs_token: true };
static OWNERS: Operation =
    Operation { what: "listing or changing a gem's owners", instead: PUBLISHERS, needs_token: true };
static USERS: Operation =
    Operation { what: "signing in or managing API keys", instead: NO_USERS, needs_token: false };
static ROLES: Operation = Operation {
    what: "an API key role",
    instead: "exchange the job's identity as a trusted publisher, at `oidc/trusted_publisher/exchange_token`",
    needs_token: false,
};
static HOOKS: Operation =
    Operation { what: "managing hooks", instead: "ask the registry's operator", needs_token: true };
static SEARCH: Operation =
    Operation { what: "searching", instead: "ask for a gem by its name", needs_token: false };
static OTHER: Operation = Operation {
    what: "this operation of rubygems.org's API",
    instead: "gems are pushed, and looked up in the compact index",
    needs_token: true,
};

/// The operation that a path with `/api/` stands for, which is none that is served.
pub(super) fn operation(path: &str) -> &'static Operation {
    let below = path.split_once("/api/").map_or("", |(_, below)| below);
    let segments: Vec<&str> = below.trim_end_matches('/').split('/').collect();
    match segments.as_slice() {
        [_, "gems", "yank"] => &YANK,
        [_, "gems", _, "owners" | "owners.json" | "owners.yaml"] | [_, "owners", ..] => &OWNERS,
        [
            _,
            "api_key" | "api_key.json" | "api_key.yaml" | "profile" | "profiles" | "webauthn_verification",
            ..,
        ] => &USERS,
        [_, "oidc", "api_key_roles" | "providers" | "id_tokens", ..] => &ROLES,
        [_, "web_hooks" | "web_hooks.json", ..] => &HOOKS,
        [_, "search.json" | "search.yaml" | "search", ..] => &SEARCH,
        _ => &OTHER,
    }
}
