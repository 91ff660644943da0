//! Trusted publishing.
