//! Publishers for prefixes of packages' names in an exchange, and what publishers know of each other's ids.

use std::collections::BTreeSet;

use oidc_core::{Claims, ImmutableId, Verified};

use super::Exchange;
use super::caller::Caller;
use crate::server::choose::{Candidate, Chooser};
use crate::server::package::Package;
use crate::server::package_owner::PackageOwner;
use crate::server::record::PublisherRecord;
use crate::server::refusal::Refusal;
use crate::server::request::ExchangeRequest;

/// The number of owners that a store is asked for at once, and of a package's owners that are read.
const MAX_OWNERS: usize = 32;

/// The publishers for the prefixes of the package that a request names.
#[derive(Default)]
pub(super) struct Prefixes {
    /// The package's owners.
    pub(super) owners: Vec<PackageOwner>,
    /// Their publishers for prefixes that cover the package.
    pub(super) publishers: Vec<PublisherRecord>,
}

impl Exchange {
    /// Returns the owners' publishers for the prefixes of the package that the request names, where the
    /// application has a source of owners. The store gets an equal query where there is no such package, so that
    /// the time does not reveal the existence of the package.
    pub(super) async fn prefixes(
        &self,
        caller: &Caller,
        request: &ExchangeRequest,
    ) -> Result<Prefixes, Refusal> {
        let inner = &self.0;
        let named = request.named().filter(|named| self.may_have_prefixes(named));
        let (Some(package), Some(application)) = (named, &inner.owners) else {
            return Ok(Prefixes::default());
        };
        let prefixes = package.prefixes();
        let mut owners = application.owners(&package).await?;
        owners.truncate(MAX_OWNERS);
        let nobody = [PackageOwner::Operator];
        let asked = if owners.is_empty() { &nobody[..] } else { &owners };
        let mut publishers = inner.stores.of_prefixes(&caller.identities, asked, &prefixes).await?;
        publishers.retain(|record| owners.contains(&record.owner()) && record.package.covers(&package));
        Ok(Prefixes { owners, publishers })
    }

    /// Returns the publishers that have learned ids, of the owners of candidates that have yet to learn theirs and
    /// are for a prefix, or for a package that a prefix of the same owner may cover.
    pub(super) async fn beside(
        &self,
        candidates: &[Candidate],
        verified: &Verified<Claims>,
        caller: &Caller,
        request: &ExchangeRequest,
    ) -> Result<Vec<PublisherRecord>, Refusal> {
        let inner = &self.0;
        if !inner.trust.allows_prefixes() || caller.immutable_ids(verified).is_empty() {
            return Ok(Vec::new());
        }
        let may_share = |package: &Package| package.is_prefix() || !package.prefixes().is_empty();
        let has_to_learn = |record: &PublisherRecord| record.lapses && record.learned.is_empty();
        let records = candidates.iter().map(|candidate| &*candidate.record);
        let learning = records.filter(|record| has_to_learn(record) && may_share(&record.package));
        let owners: BTreeSet<PackageOwner> = learning.map(PublisherRecord::owner).collect();
        let owners: Vec<PackageOwner> = owners.into_iter().collect();
        let mut found = Vec::new();
        for some in owners.chunks(MAX_OWNERS) {
            found.extend(inner.stores.learned(&caller.identities, some, request.ecosystem).await?);
        }
        found.retain(|record| caller.identities.contains(&record.identity));
        Ok(found)
    }

    /// Returns the refusal of a repository, or of its owner, that was trusted under another name, which the immutable
    /// id proves. Only publishers with that id are read, so that neither the answer nor its time depends on other
    /// accounts' publishers. `owners` are those of the package that the request names, and only publishers for which
    /// `counts` returns `true` are told.
    pub(super) async fn renamed(
        &self,
        chooser: &Chooser<'_>,
        caller: &Caller,
        request: &ExchangeRequest,
        owners: &[PackageOwner],
        counts: impl Fn(&PublisherRecord) -> bool,
    ) -> Result<Option<Refusal>, Refusal> {
        let issuer = &caller.identity.issuer;
        let mut publishers = Vec::new();
        for id in caller.immutable_ids(chooser.verified) {
            publishers.extend(self.of_immutable_id(issuer, &id, request, owners).await?);
        }
        publishers.retain(|record| record.identity.issuer == *issuer && counts(record));
        Ok(chooser.renamed(publishers))
    }

    /// Returns the publishers with an immutable id that are for what the request names.
    async fn of_immutable_id(
        &self,
        issuer: &str,
        id: &ImmutableId,
        request: &ExchangeRequest,
        owners: &[PackageOwner],
    ) -> Result<Vec<PublisherRecord>, Refusal> {
        let (stores, package) = (&self.0.stores, request.package.as_deref());
        let mut publishers = stores.of_immutable_id(issuer, id, request.ecosystem, package).await?;
        publishers.retain(|record| request.is_for(&record.package));
        if let Some(named) = request.named().filter(|named| self.may_have_prefixes(named)) {
            let mut prefixes = stores.of_immutable_id(issuer, id, request.ecosystem, None).await?;
            prefixes.retain(|record| record.package.covers(&named) && owners.contains(&record.owner()));
            publishers.extend(prefixes);
        }
        Ok(publishers)
    }

    /// Returns `true` if publishers for prefixes of the name are looked up. It does not depend on the existence of
    /// the package.
    fn may_have_prefixes(&self, package: &Package) -> bool {
        let inner = &self.0;
        inner.owners.is_some() && inner.trust.allows_prefixes() && !package.prefixes().is_empty()
    }
}
