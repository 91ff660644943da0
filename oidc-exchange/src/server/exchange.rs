use std::fmt;
use std::sync::Arc;

use oidc_core::verify::Verifier;
use oidc_core::{Claims, Context, Identity, LEEWAY, Match, Provider, Run, Secret, Timestamp, Verified};

use super::chain::Chain;
use super::event::{Event, EventSink, Events};
use super::grant::{Grant, GrantedBy};
use super::mint::{MintPolicy, TokenHash};
use super::refusal::Refusal;
use super::store::{Package, PublisherRecord, PublisherStore, Redeemed, StoreError, TokenRecord, TokenStore};

/// Both stores that an exchange works on.
trait Stores: PublisherStore + TokenStore {}
impl<T: PublisherStore + TokenStore> Stores for T {}

/// The exchange: verify, find candidates, match, burn and mint.
///
/// Cloning is cheap. The doors ([`npm`](super::npm) and its siblings) put a protocol before it.
#[derive(Clone)]
pub struct Exchange(Arc<Inner>);

struct Inner {
    verifier: Verifier,
    stores: Arc<dyn Stores>,
    policy: MintPolicy,
    sinks: Vec<Arc<dyn EventSink>>,
}

/// What a protocol's endpoint asks for.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Door {
    /// The protocol, such as `npm`.
    pub ecosystem: &'static str,
    /// The package, in a protocol that names one. Its name is then the replay scope: a token may be exchanged
    /// for each package of a monorepo.
    pub package: String,
}

/// A publish token, just minted. This is the only time that its text is seen.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Minted {
    /// The token.
    pub token: Secret,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
}

impl Exchange {
    /// An exchange over a verifier and a store, with the platforms and the outside world of the verifier.
    pub fn new(
        verifier: Verifier,
        store: impl PublisherStore + TokenStore + 'static,
        policy: MintPolicy,
    ) -> Self {
        Self(Arc::new(Inner { verifier, stores: Arc::new(store), policy, sinks: vec![Arc::new(Events)] }))
    }

    /// With one more place that events go to.
    #[must_use]
    pub fn with_sink(self, sink: impl EventSink + 'static) -> Self {
        let Inner { verifier, stores, policy, sinks } = &*self.0;
        let mut sinks = sinks.clone();
        sinks.push(Arc::new(sink));
        let (verifier, stores, policy) = (verifier.clone(), Arc::clone(stores), policy.clone());
        Self(Arc::new(Inner { verifier, stores, policy, sinks }))
    }

