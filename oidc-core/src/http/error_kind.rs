//! The reasons why no complete answer came.

use std::fmt;
use std::time::Duration;

use crate::text::shown;

/// The reason why no complete answer came.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HttpErrorKind {
    /// The host has no address, or nothing accepts connections there.
    #[error("no connection ({0})")]
    Connect(String),
    /// The proxy opened no tunnel to the host.
    #[error(transparent)]
    Proxy(ProxyFault),
    /// The certificate of the other side is not accepted.
    #[error("the certificate of `{}` is not accepted: {fault}", shown(host))]
    Certificate {
        /// The host that the certificate should be for.
        host: String,
        /// The fault of the certificate.
        fault: CertificateFault,
    },
    /// The URL says https, and the other side speaks no TLS.
    #[error("what is spoken at this port is not TLS, which `https://` asks for, and may be plain http")]
    NotTls,
    /// The URL says http, and the other side speaks something else.
    #[error("what is spoken at this port is not plain HTTP, which `http://` asks for, and may be https")]
    NotHttp,
    /// [`Request::deadline`](super::Request::deadline) passed.
    #[error("{step} within {} s", .after.as_secs_f32())]
    Timeout {
        /// The step that the request was waiting for.
        step: Step,
        /// The request's deadline.
        after: Duration,
    },
    /// The operation's time was over before the request was sent
    /// ([`OperationPolicy::deadline`](crate::OperationPolicy::deadline)).
    #[error("it was not sent, since the {} s for the whole operation are over", .0.as_secs_f32())]
    OutOfTime(Duration),
    /// The body is longer than [`Request::max_body`](super::Request::max_body).
    #[error("the answer is longer than {0} bytes")]
    TooLarge(usize),
    /// The request can't be sent, for example because a header's value is invalid.
    #[error("the request can't be sent ({0})")]
    Request(String),
    /// The connection broke, or the answer was not HTTP.
    #[error("the connection broke ({0})")]
    Broken(String),
}

/// The reason why a proxy opened no tunnel to the host.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProxyFault {
    /// Nothing accepts connections at the proxy's address.
    #[error("the proxy can't be reached ({0})")]
    Unreachable(String),
    /// The proxy answered with another status than 2xx.
    #[error("the proxy refused the connection to the host: status {status}{}", Says(.message.as_deref()))]
    Refused {
        /// The status.
        status: u16,
        /// The proxy's message, fit to be shown.
        message: Option<String>,
    },
    /// The proxy gave no answer until [`Request::deadline`](super::Request::deadline).
    #[error("the proxy opened no connection to the host within {} s", .0.as_secs_f32())]
    Timeout(Duration),
    /// The proxy closed the connection, or its answer was not HTTP.
    #[error("the proxy broke the connection off ({0})")]
    Broken(String),
}

/// The fault of a certificate.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CertificateFault {
    /// No trusted authority issued it.
    #[error("its issuer{} is not trusted", Named(.0.as_deref()))]
    UnknownIssuer(
        /// The issuer's name as the certificate has it (RFC 4514), fit to be shown; `None` where it can't be
        /// read.
        Option<String>,
    ),
    /// It has expired, by this machine's clock.
    #[error("it has expired")]
    Expired,
    /// It is not valid yet, by this machine's clock.
    #[error("it is not valid yet")]
    NotYetValid,
    /// It is for other hosts.
    #[error("it is for another host")]
    OtherHost,
    /// It is an authority's own certificate, as many self-signed ones are, and not that of a host.
    #[error("it is an authority's own certificate, which is for issuing others and for no host")]
    Authority,
    /// Anything else.
    #[error("{0}")]
    Other(String),
}

/// A step of a request, in chronological order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Step {
    /// Looking up the host's address and connecting to it.
    Connect,
    /// Agreeing on keys and checking the certificate.
    Tls,
    /// Waiting for the answer's status.
    Answer,
    /// Reading the answer's body.
    Body,
}

impl fmt::Display for Step {
    /// Writes what did not happen.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Connect => "no connection",
            Self::Tls => "no end of the TLS handshake",
            Self::Answer => "no answer",
            Self::Body => "no end of the answer",
        })
    }
}

/// A quoted message, after a comma.
pub(super) struct Says<'a>(pub(super) Option<&'a str>);

impl fmt::Display for Says<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.map_or(Ok(()), |said| write!(f, ", {said}"))
    }
}

/// A name in quotes, after a space.
pub(super) struct Named<'a>(pub(super) Option<&'a str>);

impl fmt::Display for Named<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.map_or(Ok(()), |name| write!(f, " `{name}`"))
    }
}
