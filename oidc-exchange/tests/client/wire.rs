//! The client's half of npm's protocol through the real HTTP client: what goes over the wire, and what comes back.

use std::time::Duration;

use oidc_core::http::{HttpErrorKind, HttpSettings, Request, Step};
use oidc_core::{Audience, Context, Environment, HttpUrl, IdToken};
use oidc_exchange::client::{
    ExchangeError, ExchangeErrorKind, ExchangeRequest, Npm, PublishToken, Registry as _,
};

use crate::loopback::{Answer, Authority, Wire, id_token};

const CREATED: &str = r#"{"token_type":"oidc","token":"npm_hunter2"}"#;

fn world(settings: HttpSettings) -> Context {
    Context::system_with(Environment::default(), settings).unwrap()
}

fn direct() -> Context {
    world(HttpSettings::default().with_user_agent("publish-tool/1.2"))
}

async fn exchange(url: &str, cx: &Context) -> Result<PublishToken, ExchangeError> {
    let registry = Npm::at(url).unwrap();
    let audience = registry.audience(cx).await.unwrap();
    let (token, scope) = (identity(&audience), Npm::scope("@acme/widget").unwrap());
    registry.exchange(&ExchangeRequest::new(&token, scope), cx).await
}

fn identity(audience: &Audience) -> IdToken {
    IdToken::new(id_token(audience.as_str()), audience.clone()).unwrap()
}

#[tokio::test]
async fn an_exchange_is_an_empty_post_with_the_token_as_bearer() {
    let wire = Wire::start(Answer::json(201, CREATED)).await;
    exchange(&format!("{}/npm/", wire.url()), &direct()).await.unwrap();
    let requests = wire.requests();
    assert_eq!(requests.len(), 1);
    let (line, headers) = requests[0].split_once("\r\n").unwrap();
    assert_eq!(line, "POST /npm/-/npm/v1/oidc/token/exchange/package/@acme%2fwidget HTTP/1.1");
    let mut headers: Vec<String> = headers.trim_end().split("\r\n").map(str::to_ascii_lowercase).collect();
    headers.sort();
    let host = wire.url().replace("http://", "host: ");
    let bearer = format!("authorization: bearer {}", id_token("npm:127.0.0.1").to_ascii_lowercase());
    let expected =
        ["accept: application/json", &bearer, "content-length: 0", &host, "user-agent: publish-tool/1.2"];
    assert_eq!(headers, expected);
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let elsewhere = Wire::start(Answer::json(201, CREATED)).await;
    for status in [301, 302, 303, 307, 308] {
        let location = format!("location: {}/\r\n", elsewhere.url());
        let wire = Wire::start(Answer { headers: location, ..Answer::json(status, "") }).await;
        let error = exchange(wire.url(), &direct()).await.unwrap_err();
        assert_eq!(error.kind(), &ExchangeErrorKind::Rejected { status, message: None });
        assert_eq!(wire.requests().len(), 1);
    }
    assert!(elsewhere.requests().is_empty());
}

#[tokio::test]
async fn https_at_a_port_of_http_and_the_reverse_are_said() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let plain = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut hello = [0; 16];
            stream.read_exact(&mut hello).await.unwrap();
            // A client that saw enough of it is gone.
            let _gone = stream.write_all(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n").await;
        }
    });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let secure = listener.local_addr().unwrap();
    let acceptor = Authority::of("localhost").acceptor();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            // Each attempt ends as TLS ends it: with an alert, and never with HTTP.
            let _refused = acceptor.accept(stream).await;
        }
    });
    for (url, kind, word) in [
        (format!("https://{plain}/"), HttpErrorKind::NotTls, "is not TLS"),
        (format!("http://{secure}/"), HttpErrorKind::NotHttp, "is not plain HTTP"),
    ] {
        let request = Request::post(HttpUrl::parse(&url).unwrap());
        let error = direct().http().send(request).await.unwrap_err();
        assert_eq!(error.kind(), &kind, "{url}: {error}");
        let error = exchange(&url, &direct()).await.unwrap_err();
        let text = error.diagnosis().to_string();
        assert!(text.contains(word) && text.contains("scheme"), "{text}");
    }
}

#[tokio::test]
async fn an_answer_without_end_is_refused() {
    for endless in [Answer::endless("transfer-encoding: chunked\r\n"), Answer::endless("")] {
        let wire = Wire::start(endless).await;
        let error = exchange(wire.url(), &direct()).await.unwrap_err();
        assert_eq!(error.kind(), &ExchangeErrorKind::InvalidAnswer, "{error}");
    }
}

