//! `registry`: a small real registry that embeds the server half. See `registry --help` and the README.

mod access;
mod activation;
mod audit;
pub mod authorize;
mod blobs;
mod cargo;
mod choices;
mod cli;
mod config;
pub mod database;
mod ecosystems;
mod failure;
pub mod hosting;
mod intake;
mod nowhere;
pub mod npm;
mod owners;
mod pieces;
mod platforms;
mod provenance;
mod pypi;
mod reconcile;
mod representation;
mod rubygems;
mod running;
mod trust;
mod ui;
mod unsupported;

pub use cli::{Arguments, run};
pub use config::{
    Config, Ecosystem, InvalidConfig, Limits, PackageEntry, ProvenanceEntry, ProvenanceRule, ProviderEntry,
    PublisherEntry, Tls, TrustEntry,
};
pub use running::{Running, StartError};
pub use ui::LogIn;
