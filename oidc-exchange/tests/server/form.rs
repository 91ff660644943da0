//! The form on which a publisher is configured.

use http::Response;
use oidc_core::testing::FakePlatform;
use oidc_core::{Provider as _, ProviderSet};
use oidc_exchange::memory::MemoryStore;
use oidc_exchange::server::{
    ErrorPlace, Package, PublisherForm, PublisherRecord, StoreError, Trust, TrustError,
};
use serde_json::json;

const OTHER: &str = "https://other.example";

fn trust(providers: ProviderSet) -> Trust {
    Trust::new(providers, MemoryStore::for_tests(), &FakePlatform::new().registry())
}

fn of_two() -> Trust {
    trust(ProviderSet::of(FakePlatform::new()).with(FakePlatform::at(OTHER).unwrap()))
}

fn widget() -> Package {
    Package::new("npm", "@acme/widget")
}

fn texts(form: &PublisherForm) -> Vec<(&str, &str)> {
    form.inputs.iter().map(|input| (input.field.key, &*input.text)).collect()
}

/// The form with these texts.
async fn form(trust: &Trust, typed: &[(&str, &str)]) -> PublisherForm {
    trust.form(&widget(), typed.iter().copied()).await.unwrap()
}

#[tokio::test]
async fn what_was_typed_is_saved_shown_again_and_edited() {
    let trust = trust(ProviderSet::of(FakePlatform::new()));
    let typed = [("repository", " acme/widget "), ("workflow", ""), ("token", "of the application's own")];
    let first = form(&trust, &typed).await;
    assert_eq!(first.issuer, FakePlatform::ISSUER, "the only one is chosen");
    let of_alice = |record: &mut PublisherRecord| record.account = Some("alice".to_owned());
    let stored = first.save(&trust, of_alice).await.unwrap().unwrap();
    assert_eq!(stored.config, json!({ "repository": "acme/widget" }), "an empty input is no rule");
    assert_eq!(stored.account.as_deref(), Some("alice"));

    let shown = form(&trust, &[("id", &stored.id)]).await;
    assert_eq!(shown.problems, [""; 0]);
    assert_eq!(shown.publishers[0].rules, "repository acme/widget");
    assert_eq!(
        texts(&shown),
        [
            ("repository", "acme/widget"),
            ("environment", ""),
            ("workflow", ""),
            ("ref", ""),
            ("repository_id", "")
        ]
    );
    let html = shown.to_html();
    assert!(html.contains(&format!("<input type=\"hidden\" name=\"id\" value=\"{}\">", stored.id)), "{html}");
    assert!(
        html.contains("value=\"acme/widget\"") && html.contains(">repository acme/widget</a>: "),
        "{html}"
    );

    let typed = [
        ("id", &*stored.id),
        ("issuer", FakePlatform::ISSUER),
        ("repository", "acme/widget"),
        ("environment", "publish"),
    ];
    let edited = form(&trust, &typed).await.save(&trust, |_| ()).await.unwrap().unwrap();
    assert_eq!(edited.config, json!({ "repository": "acme/widget", "environment": "publish" }));
    assert_eq!(edited.account.as_deref(), Some("alice"));
    assert_eq!(trust.list(&widget()).await.unwrap().len(), 1);

    let again = form(&trust, &typed[1..]).await.save(&trust, of_alice).await.unwrap().unwrap_err();
    assert_eq!(again.problems, ["the package has this trusted publisher already"]);
    let gone = form(&trust, &[("id", &stored.id)]).await;
    assert_eq!(
        (gone.id, gone.problems),
        (None, vec!["the package has no such trusted publisher".to_owned()])
    );
}

