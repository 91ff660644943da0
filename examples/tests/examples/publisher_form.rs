//! The example of a settings page, with what somebody types.

#[allow(dead_code)]
#[path = "../../examples/publisher_form.rs"]
mod example;

use std::collections::BTreeMap;

use oidc_core::{Provider as _, PublisherField};
use oidc_providers::{CircleCi, Generic, GitHub, GitHubPublisher};
use serde_json::{Value, json};

fn typed(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(key, text)| ((*key).to_owned(), (*text).to_owned())).collect()
}

#[test]
fn what_is_typed_is_what_a_program_would_write_and_an_empty_field_is_no_rule() {
    let pairs = typed(&[
        ("repository", "acme/widget"),
        ("workflow", "publish.yml"),
        ("environment", ""),
        ("event", "push, release"),
        ("ref_protected", "true"),
    ]);
    let config = example::config(&GitHub::public(), &pairs).unwrap();
    let written =
        GitHubPublisher::new("acme/widget", "publish.yml").events(["push", "release"]).ref_protected();
    assert_eq!(config, Value::from(written));
}

#[test]
fn everything_that_is_wrong_stands_beside_its_field() {
    let pairs = typed(&[("repository", "https://github.com/acme/widget"), ("ref", "v*\"><script>")]);
    let invalid = example::config(&GitHub::public(), &pairs).unwrap_err();
    let form = example::form(&GitHub::public(), &pairs, Some(&invalid));
    for (key, fault) in [
        ("repository", "it is an address"),
        ("workflow", "a publisher needs this field; write it, such as `publish.yml`"),
        ("ref", "a ref pattern starts with `refs/`"),
    ] {
        let row = form.lines().find(|line| line.contains(&format!("name=\"{key}\""))).unwrap();
        assert!(row.contains(&format!("<em>{fault}")), "{row}");
    }
    assert_eq!(form.matches("<em>").count(), 3);
    assert!(!form.contains("<script>"), "{form}");
}

#[test]
fn the_form_of_each_platform_asks_for_all_of_its_fields() {
    for provider in oidc_providers::all().iter() {
        let form = example::form(&**provider, &BTreeMap::new(), None);
        for field in provider.publisher_fields() {
            let name = format!("name=\"{}\"", field.key);
            assert_eq!(form.matches(&name).count(), 1, "{} {}", provider.id(), field.key);
        }
    }
}

#[test]
fn contexts_and_claims_are_typed_too_and_a_stored_publisher_is_shown_as_it_was_typed() {
    const ID: &str = "0184990a-477b-4fa8-9968-496074483cee";
    let contexts = format!("[\"{ID}\",\"{ID}\"]");
    let pairs =
        [("org_id", ID), ("project_id", ID), ("pipeline_definition_id", ID), ("context_ids", &contexts)];
    let circleci = CircleCi::public();
    let config = example::config(&circleci, &typed(&pairs)).unwrap();
    assert_eq!(config["context_ids"], json!([ID, ID]));
    for (key, text) in pairs {
        assert_eq!(PublisherField::text_of(&config[key]), text);
    }
    let generic = Generic::at("https://issuer.example").unwrap();
    let pairs = typed(&[("claims", r#"{"tenant":"acme","tier":"gold"}"#), ("found_by", "tenant")]);
    let config = example::config(&generic, &pairs).unwrap();
    assert_eq!(generic.publisher(&config).unwrap().identity().key, "tenant=acme");
}
