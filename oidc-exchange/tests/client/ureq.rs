//! The HTTP client that blocks, beside the one on tokio: the same requests, the same bounds, and the same kinds of errors. All of
//! it is real: TCP, CONNECT and TLS on loopback.

use std::sync::Arc;
use std::time::Duration;

use oidc_core::blocking::complete;
use oidc_core::http::{
    BlockingHttp, CertificateFault, HttpClient, HttpError, HttpErrorKind, HttpSettings, Method, Proxy,
    ProxyFault, Request, Response, Step, SystemHttp,
};
use oidc_core::{Environment, HttpUrl, Secret};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::loopback::{Answer, Authority, Wire};

const HOST: &str = "registry.example";
const URL: &str = "https://registry.example/npm/";
/// The deadline of a request that gets its answer, on a busy machine too.
const DEADLINE: Duration = Duration::from_secs(30);
/// The deadline of a request that gets none.
const SHORT: Duration = Duration::from_secs(2);

fn settings(variables: &[(&str, &str)]) -> HttpSettings {
    HttpSettings::from_environment(&Environment::from_iter(variables.iter().copied()))
}

fn to(url: &str) -> Request {
    Request::post(HttpUrl::parse(url).unwrap()).deadline(DEADLINE)
}

/// Sends by the client that blocks, on a thread where blocking holds nobody up.
async fn block(settings: HttpSettings, request: Request) -> Result<Response, HttpError> {
    let http = Arc::new(BlockingHttp::new(settings).unwrap());
    tokio::task::spawn_blocking(move || complete(http.send(request)).expect("it blocks")).await.unwrap()
}

/// Returns the error of both clients, which is the same.
async fn both(settings: &HttpSettings, request: &Request) -> HttpError {
    let awaited = SystemHttp::new(settings.clone()).unwrap();
    // At the same time, since a time-out is waited for.
    let (awaited, blocked) =
        tokio::join!(awaited.send(request.clone()), block(settings.clone(), request.clone()));
    let (awaited, blocked) = (awaited.unwrap_err(), blocked.unwrap_err());
    let same = |kind: &HttpErrorKind| match kind {
        // Their words are those of the libraries.
        HttpErrorKind::Connect(_) => HttpErrorKind::Connect(String::new()),
        HttpErrorKind::Broken(_) => HttpErrorKind::Broken(String::new()),
        HttpErrorKind::Proxy(ProxyFault::Unreachable(_)) => {
            HttpErrorKind::Proxy(ProxyFault::Unreachable(String::new()))
        }
        HttpErrorKind::Proxy(ProxyFault::Broken(_)) => {
            HttpErrorKind::Proxy(ProxyFault::Broken(String::new()))
        }
        kind => kind.clone(),
    };
    assert_eq!(same(blocked.kind()), same(awaited.kind()));
    assert_eq!(blocked.proxy(), awaited.proxy());
    assert_eq!(blocked.is_transient(), awaited.is_transient());
    blocked
}

