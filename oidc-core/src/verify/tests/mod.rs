//! Tests of what can't be reached through the verifier's public methods. The others are in `tests/verifier` and `tests/rfc`.

mod wycheproof;
