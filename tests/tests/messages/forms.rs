//! The form of a publisher, with every platform.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use oidc_core::ProviderSet;
use oidc_exchange::memory::MemoryStore;
use oidc_exchange::server::{Package, PublisherForm, PublisherRecord, Trust};
use oidc_providers::{CircleCi, Generic, GitHub};
use serde_json::json;
use tests::http;

const ID: &str = "0184990a-477b-4fa8-9968-496074483cee";

fn trust(providers: ProviderSet) -> Trust {
    Trust::new(providers, MemoryStore::for_tests(), &http::system())
}

async fn form(trust: &Trust, typed: &[(&str, &str)]) -> PublisherForm {
    trust.form(&Package::new("npm", "@acme/widget"), typed.iter().copied()).await.unwrap()
}

async fn saved(trust: &Trust, typed: &[(&str, &str)]) -> PublisherRecord {
    form(trust, typed).await.save(trust, |_| ()).await.unwrap().unwrap()
}

#[tokio::test]
async fn each_platform_is_offered_and_its_form_asks_for_all_of_its_fields() {
    let providers = oidc_providers::all();
    let trust = trust(providers.clone());
    let page = form(&trust, &[]).await.to_html();
    for (provider, issuer) in providers.issuers() {
        assert!(page.contains(&format!(">{}</a>", provider.title())), "{page}");
        let form = form(&trust, &[("issuer", &**issuer.url())]).await.to_html();
        for field in provider.publisher_fields() {
            let name = format!(" name=\"{}\"", field.key);
            assert_eq!(form.matches(&name).count(), 1, "{} {}", provider.id(), field.key);
        }
    }
}

#[tokio::test]
async fn contexts_and_claims_are_typed_too() {
    let circleci = trust(ProviderSet::of(CircleCi::public()));
    let contexts = format!("{ID}, {ID}");
    let typed =
        [("org_id", ID), ("project_id", ID), ("pipeline_definition_id", ID), ("context_ids", &*contexts)];
    let publisher = saved(&circleci, &typed).await;
    assert_eq!(publisher.config["context_ids"], json!([ID, ID]));
    let shown = form(&circleci, &[("id", &*publisher.id)]).await.to_html();
    assert!(shown.contains(&format!("value=\"{contexts}\"")), "{shown}");

    let generic = trust(ProviderSet::of(Generic::at("https://issuer.example").unwrap()));
    let typed = [("claims", r#"{"tenant":"acme","tier":"gold"}"#), ("found_by", "tenant")];
    assert_eq!(saved(&generic, &typed).await.identity.key, "tenant=acme");
}

#[tokio::test]
async fn everything_that_is_wrong_stands_beside_its_input() {
    let github = trust(ProviderSet::of(GitHub::public()));
    let typed =
        [("repository", "https://github.com/acme/widget"), ("ref", "v*\"><script>"), ("event", "pusch")];
    let form = form(&github, &typed).await.save(&github, |_| ()).await.unwrap().unwrap_err();
    let page = form.to_html();
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
}
