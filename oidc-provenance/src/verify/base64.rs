//! Base64 in the JSON form of a bundle.

use std::fmt;
use std::marker::PhantomData;

use base64_simd::{AsOut as _, STANDARD};
use serde::de::{Deserialize, Deserializer, Error, Visitor};
use sigstore_verify::types::{self, PayloadBytes, Sha256Hash};

/// Bytes in Base64, of either alphabet and with padding or without, as Protobuf's JSON has them.
pub(super) struct Bytes(pub(super) Vec<u8>);

impl TryFrom<&str> for Bytes {
    type Error = types::Error;

    fn try_from(text: &str) -> Result<Self, Self::Error> {
        // All tools write this form; the others are the library's to judge.
        if let Ok(bytes) = STANDARD.decode_to_vec(text) {
            return Ok(Self(bytes));
        }
        PayloadBytes::from_base64(text).map(|bytes| Self(bytes.into_bytes()))
    }
}

/// A hash, in the form of bytes.
pub(super) struct Hash(pub(super) Sha256Hash);

impl TryFrom<&str> for Hash {
    type Error = types::Error;

    fn try_from(text: &str) -> Result<Self, Self::Error> {
        // As with bytes.
        let mut bytes = [0; 32];
        if STANDARD.decoded_length(text.as_bytes()).ok() == Some(bytes.len())
            && STANDARD.decode(text.as_bytes(), bytes.as_mut_slice().as_out()).is_ok()
        {
            return Ok(Self(bytes.into()));
        }
        Sha256Hash::from_hex_or_base64(text).map(Self)
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(Text(PhantomData))
    }
}

impl<'de> Deserialize<'de> for Hash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(Text(PhantomData))
    }
}

/// Makes a value of a text, which is not copied first.
struct Text<T>(PhantomData<T>);

impl<T: for<'t> TryFrom<&'t str, Error = types::Error>> Visitor<'_> for Text<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("bytes in Base64")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        T::try_from(text).map_err(E::custom)
    }
}
