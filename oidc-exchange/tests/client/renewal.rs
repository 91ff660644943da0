//! Long publishes: a token is renewed before it ends, with an identity token of its own each time, or the caller is told in time.

use std::time::Duration;

use oidc_core::http::Response;
use oidc_core::testing::{FakeHttp, FakePlatform, ManualClock};
use oidc_core::{Clock as _, Context};
use oidc_exchange::client::{
    CratesIo, Failure, PubDev, PublishRequest, Pypi, Renewal, Renewing, VsMarketplace,
};
use serde_json::{Value, json};

const NOW: u64 = 1_700_000_000;

/// An index whose tokens live `lifetime`.
fn index(clock: &ManualClock, lifetime: u64) -> FakeHttp {
    let clock = clock.clone();
    FakeHttp::new().on_request(move |request| {
        let expires = clock.now().as_secs() + lifetime;
        let body = match request.method.as_str() {
            "GET" => json!({ "audience": "pypi" }),
            _ => json!({ "token": format!("pypi-{expires}"), "expires": expires }),
        };
        Some(Ok(Response::new(200, Vec::new(), body.to_string())))
    })
}

fn context(http: &FakeHttp, clock: &ManualClock) -> Context {
    Context::default().with_http(http.clone()).with_clock(clock.clone())
}

/// The identity tokens that were exchanged, in order.
fn exchanged(http: &FakeHttp) -> Vec<String> {
    let posts = http.requests().into_iter().filter(|request| request.method.as_str() == "POST");
    let token =
        |body: Vec<u8>| serde_json::from_slice::<Value>(&body).unwrap()["token"].as_str().unwrap().to_owned();
    posts.map(|request| token(request.body)).collect()
}

#[tokio::test]
async fn a_publish_of_an_hour_never_holds_a_token_that_is_about_to_end() {
    let clock = ManualClock::at(NOW);
    let http = index(&clock, 900);
    let cx = context(&http, &clock);
    let (registry, source) = (Pypi::public(), FakePlatform::new().source(&cx));
    let mut renewing = Renewing::start(&registry, &*source, PublishRequest::identity(), &cx).await.unwrap();
    for _ in 0..60 {
        let Renewal::Lasting(token) = renewing.token(&cx).await.unwrap() else { panic!("renewable") };
        let left = token.expires_at().unwrap().since(clock.now());
        assert!(left > Duration::from_secs(225), "{left:?}");
        clock.advance(Duration::from_secs(60));
    }
    let identities = exchanged(&http);
    // Renewed with a quarter of its life left: every 675 s, which is at each twelfth minute.
    assert_eq!(identities.len(), 5);
    let mut different = identities.clone();
    different.sort();
    different.dedup();
    assert_eq!(different.len(), identities.len(), "an identity token is used once");
}

#[tokio::test]
async fn a_short_lived_token_is_not_renewed_at_every_turn() {
    let clock = ManualClock::at(NOW);
    let http = index(&clock, 240);
    let cx = context(&http, &clock);
    let (registry, source) = (Pypi::public(), FakePlatform::new().source(&cx));
    let mut renewing = Renewing::start(&registry, &*source, PublishRequest::identity(), &cx).await.unwrap();
    for seconds in [0, 60, 119] {
        clock.advance(Duration::from_secs(seconds));
        renewing.token(&cx).await.unwrap();
    }
    assert_eq!(exchanged(&http).len(), 1);
    clock.advance(Duration::from_secs(1));
    renewing.token(&cx).await.unwrap();
    renewing.token(&cx).await.unwrap();
    assert_eq!(exchanged(&http).len(), 2);
}

#[tokio::test]
async fn where_the_platform_gives_no_second_token_the_caller_is_told_in_time() {
    let clock = ManualClock::at(NOW);
    let http = index(&clock, 3600);
    let cx = context(&http, &clock);
    let (registry, source) = (Pypi::public(), FakePlatform::new().not_renewable().source(&cx));
    let mut renewing = Renewing::start(&registry, &*source, PublishRequest::identity(), &cx).await.unwrap();
    for (seconds, is_ending) in [(0, false), (3299, false), (1, true), (200, true), (200, true)] {
        clock.advance(Duration::from_secs(seconds));
        match renewing.token(&cx).await.unwrap() {
            Renewal::Lasting(_) => assert!(!is_ending, "{seconds}"),
            Renewal::Ending { token, at } => {
                assert!(is_ending, "{seconds}");
                assert_eq!(at.as_secs(), NOW + 3600);
                assert_eq!(token.secret().expose(), format!("pypi-{at}", at = at.as_secs()));
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(exchanged(&http).len(), 1, "a used-up token is not tried again");
}

#[tokio::test]
async fn a_renewal_that_fails_says_why() {
    let clock = ManualClock::at(NOW);
    let http = index(&clock, 900);
    let cx = context(&http, &clock);
    let source = FakePlatform::new().giving_tokens_until(NOW + 100).source(&cx);
    let registry = Pypi::public();
    let mut renewing = Renewing::start(&registry, &*source, PublishRequest::identity(), &cx).await.unwrap();
    clock.advance(Duration::from_secs(800));
    let Err(Failure::Source(error)) = renewing.token(&cx).await else { panic!("no token is left") };
    assert!(error.to_string().contains("no more tokens"));
}

#[tokio::test]
async fn a_tokens_end_is_known_by_its_protocol_where_the_answer_does_not_say() {
    let clock = ManualClock::at(NOW);
    let http = FakeHttp::new().on_request(|_| {
        let body = json!({ "token": "t", "credential": "t" }).to_string();
        Some(Ok(Response::new(200, Vec::new(), body)))
    });
    let cx = context(&http, &clock);
    let source = FakePlatform::new().source(&cx);
    let registry = CratesIo::public();
    let mut renewing = Renewing::start(&registry, &*source, PublishRequest::identity(), &cx).await.unwrap();
    clock.advance(Duration::from_secs(25 * 60 - 1));
    renewing.token(&cx).await.unwrap();
    assert_eq!(http.requests().len(), 1);
    clock.advance(Duration::from_secs(1));
    renewing.token(&cx).await.unwrap();
    assert_eq!(http.requests().len(), 2);

    // Nobody says how long one of the VS Marketplace lives.
    let registry = VsMarketplace::public("acme");
    let mut renewing = Renewing::start(&registry, &*source, PublishRequest::identity(), &cx).await.unwrap();
    clock.advance(Duration::from_secs(24 * 3600));
    let Renewal::Lasting(token) = renewing.token(&cx).await.unwrap() else { panic!("taken to last") };
    assert_eq!(token.expires_at(), None);
}

#[tokio::test]
async fn an_identity_token_that_is_the_publish_token_is_renewed_as_well() {
    let clock = ManualClock::at(NOW);
    let cx = context(&FakeHttp::new(), &clock);
    let (registry, source) = (PubDev::public(), FakePlatform::new().source(&cx));
    let mut renewing = Renewing::start(&registry, &*source, PublishRequest::identity(), &cx).await.unwrap();
    let mut seen = Vec::new();
    for _ in 0..3 {
        let Renewal::Lasting(token) = renewing.token(&cx).await.unwrap() else { panic!("renewable") };
        seen.push(token.expires_at().unwrap().as_secs());
        clock.advance(Duration::from_secs(450));
    }
    assert_eq!(seen, [NOW + 600, NOW + 1050, NOW + 1500]);
}
