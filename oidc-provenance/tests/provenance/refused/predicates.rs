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
