//! Project Wycheproof's vectors for JWS and JWK (`json_web_signature_test.json`, `json_web_key_test.json`; Apache
//! License 2.0, <https://github.com/C2SP/wycheproof>): those for RS256 and ES256 one and all (for EdDSA it has none),
//! and of every group for another algorithm what a verifier of these must refuse. `json_web_crypto_test.json` has
//! some of them again and none beside.
//!
//! Few of their payloads are JWTs; so they are given to the code below the verifier.

use rsa::BigUint;
use serde::Deserialize;
use serde_json::{Value, json};

use super::super::backend::{AwsLc, Backend, RustCrypto};
use super::super::jwks::KeySet;
use super::super::token::{
    Compact, Header, MAX_HEADER_BYTES, MAX_SIGNATURE_BYTES, buffer, decode, decode_into,
};

/// The vectors that Wycheproof calls valid and this crate refuses, with the reason.
const STRICTER: [(u32, &str); 1] = [(259, "no JWT has an empty payload")];
const STRICTER_ABOUT_KEYS: [(u32, &str); 4] = [
    (2, "HS256: no profile has symmetric algorithms"),
    (13, "HS256: no profile has symmetric algorithms"),
    (14, "HS384: no profile has symmetric algorithms"),
    (15, "HS512: no profile has symmetric algorithms"),
];

