//! Fakes for tests, for this workspace and for crates that build on it, and [the suite](conformance) that every
//! platform passes. The fakes are exempt from semver; the suite follows it.
//!
//! [`FakePlatform`] is a platform for tests that need any platform.
//!
//! Only real verification makes a [`Verified`]: [`verified`] signs with a [`FakeIssuer`] and verifies the
//! signed token.

mod clock;
pub mod conformance;
mod http;
mod issuer;
mod platform;

use std::sync::Arc;

use serde_json::Value;

pub use self::clock::ManualClock;
pub use self::http::FakeHttp;
pub use self::issuer::{FakeIssuer, SigningAlgorithm};
pub use self::platform::FakePlatform;
use crate::claims::Claims;
use crate::context::{Context, Random, RandomError};
use crate::proof::Verified;
use crate::provider::ProviderSet;
use crate::token::Audience;
use crate::verify::backend::AwsLc;
use crate::verify::{Verifier, VerifyError};

/// Signs `claims` with the key of a fake issuer, and verifies the token. The issuer's URL, the registry's
/// audience and the time are the claims' own `iss`, `aud` and `iat`.
///
/// # Errors
///
/// When the verifier refuses the token.
///
/// # Panics
///
/// When `claims` lack `iss`, `aud` or `iat`, or their `iss` is not an issuer of the providers.
#[allow(clippy::expect_used, clippy::missing_errors_doc, reason = "a helper of tests")]
pub async fn verified(providers: &ProviderSet, claims: &Value) -> Result<Verified<Claims>, VerifyError> {
    let text = |name: &str| claims.get(name).and_then(Value::as_str).expect("a text claim").to_owned();
    let issuer = Arc::new(FakeIssuer::new(text("iss")));
    let now = claims.get("iat").and_then(Value::as_u64).expect("a number `iat`");
    let cx = Context::default()
        .with_clock(ManualClock::at(now))
        .with_http(FakeHttp::of_issuer(Arc::clone(&issuer)));
    let audience = Audience::new(text("aud")).expect("an audience");
    let verifier = Verifier::new(AwsLc, [audience], providers, &cx).expect("a verifier");
    verifier.verify(&issuer.sign(claims)).await
}

/// Randomness for tests of a registry, whose ids and publish tokens have to differ.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_structs, reason = "there is nothing to set")]
pub struct TestRandom;

impl Random for TestRandom {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), RandomError> {
        aws_lc_rs::rand::fill(buffer).map_err(|error| RandomError(error.to_string()))
    }
}

/// Randomness that is always the same byte. For tests only, as its name says.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_structs, reason = "a test writes the byte")]
pub struct NotRandom(pub u8);

impl Random for NotRandom {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), RandomError> {
        buffer.fill(self.0);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::FakePlatform;

    #[test]
    fn a_registrys_randomness_differs_each_time() {
        let cx = FakePlatform::new().registry();
        let (mut one, mut other) = ([0; 32], [0; 32]);
        cx.random().fill(&mut one).unwrap();
        cx.random().fill(&mut other).unwrap();
        assert_ne!(one, other);
    }
}
