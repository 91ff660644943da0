//! The real outside world: the one place that reads the process's environment and clock.
//!
//! What stands here needs neither a runtime nor TLS. `tokio` (feature `system`) adds what does.

mod blocking;
mod files;
#[cfg(feature = "system")]
mod tokio;

pub use self::blocking::{BlockingClock, BlockingCommands};
pub use self::files::SystemFiles;
#[cfg(feature = "system")]
pub use self::tokio::SystemClock;