#[tokio::test]
async fn a_request_arrives_as_it_was_made() {
    let secret = Secret::new("hunter2");
    for (method, body, length) in [
        (Method::Get, "", None),
        (Method::Post, "", Some("content-length: 0")),
        (Method::Post, "{}", Some("content-length: 2")),
        (Method::Put, "{}", Some("content-length: 2")),
        (Method::Delete, "", Some("content-length: 0")),
        (Method::Delete, "{}", Some("content-length: 2")),
    ] {
        let wire = Wire::start(Answer::json(200, r#"{"a":1}"#)).await;
        let url = HttpUrl::parse(&format!("{}/a%2fb?audience=npm:r", wire.url())).unwrap();
        let mut request = Request::new(method, url).bearer(&secret).deadline(DEADLINE);
        if !body.is_empty() {
            request = request.body("application/json", body);
        }
        let answer = block(settings(&[]).with_user_agent("publish-tool/1.2"), request).await.unwrap();
        assert_eq!((answer.status, answer.body.as_slice()), (200, r#"{"a":1}"#.as_bytes()));
        assert_eq!(answer.header("content-length"), Some("7"));
        let head = wire.requests()[0].to_ascii_lowercase();
        let line = format!("{} /a%2fb?audience=npm:r http/1.1\r\n", method.as_str().to_ascii_lowercase());
        assert!(head.starts_with(&line), "{head}");
        let lines = ["authorization: bearer hunter2", "user-agent: publish-tool/1.2", "accept: */*"];
        for line in lines.into_iter().chain(length) {
            assert!(head.contains(&format!("\r\n{line}\r\n")), "{line}: {head}");
        }
        assert!(!head.contains("accept-encoding") && !head.contains("cookie"), "{head}");
        assert_eq!(head.contains("content-length"), length.is_some(), "{head}");
    }
}

#[tokio::test]
async fn whatever_the_status_is_is_an_answer_and_no_redirect_is_followed() {
    let target = Wire::start(Answer::json(200, "")).await;
    for status in [301, 302, 303, 307, 308, 400, 404, 429, 500, 503] {
        for method in [Method::Get, Method::Post] {
            let mut answer = Answer::json(status, "why");
            answer.headers = format!("location: {}\r\nretry-after: 7\r\ncontent-length: 3\r\n", target.url());
            let wire = Wire::start(answer).await;
            let request = Request::new(method, HttpUrl::parse(wire.url()).unwrap()).deadline(DEADLINE);
            let answer = block(settings(&[]), request).await.unwrap();
            assert_eq!((answer.status, answer.header("retry-after")), (status, Some("7")));
        }
    }
    assert!(target.requests().is_empty());
}

#[tokio::test]
async fn answers_have_bounds_in_size_and_time() {
    for answer in [Answer::json(200, &"a".repeat(100)), Answer::endless("transfer-encoding: chunked\r\n")] {
        let wire = Wire::start(answer).await;
        let error = both(&settings(&[]), &to(wire.url()).max_body(99)).await;
        assert_eq!(error.kind(), &HttpErrorKind::TooLarge(99));
    }
    let exact = Wire::start(Answer::json(200, &"a".repeat(100))).await;
    assert_eq!(block(settings(&[]), to(exact.url()).max_body(100)).await.unwrap().body.len(), 100);

    let times_out = async |answer, step| {
        let wire = Wire::start(answer).await;
        let error = both(&settings(&[]), &to(wire.url()).deadline(SHORT)).await;
        assert_eq!(error.kind(), &HttpErrorKind::Timeout { step, after: SHORT });
    };
    tokio::join!(times_out(Answer::silent(), Step::Answer), times_out(Answer::dripping(), Step::Body));
    let broken = Wire::start(Answer::hang_up()).await;
    let error = both(&settings(&[]), &to(broken.url())).await;
    assert!(matches!(error.kind(), HttpErrorKind::Broken(_)), "{error}");
}

#[tokio::test]
async fn a_host_that_is_not_there_is_no_connection() {
    let closed = {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        format!("http://{}", listener.local_addr().unwrap())
    };
    let error = both(&settings(&[]), &to(&closed)).await;
    assert!(matches!(error.kind(), HttpErrorKind::Connect(_)), "{error}");
    let error =
        both(&settings(&[]), &to("https://no-such-host.invalid/").deadline(Duration::from_secs(5))).await;
    assert!(matches!(error.kind(), HttpErrorKind::Connect(_)), "{error}");
}

#[tokio::test]
async fn the_other_scheme_is_called_that() {
    for (scheme, said, kind) in [
        ("https", b"HTTP/1.1 400 Bad Request\r\n\r\n".as_slice(), HttpErrorKind::NotTls),
        // An alert of TLS (RFC 8446, section 6).
        ("http", b"\x15\x03\x03\x00\x02\x02\x28\r\n\r\n".as_slice(), HttpErrorKind::NotHttp),
    ] {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("{scheme}://{}", listener.local_addr().unwrap());
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                stream.read_u8().await.unwrap();
                stream.write_all(said).await.unwrap();
                let _gone = stream.read_to_end(&mut Vec::new()).await;
            }
        });
        assert_eq!(both(&settings(&[]), &to(&url)).await.kind(), &kind);
    }
}

#[tokio::test]
async fn a_handshake_that_takes_too_long_is_no_connection() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://{}/", silent.local_addr().unwrap());
    // Long enough that looking the name up takes no tenth of it, on a busy machine too.
    let after = Duration::from_secs(4);
    let error = block(settings(&[]), to(&url).deadline(after)).await.unwrap_err();
    assert_eq!(error.kind(), &HttpErrorKind::Timeout { step: Step::Connect, after });
}

