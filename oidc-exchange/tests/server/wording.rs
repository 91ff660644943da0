//! The names in refusals: an application's own where it gives them, and nobody else's.

use std::path::Path;

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt as _, Full};
use oidc_exchange::server::{Exchange, ExchangeBuilder, ExchangeRequest, npm};
use serde_json::json;
use tower::ServiceExt as _;

use crate::registry::Registry;

fn builder(registry: &Registry) -> ExchangeBuilder {
    Exchange::builder(registry.exchange.verifier().clone(), registry.store.clone())
}

/// The refusals that say how to go on: of a stranger, and of a token that was used already.
async fn refusals(registry: &Registry, exchange: &Exchange, request: &ExchangeRequest) -> [String; 2] {
    let stranger = registry.token(&json!({ "repository": "mallory/widget", "repository_id": "9" }));
    let used = registry.token(&json!({}));
    exchange.exchange(&used, request).await.unwrap();
    [
        exchange.exchange(&stranger, request).await.unwrap_err().to_string(),
        exchange.exchange(&used, request).await.unwrap_err().to_string(),
    ]
}

#[tokio::test]
async fn an_ecosystem_of_ones_own_names_the_applications_tools_and_no_others() {
    let registry = Registry::new().await;
    let own = ExchangeRequest::package("npm", "@acme/widget");
    let [stranger, used] = refusals(&registry, &builder(&registry).build(), &own).await;
    for told in [&stranger, &used] {
        for foreign in ["trusted-publish", "doctor", "ID_TOKEN", "--"] {
            assert!(!told.contains(foreign), "{foreign}: {told}");
        }
    }
    assert!(stranger.contains("field by field, or configure one"), "{stranger}");
    let exchange = builder(&registry).token_variable("ACME_TOKEN").checker("acme doctor").build();
    let [stranger, used] = refusals(&registry, &exchange, &own).await;
    assert!(stranger.contains("field by field, which `acme doctor` does for you, or"), "{stranger}");
    assert!(used.contains("`ACME_TOKEN`"), "{used}");
}

#[tokio::test]
async fn an_endpoint_of_a_public_protocol_names_that_protocols_variable_unless_the_application_has_another() {
    let registry = Registry::new().await;
    let told = async |exchange: Exchange| {
        let token = registry.token(&json!({}));
        let ask = || {
            let request = Request::post("/token/exchange/package/@acme%2fwidget");
            let request = request.header("authorization", format!("Bearer {token}"));
            npm(exchange.clone()).oneshot(request.body(Full::<Bytes>::default()).unwrap())
        };
        ask().await.unwrap();
        let body = ask().await.unwrap().into_body().collect().await.unwrap().to_bytes();
        String::from_utf8(body.to_vec()).unwrap()
    };
    let usual = told(builder(&registry).build()).await;
    assert!(usual.contains("`NPM_ID_TOKEN`"), "{usual}");
    let own = told(builder(&registry).token_variable("ACME_TOKEN").build()).await;
    assert!(own.contains("`ACME_TOKEN`") && !own.contains("NPM_ID_TOKEN"), "{own}");
}

/// The code of a file without comments and tests.
fn code(file: &Path) -> String {
    let text = std::fs::read_to_string(file).unwrap();
    let lines = text.lines().take_while(|line| !line.starts_with("#[cfg(test)]"));
    lines.filter(|line| !line.trim_start().starts_with("//")).map(|line| format!("{line}\n")).collect()
}

fn files(folder: &Path, found: &mut Vec<std::path::PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

#[test]
fn no_code_of_the_libraries_that_a_registry_embeds_names_a_program_or_a_setting_of_ours() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut found = Vec::new();
    for folder in ["oidc-exchange/src/server", "oidc-exchange/src/sql", "oidc-core/src", "oidc-providers/src"]
    {
        files(&root.join(folder), &mut found);
    }
    assert!(found.len() > 50, "{}", found.len());
    for file in found {
        for ours in
            ["trusted-publish ", "ci-issuer", "registry.toml", "[[provider]]", "`public_url`", "--publisher"]
        {
            assert!(!code(&file).contains(ours), "{ours} in {}", file.display());
        }
    }
}
