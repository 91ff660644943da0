//! Publish tokens as the ecosystems' clients present them.

use data_encoding::BASE64;
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderValue};
use oidc_exchange::server::ExchangeRequest;
use serde_json::json;

use crate::registry::{Registry, package};

fn headers(values: &[&str]) -> HeaderMap {
    let value = |text: &&str| (AUTHORIZATION, HeaderValue::from_bytes(text.as_bytes()).unwrap());
    values.iter().map(value).fold(HeaderMap::new(), |mut headers, (name, value)| {
        headers.append(name, value);
        headers
    })
}

fn basic(pair: &str) -> String {
    format!("Basic {}", BASE64.encode(pair.as_bytes()))
}

#[tokio::test]
async fn a_publish_token_is_found_however_a_client_presents_it() {
    let registry = Registry::new().await;
    let request = ExchangeRequest::package("npm", "@acme/widget");
    let minted = registry.exchange.exchange(&registry.token(&json!({})), &request).await.unwrap();
    let token = minted.token.expose();
    for presented in [
        format!("Bearer {token}"),
        format!("bearer  {token} "),
        token.to_owned(),
        basic(&format!("__token__:{token}")),
        basic(&format!(":{token}")).replacen("Basic", "basic", 1),
    ] {
        let found = registry.exchange.find_in(&headers(&[&presented])).await.unwrap();
        assert!(
            found.is_some_and(|found| found.for_package(&package("@acme/widget")).is_some()),
            "{presented}"
        );
    }
    let bearer = format!("Bearer {token}");
    let refused: [&[&str]; 12] = [
        &[],
        &[""],
        &["Bearer"],
        &["Bearer tpub_"],
        &[&bearer, &bearer],
        &[&format!("Token {token}")],
        &[&format!("Bearer {token} {token}")],
        &[&basic(token)],
        &[&basic(&format!("{token}:"))],
        &[&format!("Basic __token__:{token}")],
        &[&format!("Basic {}", "A".repeat(64 * 1024))],
        &["Bearer \u{e9}"],
    ];
    for refused in refused {
        assert!(registry.exchange.find_in(&headers(refused)).await.unwrap().is_none(), "{refused:?}");
    }
}
