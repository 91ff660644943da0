//! A trusted publish from end to end, on loopback: `cargo run -p examples --bin demo`.

use std::io::{self, Write as _};
use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    match examples::demo::run(&mut io::stdout()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Where standard error is closed there is nobody to tell.
            let _told = writeln!(io::stderr(), "demo: {error}");
            ExitCode::FAILURE
        }
    }
}
