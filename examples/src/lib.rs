//! The reference programs, as a library: their binaries, and the tests, embed it.

pub mod demo;
pub mod issuer;
pub mod listener;
pub mod publish;
pub mod registry;
pub mod shutdown;

/// The README's examples, compiled.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
pub struct Readme;

/// The examples of docs/operating.md, compiled.
#[cfg(doctest)]
#[doc = include_str!("../../docs/operating.md")]
pub struct Operating;
