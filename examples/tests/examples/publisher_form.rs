//! The example of a settings page, with what somebody types.

#[allow(dead_code)]
#[path = "../../examples/publisher_form.rs"]
mod example;

use axum::Router;
use axum::extract::Extension;
use http::{Request, StatusCode};
use oidc_core::ProviderSet;
use oidc_exchange::memory::MemoryStore;
use oidc_exchange::server::{Package, PublisherRecord, Trust};
use oidc_providers::{CircleCi, Generic, GitHub, GitHubPublisher};
use serde_json::{Value, json};

use super::world::{ISSUER, Platform, send};

const ID: &str = "0184990a-477b-4fa8-9968-496074483cee";

fn encoded(pairs: &[(&str, &str)]) -> String {
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}

struct World {
    trust: Trust,
    app: Router,
}

impl World {
    fn of(providers: ProviderSet) -> Self {
        let trust = Trust::new(providers, MemoryStore::for_tests(), &Platform::new().cx);
        let app = example::app(trust.clone()).layer(Extension(example::Account("alice".to_owned())));
        Self { trust, app }
    }

    async fn get(&self, query: &str) -> String {
        let (status, page) = send(&self.app, Request::get(format!("/@acme%2Fwidget?{query}")), "").await;
        assert_eq!(status, 200, "{page}");
        page
    }

    async fn post(&self, typed: &[(&str, &str)]) -> (StatusCode, String) {
        let request = Request::post("/@acme%2Fwidget");
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        send(&self.app, request, encoded(typed)).await
    }

    async fn stored(&self) -> Vec<PublisherRecord> {
        self.trust.list(&Package::new("npm", "@acme/widget")).await.unwrap()
    }
}

#[tokio::test]
async fn what_is_typed_is_what_a_program_would_write_and_it_is_shown_again_to_be_edited() {
    let world = World::of(oidc_providers::all());
    let typed = [
        ("issuer", ISSUER),
        ("repository", "acme/widget"),
        ("workflow", "publish.yml"),
        ("environment", ""),
        ("event", "push, release"),
        ("ref_protected", "true"),
    ];
    assert_eq!(world.post(&typed).await.0, 303);
    let stored = world.stored().await.remove(0);
    let written =
        GitHubPublisher::new("acme/widget", "publish.yml").events(["push", "release"]).ref_protected();
    assert_eq!((stored.config, stored.account.as_deref()), (Value::from(written), Some("alice")));

    let page = world.get(&format!("id={}", stored.id)).await;
    for shown in
        ["value=\"acme/widget\"", "value=\"push, release\"", "value=\"true\" checked", "<details open>"]
    {
        assert!(page.contains(shown), "{shown}: {page}");
    }
    let edited = [&typed[..3], &[("id", &*stored.id), ("environment", "publish")]].concat();
    assert_eq!(world.post(&edited).await.0, 303);
    let [stored] = &*world.stored().await else { panic!("one publisher") };
    assert_eq!(stored.config["environment"], "publish");
}

#[tokio::test]
async fn everything_that_is_wrong_stands_beside_its_input() {
    let world = World::of(ProviderSet::of(GitHub::public()));
    let typed =
        [("repository", "https://github.com/acme/widget"), ("ref", "v*\"><script>"), ("event", "pusch")];
    let (status, page) = world.post(&typed).await;
    assert_eq!(status, 422);
    for (key, fault) in [
        ("repository", "it is an address"),
        ("workflow", "a publisher needs this field; write it, such as `publish.yml`"),
        ("ref", "a ref pattern starts with `refs/`"),
        ("event", "the platform has no such event, and one with nearly this name"),
    ] {
        let beside = format!("<div id=\"{key}-problems\"><p role=\"alert\">{fault}");
        assert!(page.contains(&beside), "{key}: {page}");
    }
    assert_eq!(page.matches("role=\"alert\"").count(), 4);
    assert!(!page.contains("<script>"), "{page}");
    assert!(world.stored().await.is_empty());
}

#[tokio::test]
async fn each_platform_is_offered_and_its_form_asks_for_all_of_its_fields() {
    let providers = oidc_providers::all();
    let world = World::of(providers.clone());
    let page = world.get("").await;
    for (provider, issuer) in providers.issuers() {
        assert!(page.contains(&format!(">{}</a>", provider.title())), "{page}");
        let form = world.get(&encoded(&[("issuer", &**issuer.url())])).await;
        for field in provider.publisher_fields() {
            let name = format!(" name=\"{}\"", field.key);
            assert_eq!(form.matches(&name).count(), 1, "{} {}", provider.id(), field.key);
        }
    }
}

#[tokio::test]
async fn contexts_and_claims_are_typed_too() {
    let world = World::of(ProviderSet::of(CircleCi::public()));
    let contexts = format!("{ID}, {ID}");
    let typed =
        [("org_id", ID), ("project_id", ID), ("pipeline_definition_id", ID), ("context_ids", &contexts)];
    assert_eq!(world.post(&typed).await.0, 303);
    let stored = world.stored().await.remove(0);
    assert_eq!(stored.config["context_ids"], json!([ID, ID]));
    assert!(world.get(&format!("id={}", stored.id)).await.contains(&format!("value=\"{contexts}\"")));

    let world = World::of(ProviderSet::of(Generic::at("https://issuer.example").unwrap()));
    let typed = [("claims", r#"{"tenant":"acme","tier":"gold"}"#), ("found_by", "tenant")];
    assert_eq!(world.post(&typed).await.0, 303);
    assert_eq!(world.stored().await[0].identity.key, "tenant=acme");
}
