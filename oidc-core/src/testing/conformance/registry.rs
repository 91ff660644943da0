//! A registry that trusts the platform under test.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::{AUDIENCE, Harness, NOW};
use crate::claims::Claims;
use crate::context::Context;
use crate::proof::Verified;
use crate::provider::{Provider, ProviderSet};
use crate::testing::{FakeHttp, FakeIssuer, ManualClock, SigningAlgorithm};
use crate::token::Audience;
use crate::verify::Verifier;
use crate::verify::backend::AwsLc;

/// The verifiers and the keys of both issuers.
pub(super) struct Registry<'a, H> {
    harness: &'a H,
    parties: BTreeMap<String, (Arc<FakeIssuer>, Verifier)>,
}

impl<'a, H: Harness> Registry<'a, H> {
    pub(super) fn of(harness: &'a H) -> Self {
        let parties = harness.issuers().into_iter().map(|url| {
            let party = party(&harness.provider(&url), &url);
            (url, party)
        });
        Self { harness, parties: parties.collect() }
    }

    /// The claims of the job's token.
    pub(super) fn claims(&self, issuer: &str) -> Map<String, Value> {
        let claims = self.harness.claims(issuer, AUDIENCE, NOW);
        claims.as_object().cloned().expect("a job's claims are a JSON object")
    }

    /// Signs claims and verifies them; `None` where the verifier refuses them.
    pub(super) async fn verified(
        &self,
        issuer: &str,
        claims: &Map<String, Value>,
    ) -> Option<Verified<Claims>> {
        let (keys, verifier) = self.parties.get(issuer)?;
        verifier.verify(&keys.sign(&claims.clone().into())).await.ok()
    }

    /// The job's token, verified.
    pub(super) async fn job(&self, issuer: &str) -> Verified<Claims> {
        let verified = self.verified(issuer, &self.claims(issuer)).await;
        verified.expect("a registry that trusts the platform verifies its job's token")
    }
}

fn party(provider: &Arc<dyn Provider>, url: &str) -> (Arc<FakeIssuer>, Verifier) {
    let is_known = provider.profile().issuers.iter().any(|issuer| &**issuer.url() == url);
    assert!(is_known, "the platform that is asked for with the issuer `{url}` has it");
    let algorithms: Vec<_> =
        provider.profile().algorithms.iter().copied().map(SigningAlgorithm::from).collect();
    let issuer = Arc::new(FakeIssuer::with_algorithms(url, &algorithms));
    let http = FakeHttp::of_issuer(Arc::clone(&issuer));
    let context = Context::default().with_clock(ManualClock::at(NOW)).with_http(http);
    let audience = Audience::new(AUDIENCE).expect("an audience");
    let providers = ProviderSet::from_iter([Arc::clone(provider)]);
    let verifier = Verifier::new(AwsLc, [audience], &providers, &context);
    (issuer, verifier.expect("a verifier of the platform's tokens can be made"))
}
