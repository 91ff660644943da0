//! Faults on the way to a registry: proxies that refuse, hang or break off, certificates that nobody vouches for, hosts that
//! accept no connection. All of it is real: TCP, CONNECT and TLS on loopback.

use std::time::Duration;

use oidc_core::http::{
    CertificateFault, HttpError, HttpErrorKind, HttpSettings, Proxy, ProxyFault, Request, Step,
};
use oidc_core::{Audience, Context, Environment, HttpUrl, IdToken, Target};
use oidc_exchange::client::{ExchangeError, ExchangeErrorKind, ExchangeRequest, Npm, Registry as _};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::loopback::{Answer, Authority, Wire, id_token};

const HOST: &str = "registry.example";
const URL: &str = "https://registry.example/npm/";
/// The deadline of a request that gets its answer, on a busy machine too.
const DEADLINE: Duration = Duration::from_secs(30);
/// The deadline of a request that gets none.
const SHORT: Duration = Duration::from_secs(2);

/// Returns the settings that a job's environment and its user's settings result in.
fn settings(variables: &[(&str, &str)]) -> HttpSettings {
    let environment = Environment::from_iter(variables.iter().copied());
    HttpSettings::from_environment(&environment).with_ca_setting("--our-ca FILE")
}

async fn send(url: &str, settings: HttpSettings) -> HttpError {
    send_within(DEADLINE, url, settings).await
}

async fn send_within(deadline: Duration, url: &str, settings: HttpSettings) -> HttpError {
    let cx = Context::system_with(Environment::default(), settings).unwrap();
    let request = Request::post(HttpUrl::parse(url).unwrap()).deadline(deadline);
    cx.http().send(request).await.unwrap_err()
}

async fn exchange(url: &str, settings: HttpSettings) -> ExchangeError {
    let cx = Context::system_with(Environment::default(), settings).unwrap();
    let audience = Audience::new("npm:registry.example").unwrap();
    let token = IdToken::new(id_token(audience.as_str()), audience).unwrap();
    let request = ExchangeRequest::new(&token, Npm::scope("@acme/widget").unwrap());
    Npm::at(url).unwrap().exchange(&request, &cx).await.unwrap_err()
}

