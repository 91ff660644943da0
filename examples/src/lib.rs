//! The examples of the README and of `docs/`, compiled. The short programs are in `examples/`, the demonstration is in `src/bin/`.

#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
#[doc = include_str!("../../docs/operating.md")]
pub struct Documents;
