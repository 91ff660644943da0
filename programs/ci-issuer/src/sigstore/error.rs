use std::io;
use std::net::SocketAddr;

/// A fault of a played Sigstore instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "cli", derive(clap::ValueEnum))]
pub enum Fault {
    /// Certificates have expired ten minutes before they are issued.
    ExpiredCertificate,
    /// The transparency log signs with another key than the trusted root names.
    WrongLogKey,
    /// The transparency log says of every entry that it exists already.
    EntryExists,
    /// The transparency log answers 503.
    LogDown,
    /// The timestamp authority signs with another key than its certificate's.
    WrongTimestampKey,
    /// Certificates have no SCT.
    NoSct,
    /// Certificates have an SCT of another log than those of the trusted root.
    WrongSct,
}

/// A played Sigstore instance did not start, or could not make what it was asked for.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SigstoreError {
    /// The address is not of this machine alone.
    #[error("{0} is no loopback address: the instance is for this machine alone")]
    NotLoopback(SocketAddr),
    /// An issuer can't be used.
    #[error("the issuer: {0}")]
    Issuer(String),
    /// The address can't be listened on.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// A key or a certificate can't be made.
    #[error("a key or a certificate can't be made: {0}")]
    Certificate(String),
    /// Something can't be encoded.
    #[error("something can't be encoded: {0}")]
    Encoding(String),
    /// The clock's time is in no year that certificates can name.
    #[error("the clock's time is too far from today")]
    Time,
}

impl From<rcgen::Error> for SigstoreError {
    fn from(error: rcgen::Error) -> Self {
        Self::Certificate(error.to_string())
    }
}

impl From<x509_cert::der::Error> for SigstoreError {
    fn from(error: x509_cert::der::Error) -> Self {
        Self::Encoding(error.to_string())
    }
}