#[tokio::test]
async fn a_proxy_that_refuses_is_named_with_its_variable_and_its_answer() {
    for (variable, status, body, message, advice) in [
        ("HTTPS_PROXY", 403, "blocked by policy", "blocked by policy", "have the proxy let this"),
        ("https_proxy", 403, "<html><p>no", "an HTML page", "have the proxy let this"),
        ("ALL_PROXY", 407, "", "Proxy Authentication Required", "credentials into `ALL_PROXY`"),
        ("all_proxy", 502, r#"{"message":"no such host"}"#, "no such host", "have the proxy let this"),
        ("HTTPS_PROXY", 302, "", "Found", "have the proxy let this"),
    ] {
        let wire = Wire::start(Answer::json(status, body)).await;
        let error = send(URL, settings(&[(variable, wire.url())])).await;
        let fault = ProxyFault::Refused { status, message: Some(message.to_owned()) };
        assert_eq!(error.kind(), &HttpErrorKind::Proxy(fault), "{error}");
        let address = wire.url().trim_start_matches("http://");
        assert_eq!(error.proxy(), Some(&Proxy::new(address, Some(variable))));
        assert_eq!(error.is_transient(), status == 502, "{error}");

        let error = exchange(URL, settings(&[(variable, wire.url())])).await;
        assert_eq!(error.kind(), &ExchangeErrorKind::Unreachable);
        assert_eq!(error.diagnosis().code, "http-proxy");
        assert!(matches!(error.http().unwrap().kind(), HttpErrorKind::Proxy(_)));
        let text = error.diagnosis().to_string();
        for part in [variable, address, &format!("status {status}, {message}"), advice, HOST, "no_proxy"] {
            assert!(text.contains(part), "{part}: {text}");
        }
        assert!(!text.contains("nothing listens"), "{text}");
    }
}

#[tokio::test]
async fn a_proxy_that_opens_no_connection_is_named() {
    let closed = {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        format!("http://{}", listener.local_addr().unwrap())
    };
    let is_broken = |fault: &ProxyFault| matches!(fault, ProxyFault::Broken(_));
    for (url, is_expected) in [
        (closed, (|fault| matches!(fault, ProxyFault::Unreachable(_))) as fn(&ProxyFault) -> bool),
        (Wire::start(Answer::silent()).await.url().to_owned(), |fault| *fault == ProxyFault::Timeout(SHORT)),
        (Wire::start(Answer::hang_up()).await.url().to_owned(), is_broken),
    ] {
        let error = send_within(SHORT, URL, settings(&[("https_proxy", &url)])).await;
        let HttpErrorKind::Proxy(fault) = error.kind() else { panic!("{error}") };
        assert!(is_expected(fault) && error.is_transient(), "{error}");
        let text = format!("{error}; {}", error.advice().unwrap());
        let address = url.trim_start_matches("http://");
        for part in ["`https_proxy`", address, "start the proxy", "`registry.example` in `no_proxy`"] {
            assert!(text.contains(part), "{part}: {text}");
        }
        assert!(!text.contains("nothing listens"), "{text}");
    }
}

#[tokio::test]
async fn a_proxys_credentials_are_sent_to_it_and_shown_nowhere() {
    let wire = Wire::start(Answer::json(407, "user:hunter2 is dXNlcjpodW50ZXIy, and not let in")).await;
    let url = wire.url().replace("http://", "http://user:hunter2@");
    let settings = settings(&[("https_proxy", &url)]);
    assert!(!format!("{settings:?}").contains("hunter2"));
    let cx = Context::system_with(Environment::default(), settings.clone()).unwrap();
    assert!(!format!("{cx:?}").contains("hunter2"));
    let error = send(URL, settings).await;
    assert!(wire.requests()[0].to_ascii_lowercase().contains("proxy-authorization: basic"));
    let shown = format!("{error} {error:?} {:?}", error.advice());
    assert!(!shown.contains("hunter2") && !shown.contains("dXNlcjpodW50ZXIy"), "{shown}");

    let unusable = HttpSettings::from_environment(&Environment::from_iter([(
        "HTTPS_PROXY",
        "socks5://user:hunter2@127.0.0.1:1",
    )]));
    let error = Context::system_with(Environment::default(), unusable).unwrap_err();
    let text = format!("{error} {error:?}");
    assert!(text.contains("HTTPS_PROXY") && text.contains("http://HOST:PORT"), "{text}");
    assert!(!text.contains("hunter2"), "{text}");
}

#[tokio::test]
async fn an_issuer_that_is_not_trusted_is_named_and_what_the_variables_do() {
    let stranger = Authority::named(HOST, "a proxy's own authority");
    let tunnel = Wire::start_tls(Answer::json(201, "{}"), stranger.acceptor()).await;
    let proxy = ("HTTPS_PROXY", tunnel.url());
    for (variables, parts) in [
        (vec![proxy], ["`NODE_EXTRA_CA_CERTS` is not set", "`SSL_CERT_FILE` is not set"]),
        (
            vec![proxy, ("NODE_EXTRA_CA_CERTS", "/etc/proxy.pem"), ("SSL_CERT_FILE", "/etc/other.pem")],
            [
                "`NODE_EXTRA_CA_CERTS` is set (`/etc/proxy.pem`), and only Node.js reads it",
                "`SSL_CERT_FILE` is set (`/etc/other.pem`)",
            ],
        ),
    ] {
        let settings = settings(&variables).with_ca(Authority::of(HOST).pem());
        let error = send(URL, settings.clone()).await;
        let issuer = Some("CN=a proxy's own authority".to_owned());
        let fault = CertificateFault::UnknownIssuer(issuer);
        let kind = HttpErrorKind::Certificate { host: HOST.to_owned(), fault };
        assert_eq!(error.kind(), &kind, "{error}");
        assert!(!error.is_transient());

        let error = exchange(URL, settings.clone()).await;
        assert_eq!(error.kind(), &ExchangeErrorKind::Unreachable);
        assert_eq!(error.diagnosis().code, "http-certificate");
        let text = error.diagnosis().to_string();
        let more = [HOST, "CN=a proxy's own authority", "HTTPS_PROXY", "`--our-ca FILE`"];
        for part in parts.into_iter().chain(more) {
            assert!(text.contains(part), "{part}: {text}");
        }
        // And what it advises is what helps.
        let helped = exchange(URL, settings.with_ca(stranger.pem())).await;
        assert_eq!(helped.kind(), &ExchangeErrorKind::NoToken, "{helped}");
    }
}

#[tokio::test]
async fn a_certificate_of_another_host_or_another_time_is_called_that() {
    for (authority, fault, advice) in [
        (
            Authority::of("other.example"),
            CertificateFault::OtherHost,
            "what the proxy puts in the host's place",
        ),
        (Authority::itself(HOST), CertificateFault::Authority, "what the proxy puts in the host's place"),
        (Authority::valid(HOST, 2001, 2002), CertificateFault::Expired, "clock"),
        (Authority::valid(HOST, 2090, 2091), CertificateFault::NotYetValid, "clock"),
    ] {
        let tunnel = Wire::start_tls(Answer::json(201, "{}"), authority.acceptor()).await;
        let settings = settings(&[("https_proxy", tunnel.url())]).with_ca(authority.pem());
        let error = send(URL, settings).await;
        let kind = HttpErrorKind::Certificate { host: HOST.to_owned(), fault };
        assert_eq!(error.kind(), &kind, "{error}");
        assert!(error.advice().unwrap().contains(advice), "{:?}", error.advice());
    }
}

/// A proxy that opens every tunnel, sends this text through it, and closes it.
async fn tunnel_to(said: &'static [u8]) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _asked = stream.read(&mut [0; 4096]).await;
            stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
            let _hello = stream.read(&mut [0; 4096]).await;
            let _said = stream.write_all(said).await;
        }
    });
    url
}