/// The sets that hold a key that is one here. That of the first vector holds a secret key too, which no token reaches.
const USABLE_SETS: [u32; 2] = [1, 5];

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Vectors {
    number_of_tests: u32,
    test_groups: Vec<Group>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Group {
    comment: String,
    tc_ids: (u32, u32),
    keys: Vec<Value>,
    tests: Vec<Vector>,
}

/// A row of the file: its members stand in this order.
#[derive(Deserialize)]
struct Vector {
    id: u32,
    comment: String,
    jws: String,
    result: Verdict,
    flags: Vec<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Verdict {
    Valid,
    Invalid,
}

fn signatures() -> Vectors {
    serde_json::from_str(include_str!("wycheproof/signatures.json")).unwrap()
}

fn other_signatures() -> Vectors {
    serde_json::from_str(include_str!("wycheproof/other_signatures.json")).unwrap()
}

fn keys() -> Vectors {
    serde_json::from_str(include_str!("wycheproof/keys.json")).unwrap()
}

fn back_ends() -> [&'static dyn Backend; 2] {
    [&AwsLc, &RustCrypto]
}

fn key_set(backend: &dyn Backend, keys: &[Value]) -> Option<KeySet> {
    KeySet::parse(json!({ "keys": keys }).to_string().as_bytes(), backend, "wycheproof").ok()
}

/// Returns whether the signature of a JWS is accepted; `None` where the JWS can't be read or the set has no key for it.
fn accepts(set: &KeySet, jws: &str) -> Option<bool> {
    let parts = Compact::parse(jws).ok()?;
    let (mut header, mut signature) = (buffer::<MAX_HEADER_BYTES>(), buffer::<MAX_SIGNATURE_BYTES>());
    let header = Header::parse(decode_into(parts.header, &mut header).ok()?).ok()?;
    let signature = decode_into(parts.signature, &mut signature).ok()?;
    decode(parts.payload).ok()?;
    let key = set.get(&header.kid, header.algorithm)?;
    Some(key.verify(parts.signed, signature))
}

/// Compares the result for every vector of the groups with its verdict, and returns the number of vectors.
fn judge(vectors: &Vectors, stricter: &[(u32, &str)]) -> usize {
    let mut judged = 0;
    for group in &vectors.test_groups {
        let sets = back_ends().map(|backend| (backend, key_set(backend, &group.keys)));
        for vector in &group.tests {
            let is_stricter = stricter.iter().any(|(id, _)| *id == vector.id);
            assert!(!is_stricter || vector.result == Verdict::Valid, "{}", vector.id);
            let expected = vector.result == Verdict::Valid && !is_stricter;
            for (backend, set) in &sets {
                let is_accepted = set.as_ref().and_then(|set| accepts(set, &vector.jws)).unwrap_or(false);
                let Vector { id, comment, .. } = vector;
                assert_eq!(is_accepted, expected, "{id} {comment}, {} ({backend:?})", group.comment);
            }
            judged += 1;
        }
    }
    judged
}

fn ids(groups: &[Group]) -> Vec<u32> {
    groups.iter().flat_map(|group| &group.tests).map(|vector| vector.id).collect()
}

fn vector(groups: &[Group], id: u32) -> (&Group, &Vector) {
    let mut all = groups.iter().flat_map(|group| group.tests.iter().map(move |vector| (group, vector)));
    all.find(|(_, vector)| vector.id == id).unwrap()
}

#[test]
fn signatures_by_rs256_and_es256_are_judged_as_by_wycheproof() {
    assert_eq!(judge(&signatures(), &STRICTER), 276);
}

#[test]
fn keys_are_judged_as_by_wycheproof() {
    assert_eq!(judge(&keys(), &STRICTER_ABOUT_KEYS), 26);
}

/// Their keys alone say enough: with such a set no token is accepted at all.
#[test]
fn keys_of_another_use_or_algorithm_and_weak_ones_are_no_keys() {
    for group in keys().test_groups {
        for backend in back_ends() {
            let usable = key_set(backend, &group.keys).map_or(0, |set| set.len());
            let expected = usize::from(USABLE_SETS.contains(&group.tc_ids.0));
            assert_eq!(usable, expected, "{} {}", group.tc_ids.0, group.comment);
        }
    }
}

/// Neither with their own keys nor with those beside them.
#[test]
fn signatures_by_other_algorithms_are_refused() {
    let supported = signatures().test_groups;
    let usable: Vec<_> = [18, 33, 259].map(|id| vector(&supported, id).0.keys.clone()).concat();
    for group in other_signatures().test_groups {
        for backend in back_ends() {
            assert!(key_set(backend, &group.keys).is_none(), "{} ({backend:?})", group.comment);
            let set = key_set(backend, &[&usable[..], &group.keys].concat()).unwrap();
            for Vector { id, comment, jws, .. } in &group.tests {
                assert!(!accepts(&set, jws).unwrap_or(false), "{id} {comment} ({backend:?})");
            }
        }
    }
}

/// The faults of vectors 14, 15 and 17, which are in the group for HS256 only, in tokens of these algorithms.
#[test]
fn more_parts_than_three_and_json_are_refused() {
    let groups = signatures().test_groups;
    for id in [18, 33] {
        let (group, Vector { jws, .. }) = vector(&groups, id);
        let parts: Vec<_> = jws.split('.').collect();
        let signature = json!({ "protected": parts[0], "signature": parts[2] });
        let json = json!({ "payload": parts[1], "signatures": [signature] }).to_string();
        for backend in back_ends() {
            let set = key_set(backend, &group.keys).unwrap();
            assert_eq!(accepts(&set, jws), Some(true));
            for jws in [&format!("{jws}."), &format!("{jws}.foo"), &json] {
                assert!(!accepts(&set, jws).unwrap_or(false), "{jws} ({backend:?})");
            }
        }
    }
}

#[test]
fn no_vector_is_left_out() {
    let (ours, others, keys) = (signatures(), other_signatures(), keys());
    for group in ours.test_groups.iter().chain(&keys.test_groups) {
        let (first, last) = group.tc_ids;
        assert!(group.tests.iter().map(|vector| vector.id).eq(first..=last), "{first} {}", group.comment);
    }
    let mut covered = ids(&ours.test_groups);
    for group in &others.test_groups {
        let (first, last) = group.tc_ids;
        assert!(group.tests.iter().all(|vector| (first..=last).contains(&vector.id)), "{first}");
        covered.extend(first..=last);
    }
    covered.sort_unstable();
    assert!(covered.into_iter().eq(1..=ours.number_of_tests));
    assert!(ids(&keys.test_groups).into_iter().eq(1..=keys.number_of_tests));
}

/// A signature that was copied wrongly is refused as well, and would test nothing: what it was made of is noise then.
#[test]
fn what_is_refused_for_its_padding_was_signed_with_the_key() {
    let groups = signatures().test_groups;
    let (group, _) = vector(&groups, 33);
    let modulus = BigUint::from_bytes_be(&decode(group.keys[0]["n"].as_str().unwrap()).unwrap());
    let modified = |vector: &&Vector| vector.flags.iter().any(|flag| flag == "ModifiedPadding");
    let modified: Vec<_> = group.tests.iter().filter(modified).collect();
    assert_eq!(modified.len(), 213);
    for Vector { id, comment, jws, .. } in modified {
        let signature = decode(jws.rsplit('.').next().unwrap()).unwrap();
        let block = BigUint::from_bytes_be(&signature).modpow(&BigUint::from(65537_u32), &modulus);
        // PKCS #1: 00 01 ff .. ff 00, and then what was modified.
        assert!(block.to_bytes_be().starts_with(&[1, 255, 255, 255, 255, 255, 255, 255]), "{id} {comment}");
    }
}
