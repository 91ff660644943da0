//! The example of a settings page, with what somebody types.

#[allow(dead_code)]
#[path = "../../examples/publisher_form.rs"]
mod example;

use axum::Router;
use axum::extract::Extension;
use http::{Request, StatusCode};
use oidc_exchange::memory::MemoryStore;
use oidc_exchange::server::{Package, PublisherRecord, Trust};
use oidc_providers::GitHubPublisher;
use serde_json::Value;

use super::world::{ISSUER, Platform, send};

fn page() -> (Trust, Router) {
    let trust = Trust::new(oidc_providers::all(), MemoryStore::for_tests(), &Platform::new().cx);
    let app = example::app(trust.clone()).layer(Extension(example::Account("alice".to_owned())));
    (trust, app)
}

async fn post(app: &Router, typed: &[(&str, &str)]) -> (StatusCode, String) {
    let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(typed).finish();
    let request =
        Request::post("/@acme%2Fwidget").header("content-type", "application/x-www-form-urlencoded");
    send(app, request, body).await
}

async fn stored(trust: &Trust) -> Vec<PublisherRecord> {
    trust.list(&Package::new("npm", "@acme/widget")).await.unwrap()
}

#[tokio::test]
async fn what_is_typed_is_what_a_program_would_write_and_it_is_shown_again_to_be_edited() {
    let (trust, app) = page();
    let typed = [
        ("issuer", ISSUER),
        ("repository", "acme/widget"),
        ("workflow", "publish.yml"),
        ("environment", ""),
        ("event", "push, release"),
        ("ref_protected", "true"),
    ];
    assert_eq!(post(&app, &typed).await.0, 303);
    let publisher = stored(&trust).await.remove(0);
    let written =
        GitHubPublisher::new("acme/widget", "publish.yml").events(["push", "release"]).ref_protected();
    assert_eq!((publisher.config, publisher.account.as_deref()), (Value::from(written), Some("alice")));

    let shown = Request::get(format!("/@acme%2Fwidget?id={}", publisher.id));
    let (_, page) = send(&app, shown, "").await;
    for shown in
        ["value=\"acme/widget\"", "value=\"push, release\"", "value=\"true\" checked", "<details open>"]
    {
        assert!(page.contains(shown), "{shown}: {page}");
    }
    let edited = [&typed[..3], &[("id", &*publisher.id), ("environment", "publish")]].concat();
    assert_eq!(post(&app, &edited).await.0, 303);
    let [publisher] = &*stored(&trust).await else { panic!("one publisher") };
    assert_eq!(publisher.config["environment"], "publish");
}

#[tokio::test]
async fn what_is_wrong_stands_beside_its_input_and_nothing_is_saved() {
    let (trust, app) = page();
    let typed = [("issuer", ISSUER), ("repository", "acme/widget"), ("workflow", "\"><script>")];
    let (status, page) = post(&app, &typed).await;
    assert!(status == 422 && page.contains("<div id=\"workflow-problems\"><p role=\"alert\">"), "{page}");
    assert!(!page.contains("<script>") && stored(&trust).await.is_empty(), "{page}");
}
