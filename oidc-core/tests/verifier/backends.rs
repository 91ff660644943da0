//! Both back ends against Project Wycheproof's vectors.

use oidc_core::verify::backend::{AwsLc, Backend, RustCrypto};

use crate::vectors;

fn back_ends() -> [&'static dyn Backend; 2] {
    [&AwsLc, &RustCrypto]
}

#[test]
fn rsa_signatures_are_judged_as_by_wycheproof() {
    for backend in back_ends() {
        vectors::rsa(backend);
    }
}

#[test]
fn ecdsa_signatures_are_judged_as_by_wycheproof() {
    for backend in back_ends() {
        vectors::ecdsa(backend);
        vectors::ecdsa_384(backend);
    }
}

#[test]
fn eddsa_signatures_are_judged_as_by_wycheproof() {
    for backend in back_ends() {
        vectors::eddsa(backend);
    }
}
