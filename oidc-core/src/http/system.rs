//! The reqwest client behind the seam.

use std::error::Error as _;
use std::fmt;
use std::sync::{Arc, OnceLock};

use async_trait::async_trait;
use rustls::RootCertStore;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

use super::{HttpClient, HttpError, HttpErrorKind, Method, Request, Response};
use crate::environment::Environment;
use crate::text::shown;

/// How the system's HTTP client reaches the world.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct HttpSettings {
    /// The proxy for https URLs, such as `http://proxy.example:3128`. Plain http never leaves this machine and its link (see
    /// [`HttpUrl`](crate::HttpUrl)), where a proxy has nothing to do: it would see the secrets, and could answer for another machine.
    pub https_proxy: Option<String>,
    /// Hosts that are reached without a proxy: a comma-separated list of names, domains and networks.
    pub no_proxy: Option<String>,
    /// Certificates in PEM that are trusted beside the platform's: a private CA.
    pub extra_ca: Vec<u8>,
    /// The `User-Agent` that every request carries.
    pub user_agent: String,
}

impl Default for HttpSettings {
    fn default() -> Self {
        Self {
            https_proxy: None,
            no_proxy: None,
            extra_ca: Vec::new(),
            user_agent: concat!("oidc-core/", env!("CARGO_PKG_VERSION")).to_owned(),
        }
    }
}

impl HttpSettings {
    /// What `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY` name, lower case first, as curl reads them.
    pub fn from_environment(environment: &Environment) -> Self {
        let get = |names: &[&str]| names.iter().find_map(|name| environment.get(name)).map(str::to_owned);
        Self {
            https_proxy: get(&["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"]),
            no_proxy: get(&["no_proxy", "NO_PROXY"]),
            ..Self::default()
        }
    }

    /// With one more certificate authority, in PEM, for registries and issuers with a private one.
    #[must_use]
    pub fn with_ca(mut self, pem: impl AsRef<[u8]>) -> Self {
        self.extra_ca.extend_from_slice(pem.as_ref());
        self.extra_ca.push(b'\n');
        self
    }

    /// With this `User-Agent`.
    #[must_use]
    pub fn with_user_agent(mut self, user_agent: impl Into<String>) -> Self {
        self.user_agent = user_agent.into();
        self
    }
}

/// A proxy, a certificate or a `User-Agent` is not one.
#[derive(Clone, Debug, thiserror::Error)]
#[error("the HTTP setting {setting} can't be used: {reason}")]
pub struct InvalidHttpSettings {
    setting: &'static str,
    reason: String,
}

/// reqwest with rustls, HTTP/1.1, no redirects, no cookies, no compression, no retries.
#[derive(Debug)]
pub struct SystemHttp {
    settings: HttpSettings,
    /// For plain http on this machine and its link, without a proxy; reading the platform's certificates would be waste.
    plain: reqwest::Client,
    /// For https, made when it is first needed.
    tls: OnceLock<Result<reqwest::Client, InvalidHttpSettings>>,
}

impl SystemHttp {
    /// A client with these settings.
    ///
    /// # Errors
    ///
    /// When a proxy, a certificate or the `User-Agent` is not one.
    pub fn new(settings: HttpSettings) -> Result<Self, InvalidHttpSettings> {
        // What https needs is made later, and refused now.
        proxy(&settings)?;
        let plain = client(&settings, private_roots(&settings)?, None)?;
        Ok(Self { settings, plain, tls: OnceLock::new() })
    }

    fn client(&self, request: &Request) -> Result<&reqwest::Client, HttpError> {
        if request.url.as_str().starts_with("http:") {
            return Ok(&self.plain);
        }
        let tls = self.tls.get_or_init(|| {
            let mut roots = private_roots(&self.settings)?;
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
            client(&self.settings, roots, proxy(&self.settings)?)
        });
        tls.as_ref().map_err(|error| HttpError::new(request, HttpErrorKind::Request(error.to_string())))
    }
}

fn private_roots(settings: &HttpSettings) -> Result<RootCertStore, InvalidHttpSettings> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&settings.extra_ca) {
        let certificate = certificate.map_err(|error| invalid("extra_ca", &error))?;
        roots.add(certificate).map_err(|error| invalid("extra_ca", &error))?;
    }
    if roots.is_empty() && !settings.extra_ca.is_empty() {
        return Err(invalid("extra_ca", &"it holds no certificate in PEM"));
    }
    Ok(roots)
}

fn client(
    settings: &HttpSettings,
    roots: RootCertStore,
    proxy: Option<reqwest::Proxy>,
) -> Result<reqwest::Client, InvalidHttpSettings> {
    let tls = rustls::ClientConfig::builder_with_provider(crypto()?)
        .with_safe_default_protocol_versions()
        .map_err(|error| invalid("tls", &error))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let mut builder = reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .referer(false)
        .user_agent(settings.user_agent.as_str())
        .no_proxy();
    if let Some(proxy) = proxy {
        builder = builder.proxy(proxy);
    }
    builder.build().map_err(|error| invalid("user_agent", &innermost(&error)))
}

/// The cryptography of TLS: what the application installed as the default of its process, or else what a feature of this
/// crate names. rustls' own choice, made from the features that anybody in the build enables, panics where there are two.
fn crypto() -> Result<Arc<CryptoProvider>, InvalidHttpSettings> {
    let installed = CryptoProvider::get_default().map(Arc::clone);
    installed.or_else(chosen).ok_or_else(|| {
        invalid(
            "tls",
            &"no cryptography is chosen; enable feature `system-aws-lc` or `system-ring` of `oidc-core`, or install a \
              `rustls::crypto::CryptoProvider` as the process's default",
        )
    })
}

