//! Each field of a predicate, compared with the certificate.

use oidc_provenance::{Policy, Verifier, codes};
use serde_json::{Value, json};

use super::case;
use crate::support::job::{self, artifact, signing};
use crate::support::{Signing, Sigstore};

#[test]
fn each_single_field_of_githubs_predicate_is_compared_with_the_certificate() {
    let sigstore = Sigstore::new(1);
    let statement: Value = serde_json::from_str(&signing(&[]).statement).unwrap();
    let fields = leaves(&statement["predicate"], "/predicate");
    assert_eq!(fields.len(), 11, "{fields:?}");
    for field in fields {
        for other in [json!("another"), json!(""), Value::Null, json!(7), json!([])] {
            let changed =
                case("", "").statement(|statement| *statement.pointer_mut(&field).unwrap() = other.clone());
            let refusal = changed.verify(&sigstore).expect_err(&field);
            assert_eq!(refusal.code(), codes::PROVENANCE_PREDICATE, "{field}: {refusal}");
        }
    }
}

#[test]
fn a_predicate_is_compared_by_its_values_and_not_by_its_text() {
    let sigstore = Sigstore::new(1);
    let is_npms_text = signing(&[]).statement.contains(r#""predicate":{"buildDefinition":{"buildType":"#);
    assert!(is_npms_text, "{}", signing(&[]).statement);
    // Values have their members in another order than npm's text.
    let reordered = case("", "").statement(|_| ());
    assert_ne!(reordered.signing.statement, signing(&[]).statement);
    reordered.verify(&sigstore).unwrap();
    case("", "").verify(&sigstore).unwrap();
    let github = "/predicate/buildDefinition/internalParameters/github";
    for (member, value) in [("runner_environment", Value::Null), ("event_name ", json!("push"))] {
        let added = case("", "")
            .statement(|statement| statement.pointer_mut(github).unwrap()[member] = value.clone());
        assert_eq!(added.verify(&sigstore).unwrap_err().code(), codes::PROVENANCE_PREDICATE, "{member}");
    }
    for object in ["/predicate", "/predicate/runDetails", github] {
        let listed = case("", "").statement(|statement| {
            let object = statement.pointer_mut(object).unwrap();
            *object = object.as_object().unwrap().values().cloned().collect();
        });
        assert_eq!(listed.verify(&sigstore).unwrap_err().code(), codes::PROVENANCE_PREDICATE, "{object}");
    }
}

fn leaves(value: &Value, path: &str) -> Vec<String> {
    match value {
        Value::Object(members) => {
            members.iter().flat_map(|(name, value)| leaves(value, &format!("{path}/{name}"))).collect()
        }
        Value::Array(elements) => elements
            .iter()
            .enumerate()
            .flat_map(|(place, value)| leaves(value, &format!("{path}/{place}")))
            .collect(),
        _ => vec![path.to_owned()],
    }
}

#[test]
fn the_fields_of_gitlabs_predicate_that_the_certificate_proves_are_compared() {
    let sigstore = Sigstore::new(1);
    let verify = |signing: &Signing| {
        let bundle = sigstore.sign(signing).to_string();
        let signer = job::gitlab_signer();
        let policy = Policy::new(&signer).public_source().hosted_runner();
        Verifier::new(&sigstore.trusted_root()).unwrap().verify(bundle.as_bytes(), &artifact(), &policy)
    };
    verify(&job::gitlab_signing()).unwrap();
    // The certificate says nothing about these.
    let word =
        ["entryPoint", "name", "pipeline/id", "CI_JOB_NAME", "CI_PIPELINE_ID", "CI_RUNNER", "GITLAB_CI"];
    let statement: Value = serde_json::from_str(&job::gitlab_signing().statement).unwrap();
    let mut compared = 0;
    for field in leaves(&statement["predicate"], "/predicate") {
        let mut signing = job::gitlab_signing();
        let mut changed = statement.clone();
        *changed.pointer_mut(&field).unwrap() = "another".into();
        signing.statement = changed.to_string();
        let is_word = word.iter().any(|word| field.contains(word));
        let refused = verify(&signing).is_err_and(|refusal| refusal.code() == codes::PROVENANCE_PREDICATE);
        assert_ne!(refused, is_word, "{field}");
        compared += usize::from(refused);
    }
    assert!(compared >= 25, "{compared}");
}
