//! The blocking client: ureq over TCP, through a proxy or directly, with rustls.

use std::io;
use std::net::IpAddr;
use std::sync::OnceLock;
use std::time::Duration;

use async_trait::async_trait;
use ipnet::IpNet;
use ureq::tls::{Certificate, RootCerts, TlsConfig};
use ureq::{Agent, Timeout};

use super::failure::SendFailure;
use super::settings::{HttpSettings, InvalidHttpSettings, invalid, no_proxy_url};
use super::tls::{certificate_fault, crypto, find, innermost, is_not_tls, private_certificates};
use super::{HttpClient, HttpError, HttpErrorKind, Method, Proxy, ProxyFault, Request, Response, Step};
use crate::url::HttpUrl;

/// Connecting is given up at nine tenths of the deadline (`deadline - deadline / CONNECT_MARGIN`), so that an
/// error can tell which step took too long.
const CONNECT_MARGIN: u32 = 10;

/// The log target at which ureq logs every byte on the wire, at the level `trace`.
const WIRE_LOG: &str = "ureq_proto::util";

/// The error of a request while a logger records that target.
const WIRE_IS_LOGGED: &str = "the application's logger takes the target `ureq_proto` at the level `trace`, where every byte that is sent and \
                              received is logged, tokens included; keep that target at `debug`";

/// An HTTP client that blocks the thread, on ureq with rustls: HTTP/1.1, one connection for each request, no
/// redirects, no cookies, no compression, no retries.
///
/// It keeps to the same bounds and settings as `SystemHttp`, and fails with the same kinds of errors. Its errors
/// contain less in three cases: the name of an issuer that is not trusted is missing; a proxy's message is missing
/// beside its status; and a TLS handshake that takes too long is reported as [`Step::Connect`].
///
/// At the level `trace`, ureq logs every byte on the wire (the target `ureq_proto` of the `log` crate),
/// secrets included. Where the application's logger records that target at that level, nothing is sent, and
/// the error names the cause: keep that target at `debug`.
///
/// ```
/// use oidc_core::http::{BlockingHttp, HttpSettings};
/// use oidc_core::{Context, Environment};
///
/// let settings = HttpSettings::from_environment(&Environment::system()).with_user_agent("publish-tool/1.2");
/// let cx = Context::blocking(BlockingHttp::new(settings)?);
/// # Ok::<(), oidc_core::http::InvalidHttpSettings>(())
/// ```
#[derive(Debug)]
pub struct BlockingHttp {
    settings: HttpSettings,
    proxy: Option<ureq::Proxy>,
    plain: Agent,
    /// Made when https is first needed, since reading the platform's certificates takes time.
    secure: OnceLock<Result<Secure, InvalidHttpSettings>>,
}

/// The client for https.
#[derive(Clone, Debug)]
struct Secure {
    agent: Agent,
    trusts_nobody: bool,
}

impl BlockingHttp {
    /// A client with these settings.
    ///
    /// # Errors
    ///
    /// When a proxy, a certificate or the `User-Agent` is invalid.
    pub fn new(settings: HttpSettings) -> Result<Self, InvalidHttpSettings> {
        ::http::HeaderValue::from_str(&settings.user_agent).map_err(|error| invalid("user_agent", &error))?;
        let proxy = proxy(&settings)?;
        // The client for https is made later; settings that it can't use are refused here.
        private_certificates(&settings)?;
        crypto()?;
        let plain = agent(&settings, TlsConfig::builder().build());
        Ok(Self { settings, proxy, plain, secure: OnceLock::new() })
    }

    fn secure(&self) -> Result<&Secure, SendFailure> {
        let secure = self.secure.get_or_init(|| secure(&self.settings));
        secure.as_ref().map_err(|error| HttpErrorKind::Request(error.to_string()).into())
    }

