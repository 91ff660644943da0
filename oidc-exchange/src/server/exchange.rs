use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use oidc_core::verify::{Reason, Verifier, VerifyError};
use oidc_core::{Claims, Context, HttpUrl, Identity, Mismatch, Provider, Run, Timestamp, Verified};
use tokio::sync::Semaphore;

use super::chain::Chain;
use super::choose::{Chooser, Chosen};
use super::configured::Explanation;
use super::door::{Door, Minted};
use super::event::{Event, EventSink, Events};
use super::grant::{Grant, GrantedBy};
use super::granted::{Choice, Granted};
use super::mint::{MintPolicy, TokenHash};
use super::refusal::{Refusal, RefusalKind};
use super::store::{
    MAX_CANDIDATES, PublisherRecord, PublisherStore, Redeemed, StoreError, TokenRecord, TokenStore,
};
use super::trust::TrustPolicy;
use super::unknown::UnknownClaims;

/// How often it is decided anew when publishers change between the decision and the grant.
const ATTEMPTS: usize = 3;
/// What is over is kept this much longer before it is purged: another process's clock may run behind, and a request
/// that was verified in time may have waited for the store.
const PURGE_GRACE: Duration = Duration::from_secs(120);

/// How many refusals are explained to the operator at the same time.
const EXPLAINED_AT_ONCE: usize = 32;

/// Both stores that an exchange works on.
pub(super) trait Stores: PublisherStore + TokenStore {}
impl<T: PublisherStore + TokenStore> Stores for T {}

/// The exchange: verify, find candidates, match, burn and mint.
///
/// Cloning is cheap. The doors ([`npm`](super::npm) and its siblings) put a protocol before it.
#[derive(Clone)]
pub struct Exchange(Arc<Inner>);

#[derive(Clone)]
struct Inner {
    verifier: Verifier,
    stores: Arc<dyn Stores>,
    mint: MintPolicy,
    trust: TrustPolicy,
    sinks: Vec<Arc<dyn EventSink>>,
    unknown: Arc<UnknownClaims>,
    public_url: Option<HttpUrl>,
    explained: Arc<Semaphore>,
}

impl Exchange {
    /// An exchange over a verifier and a store, with the platforms and the outside world of the verifier.
    pub fn new(
        verifier: Verifier,
        store: impl PublisherStore + TokenStore + 'static,
        policy: MintPolicy,
    ) -> Self {
        Self(Arc::new(Inner {
            verifier,
            stores: Arc::new(store),
            mint: policy,
            trust: TrustPolicy::default(),
            sinks: vec![Arc::new(Events)],
            unknown: Arc::default(),
            public_url: None,
            explained: Arc::new(Semaphore::new(EXPLAINED_AT_ONCE)),
        }))
    }

    /// With another policy on how long publishers stay in force without being used.
    #[must_use]
    pub fn with_trust_policy(self, policy: TrustPolicy) -> Self {
        let mut inner = Arc::unwrap_or_clone(self.0);
        inner.trust = policy;
        Self(Arc::new(inner))
    }

    /// With the URL that clients name this registry by, for the refusal of a token whose audience is of another.
    #[must_use]
    pub fn with_public_url(self, url: &HttpUrl) -> Self {
        let mut inner = Arc::unwrap_or_clone(self.0);
        inner.public_url = Some(url.clone());
        Self(Arc::new(inner))
    }

    /// With one more place that events go to.
    #[must_use]
    pub fn with_sink(self, sink: impl EventSink + 'static) -> Self {
        let mut inner = Arc::unwrap_or_clone(self.0);
        inner.sinks.push(Arc::new(sink));
        Self(Arc::new(inner))
    }

    /// The verifier.
    pub fn verifier(&self) -> &Verifier {
        &self.0.verifier
    }

    /// How long publish tokens live.
    pub fn lifetime(&self) -> Duration {
        self.0.mint.lifetime
    }

    /// Exchanges an identity token for a publish token.
    ///
    /// # Errors
    ///
    /// With the first step that does not go through. Until the very last, nothing is used up: a misconfiguration
    /// can be mended and the same token tried again.
    pub async fn exchange(&self, token: &str, door: &Door) -> Result<Minted, Refusal> {
        let verified = match self.0.verifier.verify(token).await {
            Ok(verified) => verified,
            Err(error) => return Err(self.unverified(door, error)),
        };
        let subject = match self.subject(&verified) {
            Ok(subject) => subject,
            Err(refusal) => return Err(self.refused_to(&verified, &Run::default(), door, refusal)),
        };
        match self.decide(&verified, &subject, door).await {
            Ok(granted) => {
                let event = self.event(door, "granted", granted.reason());
                let event = event.package(granted.packages()).publisher(granted.publishers());
                self.record(&event.verified(verified.issuer(), &subject.run));
                Ok(granted.minted)
            }
            Err(refusal) if refusal.kind() == RefusalKind::NotTrusted => {
                self.explain(&verified, subject, door, &refusal).await;
                Err(refusal)
            }
            Err(refusal) => Err(self.refused_to(&verified, &subject.run, door, refusal)),
        }
    }

