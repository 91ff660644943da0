//! A publish tool that embeds the client half. See `trusted-publish --help`.

use std::io::{self, Write as _};
use std::process::ExitCode;

use clap::Parser as _;
use trusted_publish::{Arguments, PublishError, run};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let format = arguments.format();
    match publish(arguments).await {
        Ok(status) => ExitCode::from(status),
        Err(error) => {
            // Where standard error is closed there is nobody to tell.
            let _told = writeln!(io::stderr(), "{}", format.error(&error));
            ExitCode::from(error.status())
        }
    }
}

async fn publish(arguments: Arguments) -> Result<u8, PublishError> {
    let context = arguments.context()?;
    run(arguments, &oidc_providers::all(), &context, &mut io::stdout(), &mut io::stderr()).await
}
