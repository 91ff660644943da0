//! Both halves on wasm32: the pure-Rust back end against Project Wycheproof's vectors, a token from its signature to its
//! refusals, and an exchange over an HTTP client whose futures are not `Send`. What doesn't hold ends the program with a panic that names it.

mod exchange;
mod issuer;
#[path = "../../oidc-core/tests/verifier/vectors.rs"]
mod vectors;
mod world;

use std::pin::pin;
use std::task::{Context, Poll, Waker};

use oidc_core::verify::backend::RustCrypto;
use oidc_core::verify::{Reason, Verifier, VerifyError};
use oidc_core::{Audience, Claims, Provider, ProviderSet, Verified};
use oidc_providers::{GitHub, github};
use serde_json::{Value, json};

use crate::issuer::{Issuer, KEY_ID};
use crate::world::world;

const ISSUER: &str = "https://token.actions.githubusercontent.com";
const AUDIENCE: &str = "npm:registry.example";
const NOW: u64 = 1_800_000_000;

fn main() {
    println!("RS256: {} signatures are judged as by Wycheproof", vectors::rsa(&RustCrypto));
    println!("ES256: {} signatures are judged as by Wycheproof", vectors::ecdsa(&RustCrypto));
    println!("ES384: {} signatures are judged as by Wycheproof", vectors::ecdsa_384(&RustCrypto));
    println!("EdDSA: {} signatures are judged as by Wycheproof", vectors::eddsa(&RustCrypto));

    let jwks = Issuer::new().jwks();
    let github = || ProviderSet::default().with(GitHub::public());
    let configured = github().with_settings(oidc_core::Issuer::constant(ISSUER).with_keys(jwks.clone()));
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    check("configured keys", &configured, None, |verifier, token| at_once(verifier.verify(token)));
    check("fetched keys", &github(), Some(&jwks), |verifier, token| at_once(verifier.verify(token)));
    check("fetched keys, on tokio's runtime", &github(), Some(&jwks), |verifier, token| {
        runtime.block_on(verifier.verify(token))
    });

    let claims = github::sample::claims(ISSUER, AUDIENCE, NOW, "id-2");
    let token = Issuer::new().sign(KEY_ID, &claims);
    let length = at_once(exchange::publish(&token, &configured, ISSUER, NOW));
    println!("an exchange by futures that are not `Send`: a publish token of {length} bytes");
}

fn check(
    how: &str,
    providers: &ProviderSet,
    published: Option<&Value>,
    verify: impl Fn(&Verifier, &str) -> Result<Verified<Claims>, VerifyError>,
) {
    let issuer = Issuer::new();
    let claims = github::sample::claims(ISSUER, AUDIENCE, NOW, "id-1");
    let token = issuer.sign(KEY_ID, &claims);
    let verifier = |audience, now| {
        let audience = Audience::new(audience).expect("an audience");
        Verifier::new(RustCrypto, [audience], providers, &world(now, ISSUER, published.cloned())).expect(how)
    };
    let reason =
        |verifier: &Verifier, token: &str| verify(verifier, token).err().map(|error| error.reason().clone());

    let registry = verifier(AUDIENCE, NOW);
    let verified = verify(&registry, &token).expect(how);
    let publisher = json!({ "repository": "acme/widget", "workflow": "publish.yml" });
    let publisher = GitHub::public().publisher(&publisher).expect("a publisher");
    publisher.check(&verified).expect(how);

    let changed = (0..token.len()).filter(|&at| reason(&registry, &with_other_byte(&token, at)).is_none());
    assert_eq!(changed.collect::<Vec<_>>(), [0; 0], "{how}: accepted with these bytes changed");
    let refused = reason(&registry, &issuer.sign("another", &claims));
    assert_eq!(refused, Some(Reason::UnknownKey), "{how}: another key");
    let refused = reason(&verifier("npm:other.example", NOW), &token);
    assert!(matches!(refused, Some(Reason::Audience { .. })), "{how}: another audience: {refused:?}");
    let refused = reason(&verifier(AUDIENCE, NOW + 3600), &token);
    assert!(matches!(refused, Some(Reason::Expired { .. })), "{how}: an hour later: {refused:?}");
    println!("{how}: a token is accepted, and refused with any of its {} bytes changed", token.len());
}

fn with_other_byte(token: &str, at: usize) -> String {
    let other = |(index, byte)| match byte {
        byte if index != at => byte,
        'A' => 'B',
        _ => 'A',
    };
    token.chars().enumerate().map(other).collect()
}

/// Returns the output of a future that waits for nothing.
fn at_once<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("it waits, and there is nothing to wait for"),
    }
}
