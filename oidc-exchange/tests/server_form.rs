//! The form on which a publisher is configured.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs, reason = "tests")]

use oidc_core::testing::FakePlatform;
use oidc_core::{Provider as _, ProviderSet};
use oidc_exchange::memory::MemoryStore;
use oidc_exchange::server::{ErrorPlace, Package, PublisherForm, StoreError, Trust, TrustError};
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

#[tokio::test]
async fn what_was_typed_is_saved_shown_again_and_edited() {
    let trust = trust(ProviderSet::of(FakePlatform::new()));
    let typed = [("repository", " acme/widget "), ("workflow", ""), ("token", "of the application's own")];
    let form = trust.form(typed);
    assert_eq!(form.issuer, FakePlatform::ISSUER, "the only one is chosen");
    let record = trust.add(&form.prepare(&trust, widget()).unwrap()).await.unwrap();
    assert_eq!(record.config, json!({ "repository": "acme/widget" }), "an empty input is no rule");

    let stored = trust.list(&widget()).await.unwrap().remove(0);
    let form = trust.form_of(&stored);
    assert_eq!(form.problems, [""; 0]);
    assert_eq!(
        texts(&form),
        [
            ("repository", "acme/widget"),
            ("environment", ""),
            ("workflow", ""),
            ("ref", ""),
            ("repository_id", "")
        ]
    );
    let again = trust.form([("repository", "acme/widget"), ("environment", "publish")]);
    let edited = trust.edit(&stored.id, again.prepare(&trust, widget()).unwrap()).await.unwrap();
    assert_eq!(edited.config, json!({ "repository": "acme/widget", "environment": "publish" }));
    let exists = trust.add(&edited).await.unwrap_err();
    assert_eq!(exists.place(), ErrorPlace::Form);
    let refused = again.refused(exists).unwrap();
    assert_eq!(refused.problems, ["the package has this trusted publisher already"]);
}

#[test]
fn every_fault_is_beside_its_input() {
    let trust = of_two();
    let typed =
        [("issuer", OTHER), ("workflow", "a\u{200b}b"), ("ref", &*"x".repeat(256)), ("environment", "ok")];
    let form = trust.form(typed);
    let error = form.prepare(&trust, widget()).unwrap_err();
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

#[test]
fn the_platform_is_chosen_among_the_trusted_issuers() {
    let trust = of_two();
    let form = trust.form([("repository", "acme/widget")]);
    let title = FakePlatform::new().title();
    let offered: Vec<_> = form.issuers.iter().map(|issuer| (&*issuer.url, &*issuer.title)).collect();
    let (first, second) = (format!("{title} ({})", FakePlatform::ISSUER), format!("{title} ({OTHER})"));
    assert_eq!(offered, [(FakePlatform::ISSUER, &*first), (OTHER, &*second)]);
    assert!(form.inputs.is_empty() && form.issuer.is_empty());
    for (issuer, problem) in [
        ("", "no issuer is named; this registry trusts https://issuer.example, https://other.example"),
        (
            "https://evil.example",
            "this registry trusts no issuer `https://evil.example`; it trusts https://issuer.example, https://other.example",
        ),
    ] {
        let form = trust.form([("issuer", issuer), ("repository", "acme/widget")]);
        let error = form.prepare(&trust, widget()).unwrap_err();
        assert_eq!((error.place(), error.of("issuer")), (ErrorPlace::Issuer, vec![problem.to_owned()]));
        assert_eq!(form.refused(error).unwrap().problems, [problem]);
    }
    let chosen = trust.form([("issuer", OTHER)]);
    assert_eq!(chosen.inputs.len(), FakePlatform::new().publisher_fields().len());
    let html = chosen.to_html();
    assert!(html.contains("<li aria-current=\"true\">"), "{html}");
    assert!(html.contains("<a href=\"?issuer=https%3A%2F%2Fissuer%2Eexample\">"), "{html}");
    assert!(
        html.contains("<input type=\"hidden\" name=\"issuer\" value=\"https://other.example\">"),
        "{html}"
    );
}

#[test]
fn a_publisher_of_an_issuer_that_is_not_trusted_any_more_is_shown_with_that() {
    let typed = [("issuer", OTHER), ("repository", "acme/widget")];
    let record = of_two().form(typed).prepare(&of_two(), widget()).unwrap();
    let form = trust(ProviderSet::of(FakePlatform::new())).form_of(&record);
    assert!(form.inputs.is_empty());
    assert!(form.problems.iter().any(|problem| problem.contains(OTHER)), "{form:?}");
}

#[test]
fn what_is_typed_into_a_form_is_shown_as_text() {
    let hostile = r#""><script>alert('1')</script>&amp;"#;
    let trust = of_two();
    for issuer in [OTHER, hostile] {
        let typed = [("issuer", issuer), ("repository", hostile), ("workflow", hostile), ("ref", hostile)];
        let form = trust.form(typed);
        let error = form.prepare(&trust, Package::new("npm", hostile)).unwrap_err();
        let html = form.refused(error).unwrap().to_html();
        assert!(!html.contains("<script") && !html.contains("'1'") && !html.contains("\"\">"), "{html}");
    }
}

#[test]
fn a_name_that_no_package_can_have_is_refused_and_another_spelling_is_normalized() {
    let trust = trust(ProviderSet::of(FakePlatform::new()));
    let form = trust.form([("repository", "acme/widget")]);
    let record = form.prepare(&trust, Package::new("pypi", "My_Package")).unwrap();
    assert_eq!(record.package.name, "my-package");
    for package in [Package::new("pypi", "my package"), Package::new("npm", ""), Package::new("cargo", "1a")]
    {
        let error = form.prepare(&trust, package.clone()).unwrap_err();
        assert!(matches!(error, TrustError::Package(_)), "{error}");
        assert_eq!((error.place(), error.of("package").len()), (ErrorPlace::Package, 1));
        let prepared = trust.prepare(package, "fake", Some(""), FakePlatform::config()).unwrap_err();
        assert_eq!(prepared.to_string(), error.to_string());
        assert_eq!(form.clone().refused(error).unwrap().problems.len(), 1);
    }
}

#[test]
fn a_failure_of_the_registry_is_nothing_to_correct() {
    let trust = trust(ProviderSet::of(FakePlatform::new()));
    let failed = TrustError::from(StoreError::new(std::io::Error::other("gone")));
    assert_eq!(failed.place(), ErrorPlace::Application);
    assert!(matches!(trust.form([("a", "b")]).refused(failed), Err(TrustError::Store(_))));
    assert!(matches!(trust.form([("a", "b")]).refused(TrustError::Account), Err(TrustError::Account)));
}

#[test]
fn a_form_is_data_for_a_template() {
    let form = of_two().form([("issuer", OTHER), ("environment", "publish")]);
    let json = serde_json::to_value(&form).unwrap();
    assert_eq!(json["issuer"], OTHER);
    assert_eq!(json["issuers"][0]["url"], FakePlatform::ISSUER);
    let input = &json["inputs"][1];
    assert_eq!(
        (&input["key"], &input["title"], &input["text"], &input["recommended"], &input["problems"]),
        (&json!("environment"), &json!("Environment"), &json!("publish"), &json!(true), &json!([]))
    );
}
