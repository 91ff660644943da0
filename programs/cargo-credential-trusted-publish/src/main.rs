//! A credential provider for cargo. See `cargo-credential-trusted-publish --help`.

use std::process::ExitCode;

fn main() -> ExitCode {
    cargo_credential_trusted_publish::main(std::env::args())
}
