//! Parsing of JWK sets, key by key: a bad or unknown key does not affect the others.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::backend::{Backend, PublicKey, VerifyingKey};
use super::roca::has_mark;
use crate::claims::UniqueNames;
use crate::provider::Algorithm;
use crate::text::shown;

/// The number of keys of a set that are read.
const MAX_KEYS: usize = 64;
/// The limit on the length of a key's name (`kid`), in bytes.
const MAX_KEY_ID_BYTES: usize = 256;
/// The accepted sizes of RSA moduli, in bits.
const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=8192;

/// An issuer's usable keys. There are few, and a linear search is quicker than hashing a name.
#[derive(Default)]
pub(super) struct KeySet {
    keys: Vec<Key>,
    /// The names and algorithms that several keys share, none of which is used.
    duplicates: Vec<(String, Algorithm)>,
}

struct Key {
    name: String,
    algorithm: Algorithm,
    key: Box<dyn VerifyingKey>,
}

/// The members of a JWK that matter here (RFC 7517, section 4; RFC 7518, section 6; RFC 8037, section 2).
#[derive(Deserialize)]
struct Jwk {
    kty: String,
    kid: Option<String>,
    #[serde(rename = "use")]
    usage: Option<String>,
    key_ops: Option<Vec<String>>,
    alg: Option<String>,
    crv: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
}

impl KeySet {
    /// Parses a JWK set (RFC 7517, section 5). Keys of another type, use or size are skipped. Of keys that share
    /// their name and algorithm none is used, since a token can't tell them apart; they are
    /// [remembered](Self::is_duplicate).
    pub(super) fn parse(json: &[u8], backend: &dyn Backend, issuer: &str) -> Result<Self, InvalidJwks> {
        #[derive(Deserialize)]
        struct Document<'a> {
            #[serde(borrow)]
            keys: Vec<&'a RawValue>,
        }
        let document: Document<'_> = serde_json::from_slice(json).map_err(|_| InvalidJwks::Syntax)?;
        let passed_over =
            |why: &str| tracing::debug!(issuer = %shown(issuer), %why, "a key of the issuer is passed over");
        let mut keys: Vec<Key> = Vec::new();
        for key in document.keys.iter().take(MAX_KEYS) {
            match usable(key.get(), backend) {
                Ok(key) => keys.push(key),
                Err(why) => passed_over(why),
            }
        }
        // Compared after parsing: an unusable key does not make the name of a usable one ambiguous.
        let duplicates = remove_duplicates(&mut keys);
        for (name, algorithm) in &duplicates {
            let (issuer, kid, alg) = (shown(issuer), shown(name), algorithm.as_str());
            tracing::warn!(%issuer, %kid, alg, "keys of the issuer have the same name (`kid`), and none of them is used");
        }
        if keys.is_empty() && duplicates.is_empty() {
            return Err(InvalidJwks::NoKey);
        }
        Ok(Self { keys, duplicates })
    }

    /// Returns the key of this name for this algorithm.
    pub(super) fn get(&self, name: &str, algorithm: Algorithm) -> Option<&dyn VerifyingKey> {
        let key = self.keys.iter().find(|key| key.is_named(name, algorithm))?;
        Some(&*key.key)
    }

    /// Returns `true` if several keys of the set have this name and algorithm.
    pub(super) fn is_duplicate(&self, name: &str, algorithm: Algorithm) -> bool {
        self.duplicates.iter().any(|(other, of)| other == name && *of == algorithm)
    }

    /// Returns `true` if a key of the set fits one of these algorithms.
    pub(super) fn serves(&self, algorithms: &[Algorithm]) -> bool {
        self.keys.iter().any(|key| algorithms.contains(&key.algorithm))
    }

    /// Returns the number of usable keys.
    pub(super) fn len(&self) -> usize {
        self.keys.len()
    }
}

impl fmt::Debug for KeySet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.keys.iter().map(|key| &key.name)).finish()
    }
}

impl Key {
    fn is_named(&self, name: &str, algorithm: Algorithm) -> bool {
        self.name == name && self.algorithm == algorithm
    }
}

/// Removes the keys that share their name and algorithm, and returns each such name with the algorithm.
fn remove_duplicates(keys: &mut Vec<Key>) -> Vec<(String, Algorithm)> {
    let is_second = |(at, key): &(usize, &Key)| {
        keys.iter().take(*at).filter(|before| before.is_named(&key.name, key.algorithm)).count() == 1
    };
    let seconds = keys.iter().enumerate().filter(is_second);
    let duplicates: Vec<_> = seconds.map(|(_, key)| (key.name.clone(), key.algorithm)).collect();
    keys.retain(|key| !duplicates.iter().any(|(name, algorithm)| key.is_named(name, *algorithm)));
    duplicates
}

