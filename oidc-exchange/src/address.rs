//! An audience that several protocols derive from a registry's URL.

use oidc_core::{Audience, HttpUrl, InvalidAudience};

/// A URL without its scheme and without a slash at its end: `crates.io`, `127.0.0.1:4873/rubygems`.
pub(crate) fn without_scheme(url: &HttpUrl) -> Result<Audience, InvalidAudience> {
    Audience::new(format!("{}{}", url.host_and_port(), url.path().trim_end_matches('/')))
}