#[tokio::test]
async fn a_tunnel_that_ends_nowhere_is_the_proxys_and_not_the_hosts() {
    for (said, is_certain) in
        [(b"".as_slice(), false), (b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", true)]
    {
        let proxy = tunnel_to(said).await;
        let settings = settings(&[("HTTPS_PROXY", &proxy)]);
        let error = send(URL, settings.clone()).await;
        assert!(error.advice().unwrap().contains("`registry.example` in `no_proxy`"), "{:?}", error.advice());
        assert_eq!(error.code(), is_certain.then_some("http-proxy"), "{error}");

        let error = exchange(URL, settings.clone()).await;
        let text = error.diagnosis().to_string();
        assert!(text.contains("`HTTPS_PROXY`") && text.contains("no_proxy"), "{text}");
        assert!(!text.contains("the scheme that is spoken"), "{text}");
    }
}

#[tokio::test]
async fn a_host_that_is_not_found_may_take_a_proxy() {
    let unknown = "https://registry.invalid/";
    let hint = "where the network takes a proxy, name it in `https_proxy`";
    // As a platform's source makes a diagnosis, whose own fix knows nothing of proxies.
    let error = send(unknown, settings(&[])).await;
    assert!(matches!(error.kind(), HttpErrorKind::Connect(_)), "{error}");
    let subject = Target::Url(unknown.to_owned());
    let diagnosis = error.diagnosis("unavailable", subject, "no identity token", "run the job again");
    let fix = diagnosis.fix.unwrap();
    assert!(fix.starts_with("run the job again; ") && fix.contains(hint), "{fix}");
    let text = exchange(URL, settings(&[])).await.diagnosis().to_string();
    assert!(text.contains("check the registry's URL; ") && text.contains(hint), "{text}");
    // Plain http goes through none.
    let error = send("http://127.0.0.1:1/", settings(&[])).await;
    let subject = Target::Url("http://127.0.0.1:1/".to_owned());
    let diagnosis = error.diagnosis("unavailable", subject, "no identity token", "run the job again");
    assert_eq!(diagnosis.fix.as_deref(), Some("run the job again"));
}

#[tokio::test]
async fn a_proxy_that_does_not_accept_its_credentials_is_not_to_get_them_once_more() {
    let wire = Wire::start(Answer::json(407, "")).await;
    let url = wire.url().replace("http://", "http://me:hunter2@");
    let error = exchange(URL, settings(&[("HTTPS_PROXY", &url)])).await;
    let text = error.diagnosis().to_string();
    assert!(text.contains("does not accept the credentials in `HTTPS_PROXY`: correct them"), "{text}");
    assert!(!text.contains("write the proxy's credentials") && !text.contains("hunter2"), "{text}");
}

#[tokio::test]
async fn a_timeout_says_of_what() {
    // A host that accepts the connection and says nothing, the same behind a proxy's tunnel, and an address that nobody has, or that
    // the machine has no way to (RFC 5737). All are waited for at the same time.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let direct = format!("https://{}/", listener.local_addr().unwrap());
    let authority = Authority::of(HOST);
    let tunnel = Wire::start_tls(Answer::silent(), authority.acceptor()).await;
    let proxied = settings(&[("https_proxy", tunnel.url())]).with_ca(authority.pem());
    let (direct, tunnelled, nobody) = tokio::join!(
        send_within(SHORT, &direct, settings(&[])),
        send_within(SHORT, URL, proxied),
        send_within(SHORT, "https://192.0.2.1/", settings(&[])),
    );
    assert_eq!(direct.kind(), &HttpErrorKind::Timeout { step: Step::Tls, after: SHORT });
    assert!(direct.to_string().contains("no end of the TLS handshake within 2 s"), "{direct}");
    assert_eq!(direct.advice(), None, "the host is there, and what ails it isn't known");

    assert_eq!(tunnelled.kind(), &HttpErrorKind::Timeout { step: Step::Answer, after: SHORT });
    assert!(tunnelled.to_string().contains("no answer within 2 s (proxy `127.0.0.1:"), "{tunnelled}");
    assert!(tunnelled.advice().unwrap().contains("`no_proxy`"));

    match nobody.kind() {
        HttpErrorKind::Timeout { step: Step::Connect, .. } => {
            assert!(nobody.advice().unwrap().contains("`https_proxy`"));
        }
        kind => assert!(matches!(kind, HttpErrorKind::Connect(_)), "{nobody}"),
    }
}
