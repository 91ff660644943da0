use std::fmt;

use url::Url;

use super::{HttpSetting, Origin, Proxy, Way};
use crate::environment::Environment;
use crate::secret::Secret;
use crate::text::shown;

/// Settings of this crate's HTTP clients: proxy, trusted certificates, user agent.
///
/// [`HttpSettings::in_use`] lists each setting with its origin, and
/// [`OperationPolicy::in_use`](crate::OperationPolicy::in_use) the time and the tries of an operation.
///
/// ```
/// use oidc_core::Environment;
/// use oidc_core::http::HttpSettings;
///
/// let environment = Environment::from_iter([("HTTPS_PROXY", "http://me:hunter2@proxy.example:3128")]);
/// let settings = HttpSettings::from_environment(&environment).with_user_agent("publish-tool/1.2");
/// let told: Vec<String> = settings.in_use().iter().map(ToString::to_string).collect();
/// assert_eq!(told[0], "proxy `proxy.example:3128`, from variable `HTTPS_PROXY`");
/// assert_eq!(told[2], "user agent `publish-tool/1.2`, from the application");
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct HttpSettings {
    /// The proxy for https URLs, such as `http://proxy.example:3128`, which may hold credentials. Plain http
    /// stays on this machine or its local link (see [`HttpUrl`](crate::HttpUrl)) and goes through no proxy: a
    /// proxy would see the secrets, and could answer in place of another machine.
    pub https_proxy: Option<Secret>,
    /// The variable that names the proxy, for use in errors.
    pub proxy_variable: Option<&'static str>,
    /// The hosts that are reached without a proxy: a comma-separated list of names, domains and networks.
    pub no_proxy: Option<String>,
    /// The variable that names the hosts that are reached without a proxy.
    pub no_proxy_variable: Option<&'static str>,
    /// Certificates in PEM that are trusted in addition to the platform's: a private CA.
    pub extra_ca: Vec<u8>,
    /// The words by which a user of the application names a private CA, such as `--ca-file FILE`, for use in
    /// errors.
    pub ca_setting: Option<String>,
    /// The value of `NODE_EXTRA_CA_CERTS`, for errors that explain that this library does not read it.
    pub node_extra_ca_certs: Option<String>,
    /// The value of `SSL_CERT_FILE`, which with `SSL_CERT_DIR` decides where the platform's certificates are read.
    pub ssl_cert_file: Option<String>,
    /// The value of `SSL_CERT_DIR`.
    pub ssl_cert_dir: Option<String>,
    /// The `User-Agent` of every request.
    pub user_agent: String,
}

/// The default `User-Agent`.
const USER_AGENT: &str = concat!("oidc-core/", env!("CARGO_PKG_VERSION"));

impl Default for HttpSettings {
    fn default() -> Self {
        Self {
            https_proxy: None,
            proxy_variable: None,
            no_proxy: None,
            no_proxy_variable: None,
            extra_ca: Vec::new(),
            ca_setting: None,
            node_extra_ca_certs: None,
            ssl_cert_file: None,
            ssl_cert_dir: None,
            user_agent: USER_AGENT.to_owned(),
        }
    }
}

impl HttpSettings {
    /// The names of the variables that [`HttpSettings::from_environment`] looks up, for a host that has to allow each of them.
    pub const VARIABLES: &'static [&'static str] = &[
        "https_proxy",
        "HTTPS_PROXY",
        "all_proxy",
        "ALL_PROXY",
        "no_proxy",
        "NO_PROXY",
        "NODE_EXTRA_CA_CERTS",
        "SSL_CERT_FILE",
        "SSL_CERT_DIR",
    ];

    /// The settings that `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY` name, lower case first, as curl reads
    /// them.
    pub fn from_environment(environment: &Environment) -> Self {
        let get = |name: &'static str| Some((name, environment.get(name)?.to_owned()));
        let proxy = ["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"].into_iter().find_map(get);
        let no_proxy = ["no_proxy", "NO_PROXY"].into_iter().find_map(get);
        Self {
            proxy_variable: proxy.as_ref().map(|(name, _)| *name),
            https_proxy: proxy.map(|(_, url)| Secret::new(url)),
            no_proxy_variable: no_proxy.as_ref().map(|(name, _)| *name),
            no_proxy: no_proxy.map(|(_, hosts)| hosts),
            node_extra_ca_certs: get("NODE_EXTRA_CA_CERTS").map(|(_, file)| file),
            ssl_cert_file: get("SSL_CERT_FILE").map(|(_, file)| file),
            ssl_cert_dir: get("SSL_CERT_DIR").map(|(_, folder)| folder),
            ..Self::default()
        }
    }

    /// Adds a certificate authority, in PEM, for registries and issuers with a private one.
    #[must_use]
    pub fn with_ca(mut self, pem: impl AsRef<[u8]>) -> Self {
        self.extra_ca.extend_from_slice(pem.as_ref());
        // The next PEM block has to begin on a line of its own.
        self.extra_ca.push(b'\n');
        self
    }

    /// Adds the words by which a user of the application names a private CA, such as `--ca-file FILE`. The
    /// error of a certificate whose issuer is not trusted contains them.
    #[must_use]
    pub fn with_ca_setting(mut self, words: impl Into<String>) -> Self {
        self.ca_setting = Some(words.into());
        self
    }

    /// Replaces the `User-Agent`.
    #[must_use]
    pub fn with_user_agent(mut self, user_agent: impl Into<String>) -> Self {
        self.user_agent = user_agent.into();
        self
    }

    /// Returns the settings that decide the way of a request, each with its origin: the proxy and its
    /// exceptions where there are any, the trusted certificates, the user agent. Credentials are left out.
    pub fn in_use(&self) -> Vec<HttpSetting> {
        let variable = |name: Option<&'static str>| name.map_or(Origin::Application, Origin::Variable);
        let mut settings = Vec::new();
        let mut add = |name, value: &str, origin| {
            settings.push(HttpSetting { name, value: shown(value).to_string(), origin });
        };
        if let Some(proxy) = &self.https_proxy {
            add("proxy", &address_of(proxy.expose()), variable(self.proxy_variable));
        }
        if let Some(hosts) = &self.no_proxy {
            add("hosts without a proxy", hosts, variable(self.no_proxy_variable));
        }
        let places = [("SSL_CERT_FILE", &self.ssl_cert_file), ("SSL_CERT_DIR", &self.ssl_cert_dir)];
        for (name, place) in places {
            if let Some(place) = place {
                add("trusted certificates", place, Origin::Variable(name));
            }
        }
        if places.iter().all(|(_, place)| place.is_none()) {
            add("trusted certificates", "the platform's", Origin::Default);
        }
        if !self.extra_ca.is_empty() {
            let origin = self.ca_setting.clone().map_or(Origin::Application, Origin::FieldValue);
            add("private certificate authority", "in PEM", origin);
        }
        let is_default = self.user_agent == USER_AGENT;
        add("user agent", &self.user_agent, if is_default { Origin::Default } else { Origin::Application });
        settings
    }

    /// The settings that errors name, for a request through `proxy`.
    pub(super) fn way(&self, proxy: Option<Proxy>, trusts_nobody: bool) -> Way {
        Way {
            proxy,
            node_extra_ca_certs: self.node_extra_ca_certs.clone(),
            ssl_cert_file: self.ssl_cert_file.clone(),
            ca_setting: self.ca_setting.clone(),
            trusts_nobody,
        }
    }
}

