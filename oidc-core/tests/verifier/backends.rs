//! Project Wycheproof's vectors for the three algorithms, against both back ends.
//!
//! The verdicts are Wycheproof's, with one allowance: what it calls acceptable may be either.

use oidc_core::verify::backend::{AwsLc, Backend, PublicKey, RustCrypto};
use wycheproof::{TestResult, ecdsa, eddsa, rsa_pkcs1_verify};

/// Counts what was checked, so that a test can't pass by checking nothing.
fn check(
    backend: &dyn Backend,
    key: &PublicKey,
    message: &[u8],
    signature: &[u8],
    result: TestResult,
) -> usize {
    let is_accepted = backend.key(key).is_ok_and(|key| key.verify(message, signature));
    match result {
        TestResult::Valid => assert!(is_accepted, "{backend:?} refuses {signature:02x?}"),
        TestResult::Invalid => assert!(!is_accepted, "{backend:?} accepts {signature:02x?}"),
        TestResult::Acceptable => {}
    }
    1
}

fn back_ends() -> [&'static dyn Backend; 2] {
    [&AwsLc, &RustCrypto]
}

fn without_leading_zeros(number: &[u8]) -> Vec<u8> {
    number.iter().copied().skip_while(|byte| *byte == 0).collect()
}

#[test]
fn rsa_signatures_are_judged_as_by_wycheproof() {
    use rsa_pkcs1_verify::{TestName, TestSet};
    for name in
        [TestName::Rsa2048Sha256, TestName::Rsa3072Sha256, TestName::Rsa4096Sha256, TestName::Rsa8192Sha256]
    {
        let set = TestSet::load(name).unwrap();
        let mut checked = 0;
        for group in &set.test_groups {
            let (n, e) = (without_leading_zeros(&group.key.n), without_leading_zeros(&group.key.e));
            let key = PublicKey::Rsa { n, e };
            for test in &group.tests {
                for backend in back_ends() {
                    checked += check(backend, &key, &test.msg, &test.sig, test.result);
                }
            }
        }
        assert!(checked > 200, "{name:?}: {checked}");
    }
}

#[test]
fn ecdsa_signatures_are_judged_as_by_wycheproof() {
    let set = ecdsa::TestSet::load(ecdsa::TestName::EcdsaSecp256r1Sha256P1363).unwrap();
    let mut checked = 0;
    for group in &set.test_groups {
        let key = PublicKey::P256(group.key.key.as_slice().try_into().unwrap());
        for test in &group.tests {
            for backend in back_ends() {
                checked += check(backend, &key, &test.msg, &test.sig, test.result);
            }
        }
    }
    assert!(checked > 400, "{checked}");
}

#[test]
fn eddsa_signatures_are_judged_as_by_wycheproof() {
    let set = eddsa::TestSet::load(eddsa::TestName::Ed25519).unwrap();
    let mut checked = 0;
    for group in &set.test_groups {
        let key = PublicKey::Ed25519(group.key.pk.as_slice().try_into().unwrap());
        for test in &group.tests {
            for backend in back_ends() {
                checked += check(backend, &key, &test.msg, &test.sig, test.result);
            }
        }
    }
    assert!(checked > 200, "{checked}");
}
