//! Many callers at once: how many fetches they make, and how long those wait who need none.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use oidc_core::http::{HttpClient, HttpError, Request, Response};
use oidc_core::testing::{FakeHttp, FakeIssuer, SigningAlgorithm};

use crate::scene::Scene;

/// The number of callers.
const CALLERS: usize = 10_000;
/// The delay of a slow issuer's answer.
const SLOW: Duration = Duration::from_millis(50);

/// HTTP that takes its time once it is told to.
#[derive(Clone, Debug)]
pub struct SlowHttp {
    http: FakeHttp,
    is_slow: Arc<AtomicBool>,
}

impl SlowHttp {
    /// An issuer's HTTP, slow from the start or not yet.
    pub fn new(issuer: &Arc<FakeIssuer>, is_slow: bool) -> Self {
        Self { http: FakeHttp::of_issuer(Arc::clone(issuer)), is_slow: Arc::new(AtomicBool::new(is_slow)) }
    }

    /// The number of requests for keys.
    pub fn jwks_requests(&self, issuer: &FakeIssuer) -> usize {
        self.http.requests().iter().filter(|request| request.url.as_str() == issuer.jwks_uri()).count()
    }
}

#[async_trait]
impl HttpClient for SlowHttp {
    async fn send(&self, request: Request) -> Result<Response, HttpError> {
        if self.is_slow.load(Ordering::SeqCst) {
            tokio::time::sleep(SLOW).await;
        }
        self.http.send(request).await
    }
}

/// The number of requests for keys that 10,000 concurrent verifications on a cold cache send to a slow issuer.
pub async fn fetches() -> usize {
    let issuer = Arc::new(FakeIssuer::new(crate::scene::ISSUER));
    let http = SlowHttp::new(&issuer, true);
    let scene = Scene::reached_by(SigningAlgorithm::Rs256, Arc::clone(&issuer), http.clone());
    let callers: Vec<_> = (0..CALLERS)
        .map(|_| {
            let (verifier, token) = (scene.verifier.clone(), scene.token.clone());
            tokio::spawn(async move { verifier.verify(&token).await.is_ok() })
        })
        .collect();
    for caller in callers {
        assert!(caller.await.expect("a caller"), "a valid token");
    }
    http.jwks_requests(&issuer)
}

/// The 99th percentile, in nanoseconds, of verifications with a cached key while a fetch is outstanding.
pub async fn cached_p99() -> f64 {
    let issuer = Arc::new(FakeIssuer::new(crate::scene::ISSUER));
    let http = SlowHttp::new(&issuer, false);
    let scene = Scene::reached_by(SigningAlgorithm::Rs256, Arc::clone(&issuer), http.clone());
    scene.verifier.warm_up().await;
    http.is_slow.store(true, Ordering::SeqCst);
    let unknown = issuer.sign_unpublished(&crate::scene::claims(scene.now()));
    let verifier = scene.verifier.clone();
    let waiting = tokio::spawn(async move { verifier.verify(&unknown).await.is_ok() });
    tokio::task::yield_now().await;
    let mut times = Vec::new();
    while !waiting.is_finished() {
        let begin = Instant::now();
        scene.verifier.verify(&scene.token).await.expect("a valid token");
        times.push(begin.elapsed().as_secs_f64() * 1e9);
        tokio::task::yield_now().await;
    }
    times.sort_by(f64::total_cmp);
    times.get(times.len() * 99 / 100).copied().unwrap_or(f64::NAN)
}
