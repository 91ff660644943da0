//! Scaffolding: a job, and a Sigstore instance with its services in memory.

pub(crate) mod job;
pub(crate) mod services;
pub(crate) mod sigstore;

pub(crate) use self::sigstore::*;
