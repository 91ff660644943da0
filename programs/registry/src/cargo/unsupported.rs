//! The operations of crates.io that this registry doesn't support.

use crate::unsupported::{IMMUTABLE, Operation, PUBLISHERS};

static YANK: Operation =
    Operation { what: "yanking or unyanking a version", instead: IMMUTABLE, needs_token: true };
static OWNERS: Operation =
    Operation { what: "listing or changing a crate's owners", instead: PUBLISHERS, needs_token: true };
static SEARCH: Operation =
    Operation { what: "searching", instead: "ask for a crate by its name", needs_token: false };
static PUBLISHER: Operation =
    Operation { what: "managing trusted publishers over this API", instead: PUBLISHERS, needs_token: true };
static OTHER: Operation = Operation {
    what: "this operation of crates.io's API",
    instead: "crates are published, downloaded and looked up in the sparse index",
    needs_token: true,
};

/// The operation that a path below `/api/v1/` stands for, which is none that is served.
pub(super) fn operation(path: &str) -> &'static Operation {
    let segments: Vec<&str> = path.trim_start_matches("/api/v1/").trim_end_matches('/').split('/').collect();
    match segments.as_slice() {
        ["crates", _, _, "yank" | "unyank"] => &YANK,
        ["crates", _, "owners" | "owner_user" | "owner_team"] => &OWNERS,
        ["crates"] => &SEARCH,
        ["trusted_publishing", ..] => &PUBLISHER,
        _ => &OTHER,
    }
}
