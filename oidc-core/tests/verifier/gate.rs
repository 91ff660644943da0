//! The gate of a service that only checks tokens.

use http::header::AUTHORIZATION;
use http::{HeaderMap, Response};
use oidc_core::testing::{FakeHttp, FakePlatform};
use oidc_core::verify::{Gate, GateError, InvalidGate, Verifier, backend::AwsLc};
use oidc_core::{
    Audience, Claims, Context, Detection, Diagnosis, Identity, InvalidPublisher, Mismatch, Profile, Provider,
    ProviderSet, Publisher, PublisherField, Run, SourceError, Target, TokenSource, Verified,
};
use serde_json::{Value, json};

const GATE: &str = "https://gate.example";
const NOW: u64 = FakePlatform::NOW;

fn verifier(platform: &FakePlatform, cx: &Context) -> Verifier {
    let audience = Audience::new(GATE).unwrap();
    Verifier::new(AwsLc, [audience], &ProviderSet::of(platform.clone()), cx).unwrap()
}

fn rules(repository: &str, id: &str) -> Value {
    json!({ "repository": repository, "workflow": "publish.yml", "repository_id": id })
}

fn gate(platform: &FakePlatform) -> Gate {
    let gate = Gate::new(verifier(platform, &platform.registry()));
    gate.allow("fake", None, rules("acme/widget", "2")).unwrap()
}

#[tokio::test]
async fn a_job_passes_if_a_publisher_accepts_it_and_a_genuine_token_alone_does_not() {
    let platform = FakePlatform::new();
    let gate = gate(&platform).allow("fake", None, rules("acme/gadget", "7")).unwrap();
    let gadget = platform.clone().with_claim("repository", "acme/gadget").with_claim("repository_id", "7");
    for job in [&platform, &gadget] {
        let claims = gate.admit(&job.token(GATE, NOW)).await.unwrap();
        assert!(claims.text("repository").unwrap().starts_with("acme/"));
    }
    for (claim, value) in [("repository", "evil/widget"), ("workflow", "test.yml"), ("repository_id", "9")] {
        let token = platform.clone().with_claim(claim, value).token(GATE, NOW);
        let refused = gate.admit(&token).await.unwrap_err();
        assert!(matches!(refused, GateError::Job(_)), "{claim}: {refused}");
        assert_eq!((refused.status(), refused.retry_after()), (403, None));
    }
    let workflow = gadget.with_claim("workflow", "test.yml").token(GATE, NOW);
    let refused = gate.admit(&workflow).await.unwrap_err().to_string();
    assert!(
        refused.contains("`workflow` is `test.yml`"),
        "the publisher of its repository says why: {refused}"
    );
    assert!(!refused.contains("publish.yml") && !refused.contains("registry"), "{refused}");
}

#[tokio::test]
async fn a_refused_token_is_401_and_unreachable_keys_are_503() {
    let platform = FakePlatform::new();
    let of_another = platform.token("https://other.example", NOW);
    for token in ["", "nonsense", &of_another] {
        let refused = gate(&platform).admit(token).await.unwrap_err();
        assert_eq!((refused.status(), refused.retry_after()), (401, None), "{refused}");
        assert!(!refused.to_string().contains("registry"), "{refused}");
    }
    let cut_off = Gate::new(verifier(&platform, &platform.registry().with_http(FakeHttp::new())));
    let cut_off = cut_off.allow("fake", None, rules("acme/widget", "2")).unwrap();
    let refused = cut_off.admit(&platform.token(GATE, NOW)).await.unwrap_err();
    assert_eq!(refused.status(), 503);
    assert!(refused.retry_after().is_some_and(|wait| !wait.is_zero()));
    assert!(!refused.to_string().contains("registry"), "{refused}");
}

#[tokio::test]
async fn a_gate_without_publishers_admits_nobody() {
    let platform = FakePlatform::new();
    let gate = Gate::new(verifier(&platform, &platform.registry()));
    let refused = gate.admit(&platform.token(GATE, NOW)).await.unwrap_err();
    assert!(matches!(refused, GateError::Nobody) && refused.status() == 403);
}

