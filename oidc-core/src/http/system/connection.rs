//! One connection for one request, step by step, so that an error names the step that failed.

use std::error::Error;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1;
use hyper::header::{ACCEPT, CONTENT_LENGTH, HOST, HeaderMap, HeaderValue, PROXY_AUTHORIZATION, USER_AGENT};
use hyper::http::uri::PathAndQuery;
use hyper::{StatusCode, Uri};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::proxy::matcher::Intercept;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tower_service::Service as _;

use super::certificates::Certificates;
use crate::http::failure::SendFailure;
use crate::http::tls::innermost;
use crate::http::{self, HttpErrorKind, Method, ProxyFault, Request, Response, Step, message_of};
use crate::url::HttpUrl;

/// The number of bytes of a proxy's refusal that are read.
const MAX_REFUSAL: usize = 16 * 1024;

/// A stream of bytes over any transport.
trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Duplex for S {}

/// A stream to the host.
pub(super) struct Stream(Box<dyn Duplex>);

/// The way to one host, and the step that it reached.
pub(super) struct Connection<'a> {
    url: &'a HttpUrl,
    proxy: Option<&'a Intercept>,
    progress: Progress,
}

/// The step that a request reached.
#[derive(Clone, Copy)]
enum Progress {
    /// Reaching the proxy and having it open the tunnel.
    Proxy,
    /// A step with the host.
    Host(Step),
}

impl<'a> Connection<'a> {
    pub(super) fn to(url: &'a HttpUrl, proxy: Option<&'a Intercept>) -> Self {
        let progress = if proxy.is_some() { Progress::Proxy } else { Progress::Host(Step::Connect) };
        Self { url, proxy, progress }
    }

    /// The failure of a request at its deadline, with the step that it was waiting for.
    pub(super) fn timed_out(&self, after: Duration) -> SendFailure {
        SendFailure::from(match self.progress {
            Progress::Proxy => HttpErrorKind::Proxy(ProxyFault::Timeout(after)),
            Progress::Host(step) => HttpErrorKind::Timeout { step, after },
        })
    }

    /// Opens a stream to the host, with TLS where `certificates` are given.
    pub(super) async fn open(&mut self, certificates: Option<&Certificates>) -> Result<Stream, SendFailure> {
        let stream = match (self.proxy, certificates) {
            (Some(proxy), Some(certificates)) => self.by_proxy(proxy, certificates).await?,
            _ => {
                let uri = uri(&format!("http://{}", authority(self.url)))?;
                Box::new(dial(uri).await.map_err(|error| failed(HttpErrorKind::Connect, error))?)
            }
        };
        let Some(certificates) = certificates else { return Ok(Stream(stream)) };
        self.progress = Progress::Host(Step::Tls);
        Ok(Stream(Box::new(certificates.secure(self.url.host(), stream).await?)))
    }

    /// Opens a stream to the host's port through a tunnel of a proxy (RFC 9110, section 9.3.6).
    async fn by_proxy(
        &self,
        proxy: &Intercept,
        certificates: &Certificates,
    ) -> Result<Box<dyn Duplex>, SendFailure> {
        let unreachable = |text| HttpErrorKind::Proxy(ProxyFault::Unreachable(text));
        let broken = |text| HttpErrorKind::Proxy(ProxyFault::Broken(text));
        let stream = dial(proxy.uri().clone()).await.map_err(|error| failed(unreachable, error))?;
        let host = proxy.uri().host().unwrap_or_default();
        let stream: Box<dyn Duplex> = match proxy.uri().scheme_str() {
            Some("https") => {
                Box::new(certificates.secure(host, stream).await.map_err(|failure| match failure.kind {
                    // `ProxyFault` has no kind for certificates, and this one names the proxy's host.
                    HttpErrorKind::Certificate { .. } => failure,
                    kind => SendFailure { kind: broken(kind.to_string()), ..failure },
                })?)
            }
            _ => Box::new(stream),
        };
        let handshake = http1::handshake(TokioIo::new(stream)).await;
        let (mut sender, connection) = handshake.map_err(|error| failed(broken, error))?;
        let mut running = JoinSet::new();
        // hyper hands the connection over as an upgrade once the proxy has accepted `CONNECT`.
        running.spawn(connection.with_upgrades());
        let request = tunnel_request(self.url, proxy)?;
        let mut answer = sender.send_request(request).await.map_err(|error| failed(broken, error))?;
        if !answer.status().is_success() {
            let refused = refusal(&mut answer, proxy).await;
            return Err(HttpErrorKind::Proxy(refused).into());
        }
        let upgraded = hyper::upgrade::on(answer).await.map_err(|error| failed(broken, error))?;
        Ok(Box::new(TokioIo::new(upgraded)))
    }

    /// Sends a request over a stream and reads the answer.
    pub(super) async fn ask(
        &mut self,
        Stream(stream): Stream,
        outgoing: hyper::Request<Full<Bytes>>,
        max_body: usize,
    ) -> Result<Response, SendFailure> {
        self.progress = Progress::Host(Step::Answer);
        let is_plain = self.url.as_str().starts_with("http:");
        let broken = |error: hyper::Error| match is_plain && error.is_parse() {
            true => SendFailure { kind: HttpErrorKind::NotHttp, source: Some(error.into()) },
            false => failed(HttpErrorKind::Broken, error),
        };
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(broken)?;
        // Dropping the `JoinSet` aborts the task: the connection ends with this request, whatever its
        // outcome.
        let mut running = JoinSet::new();
        running.spawn(connection);
        let mut answer = sender.send_request(outgoing).await.map_err(broken)?;
        self.progress = Progress::Host(Step::Body);
        let body = read(&mut answer, max_body).await.map_err(|error| match error {
            ReadError::TooLarge => HttpErrorKind::TooLarge(max_body).into(),
            ReadError::Broken(error) => failed(HttpErrorKind::Broken, error),
        })?;
        Ok(Response::new(answer.status().as_u16(), headers(answer.headers()), body))
    }
}

