use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;
use std::time::Duration;

use oidc_core::verify::Verifier;
use oidc_core::{Claims, Context, HttpUrl, Mismatch, Timestamp, Verified};
use tokio::sync::Semaphore;

use super::builder::ExchangeBuilder;
use super::caller::Caller;
use super::candidates::Candidates;
use super::choose::{Candidate, Chooser, Chosen};
use super::event::EventSink;
use super::grant::{Grant, GrantedBy};
use super::granted::{Choice, Granted, is_cut};
use super::mint::TokenHash;
use super::minter::{MAX_PUBLISH_TOKEN_BYTES, MintError, Minter, NewToken, Recognised};
use super::package::PackageOwners;
use super::policy::TrustPolicy;
use super::record::PublisherRecord;
use super::recording::Asked;
use super::refusal::{Refusal, RefusalKind};
use super::request::{ExchangeRequest, Minted};
use super::store::{PublisherStore, Redeemed, TokenStore};
use super::store_error::StoreError;
use super::token::TokenRecord;
use super::unknown::UnknownClaims;
use super::validated::Validated;
use super::wording::Wording;

/// The number of decisions in one exchange, if publishers change between the decision and the grant.
const ATTEMPTS: usize = 3;
/// The time for which expired records are kept before they are purged: the clock of another process may run
/// behind, and a request that was verified in time may have waited for the store.
const PURGE_GRACE: Duration = Duration::from_secs(120);
/// The pause between two batches of a purge, as a multiple of the time that a batch takes.
const PURGE_PAUSE: u32 = 150;

/// Both stores that an exchange works on.
pub(super) trait Stores: PublisherStore + TokenStore {}
impl<T: PublisherStore + TokenStore> Stores for T {}

/// The exchange of identity tokens for publish tokens: verify, find candidates, match, use up and mint.
///
/// An endpoint such as [`npm`](super::npm) serves a registry's protocol with it. A protocol of the
/// application's own calls [`Exchange::exchange`]. Cloning is cheap, and all clones have the same settings.
///
/// ```
/// use oidc_core::verify::Verifier;
/// use oidc_exchange::server::{self, Exchange, NpmExchange, PublisherStore, TokenStore};
///
/// fn endpoint(verifier: Verifier, store: impl PublisherStore + TokenStore + 'static) -> NpmExchange {
///     server::npm(Exchange::builder(verifier, store).build())
/// }
/// ```
#[derive(Clone, Debug)]
pub struct Exchange(Arc<Inner>);

pub(super) struct Inner {
    pub(super) verifier: Verifier,
    pub(super) stores: Arc<dyn Stores>,
    pub(super) minter: Arc<dyn Minter>,
    pub(super) trust: TrustPolicy,
    pub(super) sinks: Vec<Arc<dyn EventSink>>,
    pub(super) unknown: Arc<UnknownClaims>,
    pub(super) validated: Validated,
    pub(super) public_url: Option<HttpUrl>,
    pub(super) wording: Wording,
    pub(super) owners: Option<Arc<dyn PackageOwners>>,
    pub(super) explained: Arc<Semaphore>,
}

impl Exchange {
    /// Begins to build an exchange with a verifier and a store. It uses the platforms and the context of the
    /// verifier.
    pub fn builder(verifier: Verifier, store: impl PublisherStore + TokenStore + 'static) -> ExchangeBuilder {
        ExchangeBuilder::new(verifier, Arc::new(store))
    }

    pub(super) fn of(inner: Inner) -> Self {
        Self(Arc::new(inner))
    }

    /// Returns the verifier.
    pub fn verifier(&self) -> &Verifier {
        &self.0.verifier
    }

    /// Returns the lifetime of publish tokens.
    pub fn lifetime(&self) -> Duration {
        self.0.minter.lifetime()
    }

    /// Exchanges an identity token for a publish token.
    ///
    /// # Errors
    ///
    /// With the first step that fails. Nothing is used up before the last step, so that a misconfiguration
    /// can be corrected and the same token tried again.
    pub async fn exchange(&self, token: &str, request: &ExchangeRequest) -> Result<Minted, Refusal> {
        let granted = self.attempt(token, request, Some(&*self.0.minter)).await?;
        granted.into_minted().ok_or_else(|| Refusal::internal("the exchange made no publish token"))
    }

