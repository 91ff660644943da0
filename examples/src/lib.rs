//! The demonstration, as a library: its binary and the tests embed it. The short programs are in `examples/`.

pub mod demo;

/// The README's examples, compiled.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
pub struct Readme;

/// The examples of docs/operating.md, compiled.
#[cfg(doctest)]
#[doc = include_str!("../../docs/operating.md")]
pub struct Operating;
