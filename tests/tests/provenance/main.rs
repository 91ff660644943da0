//! Provenance, from the job that signs to whoever verifies: our programs and libraries against the Sigstore instance of
//! `ci-issuer`, which makes certificates by a table of its own.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]
// The program is run as a job runs it.
#![allow(clippy::disallowed_methods)]

mod doctor;
mod programs;
mod services;
mod world;