#[tokio::test]
async fn a_server_that_is_silent_or_slow_is_given_up() {
    for (answer, step) in [(Answer::silent(), Step::Answer), (Answer::dripping(), Step::Body)] {
        let wire = Wire::start(answer).await;
        let deadline = Duration::from_millis(300);
        let request = Request::post(HttpUrl::parse(wire.url()).unwrap()).deadline(deadline);
        let error = direct().http().send(request).await.unwrap_err();
        assert_eq!(error.kind(), &HttpErrorKind::Timeout { step, after: deadline });
    }
}

#[tokio::test]
async fn a_connection_that_breaks_before_the_answer_is_not_tried_again() {
    let wire = Wire::start(Answer::hang_up()).await;
    let cx = direct();
    for attempt in 1..=3 {
        let error = exchange(wire.url(), &cx).await.unwrap_err();
        assert_eq!(error.kind(), &ExchangeErrorKind::Unreachable, "{error}");
        assert_eq!(wire.requests().len(), attempt);
    }
}

#[tokio::test]
async fn plain_http_is_this_machines_and_passes_by_every_proxy() {
    let proxy = Wire::start(Answer::json(201, CREATED)).await;
    let registry = Wire::start(Answer::json(201, CREATED)).await;
    for name in ["http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"] {
        let environment = Environment::from_iter([(name, proxy.url()), ("no_proxy", "")]);
        exchange(registry.url(), &world(HttpSettings::from_environment(&environment))).await.unwrap();
    }
    assert_eq!((proxy.requests().len(), registry.requests().len()), (0, 5));
}

#[tokio::test]
async fn a_host_that_is_to_be_reached_without_a_proxy_is() {
    for (no_proxy, is_used) in [("", true), ("other.invalid", true), ("registry.invalid", false)] {
        let tunnel = Wire::start(Answer::json(201, CREATED)).await;
        let environment = Environment::from_iter([("https_proxy", tunnel.url()), ("no_proxy", no_proxy)]);
        let settings = HttpSettings::from_environment(&environment);
        // Nobody is there: what counts is who was asked for the way.
        exchange("https://registry.invalid/", &world(settings)).await.unwrap_err();
        let asked = tunnel.requests();
        assert_eq!(asked.iter().any(|request| request.starts_with("CONNECT registry.invalid:443 ")), is_used);
    }
}

#[tokio::test]
async fn a_private_authority_is_trusted_once_it_is_named_through_a_tunnel_too() {
    let authority = Authority::of("registry.example");
    let tunnel = Wire::start_tls(Answer::json(201, CREATED), authority.acceptor()).await;
    let environment = Environment::from_iter([("HTTPS_PROXY", tunnel.url())]);
    let settings = HttpSettings::from_environment(&environment).with_ca(authority.pem());
    exchange("https://registry.example/npm", &world(settings.clone())).await.unwrap();
    let requests = tunnel.requests();
    assert!(requests[0].starts_with("CONNECT registry.example:443 "), "{}", requests[0]);
    assert!(!requests[0].contains("uthorization"), "the proxy sees no token");
    assert!(requests[1].starts_with("POST /npm/-/npm/v1/oidc/"), "{}", requests[1]);

    let error = exchange("https://other.example/", &world(settings)).await.unwrap_err();
    assert_eq!(error.kind(), &ExchangeErrorKind::Unreachable, "the certificate is another host's: {error}");
}

#[tokio::test]
async fn a_certificate_of_an_unknown_authority_gets_no_token() {
    let stranger = Authority::of("registry.example");
    let tunnel = Wire::start_tls(Answer::json(201, CREATED), stranger.acceptor()).await;
    let known = Authority::of("registry.example");
    for ca in ["", known.pem()] {
        let environment = Environment::from_iter([("HTTPS_PROXY", tunnel.url())]);
        let mut settings = HttpSettings::from_environment(&environment);
        if !ca.is_empty() {
            settings = settings.with_ca(ca);
        }
        let error = exchange("https://registry.example/", &world(settings)).await.unwrap_err();
        assert_eq!(error.kind(), &ExchangeErrorKind::Unreachable);
        assert!(error.diagnosis().problem.contains("certificate"), "{error}");
    }
    assert!(tunnel.requests().iter().all(|request| request.starts_with("CONNECT")));
}

#[test]
fn a_setting_that_can_not_be_used_is_refused_at_once() {
    for settings in [
        HttpSettings::default().with_ca("no certificate"),
        HttpSettings::default().with_user_agent("line\nbreak"),
        HttpSettings::from_environment(&Environment::from_iter([("HTTPS_PROXY", "http://")])),
    ] {
        Context::system_with(Environment::default(), settings).unwrap_err();
    }
}
