//! The default client: hyper over TCP, through a proxy or directly, with rustls.

mod certificates;
mod connection;
mod proxies;

use std::sync::OnceLock;

use async_trait::async_trait;
use hyper_util::client::proxy::matcher::{Intercept, Matcher};

use self::certificates::Certificates;
use self::connection::Connection;
use super::failure::SendFailure;
use super::{
    HttpClient, HttpError, HttpErrorKind, HttpSettings, InvalidHttpSettings, Proxy, Request, Response,
};

/// An HTTP client on hyper with rustls: HTTP/1.1, one connection for each request, no redirects, no cookies,
/// no compression, no retries.
#[derive(Debug)]
pub struct SystemHttp {
    settings: HttpSettings,
    user_agent: hyper::header::HeaderValue,
    proxies: Option<Matcher>,
    /// Made when https is first needed, since reading the platform's certificates takes time.
    certificates: OnceLock<Result<Certificates, InvalidHttpSettings>>,
}

impl SystemHttp {
    /// A client with these settings.
    ///
    /// # Errors
    ///
    /// When a proxy, a certificate or the `User-Agent` is invalid.
    pub fn new(settings: HttpSettings) -> Result<Self, InvalidHttpSettings> {
        let user_agent = proxies::user_agent(&settings)?;
        let proxies = proxies::proxies(&settings)?;
        // `Certificates` is made later; settings that it can't use are refused here.
        Certificates::check(&settings)?;
        Ok(Self { settings, user_agent, proxies, certificates: OnceLock::new() })
    }

    fn certificates(&self) -> Result<&Certificates, SendFailure> {
        let certificates = self.certificates.get_or_init(|| Certificates::new(&self.settings));
        certificates.as_ref().map_err(|error| SendFailure::from(HttpErrorKind::Request(error.to_string())))
    }

    /// Sends a request and reads the answer. `connection` records the step that was reached.
    async fn exchange(
        &self,
        request: &Request,
        connection: &mut Connection<'_>,
    ) -> Result<Response, SendFailure> {
        let outgoing = connection::outgoing(request, &self.user_agent)?;
        let certificates = if is_https(request) { Some(self.certificates()?) } else { None };
        let stream = connection.open(certificates).await?;
        connection.ask(stream, outgoing, request.max_body).await
    }
}

#[async_trait]
impl HttpClient for SystemHttp {
    async fn send(&self, request: Request) -> Result<Response, HttpError> {
        let proxy =
            self.proxies.as_ref().and_then(|proxies| proxies.intercept(&request.url.as_str().parse().ok()?));
        let mut connection = Connection::to(&request.url, proxy.as_ref());
        #[allow(clippy::disallowed_methods, reason = "the deadline of a real connection is real time")]
        let finished = tokio::time::timeout(request.deadline, self.exchange(&request, &mut connection)).await;
        let name = |proxy: &Intercept| {
            let name = Proxy::new(proxies::address(proxy), self.settings.proxy_variable);
            name.with_credentials(proxy.basic_auth().is_some())
        };
        let name = proxy.as_ref().map(name);
        let failure = match finished {
            Ok(Ok(answer)) => return Ok(Response { proxy: name, ..answer }),
            Ok(Err(failure)) => failure,
            Err(_) => connection.timed_out(request.deadline),
        };
        let trusts_nobody =
            matches!(self.certificates.get(), Some(Ok(certificates)) if certificates.is_empty());
        let error = HttpError::new(&request, failure.kind).on_the_way(self.settings.way(name, trusts_nobody));
        Err(match failure.source {
            Some(source) => error.with_source(source),
            None => error,
        })
    }
}

fn is_https(request: &Request) -> bool {
    request.url.as_str().starts_with("https:")
}