/// A proxy's host and port, without its credentials.
fn address_of(proxy: &str) -> String {
    let url = Url::parse(proxy).or_else(|_| Url::parse(&format!("http://{proxy}")));
    let address = url.ok().and_then(|url| {
        let (host, port) = (url.host_str()?, url.port_or_known_default()?);
        Some(format!("{host}:{port}"))
    });
    address.unwrap_or_else(|| "(no URL)".to_owned())
}

/// An invalid proxy, certificate or `User-Agent`.
#[derive(Clone, Debug, thiserror::Error)]
#[error("the HTTP setting {setting} can't be used: {reason}")]
pub struct InvalidHttpSettings {
    setting: &'static str,
    reason: String,
}

pub(super) fn invalid(setting: &'static str, reason: &dyn fmt::Display) -> InvalidHttpSettings {
    InvalidHttpSettings { setting, reason: shown(&reason.to_string()).to_string() }
}

/// The error of a private CA that is none.
pub(super) fn no_authority(settings: &HttpSettings, reason: &dyn fmt::Display) -> InvalidHttpSettings {
    let from = settings.ca_setting.as_ref().map_or_else(String::new, |name| format!("what `{name}` names: "));
    let expected = "expected certificates in PEM, each with the line `-----BEGIN CERTIFICATE-----`";
    invalid("extra_ca", &format!("{from}{reason}; {expected}"))
}

/// The error of a value that is no URL of a proxy.
pub(super) fn no_proxy_url(settings: &HttpSettings) -> InvalidHttpSettings {
    let variable = settings.proxy_variable.map_or_else(String::new, |name| format!(" in variable `{name}`"));
    let reason =
        format!("the value{variable} is no URL of a proxy that speaks HTTP: expected `http://HOST:PORT`");
    invalid("proxy", &reason)
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[test]
    fn every_variable_that_is_looked_up_is_named() {
        let read = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&read);
        let environment = Environment::from_fn(move |name| {
            log.lock().unwrap().push(name.to_owned());
            None
        });
        HttpSettings::from_environment(&environment);
        assert_eq!(*read.lock().unwrap(), HttpSettings::VARIABLES);
    }

    #[test]
    fn the_trusted_certificates_are_named_with_the_variables_that_choose_them() {
        let told = |variables: &[(&str, &str)]| {
            let settings = HttpSettings::from_environment(&variables.iter().copied().collect());
            let certificates = |setting: &HttpSetting| setting.name == "trusted certificates";
            let told = settings.in_use().into_iter().filter(certificates);
            told.map(|setting| format!("{}, {}", setting.value, setting.origin)).collect::<Vec<_>>()
        };
        assert_eq!(told(&[]), ["the platform's, by default"]);
        assert_eq!(told(&[("SSL_CERT_DIR", "/certs")]), ["/certs, from variable `SSL_CERT_DIR`"]);
        assert_eq!(
            told(&[("SSL_CERT_DIR", "/certs"), ("SSL_CERT_FILE", "/ca.pem")]),
            ["/ca.pem, from variable `SSL_CERT_FILE`", "/certs, from variable `SSL_CERT_DIR`"]
        );
    }
}