#[tokio::test]
async fn https_goes_by_the_proxy_and_trusts_the_private_authority() {
    let authority = Authority::of(HOST);
    let tunnel = Wire::start_tls(Answer::json(201, "{}"), authority.acceptor()).await;
    let variables = [("HTTPS_PROXY", tunnel.url())];
    let answer = block(settings(&variables).with_ca(authority.pem()), to(URL)).await.unwrap();
    assert_eq!(answer.status, 201);
    let requests = tunnel.requests();
    assert!(requests[0].starts_with("CONNECT registry.example:443 HTTP/1.1\r\n"), "{requests:?}");
    assert!(!requests[0].contains("hunter2"));
    assert!(requests[1].starts_with("POST /npm/ HTTP/1.1\r\n"), "{requests:?}");

    // An exception of the proxy is not asked by it, and neither is this machine over plain http.
    let except = [("HTTPS_PROXY", tunnel.url()), ("NO_PROXY", "registry.example")];
    let error = block(settings(&except), to(URL).deadline(SHORT)).await.unwrap_err();
    assert_eq!(error.proxy(), None, "{error}");
    let direct = Wire::start(Answer::json(200, "")).await;
    assert_eq!(block(settings(&variables), to(direct.url())).await.unwrap().status, 200);
    assert_eq!(tunnel.requests().len(), 2);
}

#[tokio::test]
async fn a_proxys_fault_is_named_with_its_variable() {
    let closed = {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        format!("http://{}", listener.local_addr().unwrap())
    };
    for url in [closed, Wire::start(Answer::silent()).await.url().to_owned()] {
        let error = both(&settings(&[("https_proxy", &url)]), &to(URL).deadline(SHORT)).await;
        assert!(matches!(error.kind(), HttpErrorKind::Proxy(_)), "{error}");
        assert_eq!(error.proxy().unwrap().variable, Some("https_proxy"));
        assert!(error.advice().unwrap().contains("start the proxy"));
    }
    for (status, message) in [(403, "Forbidden"), (407, "Proxy Authentication Required")] {
        let wire = Wire::start(Answer::json(status, "")).await;
        let url = wire.url().replace("http://", "http://user:hunter2@");
        let error = both(&settings(&[("ALL_PROXY", &url)]), &to(URL)).await;
        let fault = ProxyFault::Refused { status, message: Some(message.to_owned()) };
        assert_eq!(error.kind(), &HttpErrorKind::Proxy(fault));
        let address = wire.url().trim_start_matches("http://");
        let proxy = Proxy::new(address, Some("ALL_PROXY")).with_credentials(true);
        assert_eq!(error.proxy(), Some(&proxy));
        assert_eq!(
            error.advice().unwrap().starts_with("the proxy does not accept the credentials in `ALL_PROXY`"),
            status == 407
        );
        assert!(wire.requests()[1].to_ascii_lowercase().contains("proxy-authorization: basic"));
        assert!(!format!("{error} {error:?}").contains("hunter2"), "{error:?}");
    }
}

#[tokio::test]
async fn a_certificate_that_is_not_accepted_is_called_that() {
    for (authority, fault) in [
        (Authority::of("other.example"), CertificateFault::OtherHost),
        (Authority::valid(HOST, 2001, 2002), CertificateFault::Expired),
        (Authority::valid(HOST, 2090, 2091), CertificateFault::NotYetValid),
    ] {
        let tunnel = Wire::start_tls(Answer::json(201, "{}"), authority.acceptor()).await;
        let settings = settings(&[("https_proxy", tunnel.url())]).with_ca(authority.pem());
        let error = both(&settings, &to(URL)).await;
        assert_eq!(error.kind(), &HttpErrorKind::Certificate { host: HOST.to_owned(), fault });
    }
    let tunnel = Wire::start_tls(Answer::json(201, "{}"), Authority::of(HOST).acceptor()).await;
    let error = block(settings(&[("https_proxy", tunnel.url())]), to(URL)).await.unwrap_err();
    let fault = CertificateFault::UnknownIssuer(None);
    assert_eq!(error.kind(), &HttpErrorKind::Certificate { host: HOST.to_owned(), fault });
}

#[test]
fn what_can_not_be_used_is_refused_when_the_client_is_made() {
    for settings in [
        HttpSettings::default().with_ca("no certificate"),
        HttpSettings::default().with_user_agent("line\nbreak"),
        settings(&[("HTTPS_PROXY", "http://")]),
        settings(&[("HTTPS_PROXY", "socks5://user:hunter2@127.0.0.1:1")]),
    ] {
        let error = BlockingHttp::new(settings.clone()).unwrap_err();
        assert_eq!(error.to_string(), SystemHttp::new(settings).unwrap_err().to_string());
        assert!(!format!("{error:?}").contains("hunter2"));
    }
}
