//! All platforms together: which of them a job runs on, and the size of each one's code.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod detection;
mod folders;