    /// The proxy that a request goes through.
    fn proxy_to(&self, url: &HttpUrl) -> Option<&ureq::Proxy> {
        let exceptions = self.settings.no_proxy.as_deref().unwrap_or_default();
        let goes_by = is_https(url) && !is_excepted(exceptions, url.host());
        self.proxy.as_ref().filter(|_| goes_by)
    }

    fn exchange(&self, request: &Request, proxy: Option<&ureq::Proxy>) -> Result<Response, SendFailure> {
        // ureq would write the secrets into its log before any code here could mask them.
        if log::log_enabled!(target: WIRE_LOG, log::Level::Trace) {
            return Err(HttpErrorKind::Request(WIRE_IS_LOGGED.to_owned()).into());
        }
        let agent = if is_https(&request.url) { &self.secure()?.agent } else { &self.plain };
        let failed = |error, step| Asked { request, is_by_proxy: proxy.is_some(), step }.failure(error);
        let outgoing = ::http::Request::try_from(request).map_err(|error| error.kind().clone())?;
        let (parts, body) = outgoing.into_parts();
        let way = Way { agent, proxy, deadline: request.deadline };
        let answer = match request.method {
            Method::Get if body.is_empty() => way.run(::http::Request::from_parts(parts, ())),
            _ => way.run(::http::Request::from_parts(parts, body)),
        };
        let (parts, mut body) = answer.map_err(|error| failed(error, Step::Answer))?.into_parts();
        let limit = u64::try_from(request.max_body).unwrap_or(u64::MAX);
        let body = body.with_config().limit(limit).read_to_vec();
        let body = body.map_err(|error| failed(error, Step::Body))?;
        Ok(Response::from(::http::Response::from_parts(parts, body)))
    }
}

#[async_trait]
impl HttpClient for BlockingHttp {
    async fn send(&self, request: Request) -> Result<Response, HttpError> {
        let proxy = self.proxy_to(&request.url);
        let name = |proxy: &ureq::Proxy| {
            let name = Proxy::new(address(proxy), self.settings.proxy_variable);
            name.with_credentials(proxy.username().is_some())
        };
        let name = proxy.map(name);
        let failure = match self.exchange(&request, proxy) {
            Ok(answer) => return Ok(Response { proxy: name, ..answer }),
            Err(failure) => failure,
        };
        let trusts_nobody = matches!(self.secure.get(), Some(Ok(secure)) if secure.trusts_nobody);
        let way = self.settings.way(name, trusts_nobody);
        let error = HttpError::new(&request, failure.kind).on_the_way(way);
        Err(match failure.source {
            Some(source) => error.with_source(source),
            None => error,
        })
    }
}

/// The way that a request takes.
struct Way<'a> {
    agent: &'a Agent,
    proxy: Option<&'a ureq::Proxy>,
    deadline: Duration,
}

impl Way<'_> {
    fn run(&self, request: ::http::Request<impl ureq::AsSendBody>) -> Result<Answer, ureq::Error> {
        let request = self
            .agent
            .configure_request(request)
            .proxy(self.proxy.cloned())
            .timeout_connect(Some(self.deadline.saturating_sub(self.deadline / CONNECT_MARGIN)))
            .timeout_global(Some(self.deadline))
            .build();
        self.agent.run(request)
    }
}

type Answer = ::http::Response<ureq::Body>;

/// A request that got no complete answer, with the step that it reached.
struct Asked<'a> {
    request: &'a Request,
    is_by_proxy: bool,
    step: Step,
}

