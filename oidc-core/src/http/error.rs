use std::fmt;

use super::error_kind::{CertificateFault, HttpErrorKind, ProxyFault, Step};
use super::{Method, Request};
use crate::codes;
use crate::diagnosis::{Diagnosis, Target};
use crate::text::shown;

/// An HTTP request that got no complete answer.
///
/// [`HttpError::kind`] is the reason, [`HttpError::proxy`] the proxy that the request went through, and
/// [`HttpError::advice`] the change to make on this machine, where this machine is at fault. `Display` leaves
/// out the text of `source()`; [`HttpError::to_text`] is complete.
#[derive(Debug)]
pub struct HttpError {
    kind: HttpErrorKind,
    method: Method,
    target: Box<Destination>,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// The target of a request, and the way to it.
#[derive(Debug)]
struct Destination {
    url: String,
    host: String,
    way: Way,
}

/// A proxy for https, as errors name it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Proxy {
    /// The proxy's host and port.
    pub address: String,
    /// The variable that names the proxy, if a variable does.
    pub variable: Option<&'static str>,
    /// `true` if it was sent a name or a password.
    pub has_credentials: bool,
}

/// The change to credentials that a proxy does not accept.
const CORRECT_CREDENTIALS: &str = "correct them (in a URL, `@` in a password is `%40`, `:` is `%3A` and `/` is `%2F`), or ask the \
                                   proxy's operator, since it may take no name and password at all";

impl Proxy {
    /// The proxy at this host and port. `variable` is the variable that names it, if a variable does.
    pub fn new(address: impl Into<String>, variable: Option<&'static str>) -> Self {
        Self { address: address.into(), variable, has_credentials: false }
    }

    /// Returns the same proxy, with the knowledge that it was sent credentials or not.
    #[must_use]
    pub fn with_credentials(self, has_credentials: bool) -> Self {
        Self { has_credentials, ..self }
    }

    /// Returns the change to make where the proxy asks for credentials (status 407).
    ///
    /// ```
    /// use oidc_core::http::Proxy;
    ///
    /// let proxy = Proxy::new("proxy.example:3128", Some("HTTPS_PROXY"));
    /// assert!(proxy.credentials_advice().contains("`HTTPS_PROXY`"));
    /// ```
    pub fn credentials_advice(&self) -> String {
        match (self.variable, self.has_credentials) {
            (Some(variable), false) => {
                format!("write the proxy's credentials into `{variable}` (`http://USER:PASSWORD@HOST:PORT`)")
            }
            (Some(variable), true) => {
                format!("the proxy does not accept the credentials in `{variable}`: {CORRECT_CREDENTIALS}")
            }
            (None, false) => "give the proxy its credentials".to_owned(),
            (None, true) => {
                format!("the proxy does not accept the credentials that it got: {CORRECT_CREDENTIALS}")
            }
        }
    }
}

impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "proxy `{}`", shown(&self.address))?;
        match self.variable {
            Some(variable) => write!(f, ", from variable `{variable}`"),
            None => Ok(()),
        }
    }
}

/// The route of a request, as its sender knows it, for use in errors.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Way {
    /// The proxy that the request goes through.
    pub proxy: Option<Proxy>,
    /// The value of `NODE_EXTRA_CA_CERTS`, which only Node.js reads.
    pub node_extra_ca_certs: Option<String>,
    /// The value of `SSL_CERT_FILE`, whose certificates are trusted in place of the platform's.
    pub ssl_cert_file: Option<String>,
    /// The words by which a user of the application names a private certificate authority, such as `--ca-file
    /// FILE`.
    pub ca_setting: Option<String>,
    /// `true` if no certificate authority is trusted at all.
    pub trusts_nobody: bool,
}

impl HttpError {
    /// An error of a request. Text in `kind` must be fit to be shown.
    pub fn new(request: &Request, kind: HttpErrorKind) -> Self {
        let (host, url) = (request.url.host().to_owned(), request.url.to_string());
        let target = Box::new(Destination { url, host, way: Way::default() });
        Self { kind, method: request.method, target, source: None }
    }

    /// Makes an error for a request whose connection broke, from an HTTP client's own error, which becomes
    /// [`source()`](std::error::Error::source).
    ///
    /// ```
    /// # use oidc_core::{HttpUrl, http::{HttpError, Request}};
    /// use std::error::Error as _;
    ///
    /// let request = Request::get(HttpUrl::parse("https://registry.example/").unwrap());
    /// let error = HttpError::broken(&request, std::io::Error::other("reset"));
    /// assert_eq!(error.to_text(), "GET https://registry.example/: the connection broke (reset)");
    /// assert!(error.source().is_some_and(|below| below.is::<std::io::Error>()));
    /// ```
    pub fn broken(request: &Request, error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        let error = error.into();
        Self::new(request, HttpErrorKind::Broken(shown(&error.to_string()).to_string())).with_source(error)
    }