fn usable(json: &str, backend: &dyn Backend) -> Result<Key, &'static str> {
    serde_json::from_str::<UniqueNames>(json).map_err(|_| "a member's name occurs twice in it")?;
    let jwk: Jwk = serde_json::from_str(json).map_err(|_| "it is not a JWK")?;
    let name = jwk.kid.clone().filter(|name| !name.is_empty() && name.len() <= MAX_KEY_ID_BYTES);
    let name = name.ok_or("it has no name (`kid`)")?;
    if jwk.usage.as_ref().is_some_and(|usage| usage != "sig") {
        return Err("it is not for signatures (`use`)");
    }
    let verifies = |operations: &Vec<String>| operations.iter().any(|operation| operation == "verify");
    if !jwk.key_ops.as_ref().is_none_or(verifies) {
        return Err("it is not for checking signatures (`key_ops`)");
    }
    let (algorithm, key) = numbers(&jwk)?;
    if jwk.alg.is_some_and(|named| named != algorithm.as_str()) {
        return Err("it is for another algorithm (`alg`)");
    }
    let key = backend.key(&key).map_err(|_| "its parameters do not form a valid key")?;
    Ok(Key { name, algorithm, key })
}

fn rsa(jwk: &Jwk) -> Result<PublicKey, &'static str> {
    let (n, e) = (decode(jwk.n.as_deref())?, decode(jwk.e.as_deref())?);
    if !RSA_BITS.contains(&bits(&n)) {
        return Err("its modulus has fewer than 2048 or more than 8192 bits");
    }
    if has_mark(&n) {
        return Err("its modulus is one of a broken generator's (CVE-2017-15361)");
    }
    // RFC 8017 requires an odd exponent of at least 3; no library accepts one of more than 33 bits.
    if bits(&e) < 2 || bits(&e) > 33 || e.last().is_none_or(|last| last % 2 == 0) {
        return Err("its exponent is not an odd number from 3 to 2^33");
    }
    Ok(PublicKey::Rsa { n, e })
}

fn numbers(jwk: &Jwk) -> Result<(Algorithm, PublicKey), &'static str> {
    match (jwk.kty.as_str(), jwk.crv.as_deref()) {
        ("RSA", _) => Ok((Algorithm::Rs256, rsa(jwk)?)),
        ("EC", Some("P-256")) => {
            let point = point(jwk, 32, "its coordinates do not have 32 bytes")?;
            Ok((Algorithm::Es256, PublicKey::P256(point)))
        }
        ("EC", Some("P-384")) => {
            let point = point(jwk, 48, "its coordinates do not have 48 bytes")?;
            Ok((Algorithm::Es384, PublicKey::P384(point)))
        }
        ("OKP", Some("Ed25519")) => {
            let key =
                decode(jwk.x.as_deref())?.try_into().map_err(|_| "its number does not have 32 bytes")?;
            Ok((Algorithm::EdDsa, PublicKey::Ed25519(key)))
        }
        _ => Err("it is of a type that no profile uses (`kty`, `crv`)"),
    }
}

/// The uncompressed point of a curve whose coordinates have `size` bytes: the byte `04`, then both coordinates.
fn point<const N: usize>(jwk: &Jwk, size: usize, wrong: &'static str) -> Result<[u8; N], &'static str> {
    let (x, y) = (decode(jwk.x.as_deref())?, decode(jwk.y.as_deref())?);
    if x.len() != size || y.len() != size {
        return Err(wrong);
    }
    [&[4], x.as_slice(), y.as_slice()].concat().try_into().map_err(|_| wrong)
}

fn decode(number: Option<&str>) -> Result<Vec<u8>, &'static str> {
    URL_SAFE_NO_PAD
        .decode(number.ok_or("a number of it is missing")?)
        .map_err(|_| "a number is not strict base64url")
}

/// The number of bits of a big-endian number; zero where it has a leading zero byte, which RFC 7518, section
/// 2 forbids.
fn bits(number: &[u8]) -> usize {
    match number.first() {
        None | Some(0) => 0,
        Some(first) => number.len() * 8 - first.leading_zeros() as usize,
    }
}

/// An error of a JWK set without a usable key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum InvalidJwks {
    #[error("the JWK set is not a JSON object with an array `keys`")]
    Syntax,
    #[error("the JWK set holds no usable key")]
    NoKey,
}