    /// What a presented publish token may do; `None` where it is none of this registry's, over, or ended.
    ///
    /// # Errors
    ///
    /// When the store can't be reached.
    pub async fn find(&self, token: &str) -> Result<Option<TokenRecord>, StoreError> {
        match self.0.mint.recognise(token) {
            Some(hash) => self.0.stores.find(&hash, self.now()).await,
            None => Ok(None),
        }
    }

    /// Whether a text is a publish token of this registry by its form, valid or not.
    pub fn is_ours(&self, token: &str) -> bool {
        self.0.mint.recognise(token).is_some()
    }

    /// Ends a publish token. Whether there was one shows in nothing.
    ///
    /// # Errors
    ///
    /// When the store can't be reached.
    pub async fn revoke(&self, token: &str) -> Result<(), StoreError> {
        match self.0.mint.recognise(token) {
            Some(hash) => self.0.stores.revoke(&hash).await,
            None => Ok(()),
        }
    }

    /// Forgets what was over two minutes ago, in batches of `limit`, until nothing is left; returns how much that was.
    ///
    /// # Errors
    ///
    /// When the store can't be reached.
    pub async fn purge(&self, limit: u32) -> Result<u64, StoreError> {
        let mut total = 0;
        loop {
            let purged = self.0.stores.purge(self.now().minus(PURGE_GRACE), limit).await?;
            total += purged;
            if purged == 0 {
                return Ok(total);
            }
        }
    }

    fn subject(&self, verified: &Verified<Claims>) -> Result<Subject, Refusal> {
        let provider = self.0.verifier.provider_of(verified).map(Arc::clone);
        let provider =
            provider.ok_or_else(|| Refusal::internal("the token was verified by another verifier"))?;
        self.0.unknown.report(provider.profile(), verified);
        let unidentified = |mismatch: Mismatch| Refusal::unidentified(&mismatch);
        let identity = provider.identify(verified).map_err(unidentified)?;
        let identities = provider.identities(verified).map_err(unidentified)?;
        let run = provider.run(verified);
        Ok(Subject { provider, identity, identities, run })
    }

    async fn decide(
        &self,
        verified: &Verified<Claims>,
        subject: &Subject,
        door: &Door,
    ) -> Result<Granted, Refusal> {
        for _ in 0..ATTEMPTS {
            let choice = self.choose(verified, subject, door).await?;
            let token = self.0.mint.mint(self.context().random())?;
            let grant = self.grant(verified, subject, door, TokenHash::of(token.expose()), &choice.chosen);
            if verified.accepted_until() <= grant.created_at {
                return Err(Refusal::too_late(subject.provider.renewal()));
            }
            match self.0.stores.redeem(&grant).await? {
                Redeemed::Granted => return Ok(Granted::new(token, choice, &grant, &[])),
                Redeemed::Partly(left_out) => return Ok(Granted::new(token, choice, &grant, &left_out)),
                Redeemed::AlreadyUsed => {
                    return Err(Refusal::already_used(
                        door.package.as_deref(),
                        grant.max_uses,
                        verified.expires_at(),
                        subject.provider.renewal(),
                    ));
                }
                Redeemed::Superseded => {}
            }
        }
        Err(Refusal::superseded())
    }

    async fn choose(
        &self,
        verified: &Verified<Claims>,
        subject: &Subject,
        door: &Door,
    ) -> Result<Choice, Refusal> {
        let package = door.package.as_deref();
        let candidates = self.0.stores.candidates(&subject.identities, door.ecosystem, package).await?;
        let is_cut = candidates.len() >= MAX_CANDIDATES;
        // The store only narrows; what it hands over is held against the identity once more.
        let is_candidate = |record: &PublisherRecord| {
            subject.identities.contains(&record.identity) && door.is_for(&record.package)
        };
        let candidates: Vec<PublisherRecord> = candidates.into_iter().filter(is_candidate).collect();
        let provider = &*subject.provider;
        let chooser = Chooser { provider, verified, policy: &self.0.trust, now: self.now() };
        match chooser.choose(&candidates, door.ecosystem, package, &subject.identity) {
            Ok(chosen) => Ok(Choice { chosen, is_cut }),
            Err(refusal) if refusal.kind() == RefusalKind::NotTrusted => {
                let renamed = self.renamed(&chooser, subject, door).await?;
                Err(renamed.unwrap_or(refusal).of_first(is_cut))
            }
            Err(refusal) => Err(refusal.of_first(is_cut)),
        }
    }

