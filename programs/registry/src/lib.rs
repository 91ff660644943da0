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
mod dependencies;
mod ecosystems;
mod failure;
pub mod hosting;
mod intake;
mod log;
mod metered;
pub mod npm;
mod npm_trust;
mod origin;
mod owners;
mod pieces;
mod platforms;
mod presented;
mod provenance;
mod pypi;
mod reconcile;
mod representation;
mod rubygems;
mod running;
mod services;
mod start_error;
mod stop;
mod threads;
mod tls;
mod token_exchange;
mod turns;
mod ui;
mod unknown_path;
mod unsupported;

pub use cli::{Arguments, run};
pub use config::{
    Config, Ecosystem, InvalidConfig, Limits, PackageEntry, ProvenanceEntry, ProvenanceRule, ProviderEntry,
    PublisherEntry, ScopeEntry, Tls, TrustEntry,
};
pub use log::log_has_colours;
pub use provenance::{Origin, origins};
pub use running::Running;
pub use start_error::StartError;
pub use threads::runtime;
pub use ui::LogIn;
