//! gem.

pub(crate) mod asked;
pub(crate) mod config;
pub(crate) mod rc;