#[tokio::test]
async fn every_fault_is_beside_its_input() {
    let (trust, long) = (of_two(), "x".repeat(256));
    let typed = [("issuer", OTHER), ("workflow", "a\u{200b}b"), ("ref", &long), ("environment", "ok")];
    let form = form(&trust, &typed).await;
    let error = form.prepare(&trust).unwrap_err();
    assert_eq!(error.place(), ErrorPlace::Fields);
    assert_eq!(error.of("repository"), ["a publisher needs this field; write it, such as `acme/widget`"]);
    assert_eq!(error.of("package"), [""; 0]);
    let form = form.refused(error).unwrap();
    let wrong: Vec<_> = form.inputs.iter().filter(|input| !input.problems.is_empty()).collect();
    assert_eq!(
        wrong.iter().map(|input| input.field.key).collect::<Vec<_>>(),
        ["repository", "workflow", "ref"]
    );
    assert!(form.problems.is_empty());
    let html = form.to_html();
    assert_eq!(html.matches("role=\"alert\"").count(), 3);
    assert_eq!(html.matches("aria-invalid").count(), 3);
    assert!(html.contains("value=\"ok\"") && html.contains("<details open>"), "{html}");
}

#[tokio::test]
async fn the_platform_is_chosen_among_the_trusted_issuers() {
    let trust = of_two();
    let empty = form(&trust, &[("repository", "acme/widget")]).await;
    let title = FakePlatform::new().title();
    let offered: Vec<_> = empty.issuers.iter().map(|issuer| (&*issuer.url, &*issuer.title)).collect();
    let (first, second) = (format!("{title} ({})", FakePlatform::ISSUER), format!("{title} ({OTHER})"));
    assert_eq!(offered, [(FakePlatform::ISSUER, &*first), (OTHER, &*second)]);
    assert!(empty.inputs.is_empty() && empty.issuer.is_empty());
    for (issuer, problem) in [
        ("", "no issuer is named; this registry trusts https://issuer.example, https://other.example"),
        (
            "https://evil.example",
            "this registry trusts no issuer `https://evil.example`; it trusts https://issuer.example, https://other.example",
        ),
    ] {
        let form = form(&trust, &[("issuer", issuer), ("repository", "acme/widget")]).await;
        let error = form.prepare(&trust).unwrap_err();
        assert_eq!((error.place(), error.of("issuer")), (ErrorPlace::Issuer, vec![problem.to_owned()]));
        assert_eq!(form.refused(error).unwrap().problems, [problem]);
    }
    let chosen = form(&trust, &[("issuer", OTHER)]).await;
    assert_eq!(chosen.inputs.len(), FakePlatform::new().publisher_fields().len());
    let html = chosen.to_html();
    assert!(html.contains("<li aria-current=\"true\">"), "{html}");
    assert!(html.contains("<a href=\"?issuer=https%3A%2F%2Fissuer%2Eexample\">"), "{html}");
    assert!(
        html.contains("<input type=\"hidden\" name=\"issuer\" value=\"https://other.example\">"),
        "{html}"
    );
}

#[tokio::test]
async fn a_publisher_of_an_issuer_that_is_not_trusted_any_more_is_shown_with_that() {
    let (store, cx) = (MemoryStore::for_tests(), FakePlatform::new().registry());
    let before = ProviderSet::of(FakePlatform::new()).with(FakePlatform::at(OTHER).unwrap());
    let before = Trust::new(before, store.clone(), &cx);
    let typed = [("issuer", OTHER), ("repository", "acme/widget")];
    let record = form(&before, &typed).await.save(&before, |_| ()).await.unwrap().unwrap();
    let after = Trust::new(ProviderSet::of(FakePlatform::new()), store, &cx);
    let form = form(&after, &[("id", &record.id)]).await;
    assert!(form.inputs.is_empty());
    assert_eq!(form.publishers[0].rules, "acme/widget");
    assert!(form.problems.iter().any(|problem| problem.contains(OTHER)), "{form:?}");
}

#[tokio::test]
async fn what_is_typed_into_a_form_is_shown_as_text() {
    let hostile = r#""><script>alert('1')</script>&amp;"#;
    let trust = of_two();
    for issuer in [OTHER, hostile] {
        let typed = [("issuer", issuer), ("repository", hostile), ("workflow", hostile), ("ref", hostile)];
        let form = trust.form(&Package::new("npm", hostile), typed).await.unwrap();
        let error = form.prepare(&trust).unwrap_err();
        let html = form.refused(error).unwrap().to_html();
        assert!(!html.contains("<script") && !html.contains("'1'") && !html.contains("\"\">"), "{html}");
    }
}