    /// Decides on an identity token and uses it up, like [`Exchange::exchange`], without making or storing a
    /// publish token: for a registry that issues tokens itself, or accepts the request at once. The record
    /// holds the rights of a token for it.
    ///
    /// ```
    /// use oidc_exchange::server::{Exchange, ExchangeRequest, Package, Refusal};
    ///
    /// /// The repository whose job may publish the package, once for each identity token.
    /// async fn publisher(exchange: &Exchange, identity_token: &str) -> Result<Option<String>, Refusal> {
    ///     let request = ExchangeRequest::package("npm", "@acme/widget");
    ///     let record = exchange.authorize(identity_token, &request).await?;
    ///     assert!(record.for_package(&Package::new("npm", "@acme/widget")).is_some());
    ///     Ok(record.run.repository)
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// As those of [`Exchange::exchange`].
    pub async fn authorize(&self, token: &str, request: &ExchangeRequest) -> Result<TokenRecord, Refusal> {
        Ok(self.attempt(token, request, None).await?.record())
    }

    /// Verifies, decides, uses the token up, mints if there is a minter, and records the outcome.
    async fn attempt(
        &self,
        token: &str,
        request: &ExchangeRequest,
        minter: Option<&dyn Minter>,
    ) -> Result<Granted, Refusal> {
        let asked = Asked { request, began: self.context().clock().monotonic() };
        let verified = match self.0.verifier.verify(token).await {
            Ok(verified) => verified,
            Err(error) => return Err(self.unverified(asked, error)),
        };
        let caller = match self.caller(&verified) {
            Ok(caller) => caller,
            Err(refusal) => return Err(self.unidentified(&verified, asked, refusal)),
        };
        match self.decide(&verified, &caller, request, minter).await {
            Ok(granted) => {
                self.granted(&verified, &caller.run, asked, &granted);
                Ok(granted)
            }
            Err(refusal) if refusal.kind() == RefusalKind::NotTrusted => {
                self.explain(&verified, caller, asked, &refusal).await;
                Err(refusal)
            }
            Err(refusal) => Err(self.refused_to(&verified, &caller, asked, refusal)),
        }
    }

    /// Returns the rights of a presented publish token; `None` where it is no token of this registry, has
    /// expired, or was revoked.
    ///
    /// # Errors
    ///
    /// When the store can't be reached.
    pub async fn find(&self, token: &str) -> Result<Option<TokenRecord>, StoreError> {
        match self.recognise(token) {
            Some(Recognised::Stored) => self.0.stores.find(&TokenHash::of(token), self.now()).await,
            Some(Recognised::SelfContained(record)) => {
                Ok(Some(record).filter(|record| !record.has_expired(self.now())))
            }
            None => Ok(None),
        }
    }

    /// Returns `true` if a text has the form of this registry's publish tokens, valid or not.
    pub fn is_ours(&self, token: &str) -> bool {
        self.recognise(token).is_some()
    }

    /// Revokes a publish token. The result does not tell whether the token existed. A
    /// [self-contained](super::NewToken::SelfContained) token can't be revoked.
    ///
    /// # Errors
    ///
    /// When the store can't be reached.
    pub async fn revoke(&self, token: &str) -> Result<(), StoreError> {
        match self.recognise(token) {
            Some(Recognised::Stored) => self.0.stores.revoke(&TokenHash::of(token)).await,
            Some(Recognised::SelfContained(_)) | None => Ok(()),
        }
    }

    fn recognise(&self, token: &str) -> Option<Recognised> {
        // Bounded before a minter of the application works on it.
        if token.len() > MAX_PUBLISH_TOKEN_BYTES {
            return None;
        }
        self.0.minter.recognise(token)
    }

    /// Purges records that expired more than two minutes ago, in batches of `limit`, until none are left.
    /// Returns their number.
    ///
    /// Exchanges may have to wait for a batch, so a pause of 150 times its duration follows each: of the exchanges at that time, fewer
    /// than one in a hundred wait.
    ///
    /// # Errors
    ///
    /// When the store can't be reached.
    pub async fn purge(&self, limit: u32) -> Result<u64, StoreError> {
        let (clock, limit) = (self.context().clock(), limit.max(1));
        let mut total = 0;
        loop {
            let began = clock.monotonic();
            let purged = self.0.stores.purge(self.now().minus(PURGE_GRACE), limit).await?;
            total += purged;
            if purged < u64::from(limit) {
                return Ok(total);
            }
            let pause = clock.monotonic().saturating_sub(began).saturating_mul(PURGE_PAUSE);
            clock.sleep(pause).await;
        }
    }