    /// Adds what is known of the request's way.
    #[must_use]
    pub fn on_the_way(mut self, way: Way) -> Self {
        self.target.way = way;
        self
    }

    /// Adds the underlying error.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// Returns the whole text in one line, including that of the underlying error.
    pub fn to_text(&self) -> String {
        self.line(&self.kind)
    }

    fn line(&self, why: &dyn fmt::Display) -> String {
        format!("{} {}: {why}{}", self.method.as_str(), self.target.url, By(self.proxy()))
    }

    /// Returns the reason.
    pub fn kind(&self) -> &HttpErrorKind {
        &self.kind
    }

    /// Returns the proxy that the request went through.
    pub fn proxy(&self) -> Option<&Proxy> {
        self.target.way.proxy.as_ref()
    }

    /// Returns `true` if the same request may succeed a little later.
    pub fn is_transient(&self) -> bool {
        match &self.kind {
            HttpErrorKind::Connect(_) | HttpErrorKind::Timeout { .. } | HttpErrorKind::Broken(_) => true,
            // A proxy that refuses the client or the host will do so again; a fault of its own may pass.
            HttpErrorKind::Proxy(fault) => !matches!(fault, ProxyFault::Refused { status: ..500, .. }),
            _ => false,
        }
    }

    /// Returns the change to make on the way to the host: to the proxy, the trusted certificates, or the
    /// network. `None` where nothing shows that the way is at fault and not the host.
    pub fn advice(&self) -> Option<String> {
        let host = shown(&self.target.host);
        match &self.kind {
            HttpErrorKind::Proxy(fault) => Some(self.proxy_advice(fault)),
            HttpErrorKind::Certificate { fault, .. } => Some(self.certificate_advice(fault)),
            HttpErrorKind::OutOfTime(_) => Some("run it again, or allow the operation more time".to_owned()),
            HttpErrorKind::Timeout { .. } if self.proxy().is_some() => Some(format!(
                "if the proxy is what holds it up, name `{host}` in `no_proxy`; or try again later"
            )),
            HttpErrorKind::Broken(_) if self.proxy().is_some() => Some(format!(
                "if the proxy is what breaks it off, have it let this connection through, or name `{host}` in `no_proxy`; or try \
                 again later"
            )),
            HttpErrorKind::NotTls if self.proxy().is_some() => Some(self.proxys_own_advice()),
            HttpErrorKind::Timeout { step: Step::Connect, .. } => Some(format!(
                "let this machine connect to `{host}`; where that takes a proxy, name it in `https_proxy`"
            )),
            _ => None,
        }
    }

