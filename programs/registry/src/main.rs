//! A small real registry that takes trusted publishes. See `registry --help`.

use std::io::{self, IsTerminal as _, Write as _};
use std::process::ExitCode;

use clap::Parser as _;
use oidc_core::Context;
use registry::{Arguments, log_has_colours, run, runtime};
use tracing_subscriber::EnvFilter;

fn main() -> ExitCode {
    match start(Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Where standard error is closed there is nobody to tell.
            let _told = writeln!(io::stderr(), "registry: {error}");
            ExitCode::FAILURE
        }
    }
}

fn start(arguments: Arguments) -> Result<(), Box<dyn std::error::Error>> {
    let cx = Context::system()?;
    let filter = EnvFilter::try_new(cx.environment().get("RUST_LOG").unwrap_or("info"))?;
    let ansi = log_has_colours(cx.environment(), io::stderr().is_terminal());
    tracing_subscriber::fmt().with_env_filter(filter).with_ansi(ansi).with_writer(io::stderr).init();
    runtime(cx.environment())?.block_on(run(arguments, &cx))
}
