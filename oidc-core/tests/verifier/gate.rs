//! The gate of a service that only checks tokens.

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
    gate.allow(platform, rules("acme/widget", "2")).unwrap()
}

#[tokio::test]
async fn a_job_passes_if_a_publisher_accepts_it_and_a_genuine_token_alone_does_not() {
    let platform = FakePlatform::new();
    let gate = gate(&platform).allow(&platform, rules("acme/gadget", "7")).unwrap();
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
    let cut_off = cut_off.allow(&platform, rules("acme/widget", "2")).unwrap();
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
        let refused = gate().allow(&platform, rules.clone()).unwrap_err();
        assert!(matches!(&refused, InvalidGate::NoId { ids } if ids == "repository_id"), "{refused}");
        let by_name = gate().allow_by_name(&platform, rules).unwrap();
        assert!(by_name.admit(&platform.token(GATE, NOW)).await.is_ok());
    }
    let wrong = gate().allow(&platform, json!({ "workflow": "a" })).unwrap_err();
    assert!(matches!(wrong, InvalidGate::Publisher(_)), "{wrong}");
}

#[test]
fn a_publisher_of_an_issuer_that_the_verifier_does_not_have_is_refused() {
    let platform = FakePlatform::new();
    let other = FakePlatform::at("https://other.example").unwrap();
    assert_ne!(&**other.profile().issuers[0].url(), FakePlatform::ISSUER);
    let gate = Gate::new(verifier(&platform, &platform.registry()));
    let refused = gate.allow(&other, rules("acme/widget", "2")).unwrap_err();
    assert!(
        matches!(&refused, InvalidGate::Issuer { issuer } if issuer == "https://other.example"),
        "{refused}"
    );
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
    let gate = Gate::new(verifier).allow(&platform, rules).unwrap();
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
