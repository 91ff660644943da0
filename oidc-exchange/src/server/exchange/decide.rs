//! The decision of an exchange: choose among the publishers, make the publish token, use the identity token up.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use oidc_core::{Claims, Verified};

use super::Exchange;
use super::caller::Caller;
use crate::server::candidates::Candidates;
use crate::server::choose::{Candidate, Chooser, Chosen};
use crate::server::grant::{Grant, GrantedBy};
use crate::server::granted::{Choice, Granted};
use crate::server::minter::{MAX_PUBLISH_TOKEN_BYTES, MintError, Minter, NewToken};
use crate::server::record::PublisherRecord;
use crate::server::refusal::Refusal;
use crate::server::refusal_kind::RefusalKind;
use crate::server::request::ExchangeRequest;
use crate::server::store::Redeemed;

/// The number of decisions in one exchange, if publishers change between the decision and the grant.
const ATTEMPTS: usize = 3;

impl Exchange {
    /// Decides and uses the token up. Publishers may change between the decision and the grant, and then the decision
    /// is made again.
    pub(super) async fn decide(
        &self,
        verified: &Verified<Claims>,
        caller: &Caller,
        request: &ExchangeRequest,
        minter: Option<&dyn Minter>,
    ) -> Result<Granted, Refusal> {
        for _ in 0..ATTEMPTS {
            if let Some(granted) = self.decide_once(verified, caller, request, minter).await? {
                return Ok(granted);
            }
        }
        Err(Refusal::superseded())
    }

    /// Decides once; `None` where publishers changed meanwhile.
    async fn decide_once(
        &self,
        verified: &Verified<Claims>,
        caller: &Caller,
        request: &ExchangeRequest,
        minter: Option<&dyn Minter>,
    ) -> Result<Option<Granted>, Refusal> {
        let mut choice = self.choose(verified, caller, request).await?;
        let (grant, token) = self.prepare(verified, caller, request, minter, &mut choice).await?;
        let renewal = caller.provider.renewal(self.token_variable(request));
        // Reading the store and minting took time, in which the token may have expired.
        if verified.accepted_until() <= self.now() {
            return Err(Refusal::too_late(&renewal));
        }
        match self.0.stores.redeem(&grant).await? {
            Redeemed::Granted => Ok(Some(Granted::new(token, choice, grant, &[]))),
            Redeemed::Partly(left_out) => {
                let granted = Granted::new(token, choice, grant, &left_out);
                let used_up = |error| Refusal::used_up(error, &renewal);
                self.narrowed(granted, minter).await.map(Some).map_err(used_up)
            }
            Redeemed::AlreadyUsed => {
                let package = request.package.as_deref();
                Err(Refusal::already_used(package, grant.max_uses, verified.expires_at(), &renewal))
            }
            Redeemed::Unknowable => Err(Refusal::unknowable(&renewal)),
            Redeemed::Superseded => Ok(None),
        }
    }

    /// Makes the grant of a choice, and the token for it where there is a minter. A text that carries the grant has
    /// room for the job's own packages, however many strangers named the repository: these are left out of the
    /// choice where it is too long.
    async fn prepare(
        &self,
        verified: &Verified<Claims>,
        caller: &Caller,
        request: &ExchangeRequest,
        minter: Option<&dyn Minter>,
        choice: &mut Choice,
    ) -> Result<(Grant, Option<NewToken>), MintError> {
        loop {
            let grant = self.grant(verified, caller, request, &choice.chosen);
            let Some(minter) = minter else { return Ok((grant, None)) };
            let token = minter.mint(&grant, self.context().random()).await?;
            if !is_too_long(&token) {
                // Set after minting, since the minter needs the grant to make the text.
                return Ok((Grant { token: token.hash(), ..grant }, Some(token)));
            }
            if !choice.leave_strangers_out() {
                return Err(too_long(&grant));
            }
        }
    }

    /// Completes a grant that the store made smaller. A token that carries its grant is made again, since the
    /// first token, which nobody has seen, claims too much.
    async fn narrowed(
        &self,
        mut granted: Granted,
        minter: Option<&dyn Minter>,
    ) -> Result<Granted, MintError> {
        if let (Some(NewToken::SelfContained(_)), Some(minter)) = (&granted.token, minter) {
            match minter.mint(&granted.grant, self.context().random()).await? {
                token if is_too_long(&token) => return Err(too_long(&granted.grant)),
                token @ NewToken::SelfContained(_) => granted.token = Some(token),
                NewToken::Stored(_) => {
                    return Err(MintError::new("the minter made a token that the store should have kept"));
                }
            }
        }
        Ok(granted)
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
        let is_cut = found.is_cut(package);
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
        let refusal = match chooser.choose(&candidates, &beside, request, &caller.identity) {
            Ok(chosen) => return Ok(Choice { chosen, is_cut }),
            Err(refusal) => refusal,
        };
        let is_nearest = |one: &&Candidate| refusal.nearest() == Some(&one.record.id);
        let is_of_known = candidates.iter().find(is_nearest).is_some_and(Candidate::is_known);
        let renamed = match refusal.kind() {
            RefusalKind::NotTrusted => {
                self.renamed(&chooser, caller, request, &prefixes.owners, |_| true).await?
            }
            // A stranger may name the repository by its new name, which must not hide what is wrong from its owner.
            RefusalKind::RuleDiffers if !is_of_known => {
                let is_known = |record: &PublisherRecord| record.account.is_none() || record.proven;
                self.renamed(&chooser, caller, request, &prefixes.owners, is_known).await?
            }
            _ => None,
        };
        Err(renamed.unwrap_or(refusal).of_first(is_cut))
    }

    /// Moves the pending publishers of accounts that are known by the name alone to the strangers': such an
    /// account published by another repository, which had the name before.
    async fn without_former(
        &self,
        found: Candidates,
        verified: &Verified<Claims>,
        caller: &Caller,
    ) -> Result<Candidates, Refusal> {
        let Candidates { known, mut others } = found;
        let (pending, mut known): (Vec<_>, Vec<_>) =
            known.into_iter().partition(|record| record.pending && record.account.is_some());
        let mut asked = BTreeMap::new();
        for record in pending {
            let Some(id) = caller.provider.immutable_id(&record.identity, verified) else {
                known.push(record);
                continue;
            };
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
}

fn is_too_long(token: &NewToken) -> bool {
    token.text().expose().len() > MAX_PUBLISH_TOKEN_BYTES
}

fn too_long(grant: &Grant) -> MintError {
    MintError::new(format!(
        "the publish token for {} packages is longer than {MAX_PUBLISH_TOKEN_BYTES} bytes",
        grant.packages.len()
    ))
}