    /// The refusal of a repository that was trusted under another name, which its immutable id proves. Only publishers with
    /// that id are asked for, so that neither the answer nor the time that it takes depends on anybody else's.
    async fn renamed(
        &self,
        chooser: &Chooser<'_>,
        subject: &Subject,
        door: &Door,
    ) -> Result<Option<Refusal>, Refusal> {
        let Some(id) = chooser.provider.immutable_id(chooser.verified) else { return Ok(None) };
        let issuer = &subject.identity.issuer;
        let mut publishers =
            self.0.stores.of_immutable_id(issuer, &id, door.ecosystem, door.package.as_deref()).await?;
        publishers.retain(|record| record.identity.issuer == *issuer && door.is_for(&record.package));
        Ok(chooser.renamed(publishers))
    }

    fn grant(
        &self,
        verified: &Verified<Claims>,
        subject: &Subject,
        door: &Door,
        token: TokenHash,
        chosen: &[Chosen],
    ) -> Grant {
        let created_at = self.now();
        let by = |Chosen { record, matched, .. }: &Chosen| GrantedBy {
            package: record.package.clone(),
            publisher: record.id.clone(),
            learned: matched.learned.clone(),
        };
        let mut packages: Vec<_> = chosen.iter().map(by).collect();
        packages.sort_by(|one, other| one.publisher.cmp(&other.publisher));
        Grant {
            replay_key: verified.replay_key(&door.replay_scope()),
            remember_until: verified.accepted_until(),
            max_uses: self.0.mint.max_uses.max(1),
            token,
            created_at,
            expires_at: created_at.plus(self.0.mint.lifetime),
            packages,
            provider: subject.provider.id().to_owned(),
            issuer: subject.identity.issuer.clone(),
            run: subject.run.clone(),
        }
    }

    /// Notes the refusal of a request that no verified token stands behind.
    pub(super) fn refused(&self, door: &Door, refusal: Refusal) -> Refusal {
        self.note(&self.event(door, refusal.kind().as_str(), refusal.to_string()), refusal)
    }

    /// Notes that a token is refused; by the issuer's name where the signature is the issuer's.
    fn unverified(&self, door: &Door, error: VerifyError) -> Refusal {
        let signer = error.signer().map(Cow::into_owned);
        let trusted: Vec<String> = match error.reason() {
            Reason::Issuer => self.0.verifier.key_status().into_iter().map(|status| status.issuer).collect(),
            _ => Vec::new(),
        };
        let refusal = Refusal::unverified(error, self.0.public_url.as_ref(), &trusted);
        let event = self.event(door, refusal.kind().as_str(), refusal.for_log());
        let event = match signer {
            Some(issuer) => event.verified(issuer, &Run::default()),
            None => event,
        };
        self.note(&event, refusal)
    }

    /// Notes the refusal of somebody unknown, with what is configured.
    async fn explain(&self, verified: &Verified<Claims>, subject: Subject, door: &Door, refusal: &Refusal) {
        let event = self.event(door, refusal.kind().as_str(), refusal.for_log());
        let explanation = Explanation {
            stores: Arc::clone(&self.0.stores),
            sinks: self.0.sinks.clone(),
            event: event.verified(verified.issuer(), &subject.run),
            provider: subject.provider,
            identity: subject.identity,
            door: door.clone(),
        };
        explanation.give(&self.0.explained).await;
    }

    /// Notes a refusal of somebody who is known.
    fn refused_to(&self, verified: &Verified<Claims>, run: &Run, door: &Door, refusal: Refusal) -> Refusal {
        let event = self.event(door, refusal.kind().as_str(), refusal.for_log());
        self.note(&event.verified(verified.issuer(), run), refusal)
    }

    fn note(&self, event: &Event, refusal: Refusal) -> Refusal {
        self.record(event);
        if let (RefusalKind::Internal, Some(source)) = (refusal.kind(), std::error::Error::source(&refusal)) {
            tracing::error!(error = %Chain::of(source), "an exchange failed");
        }
        refusal
    }

    fn event(&self, door: &Door, outcome: &'static str, reason: String) -> Event {
        let mut event = Event::new(self.now(), "exchange", door.ecosystem, outcome, reason);
        event.package.clone_from(&door.package);
        event
    }

    fn record(&self, event: &Event) {
        for sink in &self.0.sinks {
            sink.record(event);
        }
    }

    fn context(&self) -> &Context {
        self.0.verifier.context()
    }

    fn now(&self) -> Timestamp {
        self.context().clock().now()
    }
}

impl fmt::Debug for Exchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Exchange")
            .field("verifier", &self.0.verifier)
            .field("mint", &self.0.mint)
            .field("trust", &self.0.trust)
            .finish_non_exhaustive()
    }
}

/// Whom a verified token speaks for.
struct Subject {
    provider: Arc<dyn Provider>,
    /// The one that messages name.
    identity: Identity,
    /// All under which its publishers may be stored.
    identities: Vec<Identity>,
    run: Run,
}
