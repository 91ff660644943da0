//! No secret of the client comes out in a log, an error or a `Debug`, at any level.
//!
//! A binary of its own, since a process has one logger.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod loopback;

use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use oidc_core::blocking::complete;
use oidc_core::http::{BlockingHttp, HttpSettings};
use oidc_core::{Context, Environment, ProviderSet};
use oidc_exchange::client::{Mode, Npm, Outcome, PublishRequest, Registry as _};
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::fmt::MakeWriter;

use crate::loopback::{Answer, Authority, Wire, id_token};

const PUBLISH_TOKEN: &str = "npm_publish-token-hunter2";

/// Everything that is logged, whichever way.
#[derive(Clone, Debug, Default)]
struct Captured(Arc<Mutex<Vec<u8>>>);

/// `true` if the logger accepts the records of ureq at the level `trace`, which contain all that is sent.
static TAKES_THE_WIRE: AtomicBool = AtomicBool::new(false);

impl Captured {
    fn install() -> Self {
        let captured = Self::default();
        tracing_subscriber::fmt().with_max_level(LevelFilter::TRACE).with_writer(captured.clone()).init();
        log::set_boxed_logger(Box::new(captured.clone())).unwrap();
        log::set_max_level(log::LevelFilter::Trace);
        captured
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap()).into_owned()
    }
}

impl Write for Captured {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Captured {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

impl log::Log for Captured {
    fn enabled(&self, metadata: &log::Metadata<'_>) -> bool {
        let is_wire = metadata.target().starts_with("ureq_proto") && metadata.level() == log::Level::Trace;
        !is_wire || TAKES_THE_WIRE.load(Ordering::SeqCst)
    }

    fn log(&self, record: &log::Record<'_>) {
        if !self.enabled(record.metadata()) {
            return;
        }
        writeln!(self.0.lock().unwrap(), "{} {}", record.target(), record.args()).unwrap();
    }

    fn flush(&self) {}
}

#[tokio::test]
async fn no_secret_is_seen_whatever_happens() {
    let captured = Captured::install();
    let created = format!(r#"{{"token":"{PUBLISH_TOKEN}"}}"#);
    let authority = Authority::of("registry.example");
    let echo = format!(r#"{{"message":"bad: {}"}}"#, id_token("npm:127.0.0.1"));
    let mut seen = String::new();
    for (url, answer) in [
        (None, Answer::json(201, &created)),
        (None, Answer::json(404, r#"{"message":"package not found"}"#)),
        (None, Answer::json(401, &echo)),
        (None, Answer::json(200, &format!("{PUBLISH_TOKEN} {created}"))),
        (None, Answer::json(200, &format!(r#"{{"token":["{PUBLISH_TOKEN}"]}}"#))),
        (None, Answer::json(200, &format!(r#"{{"token":"{PUBLISH_TOKEN} "}}"#))),
        (None, Answer::hang_up()),
        (None, Answer::endless("")),
        (Some("https://registry.example/"), Answer::json(201, &created)),
        (Some("https://other.example/"), Answer::json(201, &created)),
    ] {
        seen += &publish(url, answer, &authority).await;
    }
    // Nothing is sent by the client whose library would log it.
    assert!(!seen.contains("keep that target at `debug`"));
    TAKES_THE_WIRE.store(true, Ordering::SeqCst);
    let refused = publish(None, Answer::json(201, &created), &authority).await;
    assert!(refused.contains("keep that target at `debug`"), "{refused}");
    seen += &refused;
    seen += &captured.text();
    assert!(
        seen.contains("package not found") && seen.contains("hyper") && seen.contains("ureq"),
        "nothing was captured: {seen}"
    );
    for audience in ["npm:127.0.0.1", "npm:registry.example", "npm:other.example"] {
        for part in id_token(audience).split('.') {
            assert!(!seen.contains(part), "an identity token is seen");
        }
    }
    assert!(!seen.contains("hunter2"), "a publish token is seen");
}

/// Publishes at `url` through a proxy, or at the wire itself, in both modes and by both clients. Returns all that can be shown of
/// it.
async fn publish(url: Option<&str>, answer: Answer, authority: &Authority) -> String {
    let wire = match url {
        Some(_) => Wire::start_tls(answer, authority.acceptor()).await,
        None => Wire::start(answer).await,
    };
    let proxy = url.map(|_| ("https_proxy", wire.url()));
    let settings = HttpSettings::from_environment(&Environment::from_iter(proxy)).with_ca(authority.pem());
    let registry = Npm::at(url.unwrap_or(wire.url())).unwrap();
    let audience = registry.audience(&Context::default()).await.unwrap();
    let environment = Environment::from_iter([("NPM_ID_TOKEN", id_token(audience.as_str()))]);
    let awaiting = Context::system_with(environment.clone(), settings.clone()).unwrap();
    let blocking = Context::blocking(BlockingHttp::new(settings).unwrap()).with_environment(environment);
    let mut seen = format!("{awaiting:?} {blocking:?} {registry:?}");
    for mode in [Mode::Automatic, Mode::Always] {
        let request = || PublishRequest::new(Npm::scope("@acme/widget").unwrap());
        let providers = ProviderSet::default();
        let attempt = oidc_exchange::publish_token(&registry, request(), &providers, &awaiting);
        let awaited = mode.outcome(attempt).await;
        let (registry, request, cx) = (registry.clone(), request(), blocking.clone());
        let blocked = tokio::task::spawn_blocking(move || {
            let attempt = oidc_exchange::publish_token(&registry, request, &providers, &cx);
            complete(mode.outcome(attempt)).expect("it blocks")
        });
        for result in [awaited, blocked.await.unwrap()] {
            seen += &format!("{result:?} {result:#?}");
            if let Ok(Outcome::Fallback(failure)) | Err(failure) = result {
                seen += &format!("{failure} {}", failure.diagnosis());
                let mut error: Option<&dyn std::error::Error> = Some(&failure);
                while let Some(below) = error {
                    seen += &format!("{below} {below:?}");
                    error = below.source();
                }
            }
        }
    }
    seen
}
