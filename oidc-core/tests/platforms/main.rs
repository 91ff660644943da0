//! Platforms: the deadline and the tries of what they ask for, and the suite that each of them passes.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod operation;
mod suite;