    fn caller(&self, verified: &Verified<Claims>) -> Result<Caller, Refusal> {
        let provider = self.0.verifier.provider_of(verified).map(Arc::clone);
        let provider =
            provider.ok_or_else(|| Refusal::internal("the token was verified by another verifier"))?;
        self.0.unknown.report(provider.profile(), verified);
        let unidentified = |mismatch: Mismatch| Refusal::unidentified(&mismatch);
        let identity = provider.identify(verified).map_err(unidentified)?;
        let identities = provider.identities(verified).map_err(unidentified)?;
        let run = provider.run(verified);
        Ok(Caller { provider, identity, identities, run })
    }

    async fn decide(
        &self,
        verified: &Verified<Claims>,
        caller: &Caller,
        request: &ExchangeRequest,
        minter: Option<&dyn Minter>,
    ) -> Result<Granted, Refusal> {
        // Publishers may change between the decision and the grant, and then the decision is made again.
        for _ in 0..ATTEMPTS {
            let mut choice = self.choose(verified, caller, request).await?;
            let mut grant = self.grant(verified, caller, request, &choice.chosen);
            let mut token = None;
            if let Some(minter) = minter {
                let mut text = minter.mint(&grant, self.context().random()).await?;
                // A text that carries the grant has room for the job's own packages, however many strangers
                // named the repository.
                while is_too_long(&text) && choice.leave_strangers_out() {
                    grant = self.grant(verified, caller, request, &choice.chosen);
                    text = minter.mint(&grant, self.context().random()).await?;
                }
                token = Some(not_too_long(text, &grant)?);
            }
            // Set after minting, since the minter needs the grant to make the text.
            grant.token = token.as_ref().and_then(NewToken::hash);
            let renewal = caller.provider.renewal(self.token_variable(request));
            // Reading the store and minting took time, in which the token may have expired.
            if verified.accepted_until() <= self.now() {
                return Err(Refusal::too_late(&renewal));
            }
            match self.0.stores.redeem(&grant).await? {
                Redeemed::Granted => return Ok(Granted::new(token, choice, grant, &[])),
                Redeemed::Partly(left_out) => {
                    let granted = Granted::new(token, choice, grant, &left_out);
                    let used_up = |error| Refusal::used_up(error, &renewal);
                    return self.narrowed(granted, minter).await.map_err(used_up);
                }
                Redeemed::AlreadyUsed => {
                    return Err(Refusal::already_used(
                        request.package.as_deref(),
                        grant.max_uses,
                        verified.expires_at(),
                        &renewal,
                    ));
                }
                Redeemed::Unknowable => return Err(Refusal::unknowable(&renewal)),
                Redeemed::Superseded => {}
            }
        }
        Err(Refusal::superseded())
    }

    /// Completes a grant that the store made smaller. A token that carries its grant is made again, since the
    /// first token, which nobody has seen, claims too much.
    async fn narrowed(
        &self,
        mut granted: Granted,
        minter: Option<&dyn Minter>,
    ) -> Result<Granted, MintError> {
        if let (Some(NewToken::SelfContained(_)), Some(minter)) = (&granted.token, minter) {
            match self.mint(minter, &granted.grant).await? {
                token @ NewToken::SelfContained(_) => granted.token = Some(token),
                NewToken::Stored(_) => {
                    return Err(MintError::new("the minter made a token that the store should have kept"));
                }
            }
        }
        Ok(granted)
    }

    async fn mint(&self, minter: &dyn Minter, grant: &Grant) -> Result<NewToken, MintError> {
        not_too_long(minter.mint(grant, self.context().random()).await?, grant)
    }

