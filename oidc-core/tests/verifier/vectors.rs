//! Project Wycheproof's vectors for the four algorithms, given to each signature back end. They stand in a file of their own since
//! `wasm/` holds them against the one that wasm32 has.
//!
//! The verdicts are Wycheproof's, with one allowance: what it calls acceptable may be either. Each function says how many
//! signatures it judged, and does not pass by judging none.

use oidc_core::verify::backend::{Backend, PublicKey};
use wycheproof::{TestResult, ecdsa, eddsa, rsa_pkcs1_verify};

pub(crate) fn rsa(backend: &dyn Backend) -> usize {
    use rsa_pkcs1_verify::{TestName, TestSet};
    let names =
        [TestName::Rsa2048Sha256, TestName::Rsa3072Sha256, TestName::Rsa4096Sha256, TestName::Rsa8192Sha256];
    let judge_set = |name| {
        let set = TestSet::load(name).unwrap();
        let mut judged = 0;
        for group in &set.test_groups {
            let (n, e) = (without_leading_zeros(&group.key.n), without_leading_zeros(&group.key.e));
            let key = PublicKey::Rsa { n, e };
            for test in &group.tests {
                judged += judge(backend, &key, &test.msg, &test.sig, test.result);
            }
        }
        assert!(judged > 100, "{name:?}: {judged}");
        judged
    };
    names.into_iter().map(judge_set).sum()
}

pub(crate) fn ecdsa(backend: &dyn Backend) -> usize {
    ecdsa_of(backend, ecdsa::TestName::EcdsaSecp256r1Sha256P1363, |point| {
        PublicKey::P256(point.try_into().unwrap())
    })
}

pub(crate) fn ecdsa_384(backend: &dyn Backend) -> usize {
    ecdsa_of(backend, ecdsa::TestName::EcdsaSecp384r1Sha384P1363, |point| {
        PublicKey::P384(point.try_into().unwrap())
    })
}

fn ecdsa_of(backend: &dyn Backend, name: ecdsa::TestName, key: fn(&[u8]) -> PublicKey) -> usize {
    let set = ecdsa::TestSet::load(name).unwrap();
    let mut judged = 0;
    for group in &set.test_groups {
        let key = key(&group.key.key);
        for test in &group.tests {
            judged += judge(backend, &key, &test.msg, &test.sig, test.result);
        }
    }
    assert!(judged > 200, "{judged}");
    judged
}

pub(crate) fn eddsa(backend: &dyn Backend) -> usize {
    let set = eddsa::TestSet::load(eddsa::TestName::Ed25519).unwrap();
    let mut judged = 0;
    for group in &set.test_groups {
        let key = PublicKey::Ed25519(group.key.pk.as_slice().try_into().unwrap());
        for test in &group.tests {
            judged += judge(backend, &key, &test.msg, &test.sig, test.result);
        }
    }
    assert!(judged > 100, "{judged}");
    judged
}

fn judge(
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

fn without_leading_zeros(number: &[u8]) -> Vec<u8> {
    number.iter().copied().skip_while(|byte| *byte == 0).collect()
}
