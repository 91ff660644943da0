//! Events: what every sink gets, for whom, and how much of it.

use std::time::Duration;

use http::Request;
use http_body_util::Full;
use oidc_core::testing::ManualClock;
use oidc_core::{Random, Run, Secret, Timestamp};
use oidc_exchange::server::{
    Event, Exchange, ExchangeBuilder, ExchangeRequest, Grant, MintError, Minter, NewToken, Recognised,
    TrustStore as _, npm, pypi,
};
use serde_json::{Value, json};
use tower::ServiceExt as _;

use crate::registry::{Memory, NOW, Registry, package};

/// A text of an event has at most this many characters, and one that says that there were more.
const MAX_TEXT: usize = 4096 + 1;

fn widget() -> ExchangeRequest {
    ExchangeRequest::package("npm", "@acme/widget")
}

/// Every text of an event is short and has no character that a terminal or a page would obey.
fn is_fit_to_be_shown(event: &Event) {
    let Value::Object(mut members) = serde_json::to_value(event).unwrap() else { panic!("an object") };
    if let Some(Value::Object(settings)) = members.remove("settings") {
        members.extend(settings);
    }
    for (name, value) in members {
        let Some(text) = value.as_str() else { continue };
        assert!(text.chars().count() <= MAX_TEXT, "{name} has {} characters", text.chars().count());
        let obeyed =
            |c: char| c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{200b}'..='\u{200f}');
        assert!(!text.contains(obeyed), "{name}: {text:?}");
        assert!(!text.starts_with("::"), "{name}: {text:?}");
    }
}

#[tokio::test]
async fn whatever_a_token_claims_its_events_are_short_and_without_control_characters() {
    let registry = Registry::new().await;
    for evil in [
        "\u{1b}[2J\u{1b}]8;;https://evil.example\u{7}acme/widget",
        "acme/widget\r\nINFO granted",
        "acme/\u{202e}tegdiw",
        "::error::acme/widget",
        &"w".repeat(9_000),
        &"\u{200b}".repeat(2_000),
    ] {
        for claim in ["repository", "workflow", "environment", "repository_id", "sha", "iss", "aud", "jti"] {
            for name in ["@acme/widget", evil] {
                let token = registry.token(&json!({ claim: evil }));
                let request = ExchangeRequest::package("npm", name);
                let refused = registry.exchange.exchange(&token, &request).await;
                let event = registry.events.next().await;
                is_fit_to_be_shown(&event);
                assert_eq!(refused.is_ok(), event.outcome == "granted", "{claim}");
                if let Err(refusal) = refused {
                    assert!(!refusal.to_string().contains(|c: char| c.is_control()), "{claim}: {refusal:?}");
                }
            }
        }
        let own = Event::new(Timestamp::from_secs(NOW), "publish", evil, "refused", evil).for_operator(evil);
        let mut run = Run::default();
        (run.repository, run.url) = (Some(evil.to_owned()), Some(evil.to_owned()));
        let own = own.package(evil).version(evil).publisher(evil).verified(evil, &run);
        registry.exchange.record(own);
        is_fit_to_be_shown(&registry.events.next().await);
    }
    let path = "/-/npm/v1/oidc/token/exchange/package/%1b%5b2J";
    npm(registry.exchange.clone())
        .oneshot(Request::post(path).body(Full::<bytes::Bytes>::default()).unwrap())
        .await
        .unwrap();
    is_fit_to_be_shown(&registry.events.next().await);
    let body = json!({ "token": "\u{1b}[2J" }).to_string();
    let request = Request::post("/_/oidc/mint-token").body(Full::<bytes::Bytes>::from(body)).unwrap();
    pypi(registry.exchange.clone()).oneshot(request).await.unwrap();
    is_fit_to_be_shown(&registry.events.next().await);
}

#[tokio::test]
async fn an_applications_event_goes_to_every_sink_as_the_exchanges_do() {
    let registry = Registry::new().await;
    let sinks = [Memory::default(), Memory::default()];
    let exchange = Exchange::builder(registry.exchange.verifier().clone(), registry.store.clone());
    let exchange = sinks.iter().cloned().fold(exchange, ExchangeBuilder::sink).build();
    exchange.exchange(&registry.token(&json!({})), &widget()).await.unwrap();
    let event = Event::new(Timestamp::from_secs(NOW), "publish", "npm", "granted", "by its token");
    exchange.record(event.clone().package("@acme/widget"));
    for sink in sinks {
        let [granted, published] = <[Event; 2]>::try_from(sink.take()).unwrap();
        assert_eq!((granted.action, granted.outcome), ("exchange", "granted"));
        assert_eq!(published, event.clone().package("@acme/widget"));
    }
}

