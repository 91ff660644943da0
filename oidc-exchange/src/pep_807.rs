//! What both ends of PEP 807's protocol need to know: paths, the media type, lifetimes.
//!
//! **A draft.** PEP 807, "Index support for Trusted Publishing", has the status Draft; what stands here is its text of August
//! 2026, and all of it may change before it is accepted, or never be. No index is known to serve it, and no client but this one
//! to ask for it: both halves are tested against each other, and against the text, and nothing else.
//!
//! Source: python/peps, `peps/pep-0807.rst`.

use std::time::Duration;

/// Where an index is asked what it supports, at the root of the host that takes the uploads.
pub const DISCOVERY_PATH: &str = "/.well-known/pytp";

/// The query's parameter there: the upload URL's path, percent-encoded.
pub const DISCOVERY_PARAMETER: &str = "discover";

/// The media type of requests' `Accept` and of answers.
pub const MEDIA_TYPE: &str = "application/vnd.pypi.pytp.v1+json";

/// A publish token lives at least so long. Where an answer doesn't say, it lives no longer either.
pub const MIN_LIFETIME: Duration = Duration::from_secs(900);

/// A publish token lives at most so long: as long as a job may run on common platforms.
pub const MAX_LIFETIME: Duration = Duration::from_secs(21_600);

/// The feature of tokens that are good for several uploads, which is the default.
pub const MULTI_USE: &str = "multi-use-token";
