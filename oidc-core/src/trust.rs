use std::ops::Deref;
use std::sync::Arc;

#[cfg(feature = "verify")]
use crate::claims::Claims;
use crate::time::Timestamp;

/// Something that nobody has checked. It can't be read by accident: the only way in says what it does.
#[derive(Clone, Debug)]
pub struct Unverified<C>(C);

impl<C> Unverified<C> {
    /// Marks something as unchecked.
    pub fn new(inner: C) -> Self {
        Self(inner)
    }

    /// Reads what nobody has checked. Good for explaining and for refusing, never for letting in.
    pub fn read_unverified(&self) -> &C {
        &self.0
    }
}

/// Something whose signature, issuer, audience and times were checked.
///
/// Only the verifier (feature `verify`) makes one, after the signature held, and there is no other way to get
/// one, in tests either. It reads like what it holds.
#[derive(Clone, Debug)]
pub struct Verified<C> {
    inner: C,
    proof: Proof,
}

/// What the verifier found out about a token beside its claims.
#[derive(Clone, Debug)]
pub(crate) struct Proof {
    pub(crate) provider: &'static str,
    pub(crate) issuer: Arc<str>,
    pub(crate) issued_at: Timestamp,
    pub(crate) expires_at: Timestamp,
    pub(crate) accepted_until: Timestamp,
    #[cfg(feature = "verify")]
    pub(crate) replay: ReplayId,
}

/// What makes a token the same token.
#[cfg(feature = "verify")]
#[derive(Clone, Debug)]
pub(crate) enum ReplayId {
    /// The `jti` claim.
    Jti(String),
    /// SHA-256 of the signing input, for platforms that declare no `jti`. Never of the signature, which can be
    /// malleable.
    Digest([u8; 32]),
}

impl<C> Verified<C> {
    /// The one place where a proof comes to be. The verifier calls it, after the signature held.
    #[cfg(feature = "verify")]
    pub(crate) fn assertion(inner: C, proof: Proof) -> Self {
        Self { inner, proof }
    }

    /// The platform whose profile the token was checked by, such as `github`.
    pub fn provider(&self) -> &'static str {
        self.proof.provider
    }

    /// The issuer, as it stands in the configuration (and, byte for byte, in the token).
    pub fn issuer(&self) -> &str {
        &self.proof.issuer
    }

    /// The token's `iat`, by its issuer's clock.
    pub fn issued_at(&self) -> Timestamp {
        self.proof.issued_at
    }

    /// The token's `exp`. The verifier accepts it a little longer, until [`Verified::accepted_until`].
    pub fn expires_at(&self) -> Timestamp {
        self.proof.expires_at
    }

    /// The end of the time in which the verifier accepts the token: its `exp` and the verifier's leeway. A registry
    /// remembers that the token was used at least until then.
    pub fn accepted_until(&self) -> Timestamp {
        self.proof.accepted_until
    }
}

#[cfg(feature = "verify")]
impl Verified<Claims> {
    /// The key under which a registry remembers that this token was used within `scope`: SHA-256 over issuer,
    /// `jti` and scope, each with its length before it. Where the platform declares no `jti`, the digest of the
    /// token's signing input stands for it.
    ///
    /// The scope is the registry protocol's to choose: empty where a token may be used once, the package's name
    /// where it may be used once for each package.
    pub fn replay_key(&self, scope: &str) -> [u8; 32] {
        use sha2::{Digest as _, Sha256};
        let (kind, id): (&[u8], &[u8]) = match &self.proof.replay {
            ReplayId::Jti(jti) => (b"jti", jti.as_bytes()),
            ReplayId::Digest(digest) => (b"digest", digest),
        };
        let mut hash = Sha256::new();
        for part in [self.proof.issuer.as_bytes(), kind, id, scope.as_bytes()] {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        hash.finalize().into()
    }
}

impl<C> Deref for Verified<C> {
    type Target = C;

    fn deref(&self) -> &C {
        &self.inner
    }
}
