use std::fmt;

use data_encoding::HEXLOWER;
use sha2::{Digest as _, Sha256, Sha512};

/// A file that is published, as a statement names it: by a name and a digest.
///
/// ```
/// use oidc_provenance::Artifact;
///
/// let tarball = b"the bytes of the tarball";
/// assert_eq!(Artifact::npm("@acme/widget", "1.0.0", tarball).name(), "pkg:npm/%40acme/widget@1.0.0");
/// assert_eq!(Artifact::file("widget-1.0.0.tar.gz", tarball).name(), "widget-1.0.0.tar.gz");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Artifact {
    name: String,
    digest: Digest,
}

impl Artifact {
    /// An npm package's tarball: a package URL and SHA-512.
    pub fn npm(package: &str, version: &str, tarball: &[u8]) -> Self {
        Self::npm_with_digest(package, version, Sha512::digest(tarball).into())
    }

    /// An npm package's tarball whose SHA-512 is known, such as from `dist.integrity`.
    pub fn npm_with_digest(package: &str, version: &str, sha512: [u8; 64]) -> Self {
        // npm escapes the sign of the scope and not the slash.
        let package = package.strip_prefix('@').map_or(package.to_owned(), |rest| format!("%40{rest}"));
        Self::with_digest(format!("pkg:npm/{package}@{version}"), Digest::Sha512(sha512))
    }

    /// A file of another registry than npm, such as a wheel or a gem: the file's name and SHA-256.
    pub fn file(name: impl Into<String>, bytes: &[u8]) -> Self {
        Self::file_with_digest(name, Sha256::digest(bytes).into())
    }

    /// A file whose SHA-256 is known.
    pub fn file_with_digest(name: impl Into<String>, sha256: [u8; 32]) -> Self {
        Self::with_digest(name, Digest::Sha256(sha256))
    }

    /// A file with the name and the digest that a statement of any registry has for it.
    pub fn with_digest(name: impl Into<String>, digest: Digest) -> Self {
        Self { name: name.into(), digest }
    }

    /// Returns the name that a statement's subject must have.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the digest that a statement's subject must have.
    pub fn digest(&self) -> &Digest {
        &self.digest
    }
}

/// A digest of a file.
///
/// ```
/// use oidc_provenance::Artifact;
///
/// let wheel = Artifact::file("widget-1.0.0-py3-none-any.whl", b"");
/// assert!(wheel.digest().hex().starts_with("e3b0c44298fc1c14"));
/// ```
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Digest {
    /// SHA-256, for every registry but npm's.
    Sha256([u8; 32]),
    /// SHA-512, for npm.
    Sha512([u8; 64]),
}

impl Digest {
    /// Returns the algorithm's name in statements.
    pub const fn algorithm(&self) -> &'static str {
        match self {
            Self::Sha256(_) => "sha256",
            Self::Sha512(_) => "sha512",
        }
    }

    /// Returns the digest in lower-case hexadecimal, as statements have it.
    pub fn hex(&self) -> String {
        match self {
            Self::Sha256(digest) => HEXLOWER.encode(digest),
            Self::Sha512(digest) => HEXLOWER.encode(digest),
        }
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.algorithm(), self.hex())
    }
}
