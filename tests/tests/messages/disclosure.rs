//! The disclosure of refusals: configured values only to a token that proved the same repository; the same words to
//! everybody else.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use std::sync::{Arc, Mutex};

use http_body_util::{BodyExt as _, Full};
use oidc_core::testing::{FakeHttp, FakeIssuer, ManualClock, NotRandom};
use oidc_core::verify::Verifier;
use oidc_core::verify::backend::AwsLc;
use oidc_core::{Audience, Context, HttpUrl, Timestamp};
use oidc_exchange::memory::MemoryStore;
use oidc_exchange::server::{
    self, Event, EventSink, Exchange, ExchangeRequest, Package, PublisherRecord, Room, TrustStore as _,
};
use serde_json::{Value, json};
use tests::world::{self, Row, World};
use tower::ServiceExt as _;

/// A publisher whose every value is its owner's secret, but for the repository's name.
fn guarded() -> Value {
    json!({
        "repository": "acme/widget",
        "workflow": "guarded-workflow.yml",
        "environment": "guarded-environment",
        "repository_id": "70007",
        "repository_owner_id": "80008",
        "ref": "refs/tags/guarded-*",
        "event": ["guarded_event"],
        "job_workflow": "guarded/shared/.github/workflows/guarded.yml@refs/tags/*",
    })
}

fn is_told(message: &str) -> bool {
    ["guarded", "70007", "80008"].iter().any(|secret| message.contains(secret))
}

fn row(change: &Value) -> Row {
    let mut row = json!({ "reference": "r", "what": "w" });
    row.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
    serde_json::from_value(row).unwrap()
}

/// The kind and the words of a refusal.
async fn refusal(change: &Value) -> (&'static str, String) {
    let (world, configuration) = World::of(&row(change)).await;
    assert!(configuration.is_none(), "{configuration:?}");
    match world.refusal().await.unwrap() {
        world::Refused::Token(refusal) => {
            let diagnosis = refusal.diagnosis();
            let data = serde_json::to_string(&diagnosis).unwrap();
            assert_eq!(
                is_told(&data),
                is_told(&refusal.to_string()),
                "the data tells what the words tell: {data}"
            );
            (refusal.kind().as_str(), refusal.to_string())
        }
        world::Refused::Configuration(error) => panic!("{error}"),
    }
}

#[tokio::test]
async fn whoever_is_not_the_repository_gets_the_same_words_whatever_there_is() {
    let stranger =
        json!({ "repository": "mallory/gadget", "repository_id": "9", "repository_owner_id": "8" });
    let namesake = json!({ "repository_id": "9", "repository_owner_id": "8" });
    for claims in [stranger, namesake] {
        let unknown = refusal(&json!({ "claims": claims, "publishers": [] })).await;
        assert_eq!(unknown.0, "not-trusted");
        for set_up in [
            json!({ "publishers": [guarded()] }),
            json!({ "publishers": [guarded()], "pending": true }),
            json!({ "publishers": [guarded()], "pending": true, "age_days": 400 }),
            json!({ "publishers": [guarded()], "configured_on": "@acme/gadget" }),
            json!({ "publishers": [guarded(), guarded()] }),
        ] {
            let mut change = set_up.clone();
            change["claims"] = claims.clone();
            let told = refusal(&change).await;
            assert_eq!(told, unknown, "{set_up}");
            assert!(!is_told(&told.1), "{}", told.1);
        }
    }
}

#[tokio::test]
async fn the_repository_itself_is_told_what_differs() {
    let own = json!({ "repository_id": "70007", "repository_owner_id": "80008" });
    let (kind, message) = refusal(&json!({ "publishers": [guarded()], "claims": own })).await;
    assert_eq!(kind, "rule-differs");
    assert!(message.contains("guarded-workflow.yml"), "{message}");
}

#[tokio::test]
async fn one_of_several_publishers_tells_nothing_of_a_namesakes() {
    let mine = json!({ "repository": "acme/widget", "workflow": "mine.yml" });
    let claims = json!({ "repository_id": "9", "repository_owner_id": "8" });
    let (kind, message) = refusal(&json!({ "publishers": [guarded(), mine], "claims": claims })).await;
    assert_eq!(kind, "rule-differs");
    assert!(message.contains("mine.yml") && !is_told(&message), "{message}");
    assert!(!message.contains("more publisher"), "{message}");
}

