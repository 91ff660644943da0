use std::fmt;

use hyper::header::HeaderValue;
use hyper::http::uri::Authority;
use hyper_util::client::proxy::matcher::{Intercept, Matcher};

use crate::environment::Environment;
use crate::secret::Secret;
use crate::text::shown;

/// How the system's HTTP client reaches the world.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct HttpSettings {
    /// The proxy for https URLs, such as `http://proxy.example:3128`, which may hold credentials. Plain http never leaves this
    /// machine and its link (see [`HttpUrl`](crate::HttpUrl)), where a proxy has nothing to do: it would see the secrets, and
    /// could answer for another machine.
    pub https_proxy: Option<Secret>,
    /// The variable that names the proxy, for errors to say.
    pub proxy_variable: Option<&'static str>,
    /// Hosts that are reached without a proxy: a comma-separated list of names, domains and networks.
    pub no_proxy: Option<String>,
    /// Certificates in PEM that are trusted beside the platform's: a private CA.
    pub extra_ca: Vec<u8>,
    /// How a user of the application names a private CA, such as `--ca-file FILE`, for errors to say.
    pub ca_setting: Option<String>,
    /// The value of `NODE_EXTRA_CA_CERTS`, for errors to say that nothing here reads it.
    pub node_extra_ca_certs: Option<String>,
    /// The value of `SSL_CERT_FILE`, for errors to say. The platform's certificates are read as it and `SSL_CERT_DIR` say.
    pub ssl_cert_file: Option<String>,
    /// The `User-Agent` that every request carries.
    pub user_agent: String,
}

impl Default for HttpSettings {
    fn default() -> Self {
        Self {
            https_proxy: None,
            proxy_variable: None,
            no_proxy: None,
            extra_ca: Vec::new(),
            ca_setting: None,
            node_extra_ca_certs: None,
            ssl_cert_file: None,
            user_agent: concat!("oidc-core/", env!("CARGO_PKG_VERSION")).to_owned(),
        }
    }
}

impl HttpSettings {
    /// What `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY` name, lower case first, as curl reads them.
    pub fn from_environment(environment: &Environment) -> Self {
        let get = |name: &str| environment.get(name).map(str::to_owned);
        let proxies = ["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"];
        let proxy = proxies.into_iter().find_map(|name| Some((name, get(name)?)));
        Self {
            proxy_variable: proxy.as_ref().map(|(name, _)| *name),
            https_proxy: proxy.map(|(_, url)| Secret::new(url)),
            no_proxy: get("no_proxy").or_else(|| get("NO_PROXY")),
            node_extra_ca_certs: get("NODE_EXTRA_CA_CERTS"),
            ssl_cert_file: get("SSL_CERT_FILE"),
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

    /// With the words by which a user of the application names a private CA, such as `--ca-file FILE`: an error says them where
    /// a certificate's issuer is not trusted.
    #[must_use]
    pub fn with_ca_setting(mut self, words: impl Into<String>) -> Self {
        self.ca_setting = Some(words.into());
        self
    }

    /// With this `User-Agent`.
    #[must_use]
    pub fn with_user_agent(mut self, user_agent: impl Into<String>) -> Self {
        self.user_agent = user_agent.into();
        self
    }

    pub(super) fn user_agent(&self) -> Result<HeaderValue, InvalidHttpSettings> {
        HeaderValue::from_str(&self.user_agent).map_err(|error| invalid("user_agent", &error))
    }

    /// Who is reached by the proxy.
    pub(super) fn proxies(&self) -> Result<Option<Matcher>, InvalidHttpSettings> {
        let Some(url) = &self.https_proxy else { return Ok(None) };
        // The matcher passes over what it can't use.
        let matcher = |no_proxy: &str| Matcher::builder().https(url.expose()).no(no_proxy).build();
        let any = hyper::Uri::from_static("https://host.invalid");
        let is_usable = |proxy: Intercept| matches!(proxy.uri().scheme_str(), Some("http" | "https"));
        if matcher("").intercept(&any).is_some_and(is_usable) {
            return Ok(Some(matcher(self.no_proxy.as_deref().unwrap_or_default())));
        }
        let variable = self.proxy_variable.map_or_else(String::new, |name| format!(" in variable `{name}`"));
        let reason =
            format!("the value{variable} is no URL of a proxy that speaks HTTP: expected `http://HOST:PORT`");
        Err(invalid("proxy", &reason))
    }
}

/// A proxy's host and port.
pub(super) fn address(proxy: &Intercept) -> String {
    let uri = proxy.uri();
    let authority = uri.authority().map(Authority::as_str).unwrap_or_default();
    match (uri.port(), uri.scheme_str()) {
        (Some(_), _) => authority.to_owned(),
        (None, Some("https")) => format!("{authority}:443"),
        (None, _) => format!("{authority}:80"),
    }
}

/// A proxy, a certificate or a `User-Agent` is not one.
#[derive(Clone, Debug, thiserror::Error)]
#[error("the HTTP setting {setting} can't be used: {reason}")]
pub struct InvalidHttpSettings {
    setting: &'static str,
    reason: String,
}

pub(super) fn invalid(setting: &'static str, reason: &dyn fmt::Display) -> InvalidHttpSettings {
    InvalidHttpSettings { setting, reason: shown(&reason.to_string()).to_string() }
}