    /// Returns the stable name of a fault on the way to the host: `http-proxy` or `http-certificate`. `None`
    /// where the way is not known to be at fault.
    pub fn code(&self) -> Option<&'static str> {
        match self.kind {
            HttpErrorKind::Proxy(_) => Some(codes::HTTP_PROXY),
            // The other end of a tunnel is not the proxy that the URL names.
            HttpErrorKind::NotTls if self.proxy().is_some() => Some(codes::HTTP_PROXY),
            HttpErrorKind::Certificate { .. } => Some(codes::HTTP_CERTIFICATE),
            _ => None,
        }
    }

    /// Makes a diagnosis whose problem begins with `problem`. `code` and `fix` are for a fault of the
    /// host. A fault on the way to it, such as a proxy's, has a code and a fix of its own, which are used instead. Where a proxy may be
    /// missing, that is added to `fix`.
    pub fn diagnosis(&self, code: &'static str, subject: Target, problem: &str, fix: &str) -> Diagnosis {
        let problem = format!("{problem}: {}", self.to_text());
        let fix = self.advice().unwrap_or_else(|| format!("{fix}{}", self.proxy_hint()));
        Diagnosis::new(self.code().unwrap_or(code), subject, problem).fix(fix)
    }

    /// The words behind a fix where a proxy may be missing: a host that is not found or not reached, by https, which alone goes
    /// through one.
    fn proxy_hint(&self) -> &'static str {
        let is_unreached =
            matches!(self.kind, HttpErrorKind::Connect(_) | HttpErrorKind::Timeout { step: Step::Tls, .. });
        match is_unreached && self.proxy().is_none() && self.target.url.starts_with("https:") {
            true => {
                "; where the network takes a proxy, name it in `https_proxy`, with exceptions in `no_proxy`"
            }
            false => "",
        }
    }

    fn proxy_advice(&self, fault: &ProxyFault) -> String {
        let host = shown(&self.target.host);
        let variable = self.proxy().and_then(|proxy| proxy.variable);
        let change = match (fault, variable) {
            (ProxyFault::Refused { status: 407, .. }, _) => self
                .proxy()
                .map_or_else(|| "give the proxy its credentials".to_owned(), Proxy::credentials_advice),
            (ProxyFault::Refused { .. }, _) => "have the proxy let this connection through".to_owned(),
            (_, Some(variable)) => format!("start the proxy, or correct or unset `{variable}`"),
            (_, None) => "start the proxy, or correct its address".to_owned(),
        };
        format!("{change}, or name `{host}` in `no_proxy` if it can be reached without a proxy")
    }

    fn certificate_advice(&self, fault: &CertificateFault) -> String {
        let clock = "check this machine's clock, and tell the host's operator if it is right";
        match fault {
            CertificateFault::UnknownIssuer(_) => self.trust_advice(),
            CertificateFault::Expired | CertificateFault::NotYetValid => clock.to_owned(),
            CertificateFault::OtherHost | CertificateFault::Authority | CertificateFault::Other(_)
                if self.proxy().is_some() =>
            {
                self.proxys_own_advice()
            }
            CertificateFault::Authority => {
                "give the host a certificate of its own that the authority issued, and trust the authority's"
                    .to_owned()
            }
            CertificateFault::OtherHost | CertificateFault::Other(_) => {
                "check the URL's host, and tell the host's operator if it is right".to_owned()
            }
        }
    }

    fn proxys_own_advice(&self) -> String {
        let host = shown(&self.target.host);
        format!("see what the proxy puts in the host's place, or name `{host}` in `no_proxy`")
    }

    /// Advice for trusting an issuer, with the state of two variables that users often expect to do that.
    fn trust_advice(&self) -> String {
        let way = &self.target.way;
        let whose = match self.proxy() {
            Some(_) => "where the proxy decrypts what passes through it, name its authority's certificate",
            None => "where the issuer is a private authority, name its certificate",
        };
        let setting =
            way.ca_setting.as_ref().map_or_else(String::new, |setting| format!(" with `{setting}`"));
        let nobody = match way.trusts_nobody {
            true if way.ssl_cert_file.is_some() => {
                "no certificate authority is trusted: correct `SSL_CERT_FILE`, which stands in for the platform's, or unset it; "
            }
            true => {
                "no certificate authority is trusted on this machine: install the platform's (`ca-certificates`); "
            }
            false => "",
        };
        let node = match &way.node_extra_ca_certs {
            Some(file) => {
                format!("`NODE_EXTRA_CA_CERTS` is set (`{}`), and only Node.js reads it", shown(file))
            }
            None => "`NODE_EXTRA_CA_CERTS` is not set".to_owned(),
        };
        let openssl = match &way.ssl_cert_file {
            Some(file) if way.trusts_nobody => {
                format!("no certificate can be read from `SSL_CERT_FILE` (`{}`)", shown(file))
            }
            Some(file) => format!("`SSL_CERT_FILE` is set (`{}`), and does not hold the issuer", shown(file)),
            None => "`SSL_CERT_FILE` is not set".to_owned(),
        };
        format!("{nobody}{whose}{setting}; {node}; {openssl}")
    }
}

impl std::error::Error for HttpError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_ref().map(|source| &**source as _)
    }
}

impl fmt::Display for HttpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&match self.source {
            Some(_) => self.line(&Brief(&self.kind)),
            None => self.to_text(),
        })
    }
}

/// The reason why no complete answer came, without the text of the underlying error.
struct Brief<'a>(&'a HttpErrorKind);

impl fmt::Display for Brief<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            HttpErrorKind::Connect(_) => f.write_str("no connection"),
            HttpErrorKind::Proxy(ProxyFault::Unreachable(_)) => f.write_str("the proxy can't be reached"),
            HttpErrorKind::Proxy(ProxyFault::Broken(_)) => f.write_str("the proxy broke the connection off"),
            HttpErrorKind::Certificate { host, fault: CertificateFault::Other(_) } => {
                write!(f, "the certificate of `{}` is not accepted", shown(host))
            }
            HttpErrorKind::Request(_) => f.write_str("the request can't be sent"),
            HttpErrorKind::Broken(_) => f.write_str("the connection broke"),
            kind => kind.fmt(f),
        }
    }
}

/// The proxy that a request went through, in parentheses.
struct By<'a>(Option<&'a Proxy>);

impl fmt::Display for By<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.map_or(Ok(()), |proxy| write!(f, " ({proxy})"))
    }
}
