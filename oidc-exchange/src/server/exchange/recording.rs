//! Events of exchanges, and the refusals that they come with.

use std::borrow::Cow;
use std::error::Error as _;
use std::time::Duration;

use oidc_core::verify::{Reason, VerifyError};
use oidc_core::{Claims, Run, Verified};

use super::Exchange;
use super::caller::Caller;
use super::configured::Explanation;
use crate::server::chain::Chain;
use crate::server::event::Event;
use crate::server::granted::Granted;
use crate::server::refusal::Refusal;
use crate::server::refusal_kind::RefusalKind;
use crate::server::request::ExchangeRequest;

/// A request, and the reading of the monotonic clock when it arrived.
#[derive(Clone, Copy)]
pub(super) struct Asked<'a> {
    pub(super) request: &'a ExchangeRequest,
    pub(super) began: Duration,
}

impl Exchange {
    /// Sends an event to every sink: an event of the exchange itself, or one of the application about a use of a
    /// publish token. The sinks get long texts shortened, and control characters escaped.
    pub fn record(&self, event: Event) {
        let event = event.bounded();
        for sink in &self.0.sinks {
            sink.record(&event);
        }
    }

    /// Records the refusal of a request without a verified token.
    pub(in crate::server) fn refused(&self, request: &ExchangeRequest, refusal: Refusal) -> Refusal {
        let event = self.event(request, refusal.kind().as_str(), refusal.to_string());
        self.note(event, refusal)
    }

    /// Records a grant.
    pub(super) fn granted(
        &self,
        verified: &Verified<Claims>,
        run: &Run,
        asked: Asked<'_>,
        granted: &Granted,
    ) {
        let mut event = self.event(asked.request, "granted", granted.reason());
        event.for_operator = granted.for_operator();
        let event = event.package(granted.packages()).publisher(granted.publishers());
        self.record(event.elapsed(self.elapsed(asked)).verified(verified.issuer(), run));
    }

    /// Records that a token is refused, with the issuer's name where the signature is the issuer's.
    pub(super) fn unverified(&self, asked: Asked<'_>, error: VerifyError) -> Refusal {
        let signer = error.signer().map(Cow::into_owned);
        let trusted: Vec<String> = match error.reason() {
            Reason::Issuer => self.verifier().key_status().into_iter().map(|status| status.issuer).collect(),
            _ => Vec::new(),
        };
        let inner = &self.0;
        let refusal = Refusal::unverified(error, inner.public_url.as_ref(), &trusted, &inner.wording);
        let event = self.refusal_event(asked, &refusal);
        let event = match signer {
            Some(issuer) => event.verified(issuer, &Run::default()),
            None => event,
        };
        self.note(event, refusal)
    }

    /// Records the refusal of an unknown caller, with the configured publishers.
    pub(super) async fn explain(
        &self,
        verified: &Verified<Claims>,
        caller: Caller,
        asked: Asked<'_>,
        refusal: &Refusal,
    ) {
        let event = self.refusal_event(asked, refusal).verified(verified.issuer(), &caller.run);
        let explanation = Explanation {
            exchange: self.clone(),
            event: event.job(&*caller.provider, verified),
            provider: caller.provider,
            identity: caller.identity,
            request: asked.request.clone(),
        };
        explanation.give().await;
    }

    /// Records the refusal of a known caller.
    pub(super) fn refused_to(
        &self,
        verified: &Verified<Claims>,
        caller: &Caller,
        asked: Asked<'_>,
        refusal: Refusal,
    ) -> Refusal {
        let event = self.refusal_event(asked, &refusal).verified(verified.issuer(), &caller.run);
        self.note(event.job(&*caller.provider, verified), refusal)
    }

    /// Records the refusal of a verified token without an identity.
    pub(super) fn unidentified(
        &self,
        verified: &Verified<Claims>,
        asked: Asked<'_>,
        refusal: Refusal,
    ) -> Refusal {
        let event = self.refusal_event(asked, &refusal).verified(verified.issuer(), &Run::default());
        self.note(event, refusal)
    }

    fn note(&self, event: Event, refusal: Refusal) -> Refusal {
        self.record(event);
        if let (RefusalKind::Internal, Some(source)) = (refusal.kind(), refusal.source()) {
            tracing::error!(error = %Chain::of(source), "an exchange failed");
        }
        refusal
    }

    fn refusal_event(&self, asked: Asked<'_>, refusal: &Refusal) -> Event {
        let mut event = self.event(asked.request, refusal.kind().as_str(), refusal.to_string());
        event.for_operator = refusal.for_operator();
        event.nearest = refusal.nearest().map(str::to_owned);
        event.target = Some(refusal.diagnosis().target.to_string());
        event.elapsed(self.elapsed(asked))
    }

    fn event(&self, request: &ExchangeRequest, outcome: &'static str, reason: String) -> Event {
        let mut event = Event::new(self.now(), "exchange", request.ecosystem, outcome, reason);
        event.package.clone_from(&request.package);
        event
    }

    fn elapsed(&self, asked: Asked<'_>) -> Duration {
        self.context().clock().monotonic().saturating_sub(asked.began)
    }
}