/// The text for the registry's operator.
#[derive(Clone, Debug, Default)]
struct Log(Arc<Mutex<Vec<Event>>>);

impl EventSink for Log {
    fn record(&self, event: &Event) {
        self.0.lock().unwrap().push(event.clone());
    }
}

#[tokio::test]
async fn what_is_configured_is_for_the_operator_and_not_for_a_stranger() {
    for claims in [
        json!({ "repository": "mallory/gadget", "repository_id": "9", "repository_owner_id": "8" }),
        json!({ "repository_id": "9", "repository_owner_id": "8" }),
    ] {
        let change = json!({ "publishers": [guarded(), guarded()], "claims": claims });
        let (world, _) = World::of(&row(&change)).await;
        let log = Log::default();
        let exchange = world.exchange_into(log.clone());
        let token = world.token(world::AUDIENCE);
        let refusal =
            exchange.exchange(&token, &ExchangeRequest::package("npm", world::PACKAGE)).await.unwrap_err();
        let told = format!("{refusal} {} {refusal:?}", serde_json::to_string(&refusal.diagnosis()).unwrap());
        assert!(told.contains("trusted-publish doctor … --publisher"), "{told}");
        assert!(told.contains("; this job has `repository` `"), "{told}");
        let shown = told.split(" Refusal {").next().unwrap();
        assert!(!is_told(shown), "{shown}");
        // The event is recorded after the answer.
        tokio::task::yield_now().await;
        let reason = log.0.lock().unwrap()[0].operator_text().to_owned();
        assert!(reason.contains("configured: github of"), "{reason}");
        assert!(reason.contains("acme/widget, workflow guarded-workflow.yml"), "{reason}");
        assert!(reason.contains("`repository_id` `9`"), "what came: {reason}");
    }
}

/// The whole answer of each endpoint to a token.
async fn answers(exchange: &Exchange, token: &str) -> Vec<String> {
    let post = |path: &str, member: Option<&str>| {
        let body = member.map_or_else(String::new, |name| json!({ name: token }).to_string());
        let request = http::Request::post(path).header("content-type", "application/json");
        let request = request.header("authorization", format!("Bearer {token}"));
        request.body(Full::new(axum::body::Bytes::from(body))).unwrap()
    };
    let npm = post("/-/npm/v1/oidc/token/exchange/package/@acme%2fwidget", None);
    let mut answers = Vec::new();
    for answer in [
        server::npm(exchange.clone()).oneshot(npm).await,
        server::pypi(exchange.clone()).oneshot(post("/_/oidc/mint-token", Some("token"))).await,
        server::crates_io(exchange.clone()).oneshot(post("/", Some("jwt"))).await,
        server::rubygems(exchange.clone()).oneshot(post("/", Some("jwt"))).await,
        server::pep_807(exchange.clone(), &HttpUrl::parse("https://registry.example/").unwrap())
            .unwrap()
            .oneshot(post("/_/pytp/mint-token", Some("token")))
            .await,
    ] {
        let body = answer.unwrap().into_body().collect().await.unwrap().to_bytes();
        answers.push(String::from_utf8(body.to_vec()).unwrap());
    }
    answers
}

#[tokio::test]
async fn every_endpoint_tells_programs_what_it_tells_people_and_no_more() {
    let own = json!({ "repository_id": "70007", "repository_owner_id": "80008" });
    let stranger =
        json!({ "repository": "mallory/gadget", "repository_id": "9", "repository_owner_id": "8" });
    for (claims, npm_code, npm_tells) in [(own, "github-workflow", true), (stranger, "not-trusted", false)] {
        let (world, _) = World::of(&row(&json!({ "publishers": [guarded()], "claims": claims }))).await;
        let token = world.token(world::AUDIENCE);
        // The publisher is of npm's package: to the other endpoints everybody is a stranger.
        for (at, body) in answers(world.exchange(), &token).await.into_iter().enumerate() {
            let answer: Value = serde_json::from_str(&body).unwrap();
            let code = if at == 0 { npm_code } else { "not-trusted" };
            assert_eq!(answer["diagnosis"]["code"], code, "{body}");
            assert!(answer["diagnosis"]["subject"]["kind"].is_string(), "{body}");
            assert_eq!(body.contains("guarded"), at == 0 && npm_tells, "{body}");
            assert!(!token.split('.').any(|part| body.contains(part)), "{body}");
        }
    }
}

