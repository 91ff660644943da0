use std::rc::Rc;
use std::sync::atomic::{AtomicU8, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Collected, Full};
use oidc_core::http::{HttpClient, HttpError, Request, Response};
use oidc_core::verify::{Verifier, backend::RustCrypto};
use oidc_core::{Audience, Context, Environment, ProviderSet, Random, RandomError, Timestamp};
use oidc_exchange::client::{Npm, PublishRequest};
use oidc_exchange::memory::MemoryStore;
use oidc_exchange::server::{self, Exchange, NpmExchange, Package, Trust};
use oidc_providers::GitHubPublisher;
use tower_service::Service as _;

use crate::world::world;

const REGISTRY: &str = "https://registry.example/";

/// Both halves of an exchange: a job that holds `token` asks npm's endpoint of a registry in this program for a publish token.
/// Returns the publish token's length.
pub(crate) async fn publish(token: &str, providers: &ProviderSet, issuer: &'static str, now: u64) -> usize {
    let environment = Environment::from_iter([("NPM_ID_TOKEN", token)]);
    let registry = registry(providers, issuer, now).await;
    let job = world(now, issuer, None).with_environment(environment).with_http(Network(registry));
    let (npm, scope) = (Npm::at(REGISTRY).expect("a URL"), Npm::scope("widget").expect("a name"));
    let request = PublishRequest::new(scope.clone());
    let token = oidc_exchange::publish_token(&npm, request, &oidc_providers::all(), &job).await;
    let token = token.expect("the registry grants a publish token");
    token.secret_for(&scope).expect("a token for the package").expose().len()
}

async fn registry(providers: &ProviderSet, issuer: &'static str, now: u64) -> NpmExchange {
    let cx: Context = world(now, issuer, None).with_random(Counted(AtomicU8::new(0)));
    let store = MemoryStore::started_at(Timestamp::from_secs(now - 60));
    let trust = Trust::new(providers.clone(), store.clone(), &cx);
    let rules = GitHubPublisher::new("acme/widget", "publish.yml");
    let prepared = trust.prepare(Package::new("npm", "widget"), "github", None, rules);
    trust.add(&prepared.expect("a publisher")).await.expect("the store takes a publisher");
    let audience = Audience::new("npm:registry.example").expect("an audience");
    let verifier = Verifier::new(RustCrypto, [audience], providers, &cx).expect("a verifier");
    server::npm(Exchange::builder(verifier, store).build())
}

/// The registry as the job reaches it. The futures of its requests are not `Send`, as those of a browser's `fetch` are not.
#[derive(Debug)]
struct Network(NpmExchange);

#[async_trait(?Send)]
impl HttpClient for Network {
    async fn send(&self, request: Request) -> Result<Response, HttpError> {
        let bound_to_this_thread = Rc::new(http::Request::try_from(&request)?);
        let request = (*bound_to_this_thread).clone().map(|body| Full::new(Bytes::from(body)));
        let Ok(answer) = self.0.clone().call(request).await;
        let (head, body) = answer.into_parts();
        let body = body.collect().await.map(Collected::to_bytes).unwrap_or_default();
        drop(bound_to_this_thread);
        Ok(http::Response::from_parts(head, body).into())
    }
}

/// Counts, and so is fit for no secret but that of a test.
#[derive(Debug)]
struct Counted(AtomicU8);

impl Random for Counted {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), RandomError> {
        buffer.fill_with(|| self.0.fetch_add(1, Ordering::Relaxed));
        Ok(())
    }
}