#[tokio::test]
async fn a_name_without_its_id_is_admitted_only_where_that_is_asked_for() {
    let platform = FakePlatform::new();
    let gate = || Gate::new(verifier(&platform, &platform.registry()));
    for rules in [
        json!({ "repository": "acme/widget" }),
        json!({ "repository": "acme/widget", "repository_id": null }),
    ] {
        let refused = gate().allow("fake", None, rules.clone()).unwrap_err();
        assert!(matches!(&refused, InvalidGate::NoId { ids } if ids == "repository_id"), "{refused}");
        let by_name = gate().allow_by_name("fake", None, rules).unwrap();
        assert!(by_name.admit(&platform.token(GATE, NOW)).await.is_ok());
    }
    let wrong = gate().allow("fake", None, json!({ "workflow": "a" })).unwrap_err();
    assert!(matches!(wrong, InvalidGate::Publisher(_)), "{wrong}");
}

#[test]
fn a_publisher_is_of_a_platform_and_an_issuer_that_the_verifier_has() {
    const OTHER: &str = "https://other.example";
    let platform = FakePlatform::new();
    let of = |providers: &ProviderSet| {
        let audience = Audience::new(GATE).unwrap();
        Gate::new(Verifier::new(AwsLc, [audience], providers, &platform.registry()).unwrap())
    };
    let one = ProviderSet::of(platform.clone());
    let two = one.clone().with(FakePlatform::at(OTHER).unwrap());
    let allow = |providers: &ProviderSet, name: &str, issuer: Option<&str>| {
        of(providers).allow(name, issuer, rules("acme/widget", "2")).err().map(|refused| refused.to_string())
    };
    for issuer in [None, Some(""), Some(FakePlatform::ISSUER)] {
        assert_eq!(allow(&one, "fake", issuer), None, "{issuer:?}");
    }
    assert_eq!(allow(&two, "fake", Some(OTHER)), None);
    for (providers, name, issuer, told) in [
        (
            &one,
            "github",
            None,
            "there is no platform `github` with an issuer here; there are fake".to_owned(),
        ),
        (
            &one,
            "fake",
            Some(OTHER),
            format!("`fake` has no issuer `{OTHER}` here; it has {}", FakePlatform::ISSUER),
        ),
        (
            &two,
            "fake",
            None,
            format!("`fake` has several issuers here; name one of {}, {OTHER}", FakePlatform::ISSUER),
        ),
    ] {
        assert_eq!(allow(providers, name, issuer), Some(told));
    }
}

#[tokio::test]
async fn a_job_of_the_same_name_at_another_issuer_is_not_admitted() {
    const OTHER: &str = "https://other.example";
    let (platform, other) = (FakePlatform::new(), FakePlatform::at(OTHER).unwrap());
    let providers = ProviderSet::of(platform.clone()).with(other);
    let audience = Audience::new(GATE).unwrap();
    let verifier = Verifier::new(AwsLc, [audience], &providers, &platform.registry()).unwrap();
    let gate = Gate::new(verifier).allow("fake", Some(OTHER), rules("acme/widget", "2")).unwrap();
    let refused = gate.admit(&platform.token(GATE, NOW)).await.unwrap_err();
    assert!(matches!(refused, GateError::Job(_)), "{refused}");
}

