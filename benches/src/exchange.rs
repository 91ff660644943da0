//! A whole exchange over HTTP beside the least that the same server can answer.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::routing::get;
use oidc_core::http::Request;
use oidc_core::testing::{FakeIssuer, SigningAlgorithm};
use oidc_core::{Context, HttpUrl, ProviderSet, Secret};
use oidc_exchange::memory::MemoryStore;
use oidc_exchange::server::{self, Exchange, Package, Trust};
use oidc_providers::GitHub;

use crate::scene::{self, Scene};

/// Requests of each kind in one round.
const REQUESTS: usize = 16;

/// The ratio of an exchange's time to that of a `hello`: axum on loopback, one connection, the stores in memory.
pub async fn over_hello(rounds: usize) -> Vec<f64> {
    let scene = Scene::new(SigningAlgorithm::Rs256).await;
    let address = serve(&scene).await;
    let cx = Context::system().expect("a context");
    let base = HttpUrl::parse(&format!("http://{address}/")).expect("a URL");
    let (hello, exchange) = (base.below("hello"), base.below("-/npm/v1/oidc/token/exchange/package/widget"));
    let mut ratios = Vec::new();
    for _ in 0..rounds {
        let tokens: Vec<Secret> =
            (0..REQUESTS).map(|_| Secret::new(fresh(&scene.issuer, scene.now()))).collect();
        let begin = Instant::now();
        for _ in 0..REQUESTS {
            send(&cx, Request::get(hello.clone()), 200).await;
        }
        let least = begin.elapsed();
        let begin = Instant::now();
        for token in &tokens {
            send(&cx, Request::post(exchange.clone()).bearer(token), 201).await;
        }
        ratios.push(begin.elapsed().as_secs_f64() / least.as_secs_f64());
    }
    ratios
}

async fn serve(scene: &Scene) -> SocketAddr {
    let store = MemoryStore::for_tests();
    let trust = Trust::new(ProviderSet::default().with(GitHub::public()), store.clone(), &scene.context());
    let publisher = trust.prepare(Package::new("npm", "widget"), "github", None, scene::publisher());
    trust.add(&publisher.expect("a publisher")).await.expect("a publisher");
    let exchange = Exchange::builder(scene.verifier.clone(), store).build();
    let app = Router::new()
        .route("/hello", get(|| async { "hello" }))
        .nest_service("/-/npm/v1/oidc", server::npm(exchange));
    let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move { axum::serve(listener, app).await });
    address
}

fn fresh(issuer: &Arc<FakeIssuer>, now: u64) -> String {
    issuer.sign(&scene::claims(now))
}

async fn send(cx: &Context, request: Request, expected: u16) {
    let answer = cx.http().send(request).await.expect("an answer");
    assert_eq!(answer.status, expected, "{}", String::from_utf8_lossy(&answer.body));
}
