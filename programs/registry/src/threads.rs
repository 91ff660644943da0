//! The threads of the program.

use std::io;

use oidc_core::Environment;
use tokio::runtime::{Builder, Runtime};

/// The variable by which users of tokio set the number of threads.
const VARIABLE: &str = "TOKIO_WORKER_THREADS";

/// Returns the runtime of the program. It has a thread for every two processors, unless `TOKIO_WORKER_THREADS` sets their
/// number: the others are left to the threads of SQLite or to a server on the same machine, and the fewer threads share the
/// requests, the less often one has to wake another.
///
/// # Errors
///
/// When the system starts no thread.
pub fn runtime(environment: &Environment) -> io::Result<Runtime> {
    let mut builder = Builder::new_multi_thread();
    if environment.get(VARIABLE).is_none() {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        builder.worker_threads(processors.div_ceil(2));
    }
    builder.enable_all().build()
}
