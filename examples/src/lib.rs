//! Trusted publishing.

pub mod issuer;
pub mod registry;
pub mod shutdown;