/// The provider that a feature names; aws-lc-rs where both are on.
fn chosen() -> Option<Arc<CryptoProvider>> {
    #[cfg(feature = "system-aws-lc")]
    let provider = Some(rustls::crypto::aws_lc_rs::default_provider());
    #[cfg(all(feature = "system-ring", not(feature = "system-aws-lc")))]
    let provider = Some(rustls::crypto::ring::default_provider());
    #[cfg(not(any(feature = "system-ring", feature = "system-aws-lc")))]
    let provider = None;
    provider.map(Arc::new)
}

fn proxy(settings: &HttpSettings) -> Result<Option<reqwest::Proxy>, InvalidHttpSettings> {
    let Some(url) = &settings.https_proxy else { return Ok(None) };
    let proxy = reqwest::Proxy::https(url).map_err(|error| invalid("proxy", &error))?;
    let except = settings.no_proxy.as_deref().and_then(reqwest::NoProxy::from_string);
    Ok(Some(proxy.no_proxy(except)))
}

fn invalid(setting: &'static str, reason: &dyn fmt::Display) -> InvalidHttpSettings {
    InvalidHttpSettings { setting, reason: shown(&reason.to_string()).to_string() }
}

#[async_trait]
impl HttpClient for SystemHttp {
    async fn send(&self, request: Request) -> Result<Response, HttpError> {
        let failed = |error: reqwest::Error| {
            let kind = kind(&error, &request);
            HttpError::new(&request, kind).with_source(error.without_url())
        };
        let mut answer = outgoing(self.client(&request)?, &request)?.send().await.map_err(failed)?;
        let status = answer.status().as_u16();
        let headers = headers(answer.headers());
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(failed)? {
            if body.len() + chunk.len() > request.max_body {
                return Err(HttpError::new(&request, HttpErrorKind::TooLarge(request.max_body)));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Response::new(status, headers, body))
    }
}

fn outgoing(client: &reqwest::Client, request: &Request) -> Result<reqwest::RequestBuilder, HttpError> {
    let method = match request.method {
        Method::Get => reqwest::Method::GET,
        Method::Post => reqwest::Method::POST,
        Method::Put => reqwest::Method::PUT,
        Method::Delete => reqwest::Method::DELETE,
    };
    let mut outgoing = client.request(method, request.url.clone().into_inner()).timeout(request.deadline);
    for (name, value) in &request.headers {
        let mut header = reqwest::header::HeaderValue::from_str(value.expose()).map_err(|_| {
            HttpError::new(request, HttpErrorKind::Request(format!("header `{name}` has an invalid value")))
        })?;
        header.set_sensitive(matches!(value, super::HeaderValue::Secret(_)));
        outgoing = outgoing.header(*name, header);
    }
    Ok(match request.method {
        Method::Get => outgoing,
        // An empty body is still a body where the method has one, and hyper doesn't say so by itself.
        _ if request.body.is_empty() => outgoing.header(reqwest::header::CONTENT_LENGTH, 0),
        _ => outgoing.body(request.body.clone()),
    })
}

fn headers(headers: &reqwest::header::HeaderMap) -> Vec<(String, String)> {
    let text = |(name, value): (&reqwest::header::HeaderName, &reqwest::header::HeaderValue)| {
        Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned()))
    };
    headers.iter().filter_map(text).collect()
}

fn kind(error: &reqwest::Error, request: &Request) -> HttpErrorKind {
    if error.is_timeout() {
        HttpErrorKind::Timeout(request.deadline)
    } else if has_cause(error, is_not_tls) {
        HttpErrorKind::NotTls
    } else if has_cause(error, is_not_http) {
        HttpErrorKind::NotHttp
    } else if error.is_connect() {
        HttpErrorKind::Connect(innermost(error))
    } else if error.is_builder() {
        HttpErrorKind::Request(innermost(error))
    } else {
        HttpErrorKind::Broken(innermost(error))
    }
}

/// Whether an error or one below it is of a kind. An I/O error hides what it wraps from those that walk the chain.
fn has_cause(
    error: &(dyn std::error::Error + 'static),
    is_one: fn(&(dyn std::error::Error + 'static)) -> bool,
) -> bool {
    let wrapped = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
    is_one(error)
        || wrapped.is_some_and(|wrapped| has_cause(wrapped, is_one))
        || error.source().is_some_and(|below| has_cause(below, is_one))
}

/// The first bytes that came are no TLS record (RFC 8446, section 5.1).
fn is_not_tls(error: &(dyn std::error::Error + 'static)) -> bool {
    matches!(
        error.downcast_ref(),
        Some(rustls::Error::InvalidMessage(
            rustls::InvalidMessage::InvalidContentType | rustls::InvalidMessage::UnknownProtocolVersion
        ))
    )
}

/// The first bytes that came are no HTTP.
fn is_not_http(error: &(dyn std::error::Error + 'static)) -> bool {
    error.downcast_ref::<hyper::Error>().is_some_and(hyper::Error::is_parse)
}

/// The text of the error at the bottom, which says what happened; those above say where.
fn innermost(error: &reqwest::Error) -> String {
    let mut text = error.to_string();
    let mut below = error.source();
    while let Some(error) = below {
        text = error.to_string();
        below = error.source();
    }
    shown(&text).to_string()
}
