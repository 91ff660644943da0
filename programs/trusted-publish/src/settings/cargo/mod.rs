//! cargo.

pub(crate) mod alias;
pub(crate) mod config;
pub(crate) mod files;
pub(crate) mod named;
