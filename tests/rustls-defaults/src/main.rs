//! An application that uses rustls with its default features, and these crates beside it. Neither breaks the other.

use oidc_core::Context;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // Nothing is installed: ours takes what its feature names, and installs nothing itself.
    let _ours = Context::system()?;
    if rustls::crypto::CryptoProvider::get_default().is_some() {
        return Err("oidc-core chose the cryptography of the whole process".into());
    }

    // rustls can't choose between two providers in one build, so an application with both installs one.
    #[cfg(feature = "system-ring")]
    rustls::crypto::aws_lc_rs::default_provider().install_default().map_err(|_| "installed twice")?;
    // With one provider in the build, an application that knows nothing of ours goes on as before.
    let _own = rustls::ClientConfig::builder();

    // Now there is an installed provider, and ours takes it.
    let _ours = Context::system()?;
    println!("rustls and oidc-core work beside each other");
    Ok(())
}