#[tokio::test]
async fn a_request_is_answered_as_http_has_it() {
    let platform = FakePlatform::new();
    let token = platform.token(GATE, NOW);
    let headers = |values: &[&str]| {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(AUTHORIZATION, value.parse().unwrap());
        }
        headers
    };
    let bearer = format!("Bearer {token}");
    for value in [bearer.clone(), format!("bearer  {token} ")] {
        assert!(gate(&platform).admit_in(&headers(&[&value])).await.is_ok(), "{value}");
    }
    let answer = async |gate: Gate, values: &[&str]| {
        Response::<String>::from(gate.admit_in(&headers(values)).await.unwrap_err())
    };
    let basic = format!("Basic {token}");
    let none: [&[&str]; 5] = [&[], &[&token], &[&basic], &[&bearer, &bearer], &["Bearer"]];
    for values in none {
        let answer = answer(gate(&platform), values).await;
        assert!(answer.status() == 401 && answer.headers()["www-authenticate"] == "Bearer", "{answer:?}");
        assert_eq!(answer.body(), "no identity token was sent: send one as `Authorization: Bearer TOKEN`");
    }
    let expired = format!("Bearer {}", platform.token(GATE, NOW - 86_400));
    let refused = answer(gate(&platform), &[&expired]).await;
    assert!(refused.status() == 401 && refused.headers()["www-authenticate"] == "Bearer", "{refused:?}");
    let evil = platform.clone().with_claim("repository", "evil/widget").token(GATE, NOW);
    let refused = answer(gate(&platform), &[&format!("Bearer {evil}")]).await;
    assert_eq!(refused.status(), 403);
    assert!(refused.body().contains("evil/widget") && !refused.body().contains("acme"), "{refused:?}");
    let cut_off = Gate::new(verifier(&platform, &platform.registry().with_http(FakeHttp::new())));
    let cut_off = cut_off.allow("fake", None, rules("acme/widget", "2")).unwrap();
    let unavailable = answer(cut_off, &[&bearer]).await;
    assert_eq!(unavailable.status(), 503);
    assert!(unavailable.headers()["retry-after"].to_str().unwrap().parse::<u64>().unwrap() > 0);
}

/// The fake platform with an identity of its own: of jobs on a protected branch alone, and by the workflow.
#[derive(Debug)]
struct Particular(FakePlatform);

impl Provider for Particular {
    fn id(&self) -> &'static str {
        self.0.id()
    }

    fn title(&self) -> &'static str {
        self.0.title()
    }

    fn profile(&self) -> &Profile {
        self.0.profile()
    }

    fn detect(&self, detection: &Detection<'_>) -> Result<Option<Box<dyn TokenSource>>, SourceError> {
        self.0.detect(detection)
    }

    fn identify(&self, claims: &Verified<Claims>) -> Result<Identity, Mismatch> {
        let Some("refs/heads/main") = claims.text("ref").as_deref() else {
            let target = Target::Claim("ref".to_owned());
            return Err(Mismatch::new(Diagnosis::new("unprotected", target, "it is no protected branch")));
        };
        let workflow = claims.text("workflow").unwrap_or_default();
        Ok(Identity::new(claims.issuer(), if workflow == "publish.yml" { "acme/widget" } else { "other" }))
    }

    fn publisher_fields(&self) -> &'static [PublisherField] {
        self.0.publisher_fields()
    }

    fn publisher(&self, config: &Value) -> Result<Box<dyn Publisher>, InvalidPublisher> {
        self.0.publisher(config)
    }

    fn run(&self, claims: &Verified<Claims>) -> Run {
        self.0.run(claims)
    }
}

#[tokio::test]
async fn a_job_that_a_registry_would_not_find_a_publisher_for_is_not_let_in() {
    let platform = FakePlatform::new().with_claim("ref", "refs/heads/main");
    let audience = Audience::new(GATE).unwrap();
    let providers = ProviderSet::of(Particular(platform.clone()));
    let verifier = Verifier::new(AwsLc, [audience], &providers, &platform.registry()).unwrap();
    let rules = json!({ "repository": "acme/widget", "repository_id": "2" });
    let gate = Gate::new(verifier).allow("fake", None, rules).unwrap();
    assert!(gate.admit(&platform.token(GATE, NOW)).await.is_ok());
    for (claim, value, told) in
        [("ref", "refs/heads/evil", "`ref`"), ("workflow", "test.yml", "platform is another")]
    {
        let token = platform.clone().with_claim(claim, value).token(GATE, NOW);
        let refused = gate.admit(&token).await.unwrap_err();
        assert!(matches!(refused, GateError::Job(_)) && refused.status() == 403, "{claim}: {refused}");
        assert!(refused.to_string().contains(told), "{claim}: {refused}");
    }
}
