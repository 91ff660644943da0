//! Statements about something else, or of another kind.

use oidc_provenance::{Artifact, codes};
use serde_json::{Value, json};

use super::{Case, case};
use crate::support::job;

/// Statements about something else, or of another kind.
pub(super) fn statements() -> Vec<Case> {
    let npm = |name, version, bytes: &[u8]| Artifact::npm(name, version, bytes);
    vec![
        case("a tampered artifact", codes::PROVENANCE_ARTIFACT).of(npm(
            "@acme/widget",
            "1.0.0",
            b"other bytes",
        )),
        case("another package's name", codes::PROVENANCE_SUBJECT).of(npm(
            "@acme/gadget",
            "1.0.0",
            job::TARBALL,
        )),
        case("the name without its scope", codes::PROVENANCE_SUBJECT).of(npm(
            "widget",
            "1.0.0",
            job::TARBALL,
        )),
        case("another version", codes::PROVENANCE_SUBJECT).of(npm("@acme/widget", "1.0.1", job::TARBALL)),
        case("another registry's name", codes::PROVENANCE_SUBJECT)
            .of(Artifact::file("widget-1.0.0.tgz", job::TARBALL)),
        case("two subjects", codes::PROVENANCE_SUBJECT).statement(|statement| {
            let one = statement["subject"][0].clone();
            statement["subject"].as_array_mut().unwrap().push(one);
        }),
        case("no subject", codes::PROVENANCE_SUBJECT).statement(|statement| statement["subject"] = json!([])),
        case("a subject that is no array", codes::PROVENANCE_STATEMENT)
            .statement(|statement| statement["subject"] = json!({})),
        case("a subject without a digest", codes::PROVENANCE_STATEMENT)
            .statement(|statement| drop(statement["subject"][0]["digest"].take())),
        case("two digests", codes::PROVENANCE_STATEMENT)
            .statement(|statement| statement["subject"][0]["digest"]["sha1"] = "00".into()),
        case("a digest of another algorithm", codes::PROVENANCE_STATEMENT)
            .statement(|statement| statement["subject"][0]["digest"] = json!({ "sha1": "00" })),
        case("a digest in capitals, which no client compares so", codes::PROVENANCE_STATEMENT).statement(
            |statement| {
                let digest = &mut statement["subject"][0]["digest"]["sha512"];
                *digest = digest.as_str().unwrap().to_uppercase().into();
            },
        ),
        case("an annotated subject", codes::PROVENANCE_STATEMENT)
            .statement(|statement| statement["subject"][0]["uri"] = "https://evil.example".into()),
        case("an unknown member", codes::PROVENANCE_STATEMENT)
            .statement(|statement| statement["extra"] = json!(1)),
        case("another form of statement", codes::PROVENANCE_STATEMENT)
            .statement(|statement| statement["_type"] = "https://in-toto.io/Statement/v2".into()),
        case("an unknown type of predicate", codes::PROVENANCE_STATEMENT)
            .statement(|statement| statement["predicateType"] = "https://slsa.dev/provenance/v0.1".into()),
        case("a predicate of GitLab's", codes::PROVENANCE_STATEMENT)
            .statement(|statement| statement["predicateType"] = "https://slsa.dev/provenance/v0.2".into()),
        case("PyPI's attestation for npm's package", codes::PROVENANCE_STATEMENT).statement(|statement| {
            statement["predicateType"] = "https://docs.pypi.org/attestations/publish/v1".into();
            statement["predicate"] = Value::Null;
        }),
        case("the attestation action's type of build for npm's package", codes::PROVENANCE_PREDICATE)
            .statement(|statement| {
                let predicate = &mut statement["predicate"];
                predicate["buildDefinition"]["buildType"] =
                    "https://actions.github.io/buildtypes/workflow/v1".into();
                predicate["buildDefinition"]["internalParameters"]["github"]["runner_environment"] =
                    "github-hosted".into();
                predicate["runDetails"]["builder"]["id"] =
                    "https://github.com/acme/widget/.github/workflows/publish.yml@refs/tags/v1.0.0".into();
            }),
        case("no type of predicate", codes::PROVENANCE_STATEMENT)
            .statement(|statement| drop(statement["predicateType"].take())),
        case("no predicate", codes::PROVENANCE_PREDICATE)
            .statement(|statement| drop(statement["predicate"].take())),
        case("another type of build", codes::PROVENANCE_PREDICATE).statement(|statement| {
            statement["predicate"]["buildDefinition"]["buildType"] = "https://evil.example/build".into();
        }),
        case("an unknown internal parameter", codes::PROVENANCE_PREDICATE).statement(|statement| {
            statement["predicate"]["buildDefinition"]["internalParameters"]["github"]["actor"] =
                "alice".into();
        }),
        case("a second dependency", codes::PROVENANCE_PREDICATE).statement(|statement| {
            let all =
                statement["predicate"]["buildDefinition"]["resolvedDependencies"].as_array_mut().unwrap();
            all.push(all[0].clone());
        }),
        case("a time of the build", codes::PROVENANCE_PREDICATE).statement(|statement| {
            statement["predicate"]["runDetails"]["metadata"]["startedOn"] = "2026-01-01T00:00:00Z".into();
        }),
        case("a job without a ref", "github-workflow-ref").without(14),
        case("a deployment, whose run has no ref", codes::PROVENANCE_EXTENSION)
            .extension(
                18,
                &format!(
                    "https://github.com/acme/widget/.github/workflows/publish.yml@{}",
                    "0123456789".repeat(4)
                ),
            )
            .extension(13, &"0123456789".repeat(4))
            .without(14),
    ]
}
