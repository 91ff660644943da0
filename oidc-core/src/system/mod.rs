//! The real outside world: the one place that reads the process's environment and clock.
//!
//! What stands here needs neither a runtime nor TLS. `tokio` (feature `tokio`) adds what needs a runtime, `http` (feature
//! `system`) what needs TLS.

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
