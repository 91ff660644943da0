//! The real clients of every ecosystem, against a registry and a CI platform on loopback.

mod cargo;
mod cargo_provider;
mod documented;
mod exec;
mod exec_extensions;
mod exec_files;
mod exec_overlooked;
mod exec_provenance;
mod exec_services;
mod exec_spelled;
mod gem;
mod messages;
mod npm;
mod npm_provenance;
mod npm_settings;
mod pep_807;
mod played_sigstore;
mod pypi;
mod refusals;
mod supported;
mod token_exchange;
mod unsupported;
mod workspaces;
