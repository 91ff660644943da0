//! The registry over HTTP: what it hosts, who may publish, its tokens, the memory that it takes, its start
//! and its end.

#[cfg(target_os = "linux")]
mod bounds;
mod crash;
mod file;
mod gem_hosting;
mod gem_versions;
mod npm_hosting;
mod npm_trust;
mod owners;
mod platforms;
mod postgres;
mod prefixes;
mod program;
mod provenance;
mod recipes;
mod tokens;
mod unsupported;
