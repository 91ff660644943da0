//! The registry over HTTP: what it hosts, who may publish, its tokens, its start and its end.

mod crash;
mod file;
mod gem_hosting;
mod gem_versions;
mod npm_hosting;
mod platforms;
mod postgres;
mod prefixes;
mod program;
mod provenance;
mod recipes;
mod tokens;
mod trust;
mod unsupported;
