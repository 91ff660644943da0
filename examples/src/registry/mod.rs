//! `registry`: a small real registry that embeds the server half. See `registry --help` and the README.

mod access;
mod audit;
mod cli;
mod config;
pub mod database;
pub mod npm;
mod reconcile;
mod running;

pub use cli::{Arguments, run};
pub use config::{Config, Ecosystem, InvalidConfig, PackageEntry, ProviderEntry, PublisherEntry, Tls};
pub use running::{Running, StartError};
