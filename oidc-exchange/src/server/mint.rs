use std::time::Duration;

use async_trait::async_trait;
use data_encoding::HEXLOWER;
use oidc_core::{Random, RandomError, Secret};

use super::grant::Grant;
use super::minter::{MintError, Minter, NewToken, Recognised};

/// A publish token's random part, in bytes: 256 bits.
const RANDOM_BYTES: usize = 32;
/// The length of a token's text after the prefix: 64 hexadecimal digits of randomness, 8 of CRC-32.
const BODY_CHARS: usize = 2 * RANDOM_BYTES + 8;

/// Opaque publish tokens: their prefix, their lifetime, and the number of exchanges of one identity token.
///
/// A token is `<prefix><64 hexadecimal digits of randomness><8 of their CRC-32>`. A secret scanner recognizes
/// it offline, and the store is not asked about texts of another form. The CRC is computed over prefix and
/// randomness.
///
/// ```
/// use oidc_exchange::server::MintPolicy;
///
/// let policy = MintPolicy::default();
/// assert_eq!((&*policy.prefix, policy.lifetime.as_secs(), policy.max_uses), ("tpub_", 15 * 60, 1));
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct MintPolicy {
    /// The prefix of every token: letters, digits, `-` and `_`. `tpub_` by default.
    pub prefix: String,
    /// The lifetime of a token. 15 minutes by default.
    pub lifetime: Duration,
    /// The number of times that one identity token may be exchanged for one package. npm's dry run is an
    /// exchange too. 1 by default.
    pub max_uses: u32,
}

impl Default for MintPolicy {
    /// The prefix `tpub_`, 15 minutes, one exchange.
    fn default() -> Self {
        Self { prefix: "tpub_".to_owned(), lifetime: Duration::from_secs(15 * 60), max_uses: 1 }
    }
}

impl MintPolicy {
    /// Replaces the prefix.
    #[must_use]
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = prefix.into();
        self
    }

    /// Replaces the lifetime.
    #[must_use]
    pub fn lifetime(mut self, lifetime: Duration) -> Self {
        self.lifetime = lifetime;
        self
    }

    /// Replaces the number of exchanges of one identity token for one package.
    #[must_use]
    pub fn max_uses(mut self, uses: u32) -> Self {
        self.max_uses = uses;
        self
    }

    /// Makes a token of new randomness.
    fn token(&self, random: &dyn Random) -> Result<Secret, RandomError> {
        // This buffer and the next one hold the secret, and are overwritten when they are dropped.
        let mut bytes = zeroize::Zeroizing::new([0; RANDOM_BYTES]);
        random.fill(&mut *bytes)?;
        let unchecked = zeroize::Zeroizing::new(format!("{}{}", self.prefix, HEXLOWER.encode(&*bytes)));
        Ok(Secret::new(format!("{}{:08x}", *unchecked, crc32fast::hash(unchecked.as_bytes()))))
    }

    /// Returns `true` if a text is a token of this registry by prefix, length and checksum. It may still be
    /// invalid.
    fn has_form(&self, text: &str) -> bool {
        let Some(body) = text.strip_prefix(&self.prefix) else { return false };
        // The checksum has 8 digits.
        let digits = text.len().saturating_sub(8);
        let Some((unchecked, checksum)) = text.split_at_checked(digits) else { return false };
        body.len() == BODY_CHARS
            && body.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
            && format!("{:08x}", crc32fast::hash(unchecked.as_bytes())) == checksum
    }
}

#[cfg_attr(not(target_arch = "wasm32"), async_trait)]
#[cfg_attr(target_arch = "wasm32", async_trait(?Send))]
impl Minter for MintPolicy {
    fn lifetime(&self) -> Duration {
        self.lifetime
    }

    fn max_uses(&self) -> u32 {
        self.max_uses
    }

    async fn mint(&self, _: &Grant, random: &dyn Random) -> Result<NewToken, MintError> {
        Ok(NewToken::Stored(self.token(random)?))
    }

    fn recognise(&self, text: &str) -> Option<Recognised> {
        self.has_form(text).then_some(Recognised::Stored)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::TokenHash;
    use oidc_core::testing::NotRandom;

    #[test]
    fn a_minted_token_is_recognised_and_a_changed_one_is_not() {
        let policy = MintPolicy::default();
        let token = policy.token(&NotRandom(0xab)).unwrap();
        let text = token.expose();
        assert_eq!(text.len(), 5 + 72);
        assert!(policy.has_form(text));
        for index in 0..text.len() {
            let mut changed = text.to_owned().into_bytes();
            changed[index] = if changed[index] == b'0' { b'1' } else { b'0' };
            assert!(!policy.has_form(std::str::from_utf8(&changed).unwrap()), "{index}");
        }
        for other in
            ["", "tpub_", text.get(..76).unwrap(), &format!("{text}0"), &text.to_uppercase(), "tpub_é"]
        {
            assert!(!policy.has_form(other), "{other}");
        }
        assert!(!MintPolicy::default().prefix("other_").has_form(text));
    }

    #[test]
    fn a_policy_is_what_was_asked_for() {
        let policy = MintPolicy::default().prefix("other_").lifetime(Duration::from_secs(60)).max_uses(2);
        assert_eq!((policy.prefix.as_str(), policy.max_uses), ("other_", 2));
        assert_eq!(policy.lifetime, Duration::from_secs(60));
        assert!(policy.token(&NotRandom(1)).unwrap().expose().starts_with("other_0101"));
    }

    #[test]
    fn debug_shows_neither_token_nor_whole_hash() {
        let token = MintPolicy::default().token(&NotRandom(7)).unwrap();
        assert_eq!(format!("{token:?}"), "[redacted]");
        assert!(format!("{:?}", TokenHash::of(token.expose())).len() < 16);
    }
}