impl Asked<'_> {
    fn failure(&self, error: ureq::Error) -> SendFailure {
        match error {
            ureq::Error::Timeout(timeout) => self.timed_out(timeout).into(),
            ureq::Error::Io(error) => self.broken(error),
            ureq::Error::Rustls(error) => self.insecure(error),
            ureq::Error::HostNotFound => self.unreachable("the host has no address".to_owned()).into(),
            ureq::Error::ConnectProxyFailed(text) => HttpErrorKind::Proxy(refusal(&text)).into(),
            ureq::Error::BodyExceedsLimit(_) => HttpErrorKind::TooLarge(self.request.max_body).into(),
            ureq::Error::Protocol(_) if !is_https(&self.request.url) && self.step == Step::Answer => {
                HttpErrorKind::NotHttp.into()
            }
            ureq::Error::Tls(_) => HttpErrorKind::Request("the host has no valid name".to_owned()).into(),
            ureq::Error::Http(_) | ureq::Error::BadUri(_) => HttpErrorKind::Request(innermost(&error)).into(),
            other => HttpErrorKind::Broken(innermost(&other)).into(),
        }
    }

    fn insecure(&self, error: rustls::Error) -> SendFailure {
        let kind = self.tls(&error).unwrap_or_else(|| HttpErrorKind::Broken(innermost(&error)));
        SendFailure { kind, source: Some(Box::new(error)) }
    }

    fn timed_out(&self, timeout: Timeout) -> HttpErrorKind {
        let after = self.request.deadline;
        match timeout {
            Timeout::Resolve | Timeout::Connect if self.is_by_proxy => {
                HttpErrorKind::Proxy(ProxyFault::Timeout(after))
            }
            Timeout::Resolve | Timeout::Connect => HttpErrorKind::Timeout { step: Step::Connect, after },
            _ => HttpErrorKind::Timeout { step: self.step, after },
        }
    }

    fn broken(&self, error: io::Error) -> SendFailure {
        let kind = match find::<rustls::Error>(&error).and_then(|error| self.tls(error)) {
            Some(kind) => kind,
            None if is_of_connecting(&error) => self.unreachable(innermost(&error)),
            None => HttpErrorKind::Broken(innermost(&error)),
        };
        SendFailure { kind, source: Some(Box::new(error)) }
    }

    fn unreachable(&self, why: String) -> HttpErrorKind {
        if self.is_by_proxy {
            HttpErrorKind::Proxy(ProxyFault::Unreachable(why))
        } else {
            HttpErrorKind::Connect(why)
        }
    }

    fn tls(&self, error: &rustls::Error) -> Option<HttpErrorKind> {
        let host = self.request.url.host().to_owned();
        match error {
            error if is_not_tls(error) => Some(HttpErrorKind::NotTls),
            rustls::Error::InvalidCertificate(reason) => {
                Some(HttpErrorKind::Certificate { host, fault: certificate_fault(reason, None) })
            }
            _ => None,
        }
    }
}

/// Returns `true` if an error arose while looking up an address or connecting to it, and not on an open
/// connection.
fn is_of_connecting(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionRefused
            | io::ErrorKind::HostUnreachable
            | io::ErrorKind::NetworkUnreachable
            | io::ErrorKind::NetworkDown
            | io::ErrorKind::AddrNotAvailable
    ) || error.to_string().starts_with("failed to lookup address information")
}

/// The answer of a proxy that refused a tunnel. ureq gives its status as `proxy server responded 407/407`.
fn refusal(text: &str) -> ProxyFault {
    let number = text.split(|c: char| !c.is_ascii_digit()).find(|part| !part.is_empty());
    match number.and_then(|number| ::http::StatusCode::from_bytes(number.as_bytes()).ok()) {
        Some(status) => {
            let message = status.canonical_reason().map(str::to_owned);
            ProxyFault::Refused { status: status.as_u16(), message }
        }
        None => ProxyFault::Broken(text.to_owned()),
    }
}

fn agent(settings: &HttpSettings, tls: TlsConfig) -> Agent {
    Agent::config_builder()
        // Every status is an answer, and a redirect would take the token to another address.
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .max_idle_connections(0)
        // By default ureq takes the proxy from the process's environment, which is a value of the caller
        // here.
        .proxy(None)
        .user_agent(&settings.user_agent)
        .accept_encoding("")
        .tls_config(tls)
        .build()
        .new_agent()
}

