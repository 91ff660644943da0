//! The real outside world: the one place that reads the process's environment and clock.
//!
//! This module needs neither a runtime nor TLS. `tokio` (feature `tokio`) adds the parts that need a runtime,
//! and `http` (feature `system`) those that need TLS.

mod blocking;
mod files;
#[cfg(feature = "system")]
mod http;
#[cfg(feature = "tokio")]
mod tokio;

pub use self::blocking::{BlockingClock, BlockingCommands};
pub use self::files::SystemFiles;
#[cfg(feature = "tokio")]
pub use self::tokio::SystemClock;