#[tokio::test]
async fn a_refusal_names_the_nearest_publisher_to_the_operator_and_its_owner_reads_what_the_caller_was_told()
{
    let registry = Registry::new().await;
    let other = registry.trusts("@acme/gadget", "acme/gadget", false).await;
    let widget_id = registry.store.list(&package("@acme/widget")).await.unwrap().remove(0).id;
    let refused = async |claims: Value, request: ExchangeRequest| {
        let refusal = registry.exchange.exchange(&registry.token(&claims), &request).await.unwrap_err();
        let event = registry.events.next().await;
        assert_eq!(event.reason, refusal.to_string(), "the owner reads what the caller was told");
        assert_eq!(event.publisher, None, "no publisher accepted it");
        assert!(!refusal.to_string().contains(&widget_id), "{refusal}");
        event
    };
    let differs = refused(json!({ "workflow": "evil.yml" }), widget()).await;
    assert_eq!((differs.outcome, differs.nearest.as_deref()), ("rule-differs", Some(&*widget_id)));
    assert_eq!(differs.for_operator, None, "there is no more to say");

    let stranger = json!({ "repository": "mallory/widget", "repository_id": "9" });
    let stranger = refused(stranger, ExchangeRequest::package("npm", "@acme/gadget")).await;
    assert_eq!((stranger.outcome, stranger.nearest.as_deref()), ("not-trusted", Some(&*other.id)));
    let for_operator = stranger.for_operator.unwrap();
    assert!(
        for_operator.contains("configured: fake of") && for_operator.contains("acme/gadget"),
        "{for_operator}"
    );
    assert!(
        !stranger.reason.contains("acme/gadget `") && !stranger.reason.contains("configured"),
        "{}",
        stranger.reason
    );

    let untrusted = refused(json!({ "iss": "https://evil.example" }), widget()).await;
    assert!(untrusted.for_operator.unwrap().contains("https://issuer.example"));
    assert!(!untrusted.reason.contains("https://issuer.example"), "{}", untrusted.reason);
    assert_eq!(untrusted.nearest, None);
}

#[tokio::test]
async fn a_refusal_has_the_configuration_that_would_accept_the_job_and_no_address() {
    let registry = Registry::new().await;
    let event = async |claims: Value, request: ExchangeRequest| {
        let _outcome = registry.exchange.exchange(&registry.token(&claims), &request).await;
        registry.events.next().await
    };
    let differs = event(json!({ "workflow": "other.yml" }), widget()).await;
    assert_eq!(differs.outcome, "rule-differs");
    assert_eq!((differs.provider, &*differs.settings["workflow"]), (Some("fake"), "other.yml"));
    assert_eq!(differs.target.as_deref(), Some("claim `workflow`"));
    let absent = ExchangeRequest::package("npm", "@acme/absent");
    let stranger = event(json!({ "workflow": "me@example.org" }), absent).await;
    assert_eq!(stranger.outcome, "not-trusted");
    assert_eq!(stranger.settings["repository"], "acme/widget");
    assert!(!stranger.settings.contains_key("workflow"), "it may be an address");
    let untrusted = event(json!({ "iss": "https://evil.example" }), widget()).await;
    assert!(untrusted.settings.is_empty() && untrusted.provider.is_none(), "nothing is proven");
    let granted = event(json!({}), widget()).await;
    assert!(granted.settings.is_empty(), "{granted:?}");
}

/// Tokens that take a quarter of a second, or can't be made.
#[derive(Debug)]
struct Slow(ManualClock, bool);

#[async_trait::async_trait]
impl Minter for Slow {
    fn lifetime(&self) -> Duration {
        Duration::from_secs(60)
    }

    async fn mint(&self, _: &Grant, _: &dyn Random) -> Result<NewToken, MintError> {
        self.0.advance(Duration::from_millis(250));
        if self.1 {
            Ok(NewToken::Stored(Secret::new("slow")))
        } else {
            Err(MintError::new("the key is gone"))
        }
    }

    fn recognise(&self, _: &str) -> Option<Recognised> {
        None
    }
}

#[tokio::test]
async fn an_event_says_how_long_the_exchange_took_and_the_operator_reads_why_it_failed() {
    let registry = Registry::new().await;
    for (works, outcome) in [(true, "granted"), (false, "internal")] {
        let events = Memory::default();
        let exchange = Exchange::builder(registry.exchange.verifier().clone(), registry.store.clone());
        let exchange = exchange.minter(Slow(registry.clock.clone(), works)).sink(events.clone()).build();
        let exchanged = exchange.exchange(&registry.token(&json!({})), &widget()).await;
        let event = events.next().await;
        assert_eq!((event.outcome, event.elapsed), (outcome, Some(Duration::from_millis(250))));
        assert_eq!(serde_json::to_value(&event).unwrap()["elapsed"], 0.25);
        if let Err(refusal) = exchanged {
            assert!(
                !event.reason.contains("the key is gone") && !refusal.to_string().contains("the key is gone")
            );
            assert!(event.for_operator.unwrap().ends_with(": no publish token can be made: the key is gone"));
        }
    }
}