/// Converts a request to hyper's type.
pub(super) fn outgoing(
    request: &Request,
    user_agent: &HeaderValue,
) -> Result<hyper::Request<Full<Bytes>>, SendFailure> {
    let method = match request.method {
        Method::Get => hyper::Method::GET,
        Method::Post => hyper::Method::POST,
        Method::Put => hyper::Method::PUT,
        Method::Delete => hyper::Method::DELETE,
    };
    let target = uri(request.url.as_str())?;
    let target = target.path_and_query().map_or("/", PathAndQuery::as_str);
    let mut outgoing = hyper::Request::new(Full::new(Bytes::from(request.body.clone())));
    // For a method with a body, an empty body needs `Content-Length: 0`, which hyper does not send by itself.
    if request.method != Method::Get && request.body.is_empty() {
        outgoing.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
    }
    *outgoing.method_mut() = method;
    *outgoing.uri_mut() = uri(target)?;
    let headers = outgoing.headers_mut();
    headers.insert(HOST, header("host", &request.url.host_and_port())?);
    headers.insert(USER_AGENT, user_agent.clone());
    for (name, value) in &request.headers {
        let mut text = header(name, value.expose())?;
        text.set_sensitive(matches!(value, http::HeaderValue::Secret(_)));
        headers.append(*name, text);
    }
    if !headers.contains_key(ACCEPT) {
        headers.insert(ACCEPT, HeaderValue::from_static("*/*"));
    }
    Ok(outgoing)
}

/// The request that opens a tunnel to a host.
fn tunnel_request(url: &HttpUrl, proxy: &Intercept) -> Result<hyper::Request<Full<Bytes>>, SendFailure> {
    let authority = authority(url);
    let mut request = hyper::Request::new(Full::default());
    *request.method_mut() = hyper::Method::CONNECT;
    *request.uri_mut() = uri(&authority)?;
    request.headers_mut().insert(HOST, header("host", &authority)?);
    if let Some(credentials) = proxy.basic_auth() {
        request.headers_mut().insert(PROXY_AUTHORIZATION, credentials.clone());
    }
    Ok(request)
}

/// The refusal of a proxy that opens no tunnel.
async fn refusal(answer: &mut hyper::Response<hyper::body::Incoming>, proxy: &Intercept) -> ProxyFault {
    let status = answer.status().as_u16();
    // A body that is longer, or that breaks off, has no message.
    let body = read(answer, MAX_REFUSAL).await.unwrap_or_default();
    // A proxy that was sent a password might repeat it in its message.
    let message = match proxy.basic_auth() {
        Some(_) => None,
        None => message_of(&Response::new(status, Vec::new(), body)),
    };
    let reason = || StatusCode::from_u16(status).ok()?.canonical_reason().map(str::to_owned);
    ProxyFault::Refused { status, message: message.or_else(reason) }
}

enum ReadError {
    TooLarge,
    Broken(hyper::Error),
}

/// Reads the whole body, up to a limit.
async fn read(
    answer: &mut hyper::Response<hyper::body::Incoming>,
    limit: usize,
) -> Result<Vec<u8>, ReadError> {
    let mut body = Vec::new();
    while let Some(frame) = answer.frame().await {
        let Ok(data) = frame.map_err(ReadError::Broken)?.into_data() else { continue };
        if body.len() + data.len() > limit {
            return Err(ReadError::TooLarge);
        }
        body.extend_from_slice(&data);
    }
    Ok(body)
}

/// Opens a TCP connection to the first of the host's addresses that answers.
async fn dial(uri: Uri) -> Result<TcpStream, Box<dyn Error + Send + Sync>> {
    let mut connector = HttpConnector::new();
    connector.enforce_http(false);
    connector.set_nodelay(true);
    Ok(connector.call(uri).await?.into_inner())
}

/// The host and port, even where the URL names no port.
fn authority(url: &HttpUrl) -> String {
    let address = url.host_and_port();
    let has_port = address.len() > url.host().len();
    let port = if url.as_str().starts_with("https:") { 443 } else { 80 };
    if has_port { address } else { format!("{address}:{port}") }
}

fn uri(text: &str) -> Result<Uri, SendFailure> {
    text.parse().map_err(|_| HttpErrorKind::Request("the URL is not a URI".to_owned()).into())
}

fn header(name: &str, value: &str) -> Result<HeaderValue, SendFailure> {
    let invalid = |_| HttpErrorKind::Request(format!("header `{name}` has an invalid value")).into();
    HeaderValue::from_str(value).map_err(invalid)
}

fn headers(headers: &HeaderMap) -> Vec<(String, String)> {
    let text = |(name, value): (&hyper::header::HeaderName, &HeaderValue)| {
        Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned()))
    };
    headers.iter().filter_map(text).collect()
}

fn failed(
    kind: impl Fn(String) -> HttpErrorKind,
    error: impl Into<Box<dyn Error + Send + Sync>>,
) -> SendFailure {
    let error = error.into();
    SendFailure { kind: kind(innermost(&*error)), source: Some(error) }
}
