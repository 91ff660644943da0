use std::ops::Deref;
use std::sync::Arc;

#[cfg(feature = "verify")]
use crate::claims::Claims;
use crate::time::Timestamp;

/// A value that was not verified. It can't be read by accident: the name of the only method that reads it
/// says so.
///
/// ```
/// use oidc_core::Unverified;
///
/// /// A line for a log.
/// fn refused(audience: &Unverified<String>) -> String {
///     format!("refused a token that says it is for {:?}", audience.read_unverified())
/// }
/// assert!(refused(&Unverified::new("npm:registry.example".to_owned())).contains("npm:"));
/// ```
#[derive(Clone, Debug)]
pub struct Unverified<C>(C);

impl<C> Unverified<C> {
    /// Marks a value as unverified.
    pub fn new(inner: C) -> Self {
        Self(inner)
    }

    /// Reads the unverified value. Use it for explanations and refusals, and never to accept a token.
    pub fn read_unverified(&self) -> &C {
        &self.0
    }
}

/// Claims that a certificate authority copied into a certificate, from an identity token that it had verified.
///
/// [`Publisher::check_certified`](crate::Publisher::check_certified) compares them with a publisher. They are
/// no [`Verified`] claims: this registry saw no token, and some claims of a token are in no certificate.
#[derive(Clone, Debug)]
pub struct Certified<C>(C);

impl<C> Certified<C> {
    /// States that the value is from a certificate whose chain, validity and signature were verified. Only for
    /// code that verifies certificates; `oidc-provenance` is such code.
    pub fn assertion(inner: C) -> Self {
        Self(inner)
    }
}

impl<C> Deref for Certified<C> {
    type Target = C;

    fn deref(&self) -> &C {
        &self.0
    }
}

/// A value whose signature, issuer, audience and times were checked.
///
/// It proves whose job a token was made for, and not that the job may do anything: every repository of a platform gets such tokens. A
/// [`Publisher`](crate::Publisher) decides that, or a `verify::Gate` of several.
///
/// Only the verifier (feature `verify`) makes one, after checking the signature. There is no other way to get
/// one, not even in tests. It dereferences to the value.
#[derive(Clone, Debug)]
pub struct Verified<C> {
    inner: C,
    proof: Proof,
}

/// The verifier's findings about a token, apart from its claims.
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

/// The id by which a token is recognized when it is used again.
#[cfg(feature = "verify")]
#[derive(Clone, Debug)]
pub(crate) enum ReplayId {
    /// The `jti` claim.
    Jti(String),
    /// SHA-256 of the signing input, for platforms that declare no `jti`. It is not the hash of the
    /// signature, since one message can have several valid signatures.
    Digest([u8; 32]),
}

impl<C> Verified<C> {
    /// Makes a proof. This is the only place that does, and only the verifier calls it, after checking the
    /// signature.
    #[cfg(feature = "verify")]
    pub(crate) fn assertion(inner: C, proof: Proof) -> Self {
        Self { inner, proof }
    }

    /// Returns the platform by whose profile the token was checked, such as `github`.
    pub fn provider(&self) -> &'static str {
        self.proof.provider
    }

    /// Returns the issuer, as it stands in the configuration and, byte for byte, in the token.
    pub fn issuer(&self) -> &str {
        &self.proof.issuer
    }

    /// Returns the token's `iat`, by its issuer's clock.
    pub fn issued_at(&self) -> Timestamp {
        self.proof.issued_at
    }

    /// Returns the token's `exp`. The verifier accepts the token a little longer, until
    /// [`Verified::accepted_until`].
    pub fn expires_at(&self) -> Timestamp {
        self.proof.expires_at
    }

    /// Returns the end of the time in which the verifier accepts the token: its `exp` plus the verifier's
    /// leeway. A registry records the use of the token at least until then.
    pub fn accepted_until(&self) -> Timestamp {
        self.proof.accepted_until
    }
}

#[cfg(feature = "verify")]
impl Verified<Claims> {
    /// Returns the key under which a registry records that this token was used within `scope`: SHA-256 over
    /// issuer, `jti` and scope, each preceded by its length. Where the platform declares no `jti`, the digest
    /// of the token's signing input takes its place.
    ///
    /// The registry protocol chooses the scope: the ecosystem where a token may be used once, and the ecosystem
    /// and the package's name where a token may be used once for each package.
    pub fn replay_key(&self, scope: &str) -> [u8; 32] {
        use sha2::{Digest as _, Sha256};
        let (kind, id): (&[u8], &[u8]) = match &self.proof.replay {
            ReplayId::Jti(jti) => (b"jti", jti.as_bytes()),
            ReplayId::Digest(digest) => (b"digest", digest),
        };
        let mut hash = Sha256::new();
        for part in [self.proof.issuer.as_bytes(), kind, id, scope.as_bytes()] {
            // Without the lengths, different parts could have the same concatenation.
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
