//! npm, pnpm, yarn and bun, which read each other's files.

pub(crate) mod bun;
pub(crate) mod config;
pub(crate) mod credentials;
pub(crate) mod files;
pub(crate) mod names;
pub(crate) mod packages;
pub(crate) mod pnpm;
pub(crate) mod workspace;
pub(crate) mod yarn;
