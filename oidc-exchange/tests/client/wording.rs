//! The names of commands and options in the client's messages: those of the application where it gives them, and no others.

use std::fs;
use std::path::{Path, PathBuf};

use oidc_core::http::Response;
use oidc_core::testing::{FakeHttp, FakeIssuer, ManualClock};
use oidc_core::{Audience, Context, IdToken, ProviderSet};
use oidc_exchange::client::doctor::{Doctor, Report};
use oidc_exchange::client::{ExchangeRequest, Npm, NuGet, Registry as _, Scope, Wording};
use serde_json::json;

const NOW: u64 = 1_700_000_000;
const TOKEN_URL: &str = "https://www.nuget.org/api/v2/token";

/// Programs of this workspace, and those of their options that no publish tool has.
const OURS: [&str; 12] = [
    "trusted-publish",
    "ci-issuer",
    "--trusted-publishing",
    "--publisher",
    "--exchange",
    "--owner",
    "--url",
    "--package",
    "--ca-file",
    "--pass-identity",
    "--compared-workflow",
    "--gitlab-annotations",
];

#[test]
fn no_text_of_the_libraries_names_a_program_of_ours_or_its_options() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut read = 0;
    for library in ["oidc-core", "oidc-providers", "oidc-exchange"] {
        for path in sources(&root.join(library).join("src")) {
            read += 1;
            let text = fs::read_to_string(&path).unwrap();
            let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
            for line in code.lines().filter(|line| !line.trim_start().starts_with("//")) {
                let named = OURS.iter().find(|ours| names(line, ours));
                assert_eq!(named, None, "{}: {line}", path.display());
            }
        }
    }
    assert!(read > 150, "{read} files");
}

/// Returns `true` if a text contains these words as whole words.
fn names(text: &str, words: &str) -> bool {
    text.split(words).skip(1).any(|rest| !rest.starts_with(|c: char| c.is_alphanumeric()))
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let of_path = |path: PathBuf| if path.is_dir() { sources(&path) } else { vec![path] };
    // Tests of the tables name the folders that they read.
    let is_read =
        |path: &PathBuf| path.extension().is_some_and(|end| end == "rs") && !path.ends_with("tables.rs");
    paths.flat_map(of_path).filter(is_read).collect()
}

/// A job whose only token the check would use up, and whose tools would publish to another registry.
async fn report(wording: Wording) -> Report {
    let issuer = FakeIssuer::new("https://issuer.example");
    let claims = json!({ "iss": issuer.url(), "aud": "npm:r.example", "iat": NOW, "exp": NOW + 300 });
    let token = issuer.sign(&claims);
    let variables = [
        ("NPM_ID_TOKEN", &*token),
        ("YARN_NPM_PUBLISH_REGISTRY", "https://other.example/"),
        ("NPM_CONFIG_REGISTRY", "https://other.example/"),
        ("NODE_AUTH_TOKEN", "npm_hunter2"),
        ("NPM_TOKEN", &*token),
    ];
    let cx = Context::default()
        .with_environment(variables.into_iter().collect())
        .with_http(FakeHttp::new().on_request(|_| Some(Ok(Response::new(200, Vec::new(), "{}")))))
        .with_clock(ManualClock::at(NOW));
    let registry = Npm::at("https://r.example/npm/").unwrap();
    let doctor = Doctor::of(&registry, Npm::scope("@acme/widget").unwrap()).wording(wording);
    doctor.examine(&ProviderSet::default(), &cx).await
}

#[tokio::test]
async fn a_report_names_the_applications_commands_where_it_says_them_and_none_by_default() {
    let text = report(Wording::default()).await.to_text();
    for named in ["acme publish", "trusted-publish", "``", "()", "; ;"] {
        assert!(!text.contains(named), "{named}: {text}");
    }
    assert!(text.contains("with a tool that keeps the path"), "{text}");
    let wording = Wording::default()
        .publish_command("acme publish")
        .exchange_option("--now")
        .publisher_option("--trusts KEY=VALUE")
        .always_option("--no-fallback");
    let text = report(wording).await.to_text();
    for named in
        ["`acme publish`, which keeps the path", "`acme publish` sets it for", "`--no-fallback`", "`--now`"]
    {
        assert!(text.contains(named), "{named}: {text}");
    }
}

#[tokio::test]
async fn nugets_account_is_named_as_the_application_names_it() {
    let refusal = json!({"error": "No matching trust policy owned by user 'acme' was found."});
    let audience = Audience::new("https://www.nuget.org").unwrap();
    let token = IdToken::opaque("token", audience).unwrap();
    let request = ExchangeRequest::new(&token, Scope::Identity);
    for (registry, named) in
        [(NuGet::public("acme"), false), (NuGet::public("acme").with_user_setting("--user NAME"), true)]
    {
        let cx = Context::default().with_http(FakeHttp::new().on(
            "POST",
            TOKEN_URL,
            Response::new(401, Vec::new(), refusal.to_string()),
        ));
        let error = registry.exchange(&request, &cx).await.unwrap_err();
        let fix = error.diagnosis().fix.clone().unwrap();
        assert!(fix.starts_with("name the nuget.org account that created the policy"), "{fix}");
        assert_eq!(fix.contains("`--user NAME`"), named, "{fix}");
    }
}
