//! The variables that are looked up on the way to a publish token.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use oidc_core::http::Response;
use oidc_core::testing::{FakeHttp, FakePlatform, ManualClock};
use oidc_core::{Context, Environment, ProviderSet};
use oidc_exchange::client::{
    CratesIo, Npm, PublishRequest, Pypi, Registry, RubyGems, Scope, source_variables,
};

#[tokio::test]
async fn every_variable_that_is_looked_up_for_a_registry_is_named() {
    const URL: &str = "https://registry.example/";
    let registries: [(Box<dyn Registry>, Scope); 4] = [
        (Box::new(Npm::at(URL).unwrap()), Npm::scope("widget").unwrap()),
        (Box::new(Pypi::at(URL).unwrap()), Scope::Identity),
        (Box::new(CratesIo::at(URL).unwrap()), Scope::Identity),
        (Box::new(RubyGems::at(URL).unwrap()), Scope::Identity),
    ];
    let providers = ProviderSet::of(FakePlatform::new());
    for (registry, scope) in registries {
        // In a job of the platform, in one whose user names a token, and elsewhere.
        let own: Vec<_> = registry.protocol().token_variables.iter().map(|name| (*name, "opaque")).collect();
        for set in [FakePlatform::variables().to_vec(), own, Vec::new()] {
            let read = Arc::new(Mutex::new(BTreeSet::new()));
            let log = Arc::clone(&read);
            let environment = Environment::from_fn(move |name| {
                log.lock().unwrap().insert(name.to_owned());
                set.iter().find(|(set, _)| *set == name).map(|(_, value)| (*value).to_owned())
            });
            let cx = Context::default()
                .with_environment(environment)
                .with_clock(ManualClock::at(FakePlatform::NOW))
                .with_http(FakeHttp::new().on_request(|_| Some(Ok(Response::new(404, Vec::new(), "")))));
            let request = PublishRequest::new(scope.clone());
            // What comes of it is checked elsewhere.
            let _token = oidc_exchange::publish_token(&*registry, request, &providers, &cx).await;
            let named = source_variables(&*registry, &providers);
            let mut unnamed = read.lock().unwrap().clone();
            assert!(!unnamed.is_empty(), "{}", registry.url());
            unnamed.retain(|name| !named.contains(name.as_str()));
            assert!(unnamed.is_empty(), "{registry:?}: {unnamed:?}");
        }
    }
}
