//! Types along the way of a trusted publish show no secret in `Debug` output, in an error, or in a panic.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::fmt::{Debug, Write as _};
use std::panic::catch_unwind;

use ci_issuer::{GITHUB, GITLAB, Settings};
use oidc_core::verify::Verifier;
use oidc_core::verify::backend::AwsLc;
use oidc_core::{Ambient, Audience, Detection, Environment, IdToken, ProviderSet, Secret};
use oidc_exchange::client::{self, Npm, Registry as _};
use oidc_exchange::memory::MemoryStore;
use oidc_exchange::server::{Exchange, ExchangeRequest, Package, Trust};
use serde_json::json;
use tests::http;
use tests::leaks::Secrets;
use tests::scene::Scene;

/// The visible text of values, plainly, and of values that a panic shows.
#[derive(Default)]
struct Seen(String);

impl Seen {
    fn debug(&mut self, value: &impl Debug) {
        write!(self.0, "{value:?}\n{value:#?}\n").unwrap();
        let text = format!("{value:?}");
        let panic = catch_unwind(|| panic!("this can't be: {text}")).unwrap_err();
        self.0.push_str(panic.downcast_ref::<String>().unwrap());
    }

    fn error(&mut self, error: &(impl std::error::Error + 'static)) {
        self.debug(&error);
        let mut below: Option<&dyn std::error::Error> = Some(error);
        while let Some(error) = below {
            write!(self.0, "{error}\n{error:?}\n").unwrap();
            below = error.source();
        }
    }
}

#[tokio::test]
async fn debug_output_errors_and_panics_show_no_secret() {
    let mut secrets = Secrets::default();
    let mut seen = Seen::default();
    for platform in [&GITHUB, &GITLAB] {
        let settings = Settings::new(platform);
        seen.debug(&settings);
        let scene = Scene::start(settings, "", &["widget"], "").await;
        seen.debug(&scene);
        see_client(&scene, &mut secrets, &mut seen).await;
        see_server(&scene, &mut secrets, &mut seen).await;
    }
    assert!(seen.0.contains("[redacted]"));
    assert!(secrets.count() >= 6);
    secrets.assert_not_in("Debug output, an error or a panic", &seen.0);
}

/// The client's half: environment, source, identity token, exchange, publish token, refusal.
async fn see_client(scene: &Scene, secrets: &mut Secrets, seen: &mut Seen) {
    let variables = scene.npm_job();
    for (name, value) in &variables {
        match name.as_str() {
            "NPM_ID_TOKEN" => secrets.add_identity(value),
            "ACTIONS_ID_TOKEN_REQUEST_TOKEN" => secrets.add("a request token", value),
            _ => {}
        }
    }
    let cx = scene.cx.clone().with_environment(Environment::from_iter(variables));
    seen.debug(&cx);
    let registry = Npm::at(&scene.url()).unwrap();
    let detection = Detection::new(&cx).token_variable("NPM_ID_TOKEN");
    seen.debug(&detection);
    let source = Ambient::detect(&oidc_providers::all(), detection).unwrap();
    seen.debug(&source);
    let token = source.token(&registry.audience(&cx).await.unwrap()).await.unwrap();
    secrets.add_identity(token.secret().expose());
    seen.debug(&token);
    seen.debug(&token.claims());
    let request = |package: &str| client::ExchangeRequest::new(&token, Npm::scope(package).unwrap());
    seen.debug(&request("widget"));
    let publish_token = registry.exchange(&request("widget"), &cx).await.unwrap();
    secrets.add_minted(publish_token.secret_for(publish_token.scope()).unwrap().expose());
    seen.debug(&publish_token);
    seen.error(&publish_token.secret_for(&Npm::scope("other").unwrap()).unwrap_err());
    for package in ["widget", "unknown"] {
        seen.error(&registry.exchange(&request(package), &cx).await.unwrap_err());
    }
    let other = Audience::new("npm:other").unwrap();
    seen.error(&IdToken::new(token.secret().expose(), other).unwrap_err());
    let request = http::exchange(&scene.url(), "widget", token.secret().expose());
    seen.debug(&(&request.headers, &request));
}

/// The server's half: verifier, publisher, exchange, publish token, refusal, answer.
async fn see_server(scene: &Scene, secrets: &mut Secrets, seen: &mut Seen) {
    for kind in ["github", "gitlab"] {
        let provider = oidc_providers::at(kind, scene.issuer.url()).unwrap();
        see_exchange(scene, [provider].into_iter().collect(), secrets, seen).await;
    }
    let token = scene.token(&scene.audience());
    secrets.add_identity(&token);
    let answer = http::send(&scene.cx, http::exchange(&scene.url(), "widget", &token)).await;
    secrets.add_minted(&http::minted(&answer));
    seen.debug(&answer);
    seen.debug(&Secret::new(http::minted(&answer)));
}

/// An exchange that trusts the sample job of GitHub, where the platform is that.
async fn see_exchange(scene: &Scene, providers: ProviderSet, secrets: &mut Secrets, seen: &mut Seen) {
    let audience = Audience::new(scene.audience()).unwrap();
    let verifier = Verifier::new(AwsLc, [audience], &providers, &scene.cx).unwrap();
    let store = MemoryStore::for_tests();
    let trust = Trust::new(providers, store.clone(), &scene.cx);
    let rules = json!({ "repository": "acme/widget", "workflow": "publish.yml" });
    if let Ok(publisher) = trust.prepare(Package::new("npm", "widget"), "github", None, rules) {
        trust.add(&publisher).await.unwrap();
        seen.debug(&publisher);
    }
    let exchange = Exchange::builder(verifier.clone(), store.clone()).build();
    let unpublished = scene.issuer.issuer().sign_unpublished(&json!({}));
    for token in [scene.token(&scene.audience()), scene.token("npm:other"), unpublished] {
        secrets.add_identity(&token);
        match verifier.verify(&token).await {
            Ok(verified) => seen.debug(&verified),
            Err(error) => {
                seen.debug(&error.claims());
                seen.error(&error);
            }
        }
        for _ in 0..2 {
            match exchange.exchange(&token, &ExchangeRequest::package("npm", "widget")).await {
                Ok(minted) => {
                    secrets.add_minted(minted.token.expose());
                    seen.debug(&minted);
                    seen.debug(&exchange.find(minted.token.expose()).await.unwrap().unwrap());
                }
                Err(refusal) => seen.error(&refusal),
            }
        }
    }
    seen.debug(&(verifier, exchange, store, trust));
}