    /// The verifier.
    pub fn verifier(&self) -> &Verifier {
        &self.0.verifier
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
            Err(error) => return Err(self.refused(door, None, error.into())),
        };
        let subject = match self.subject(&verified) {
            Ok(subject) => subject,
            Err(refusal) => return Err(self.refused(door, None, refusal)),
        };
        match self.decide(&verified, &subject, door).await {
            Ok((minted, reason)) => {
                let event = self.event(door, "granted", reason);
                self.record(&event.verified(verified.issuer(), &subject.run));
                Ok(minted)
            }
            Err(refusal) => Err(self.refused(door, Some((&verified, &subject.run)), refusal)),
        }
    }

    /// What a presented publish token may do; `None` where it is none of this registry's, over, or ended.
    ///
    /// # Errors
    ///
    /// When the store can't be reached.
    pub async fn find(&self, token: &str) -> Result<Option<TokenRecord>, StoreError> {
        match self.0.policy.recognise(token) {
            Some(hash) => self.0.stores.find(&hash, self.now()).await,
            None => Ok(None),
        }
    }

    /// Ends a publish token. Whether there was one shows in nothing.
    ///
    /// # Errors
    ///
    /// When the store can't be reached.
    pub async fn revoke(&self, token: &str) -> Result<(), StoreError> {
        match self.0.policy.recognise(token) {
            Some(hash) => self.0.stores.revoke(&hash).await,
            None => Ok(()),
        }
    }

    /// Forgets what is over, in batches of `limit`, until nothing is left; returns how much that was.
    ///
    /// # Errors
    ///
    /// When the store can't be reached.
    pub async fn purge(&self, limit: u32) -> Result<u64, StoreError> {
        let mut total = 0;
        loop {
            let purged = self.0.stores.purge(self.now(), limit).await?;
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
        let identity = provider.identify(verified).map_err(|mismatch| Refusal::unidentified(&mismatch))?;
        let run = provider.run(verified);
        Ok(Subject { provider, identity, run })
    }

    async fn decide(
        &self,
        verified: &Verified<Claims>,
        subject: &Subject,
        door: &Door,
    ) -> Result<(Minted, String), Refusal> {
        let identity = &subject.identity;
        let candidates = self.0.stores.candidates(identity, door.ecosystem, Some(&door.package)).await?;
        // The store only narrows; what it hands over is held against the identity once more.
        let is_candidate = |record: &PublisherRecord| {
            record.identity == *identity
                && record.package == Package::new(door.ecosystem, door.package.as_str())
        };
        let candidates = candidates.into_iter().filter(is_candidate).collect();
        let Chosen { record, matched, description } = choose(&*subject.provider, verified, candidates)?
            .ok_or_else(|| Refusal::not_trusted(&door.package, &identity.issuer, &identity.key))?;
        let token = self.0.policy.mint(self.context().random())?;
        let created_at = self.now();
        let expires_at = created_at.plus(self.0.policy.lifetime);
        let grant = Grant {
            replay_key: verified.replay_key(&format!("{}:{}", door.ecosystem, door.package)),
            remember_until: verified.expires_at().plus(LEEWAY),
            max_uses: self.0.policy.max_uses,
            token: TokenHash::of(token.expose()),
            created_at,
            expires_at,
            packages: vec![GrantedBy {
                package: record.package,
                publisher: record.id,
                learned: matched.learned,
                may_create: record.pending,
            }],
            provider: subject.provider.id().to_owned(),
            issuer: identity.issuer.clone(),
            run: subject.run.clone(),
        };
        match self.0.stores.redeem(&grant).await? {
            Redeemed::Granted => Ok((Minted { token, created_at, expires_at }, description)),
            Redeemed::AlreadyUsed => {
                Err(Refusal::already_used(&door.package, grant.max_uses, verified.expires_at()))
            }
            Redeemed::Superseded => Err(Refusal::superseded()),
        }
    }

    fn refused(&self, door: &Door, verified: Option<(&Verified<Claims>, &Run)>, refusal: Refusal) -> Refusal {
        let mut event = self.event(door, refusal.kind().as_str(), refusal.to_string());
        if let Some((verified, run)) = verified {
            event = event.verified(verified.issuer(), run);
        }
        self.record(&event);
        if let (super::RefusalKind::Internal, Some(source)) =
            (refusal.kind(), std::error::Error::source(&refusal))
        {
            tracing::error!(error = %Chain::of(source), "an exchange failed");
        }
        refusal
    }

    fn event(&self, door: &Door, outcome: &'static str, reason: String) -> Event {
        Event::new(self.now(), "exchange", door.ecosystem, outcome, reason).package(door.package.as_str())
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
            .field("policy", &self.0.policy)
            .finish()
    }
}

/// Whom a verified token speaks for.
struct Subject {
    provider: Arc<dyn Provider>,
    identity: Identity,
    run: Run,
}

struct Chosen {
    record: PublisherRecord,
    matched: Match,
    description: String,
}

/// The most specific publisher that lets the token in; of equally specific ones the oldest. `None` where there is
/// no candidate at all.
fn choose(
    provider: &dyn Provider,
    verified: &Verified<Claims>,
    candidates: Vec<PublisherRecord>,
) -> Result<Option<Chosen>, Refusal> {
    let mut best: Option<Chosen> = None;
    let mut nearest = None;
    let mut differing = 0_usize;
    for record in candidates {
        let publisher = match provider.publisher(&record.rules()) {
            Ok(publisher) => publisher,
            Err(error) => {
                tracing::error!(publisher = %record.id, %error, "a stored publisher can't be used and is passed over");
                continue;
            }
        };
        match publisher.check(verified) {
            Ok(matched) => {
                let is_better =
                    best.as_ref().is_none_or(|best| matched.specificity > best.matched.specificity);
                if is_better {
                    best = Some(Chosen { description: publisher.describe(), record, matched });
                }
            }
            Err(mismatch) => {
                differing += 1;
                nearest.get_or_insert((record.package, mismatch));
            }
        }
    }
    match (best, nearest) {
        (Some(best), _) => Ok(Some(best)),
        (None, Some((package, mismatch))) => Err(Refusal::rule_differs(&package, &mismatch, differing - 1)),
        (None, None) => Ok(None),
    }
}
