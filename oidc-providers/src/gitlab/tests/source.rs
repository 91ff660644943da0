//! The client half: how a job gets its token.

use oidc_core::testing::FakeIssuer;
use oidc_core::{
    Ambient, Audience, Context, Detection, Environment, Provider, ProviderSet, SourceError, SourceErrorKind,
    TokenSource,
};
use serde_json::json;

use super::{GitLab, ISSUER};
use crate::harness::AUDIENCE;

fn context(variables: &[(&str, &str)]) -> Context {
    Context::default().with_environment(variables.iter().copied().collect())
}

fn detect<'a>(detection: impl Into<Detection<'a>>) -> Result<Box<dyn TokenSource>, SourceError> {
    Ambient::detect(&ProviderSet::default().with(GitLab::public()), detection)
}

/// A token that nobody signed, which is enough for a client.
fn unsigned(audience: &str) -> String {
    FakeIssuer::new(ISSUER).sign(&json!({"aud": audience}))
}

#[test]
fn a_job_is_detected_by_its_variable_alone() {
    for (value, expected) in
        [("true", true), ("TRUE", false), ("false", false), ("1", false), ("yes", false), ("", false)]
    {
        assert_eq!(detect(&context(&[("GITLAB_CI", value)])).is_ok(), expected, "{value}");
    }
    assert!(detect(&Context::default()).is_err());
}

#[tokio::test]
async fn a_token_is_read_from_the_variable_named_after_the_audience() {
    for (audience, variable) in [
        ("sigstore", "SIGSTORE_ID_TOKEN"),
        ("http://test.audience", "HTTP___TEST_AUDIENCE_ID_TOKEN"),
        ("npm:registry.example", "NPM_REGISTRY_EXAMPLE_ID_TOKEN"),
        ("\u{1f62d}", "__ID_TOKEN"),
        ("\u{1f62d}\u{1f62d}\u{1f62d}", "____ID_TOKEN"),
        ("some-audience", "SOME_AUDIENCE_ID_TOKEN"),
        ("11 other audience", "_1_OTHER_AUDIENCE_ID_TOKEN"),
        ("stra\u{df}e", "STRA_E_ID_TOKEN"),
    ] {
        let token = unsigned(audience);
        let source = detect(&context(&[("GITLAB_CI", "true"), (variable, &token)])).unwrap();
        assert_eq!(source.provider(), "gitlab");
        assert!(!source.is_renewable());
        let found = source.token(&Audience::new(audience).unwrap()).await.unwrap();
        assert_eq!(found.secret().expose(), token);
        assert!(!format!("{source:?}").contains(&token));
    }
}

#[tokio::test]
async fn a_host_that_looks_variables_up_needs_no_list_of_them() {
    let token = unsigned("npm:registry.example");
    let in_variable = token.clone();
    let environment = Environment::from_fn(move |name| match name {
        "GITLAB_CI" => Some("true".to_owned()),
        "NPM_REGISTRY_EXAMPLE_ID_TOKEN" => Some(in_variable.clone()),
        _ => None,
    });
    let source = detect(&Context::default().with_environment(environment)).unwrap();
    let found = source.token(&Audience::new("npm:registry.example").unwrap()).await.unwrap();
    assert_eq!(found.secret().expose(), token);
}

#[tokio::test]
async fn a_named_variable_wins() {
    let (named, other) = (unsigned(AUDIENCE), format!("{}x", unsigned(AUDIENCE)));
    let variables =
        [("GITLAB_CI", "true"), ("NPM_ID_TOKEN", named.as_str()), ("NPM_REGISTRY_EXAMPLE_ID_TOKEN", &other)];
    let context = context(&variables);
    let detection = Detection::new(&context).token_variable("UNSET_ID_TOKEN").token_variable("NPM_ID_TOKEN");
    let source = GitLab::public().detect(&detection).unwrap().unwrap();
    assert_eq!(source.token(&Audience::new(AUDIENCE).unwrap()).await.unwrap().secret().expose(), named);
}

#[tokio::test]
async fn a_missing_token_is_told_with_the_lines_to_add() {
    let context = context(&[("GITLAB_CI", "true"), ("NPM_ID_TOKEN", "")]);
    let audience = Audience::new(AUDIENCE).unwrap();
    let source = detect(Detection::new(&context).token_variable("NPM_ID_TOKEN")).unwrap();
    let error = source.token(&audience).await.unwrap_err();
    assert_eq!(error.kind(), SourceErrorKind::Missing);
    assert_eq!(
        error.to_string(),
        "GitLab put no identity token into the job: NPM_ID_TOKEN or NPM_REGISTRY_EXAMPLE_ID_TOKEN is not set; \
         add to the job in the CI configuration: `id_tokens: { NPM_ID_TOKEN: { aud: \"npm:registry.example\" } }`"
    );
    let error = detect(&context).unwrap().token(&audience).await.unwrap_err().to_string();
    assert!(error.contains("{ NPM_REGISTRY_EXAMPLE_ID_TOKEN: { aud:"), "{error}");
}

#[tokio::test]
async fn a_token_for_somebody_else_is_refused_and_not_shown() {
    let token = unsigned("sigstore");
    let context = context(&[("GITLAB_CI", "true"), ("NPM_REGISTRY_EXAMPLE_ID_TOKEN", &token)]);
    let error = detect(&context).unwrap().token(&Audience::new(AUDIENCE).unwrap()).await.unwrap_err();
    assert_eq!(error.kind(), SourceErrorKind::InvalidToken);
    assert!(error.to_string().contains("sigstore") && !error.to_string().contains(&token), "{error}");
}
