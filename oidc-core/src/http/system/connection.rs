//! One connection for one request, step by step, so that whatever fails says where.

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

use super::trust::Trust;
use crate::http::tls::innermost;
use crate::http::{self, HttpErrorKind, Method, ProxyFault, Request, Response, Step, message_of};
use crate::url::HttpUrl;

/// What a proxy says where it refuses is read up to so many bytes.
const MAX_REFUSAL: usize = 16 * 1024;

/// What came in the way of a request.
pub(super) struct Failure {
    pub(super) kind: HttpErrorKind,
    pub(super) source: Option<Box<dyn Error + Send + Sync>>,
}

impl From<HttpErrorKind> for Failure {
    fn from(kind: HttpErrorKind) -> Self {
        Self { kind, source: None }
    }
}

/// A stream of bytes, whatever it goes over.
trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Duplex for S {}

/// A stream to the host.
pub(super) struct Stream(Box<dyn Duplex>);

/// The way to one host, and how far it was gone.
pub(super) struct Connection<'a> {
    url: &'a HttpUrl,
    proxy: Option<&'a Intercept>,
    progress: Progress,
}

/// How far a request came.
#[derive(Clone, Copy)]
enum Progress {
    /// The proxy is to be reached and to open the way.
    Proxy,
    /// This is to be done with the host.
    Host(Step),
}

impl<'a> Connection<'a> {
    pub(super) fn to(url: &'a HttpUrl, proxy: Option<&'a Intercept>) -> Self {
        let progress = if proxy.is_some() { Progress::Proxy } else { Progress::Host(Step::Connect) };
        Self { url, proxy, progress }
    }

    /// What a request was waiting for when its time was over.
    pub(super) fn timed_out(&self, after: Duration) -> Failure {
        Failure::from(match self.progress {
            Progress::Proxy => HttpErrorKind::Proxy(ProxyFault::Timeout(after)),
            Progress::Host(step) => HttpErrorKind::Timeout { step, after },
        })
    }

    /// A stream to the host; with TLS where `trust` is given.
    pub(super) async fn open(&mut self, trust: Option<&Trust>) -> Result<Stream, Failure> {
        let stream = match (self.proxy, trust) {
            (Some(proxy), Some(trust)) => self.by_proxy(proxy, trust).await?,
            _ => {
                let uri = uri(&format!("http://{}", authority(self.url)))?;
                Box::new(dial(uri).await.map_err(|error| failed(HttpErrorKind::Connect, error))?)
            }
        };
        let Some(trust) = trust else { return Ok(Stream(stream)) };
        self.progress = Progress::Host(Step::Tls);
        Ok(Stream(Box::new(trust.secure(self.url.host(), stream).await?)))
    }

    /// A stream to the host's port that a proxy opens (RFC 9110, section 9.3.6).
    async fn by_proxy(&self, proxy: &Intercept, trust: &Trust) -> Result<Box<dyn Duplex>, Failure> {
        let unreachable = |text| HttpErrorKind::Proxy(ProxyFault::Unreachable(text));
        let broken = |text| HttpErrorKind::Proxy(ProxyFault::Broken(text));
        let stream = dial(proxy.uri().clone()).await.map_err(|error| failed(unreachable, error))?;
        let host = proxy.uri().host().unwrap_or_default();
        let stream: Box<dyn Duplex> = match proxy.uri().scheme_str() {
            Some("https") => {
                Box::new(trust.secure(host, stream).await.map_err(|failure| match failure.kind {
                    HttpErrorKind::Certificate { .. } => failure,
                    kind => Failure { kind: broken(kind.to_string()), ..failure },
                })?)
            }
            _ => Box::new(stream),
        };
        let handshake = http1::handshake(TokioIo::new(stream)).await;
        let (mut sender, connection) = handshake.map_err(|error| failed(broken, error))?;
        let mut running = JoinSet::new();
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
    ) -> Result<Response, Failure> {
        self.progress = Progress::Host(Step::Answer);
        let is_plain = self.url.as_str().starts_with("http:");
        let broken = |error: hyper::Error| match is_plain && error.is_parse() {
            true => Failure { kind: HttpErrorKind::NotHttp, source: Some(error.into()) },
            false => failed(HttpErrorKind::Broken, error),
        };
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(broken)?;
        // It ends with this request, whatever becomes of that.
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

/// A request in hyper's terms.
pub(super) fn outgoing(
    request: &Request,
    user_agent: &HeaderValue,
) -> Result<hyper::Request<Full<Bytes>>, Failure> {
    let method = match request.method {
        Method::Get => hyper::Method::GET,
        Method::Post => hyper::Method::POST,
        Method::Put => hyper::Method::PUT,
        Method::Delete => hyper::Method::DELETE,
    };
    let target = uri(request.url.as_str())?;
    let target = target.path_and_query().map_or("/", PathAndQuery::as_str);
    let mut outgoing = hyper::Request::new(Full::new(Bytes::from(request.body.clone())));
    // An empty body is still a body where the method has one, and hyper doesn't say so by itself.
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

/// The request that opens a way to a host.
fn tunnel_request(url: &HttpUrl, proxy: &Intercept) -> Result<hyper::Request<Full<Bytes>>, Failure> {
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

/// What a proxy says where it opens no way.
async fn refusal(answer: &mut hyper::Response<hyper::body::Incoming>, proxy: &Intercept) -> ProxyFault {
    let status = answer.status().as_u16();
    // A longer text is no message, and a broken one says nothing.
    let body = read(answer, MAX_REFUSAL).await.unwrap_or_default();
    // Where the proxy was told a password, it might repeat it.
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

/// The whole body, up to a limit.
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

/// A connection over TCP, to whichever of the host's addresses answers first.
async fn dial(uri: Uri) -> Result<TcpStream, Box<dyn Error + Send + Sync>> {
    let mut connector = HttpConnector::new();
    connector.enforce_http(false);
    connector.set_nodelay(true);
    Ok(connector.call(uri).await?.into_inner())
}

/// Host and port, whether or not the URL names one.
fn authority(url: &HttpUrl) -> String {
    let address = url.host_and_port();
    let has_port = address.len() > url.host().len();
    let port = if url.as_str().starts_with("https:") { 443 } else { 80 };
    if has_port { address } else { format!("{address}:{port}") }
}

fn uri(text: &str) -> Result<Uri, Failure> {
    text.parse().map_err(|_| HttpErrorKind::Request("the URL is not a URI".to_owned()).into())
}

fn header(name: &str, value: &str) -> Result<HeaderValue, Failure> {
    let invalid = |_| HttpErrorKind::Request(format!("header `{name}` has an invalid value")).into();
    HeaderValue::from_str(value).map_err(invalid)
}

fn headers(headers: &HeaderMap) -> Vec<(String, String)> {
    let text = |(name, value): (&hyper::header::HeaderName, &HeaderValue)| {
        Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned()))
    };
    headers.iter().filter_map(text).collect()
}

fn failed(kind: impl Fn(String) -> HttpErrorKind, error: impl Into<Box<dyn Error + Send + Sync>>) -> Failure {
    let error = error.into();
    Failure { kind: kind(innermost(&*error)), source: Some(error) }
}