    async fn choose(
        &self,
        verified: &Verified<Claims>,
        caller: &Caller,
        request: &ExchangeRequest,
    ) -> Result<Choice, Refusal> {
        let package = request.package.as_deref();
        let mut found = self.0.stores.candidates(&caller.identities, request.ecosystem, package).await?;
        // Decided by what the store returned, before records are filtered out below.
        let is_cut = is_cut(&found, package);
        // The store only narrows the choice; its records are compared with the identity once more.
        let is_of = |record: &PublisherRecord| caller.identities.contains(&record.identity);
        let is_candidate = |record: &PublisherRecord| is_of(record) && request.is_for(&record.package);
        found.known.retain(is_candidate);
        found.others.retain(is_candidate);
        let mut found = self.without_former(found, verified, caller).await?;
        let mut prefixes = self.prefixes(caller, request).await?;
        prefixes.publishers.retain(is_of);
        found.known.append(&mut prefixes.publishers);
        // A publisher for a prefix creates no package.
        let candidates = Candidate::all(found, |record| !(record.pending && record.package.is_prefix()));
        let beside = self.beside(&candidates, verified, caller, request).await?;
        let provider = &*caller.provider;
        let (validated, policy, wording) = (&self.0.validated, &self.0.trust, &self.0.wording);
        let chooser = Chooser { provider, verified, validated, policy, wording, now: self.now() };
        match chooser.choose(&candidates, &beside, request, &caller.identity) {
            Ok(chosen) => Ok(Choice { chosen, is_cut }),
            Err(refusal) if refusal.kind() == RefusalKind::NotTrusted => {
                let renamed = self.renamed(&chooser, caller, request, &prefixes.owners).await?;
                Err(renamed.unwrap_or(refusal).of_first(is_cut))
            }
            Err(refusal) => Err(refusal.of_first(is_cut)),
        }
    }

    /// Moves the pending publishers of accounts that are known by the name alone to the strangers': such an account published by
    /// another repository, which had the name before.
    async fn without_former(
        &self,
        found: Candidates,
        verified: &Verified<Claims>,
        caller: &Caller,
    ) -> Result<Candidates, Refusal> {
        let Some(id) = caller.provider.immutable_id(verified) else { return Ok(found) };
        let Candidates { known, mut others } = found;
        let (pending, mut known): (Vec<_>, Vec<_>) =
            known.into_iter().partition(|record| record.pending && record.account.is_some());
        let mut asked = BTreeMap::new();
        for record in pending {
            let account = record.account.clone().unwrap_or_default();
            let place = asked.entry((account, record.identity.key.clone()));
            let is_proven = match place {
                Entry::Occupied(known) => *known.get(),
                Entry::Vacant(place) => {
                    let is_proven = self.0.stores.is_proven(&place.key().0, &record.identity, &id).await?;
                    *place.insert(is_proven)
                }
            };
            if is_proven { known.push(record) } else { others.push(record) }
        }
        Ok(Candidates::new(known, others))
    }

    fn token_variable<'a>(&'a self, request: &ExchangeRequest) -> Option<&'a str> {
        self.0.wording.token_variable.as_deref().or(request.token_variable)
    }

    fn grant(
        &self,
        verified: &Verified<Claims>,
        caller: &Caller,
        request: &ExchangeRequest,
        chosen: &[Chosen],
    ) -> Grant {
        let created_at = self.now();
        let by = |Chosen { record, matched, .. }: &Chosen| GrantedBy {
            package: request.named().unwrap_or_else(|| record.package.clone()),
            publisher: record.id.clone(),
            may_create: record.pending,
            only_of: record.package.is_prefix().then(|| record.owner()),
            learned: matched.learned.clone(),
        };
        let mut packages: Vec<_> = chosen.iter().map(by).collect();
        // Stores lock in this order: see `Grant::packages`.
        packages.sort_by(|one, other| one.publisher.cmp(&other.publisher));
        Grant {
            replay_key: verified.replay_key(&request.replay_scope()),
            // The verifier's leeway is the time from `exp` to the end of acceptance.
            issued_at: verified.issued_at().minus(verified.accepted_until().since(verified.expires_at())),
            remember_until: verified.accepted_until(),
            // A minter of the application may return 0, with which no token could be exchanged at all.
            max_uses: self.0.minter.max_uses().max(1),
            token: None,
            created_at,
            expires_at: created_at.plus(self.0.minter.lifetime()),
            packages,
            provider: caller.provider.id().to_owned(),
            issuer: caller.identity.issuer.clone(),
            run: caller.run.clone(),
        }
    }

    pub(super) fn inner(&self) -> &Inner {
        &self.0
    }

    pub(super) fn context(&self) -> &Context {
        self.0.verifier.context()
    }

    pub(super) fn now(&self) -> Timestamp {
        self.context().clock().now()
    }
}

fn is_too_long(token: &NewToken) -> bool {
    token.text().expose().len() > MAX_PUBLISH_TOKEN_BYTES
}

fn not_too_long(token: NewToken, grant: &Grant) -> Result<NewToken, MintError> {
    if is_too_long(&token) {
        return Err(MintError::new(format!(
            "the publish token for {} packages is longer than {MAX_PUBLISH_TOKEN_BYTES} bytes",
            grant.packages.len()
        )));
    }
    Ok(token)
}
