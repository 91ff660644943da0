//! A CI platform's identity provider on your own machine. See `ci-issuer --help`.

use std::io::{self, Write as _};
use std::process::ExitCode;

use ci_issuer::{Arguments, run};
use clap::Parser as _;
use oidc_core::Context;
use oidc_core::http::HttpSettings;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match serve(Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Where standard error is closed there is nobody to tell.
            let _told = writeln!(io::stderr(), "ci-issuer: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn serve(arguments: Arguments) -> Result<(), Box<dyn std::error::Error>> {
    // A running issuer is on this machine, so no proxy is between.
    let context = Context::system_with(oidc_core::Environment::default(), HttpSettings::default())?;
    let this = std::env::current_exe()?;
    Ok(run(arguments, &this, &context, &mut io::stdout()).await?)
}