#[tokio::test]
async fn a_name_that_no_package_can_have_is_refused_and_another_spelling_is_normalized() {
    let trust = trust(ProviderSet::of(FakePlatform::new()));
    let typed = [("repository", "acme/widget")];
    let record =
        trust.form(&Package::new("pypi", "My_Package"), typed).await.unwrap().prepare(&trust).unwrap();
    assert_eq!(record.package.name, "my-package");
    for package in [Package::new("pypi", "my package"), Package::new("npm", ""), Package::new("cargo", "1a")]
    {
        let form = trust.form(&package, typed).await.unwrap();
        let error = form.prepare(&trust).unwrap_err();
        assert!(matches!(error, TrustError::Package(_)), "{error}");
        assert_eq!((error.place(), error.of("package").len()), (ErrorPlace::Package, 1));
        let prepared = trust.prepare(package, "fake", Some(""), FakePlatform::config()).unwrap_err();
        assert_eq!(prepared.to_string(), error.to_string());
        assert_eq!(form.clone().refused(error).unwrap().problems.len(), 1);
    }
}

#[tokio::test]
async fn a_failure_of_the_registry_is_nothing_to_correct() {
    let trust = trust(ProviderSet::of(FakePlatform::new()));
    let failed = TrustError::from(StoreError::new(std::io::Error::other("gone")));
    assert_eq!(failed.place(), ErrorPlace::Application);
    assert!(matches!(form(&trust, &[]).await.refused(failed), Err(TrustError::Store(_))));
    assert!(matches!(form(&trust, &[]).await.refused(TrustError::Account), Err(TrustError::Account)));
}

#[tokio::test]
async fn a_form_is_data_for_a_template() {
    let form = form(&of_two(), &[("issuer", OTHER), ("environment", "publish")]).await;
    let json = serde_json::to_value(&form).unwrap();
    assert_eq!((&json["package"]["name"], &json["publishers"]), (&json!("@acme/widget"), &json!([])));
    assert_eq!(json["issuer"], OTHER);
    assert_eq!(json["issuers"][0]["url"], FakePlatform::ISSUER);
    let input = &json["inputs"][1];
    assert_eq!(
        (&input["key"], &input["title"], &input["text"], &input["recommended"], &input["problems"]),
        (&json!("environment"), &json!("Environment"), &json!("publish"), &json!(true), &json!([]))
    );
}

#[tokio::test]
async fn an_error_is_an_answer_and_tells_nothing_of_the_store() {
    let trust = trust(ProviderSet::of(FakePlatform::new()));
    let prepared = |config| trust.prepare(widget(), "fake", None, config);
    let invalid = prepared(json!({ "workflow": 7 })).unwrap_err();
    let unknown = trust.prepare(widget(), "no-such-platform", None, json!({})).unwrap_err();
    let publisher = prepared(json!({ "repository": "acme/widget" })).unwrap();
    trust.add(&publisher).await.unwrap();
    let twice = trust.add(&prepared(json!({ "repository": "acme/widget" })).unwrap()).await.unwrap_err();
    for (error, status, told) in [
        (invalid, 422, "repository"),
        (unknown, 422, "no-such-platform"),
        (twice, 409, "already"),
        (TrustError::Missing, 404, "no such trusted publisher"),
        (TrustError::Account, 500, "the registry failed"),
        (StoreError::new("password=hunter2").into(), 500, "the registry failed"),
    ] {
        assert_eq!(error.status(), status, "{error}");
        let answer = Response::<String>::from(error);
        assert!(answer.status() == status && answer.body().contains(told), "{answer:?}");
        assert_eq!(answer.headers()["content-type"], "text/plain; charset=utf-8");
        assert!(!answer.body().contains("hunter2"), "{answer:?}");
    }
    let of_the_store = Response::<String>::from(StoreError::new("password=hunter2"));
    assert_eq!((of_the_store.status().as_u16(), of_the_store.body().contains("hunter2")), (500, false));
}