/// A registry that has a package of each ecosystem with this publisher of github.com, which learned these ids.
async fn everywhere(config: &Value, learned: &[(&str, &str)]) -> Exchange {
    everywhere_of("github", config, learned).await
}

/// The same with a publisher of another platform's.
async fn everywhere_of(platform: &str, config: &Value, learned: &[(&str, &str)]) -> Exchange {
    let provider = oidc_providers::public(platform).unwrap();
    let issuer = Arc::new(FakeIssuer::new(provider.profile().issuers[0].url().to_string()));
    let cx = Context::default()
        .with_http(FakeHttp::of_issuer(issuer))
        .with_clock(ManualClock::at(world::NOW))
        .with_random(NotRandom(7));
    let store = MemoryStore::for_tests();
    for (ecosystem, name) in
        [("npm", world::PACKAGE), ("pypi", "widget"), ("cargo", "widget"), ("rubygems", "widget")]
    {
        let identity = provider.publisher(config).unwrap().identity();
        let package = Package::new(ecosystem, name);
        let now = Timestamp::from_secs(world::NOW);
        let mut record =
            PublisherRecord::new(ecosystem, package, provider.id(), identity, config.clone(), now);
        record.learned = learned.iter().map(|(claim, id)| ((*claim).to_owned(), (*id).to_owned())).collect();
        store.add(&record, &Room::default()).await.unwrap();
    }
    let audience = Audience::new(world::AUDIENCE).unwrap();
    let verifier = Verifier::new(AwsLc, [audience], &oidc_providers::all(), &cx).unwrap();
    Exchange::builder(verifier, store).build()
}

#[tokio::test]
async fn what_differs_is_told_at_every_endpoint_in_the_same_words() {
    let of = |repository: &str, workflow: &str| json!({ "repository": repository, "workflow": workflow });
    let learned: &[(&str, &str)] = &[("repository_id", "2"), ("repository_owner_id", "1")];
    let mut moved = of("acme-contrib/widget", "publish.yml");
    moved["repository_id"] = "2".into();
    moved["repository_owner_id"] = "1".into();
    let renamed = json!({
        "repository": "acme-inc/widget",
        "repository_owner": "acme-inc",
        "workflow_ref": "acme-inc/widget/.github/workflows/publish.yml@refs/tags/v1.0.0",
    });
    let of_other_owner = json!({
        "repository": "acme-contrib/widget",
        "repository_owner": "acme-contrib",
        "repository_owner_id": "55",
    });
    let called = json!({
        "workflow_ref": "acme/widget/.github/workflows/release.yml@refs/tags/v1.0.0",
        "job_workflow_ref": "acme/.github/.github/workflows/publish.yml@refs/heads/main",
    });
    for (config, learned, claims, code, says) in [
        (
            of("acme/widget", "publish.yml"),
            learned,
            renamed.clone(),
            "github-repository",
            &["renamed", "`acme-inc/widget`", "expected `acme/widget`"][..],
        ),
        (moved.clone(), &[], renamed, "github-repository", &["renamed", "expected `acme-contrib/widget`"]),
        (moved, &[], of_other_owner, "github-repository-owner-id", &["`repository_owner_id`", "`55`", "`1`"]),
        (
            of("acme/widget", "publish.yml"),
            learned,
            called,
            "github-workflow",
            &["`publish.yml` was called by `release.yml`", "acme/.github/.github/workflows/publish.yml"],
        ),
    ] {
        let exchange = everywhere(&config, learned).await;
        let (world, _) = World::of(&row(&json!({ "claims": claims }))).await;
        let mut told = Vec::new();
        for body in answers(&exchange, &world.token(world::AUDIENCE)).await {
            let answer: Value = serde_json::from_str(&body).unwrap();
            assert_eq!(answer["diagnosis"]["code"], code, "{body}");
            says.iter().for_each(|part| assert!(body.contains(part), "`{part}` is not in {body}"));
            told.push(answer["diagnosis"].clone());
        }
        assert!(told.len() == 5 && told.iter().all(|one| *one == told[0]), "{told:?}");
    }
}

