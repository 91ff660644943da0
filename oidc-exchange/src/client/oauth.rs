//! The common part of all rows over OAuth 2.0 token exchange (RFC 8693).

use super::known::KnownRefusal;
use super::posted::{Endpoint, Expiry, Posted};
use crate::token_exchange::{GRANT_TYPE, ID_TOKEN_TYPE};

/// Refusals with the codes of RFC 6749, section 5.2, and RFC 8693, section 2.2.2.
pub(super) static REFUSALS: &[KnownRefusal] = &[
    KnownRefusal::of_token(
        "unsupported_grant_type",
        "use another credential: this server exchanges no tokens",
    ),
    KnownRefusal::of_token(
        "invalid_client",
        "name a client that the server knows as a public one, or ask its operator to exchange identity tokens without \
         authentication of the client",
    ),
];

/// The members of a token exchange, which every row over RFC 8693 has.
pub(super) fn grant(endpoint: impl Into<Endpoint>) -> Posted {
    Posted::json(endpoint, "subject_token", "access_token", Expiry::In("expires_in"))
        .with("grant_type", GRANT_TYPE)
        .with("subject_token_type", ID_TOKEN_TYPE)
        .of_oauth()
}
