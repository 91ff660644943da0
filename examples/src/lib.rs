//! The demonstration, as a library: its binary and the tests embed it. The short programs are in `examples/`.

pub mod demo;
/// The example of an HTTP client of one's own, which the demonstration sends its requests with.
#[allow(dead_code, reason = "`main` is the example's")]
#[path = "../examples/own_http_client.rs"]
mod own_http_client;

/// The README's examples, compiled.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
pub struct Readme;

/// The examples of docs/operating.md, compiled.
#[cfg(doctest)]
#[doc = include_str!("../../docs/operating.md")]
pub struct Operating;
