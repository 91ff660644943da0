//! The demonstration, as a library: its binary and the tests embed it. The short programs are in `examples/`.

pub mod demo;
#[allow(dead_code, reason = "`main` is the example's")]
#[path = "../examples/own_http_client.rs"]
mod own_http_client;
#[allow(dead_code, reason = "`main` is the example's")]
#[path = "../examples/own_tables.rs"]
mod own_tables;

/// The README's examples, compiled.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
pub struct Readme;

/// The examples of docs/operating.md, compiled.
#[cfg(doctest)]
#[doc = include_str!("../../docs/operating.md")]
pub struct Operating;