#[tokio::test]
async fn an_id_that_is_not_the_repositorys_own_opens_nothing_at_any_endpoint() {
    for config in [guarded(), json!({ "repository": "acme/widget", "workflow": "guarded-workflow.yml" })] {
        let exchange =
            everywhere(&config, &[("repository_id", "70007"), ("repository_owner_id", "80008")]).await;
        for claims in [
            json!({ "repository_id": "9", "repository_owner_id": "80008" }),
            json!({ "repository_id": "9", "repository_owner_id": "70007" }),
            json!({ "repository_id": "80008", "repository_owner_id": "8" }),
            json!({ "repository_id": "07", "actor_id": "70007", "run_id": "70007" }),
        ] {
            let mut claims = claims.clone();
            claims["repository"] = "mallory/gadget".into();
            claims["repository_owner"] = "mallory".into();
            let (world, _) = World::of(&row(&json!({ "claims": claims }))).await;
            let nothing = everywhere(&json!({ "repository": "a/b", "workflow": "c.yml" }), &[]).await;
            let token = world.token(world::AUDIENCE);
            let (told, of_nothing) = (answers(&exchange, &token).await, answers(&nothing, &token).await);
            assert_eq!(told, of_nothing, "the same as where there is no such publisher");
            for body in told {
                let answer: Value = serde_json::from_str(&body).unwrap();
                assert_eq!(answer["diagnosis"]["code"], "not-trusted", "{body}");
                assert!(!body.replace(world::PACKAGE, "").contains("acme/"), "{body}");
            }
        }
    }
}

#[tokio::test]
async fn a_token_without_a_configured_id_is_told_which_at_every_endpoint() {
    let names = json!({ "organization_slug": "acme", "pipeline_slug": "widget" });
    let mut with_ids = names.clone();
    with_ids["organization_id"] = "11111111-1111-4111-8111-111111111111".into();
    with_ids["pipeline_id"] = "22222222-2222-4222-8222-222222222222".into();
    let issuer = oidc_providers::public("buildkite").unwrap().profile().issuers[0].url().to_string();
    let asks = "a publisher that knows such an id asks for it";
    for (lacking, code, says) in [
        (
            &["organization_id", "pipeline_id"][..],
            "not-trusted",
            ["its token has no `organization_id` and no `pipeline_id`", asks],
        ),
        (&["pipeline_id"], "not-trusted", ["its token has no `pipeline_id`", asks]),
        // The pipeline's own id proves that it is the publisher's.
        (
            &["organization_id"],
            "claim-missing",
            ["claim `organization_id` is missing", "--claim organization_id --claim pipeline_id"],
        ),
    ] {
        let without = lacking.iter().map(|claim| ((*claim).to_owned(), None)).collect();
        let id = "00000000-0000-4000-8000-000000000001";
        let claims = oidc_providers::buildkite::sample::claims_with(
            &issuer,
            world::AUDIENCE,
            world::NOW,
            id,
            &without,
        );
        let token = FakeIssuer::new(issuer.clone()).sign(&claims);
        let gadget = json!({ "organization_slug": "acme", "pipeline_slug": "gadget" });
        let nothing = answers(&everywhere_of("buildkite", &gadget, &[]).await, &token).await;
        let learned: Vec<(&str, &str)> =
            ["organization_id", "pipeline_id"].map(|id| (id, with_ids[id].as_str().unwrap())).to_vec();
        for exchange in [
            everywhere_of("buildkite", &with_ids, &[]).await,
            everywhere_of("buildkite", &names, &learned).await,
        ] {
            let told = answers(&exchange, &token).await;
            assert_eq!(
                told == nothing,
                code == "not-trusted",
                "no more than where there is nothing: {told:?}"
            );
            for body in told {
                let answer: Value = serde_json::from_str(&body).unwrap();
                assert_eq!(answer["diagnosis"]["code"], code, "{body}");
                says.iter().for_each(|part| assert!(body.contains(part), "`{part}` is not in {body}"));
            }
        }
    }
}