fn secure(settings: &HttpSettings) -> Result<Secure, InvalidHttpSettings> {
    let mut trusted = private_certificates(settings)?;
    trusted.extend(rustls_native_certs::load_native_certs().certs);
    let roots = trusted.iter().map(|certificate| Certificate::from_der(certificate).to_owned());
    let tls = TlsConfig::builder()
        .root_certs(RootCerts::from(roots.collect::<Vec<_>>()))
        .unversioned_rustls_crypto_provider(crypto()?)
        .build();
    Ok(Secure { agent: agent(settings, tls), trusts_nobody: trusted.is_empty() })
}

fn proxy(settings: &HttpSettings) -> Result<Option<ureq::Proxy>, InvalidHttpSettings> {
    let Some(url) = &settings.https_proxy else { return Ok(None) };
    let is_usable = |proxy: &ureq::Proxy| {
        matches!(proxy.protocol(), ureq::ProxyProtocol::Http | ureq::ProxyProtocol::Https)
    };
    let proxy = ureq::Proxy::new(url.expose()).ok().filter(is_usable);
    proxy.map(Some).ok_or_else(|| no_proxy_url(settings))
}

/// A proxy's host and port.
fn address(proxy: &ureq::Proxy) -> String {
    format!("{}:{}", proxy.host(), proxy.port())
}

fn is_https(url: &HttpUrl) -> bool {
    url.as_str().starts_with("https:")
}

/// Returns `true` if a host is a domain or a host in it.
fn is_in_domain(host: &str, domain: &str) -> bool {
    let (host, domain) = (host.to_ascii_lowercase(), domain.to_ascii_lowercase());
    let rest = host.strip_suffix(&*domain).filter(|_| !domain.is_empty());
    rest.is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

/// Returns `true` if a host is reached without a proxy: by its name, by a domain that contains it, or by a
/// network that contains its address, as curl reads `NO_PROXY`.
fn is_excepted(exceptions: &str, host: &str) -> bool {
    let host = host.trim_matches(['[', ']']);
    let address: Option<IpAddr> = host.parse().ok();
    let is_one = |exception: &str| match address {
        Some(address) => {
            exception.parse::<IpAddr>().is_ok_and(|one| one == address)
                || exception.parse::<IpNet>().is_ok_and(|network| network.contains(&address))
        }
        None => is_in_domain(host, exception.trim_start_matches('*').trim_start_matches('.')),
    };
    let mut exceptions = exceptions.split(',').map(str::trim).filter(|exception| !exception.is_empty());
    exceptions.any(|exception| exception == "*" || is_one(exception))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exceptions_are_names_domains_and_networks() {
        let exceptions = "localhost, .corp.example,example.org,*.wild.example,10.0.0.0/8,192.0.2.7,fd00::/8";
        for host in [
            "localhost",
            "a.corp.example",
            "corp.example",
            "EXAMPLE.org",
            "deep.sub.example.org",
            "a.wild.example",
            "10.1.2.3",
            "192.0.2.7",
            "[fd00::1]",
        ] {
            assert!(is_excepted(exceptions, host), "{host}");
        }
        for host in
            ["registry.example", "badexample.org", "11.1.2.3", "192.0.2.8", "[fe80::1]", "10.0.0.0.example"]
        {
            assert!(!is_excepted(exceptions, host), "{host}");
        }
        assert!(is_excepted("*", "registry.example") && !is_excepted("", "registry.example"));
        assert!(!is_excepted(",.,", "registry.example"));
    }

    #[test]
    fn a_proxys_status_is_read_out_of_what_ureq_says() {
        let refused =
            |status, message: &str| ProxyFault::Refused { status, message: Some(message.to_owned()) };
        let authentication = refused(407, "Proxy Authentication Required");
        assert_eq!(refusal("proxy server responded 407/407"), authentication);
        let text = "proxy server did not respond";
        assert_eq!(refusal(text), ProxyFault::Broken(text.to_owned()));
    }
}
