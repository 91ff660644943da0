//! Tests of what can't be reached through the verifier's door. The others are in `tests/verifier` and `tests/rfc`.

mod wycheproof;
