//! The parts of PEP 807's protocol that both ends need: paths, the media type, lifetimes.
//!
//! **A draft.** PEP 807, "Index support for Trusted Publishing", has the status Draft. This module follows its text
//! of August 2026, which may change before it is accepted, and may never be accepted. No index is known to serve it,
//! and no other client is known to use it. Both halves are tested against each other and against the text only.
//!
//! Source: python/peps, `peps/pep-0807.rst`.

use std::time::Duration;

/// The path that describes an index's support, at the root of the host that takes the uploads.
pub const DISCOVERY_PATH: &str = "/.well-known/pytp";

/// The query parameter of that path: the upload URL's path, percent-encoded.
pub const DISCOVERY_PARAMETER: &str = "discover";

/// The media type of requests' `Accept` and of answers.
pub const MEDIA_TYPE: &str = "application/vnd.pypi.pytp.v1+json";

/// The shortest lifetime of a publish token. It is assumed where an answer names no lifetime.
pub const MIN_LIFETIME: Duration = Duration::from_secs(900);

/// The longest lifetime of a publish token: as long as a job may run on common platforms.
pub const MAX_LIFETIME: Duration = Duration::from_secs(21_600);

/// The feature of tokens that are valid for several uploads, which is the default.
pub const MULTI_USE: &str = "multi-use-token";
