//! The choice among an identity's publishers: made within each package, and united over all packages.

use std::collections::BTreeMap;
use std::sync::Arc;

use oidc_core::{
    Claims, Diagnosis, FieldValue, Identity, Match, Mismatch, Provider, Target, Timestamp, Unverified,
    Verified, shown,
};

use super::candidates::Candidates;
use super::package::Package;
use super::policy::{PublisherState, TrustPolicy};
use super::record::PublisherRecord;
use super::refusal::{Job, Refusal};
use super::request::ExchangeRequest;
use super::validated::{Read, Validated};
use super::wording::Wording;
use crate::codes;

/// The publisher that accepts a token for one package.
pub(super) struct Chosen {
    pub(super) record: Arc<PublisherRecord>,
    pub(super) matched: Match,
    /// One line for a person.
    pub(super) description: Arc<str>,
    /// The same as [`Candidate::is_known`].
    pub(super) is_known: bool,
}

impl Chosen {
    /// Returns `true` if this publisher is chosen in place of an older one in the same place: a regular publisher
    /// before a pending one, that for the longer prefix, then the more specific one.
    ///
    /// Of a package that is still to be created, anybody may have pending publishers, and the account of the
    /// chosen one gets the package. Between accounts, the known ones come first, then the oldest publisher: a
    /// stranger who names the same repository with more rules gains nothing.
    fn is_before(&self, older: &Self) -> bool {
        let rank = |chosen: &Self| (chosen.record.package.name.len(), chosen.matched.specificity);
        match (self.record.pending, older.record.pending) {
            (true, true) if self.record.account != older.record.account => self.is_known && !older.is_known,
            (true, true) | (false, false) => rank(self) > rank(older),
            (is_pending, _) => !is_pending,
        }
    }
}

/// A publisher that may accept the token.
pub(super) struct Candidate {
    pub(super) record: Arc<PublisherRecord>,
    /// `true` if its account is the operator or is known to publish by its identity.
    is_known: bool,
}

impl Candidate {
    /// Returns `true` if its account is the operator or is known to publish by its identity.
    pub(super) fn is_known(&self) -> bool {
        self.is_known
    }

    /// The publishers for which `is_candidate` returns `true`, from the oldest to the newest.
    pub(super) fn all(found: Candidates, is_candidate: impl Fn(&PublisherRecord) -> bool) -> Vec<Self> {
        let of = |is_known| move |record| Self { record: Arc::new(record), is_known };
        let known = found.known.into_iter().map(of(true));
        let others = found.others.into_iter().map(of(false));
        let mut all: Vec<_> = known.chain(others).filter(|one| is_candidate(&one.record)).collect();
        all.sort_by(|Self { record: one, .. }, Self { record: other, .. }| {
            (one.created_at, &one.id).cmp(&(other.created_at, &other.id))
        });
        all
    }
}

/// A candidate whose rules did not all match.
struct Differing<'a> {
    candidate: &'a Candidate,
    mismatch: Mismatch,
}

/// The key of a group of publishers, of which one decides: a package, or a prefix together with an account.
/// Publishers of different accounts for the same prefix are independent of each other. Where a package is named, an
/// account's prefixes are one group.
type Place = (Package, Option<Option<String>>);

fn place(record: &PublisherRecord, named: Option<&Package>) -> Place {
    let account = record.package.is_prefix().then(|| record.account.clone());
    (named.unwrap_or(&record.package).clone(), account)
}

/// The publishers that have learned their ids, grouped so that the look-up does not search all of them.
struct Learned<'a> {
    named: Option<&'a Package>,
    /// Of the candidates where a package is named, all of which are for it.
    of_named: Vec<&'a PublisherRecord>,
    of_package: BTreeMap<&'a Package, Vec<&'a PublisherRecord>>,
    of_account: BTreeMap<Option<&'a str>, Vec<&'a PublisherRecord>>,
}

impl<'a> Learned<'a> {
    fn of(candidates: &'a [Candidate], beside: &'a [PublisherRecord], named: Option<&'a Package>) -> Self {
        let has_learned = |record: &&PublisherRecord| !record.learned.is_empty();
        let of_candidates: Vec<_> =
            candidates.iter().map(|candidate| &*candidate.record).filter(has_learned).collect();
        let (mut of_package, mut of_account) = (BTreeMap::<_, Vec<_>>::new(), BTreeMap::<_, Vec<_>>::new());
        for record in &of_candidates {
            of_package.entry(&record.package).or_default().push(*record);
        }
        // Those beside them may be of other packages and of strangers, and are for their own account's alone.
        for record in of_candidates.iter().copied().chain(beside.iter().filter(has_learned)) {
            of_account.entry(record.account.as_deref()).or_default().push(record);
        }
        let of_named = if named.is_some() { of_candidates } else { Vec::new() };
        Self { named, of_named, of_package, of_account }
    }

    /// Returns the ids that a publisher requires although it has not learned any itself.
    fn known_to(&self, record: &PublisherRecord) -> Option<&'a BTreeMap<String, String>> {
        if !record.learned.is_empty() {
            return None;
        }
        let none = Vec::new();
        let of_package = match self.named {
            Some(_) => &self.of_named,
            None => self.of_package.get(&record.package).unwrap_or(&none),
        };
        let of_account = self.of_account.get(&record.account.as_deref()).unwrap_or(&none);
        record.known_beside(of_package.iter().chain(of_account).copied(), self.named)
    }
}

/// A token that is compared with publishers at one point in time.
pub(super) struct Chooser<'a> {
    pub(super) provider: &'a dyn Provider,
    pub(super) verified: &'a Verified<Claims>,
    pub(super) validated: &'a Validated,
    pub(super) policy: &'a TrustPolicy,
    pub(super) wording: &'a Wording,
    pub(super) now: Timestamp,
}

impl Chooser<'_> {
    /// Chooses for each package, and for each account's prefix, the publisher that accepts the token and
    /// [comes before](Chosen::is_before) all others. `candidates` are ordered from the oldest to the newest. The ids that
    /// publishers `beside` them have learned are required by candidates of the same account; they accept nobody themselves.
    ///
    /// The content of a refusal is decided here only. The configuration of the nearest publisher is told only
    /// to a token that proved the same repository, by its id where the publisher has one. All other tokens
    /// get the same words, whatever publishers exist.
    pub(super) fn choose(
        &self,
        candidates: &[Candidate],
        beside: &[PublisherRecord],
        request: &ExchangeRequest,
        identity: &Identity,
    ) -> Result<Vec<Chosen>, Refusal> {
        let mut best: BTreeMap<Place, Chosen> = BTreeMap::new();
        let mut differing: Vec<Differing<'_>> = Vec::new();
        let named = request.named();
        let learned = Learned::of(candidates, beside, named.as_ref());
        for candidate in candidates {
            match self.check(&candidate.record, learned.known_to(&candidate.record)) {
                Some(Ok(chosen)) => {
                    let chosen = Chosen { is_known: candidate.is_known, ..chosen };
                    let place = place(&candidate.record, named.as_ref());
                    if best.get(&place).is_none_or(|best| chosen.is_before(best)) {
                        best.insert(place, chosen);
                    }
                }
                Some(Err(mismatch)) => differing.push(Differing { candidate, mismatch }),
                None => {}
            }
        }
        if best.is_empty() {
            return Err(self.refusal(differing, request, identity));
        }
        Ok(best.into_values().collect())
    }

    /// The refusal of a token that no publisher accepts.
    fn refusal(
        &self,
        differing: Vec<Differing<'_>>,
        request: &ExchangeRequest,
        identity: &Identity,
    ) -> Refusal {
        let (strangers, own): (Vec<_>, Vec<_>) =
            differing.into_iter().partition(|one| one.mismatch.is_stranger());
        // A publisher that a stranger configured for the same repository would not help the owner to find the
        // mistake.
        let nearness =
            |one: &&Differing<'_>| (one.candidate.is_known, self.nearness(one.mismatch.diagnosis()));
        // Of equally near publishers, `max_by_key` over the reversed list returns the oldest.
        if let Some(Differing { candidate, mismatch }) = own.iter().rev().max_by_key(nearness) {
            let record = &candidate.record;
            // Others' publishers, and those of other packages, are not the reader's to change.
            let is_beside = |one: &&Differing<'_>| {
                let other = &one.candidate.record;
                other.id != record.id && other.package == record.package && other.account == record.account
            };
            let others = own.iter().filter(is_beside).count();
            return Refusal::rule_differs(&record.package, mismatch, others).near(&record.id);
        }
        let stranger = strangers.first();
        let (ecosystem, package) = (request.ecosystem, request.package.as_deref());
        let mismatch = stranger.map(|one| &one.mismatch);
        let refusal = Refusal::not_trusted(ecosystem, package, identity, &self.job(), mismatch, self.wording);
        match stranger {
            Some(Differing { candidate, .. }) => refusal.near(&candidate.record.id),
            None => refusal,
        }
    }

    /// The refusal of a repository that was renamed or transferred, which its id proves.
    pub(super) fn renamed(&self, publishers: Vec<PublisherRecord>) -> Option<Refusal> {
        publishers
            .into_iter()
            .map(Arc::new)
            .filter_map(|record| Some((self.check(&record, None)?.err()?, record)))
            .find(|(mismatch, _)| mismatch.is_renamed())
            .map(|(mismatch, record)| Refusal::rule_differs(&record.package, &mismatch, 0).near(&record.id))
    }

    /// The nearness of a publisher whose rules did not all match: first by the claim that differs, in the
    /// order in which platforms check and list claims; then by the common part of the two values.
    fn nearness(&self, diagnosis: &Diagnosis) -> (Option<usize>, usize) {
        let Target::Claim(claim) = &diagnosis.target else { return (Some(usize::MAX), 0) };
        let place = self.provider.profile().claims.iter().position(|rule| rule.name == claim);
        let same = match (&diagnosis.found, &diagnosis.expected) {
            (Some(found), Some(expected)) => common(found, expected),
            _ => 0,
        };
        (place, same)
    }

    /// The token's description of its own job.
    fn job(&self) -> Job {
        let settings = self.provider.settings(&Unverified::new((**self.verified).clone()));
        let is_told = |setting: &FieldValue| setting.field.required || setting.field.recommended;
        let told = settings.iter().filter_map(|setting| match setting.text() {
            Some(value) if is_told(setting) => Some(format!("`{}` `{}`", setting.field.key, shown(&value))),
            None if setting.field.recommended => Some(format!("no `{}`", setting.field.key)),
            _ => None,
        });
        let told: Vec<String> = told.collect();
        let lacks = |setting: &&FieldValue| setting.text().is_none() && setting.field.learned;
        let lacking: Vec<String> =
            settings.iter().filter(lacks).map(|setting| format!("no `{}`", setting.field.key)).collect();
        let mut settings = match told.as_slice() {
            [] => String::new(),
            told => format!("; this job has {}", told.join(", ")),
        };
        if !lacking.is_empty() {
            settings.push_str(&format!(
                "; its token has {}, and a publisher that knows such an id asks for it",
                lacking.join(" and ")
            ));
        }
        Job { settings, ids: self.ids() }
    }

    /// The token's own ids that a publisher learns, for a person.
    fn ids(&self) -> String {
        let fields = self.provider.publisher_fields().iter().filter(|field| field.learned);
        let ids: Vec<String> = fields
            .filter_map(|field| field.claim)
            .filter_map(|claim| Some(format!("`{claim}` {}", self.verified.get(claim)?)))
            .collect();
        if ids.is_empty() { String::new() } else { format!(", {}", ids.join(", ")) }
    }

    /// Compares the token with one publisher; `None` where the stored publisher can't be used.
    ///
    /// A publisher that has learned nothing also requires the ids that `beside` it were learned for the same
    /// identity, and learns them with this use. So the ids that are known keep the next owner of a name out,
    /// whichever publisher matches.
    fn check(
        &self,
        record: &Arc<PublisherRecord>,
        beside: Option<&BTreeMap<String, String>>,
    ) -> Option<Result<Chosen, Mismatch>> {
        let read = self.publisher(record)?;
        // A publisher beside one of the same repository that knows its ids is bound to these ids too,
        // although it has not learned them itself.
        if let Some(learned) = beside {
            let learned = PublisherRecord { learned: learned.clone(), ..PublisherRecord::clone(record) };
            if let Err(mismatch) = self.publisher(&learned)?.publisher.check(self.verified) {
                return Some(Err(mismatch));
            }
        }
        let checked = read.publisher.check(self.verified).and_then(|matched| {
            self.is_in_force(record)?;
            Ok(Chosen { description: read.description, record: Arc::clone(record), matched, is_known: false })
        });
        Some(checked)
    }

    fn publisher(&self, record: &PublisherRecord) -> Option<Read> {
        let read = self.validated.publisher(self.provider, record);
        read.inspect_err(|error| {
                tracing::error!(publisher = %record.id, %error, "a stored publisher can't be used and is passed over");
            })
            .ok()
    }

    fn is_in_force(&self, record: &PublisherRecord) -> Result<(), Mismatch> {
        let over = |code, problem: &str, fix: &str| {
            let subject = Target::Field("created_at".to_owned());
            Err(Mismatch::new(Diagnosis::new(code, subject, problem).fix(fix)))
        };
        match self.policy.state(record, self.now) {
            PublisherState::Expired { .. } => {
                let problem = "the pending publisher has expired before it created the package";
                over(codes::PUBLISHER_EXPIRED, problem, "configure it again")
            }
            PublisherState::Lapsed { .. } => {
                let problem = "the publisher has lapsed: it was not used soon after it was configured, and its names may \
                     have changed hands since";
                over(codes::PUBLISHER_LAPSED, problem, "configure it again, or together with its ids")
            }
            PublisherState::NotAllowed => {
                let problem = "the publisher is for a prefix of names, and this registry does not allow such publishers";
                over(codes::PUBLISHER_PREFIX, problem, "configure a publisher for each package")
            }
            PublisherState::Active | PublisherState::LapsesAt(_) | PublisherState::PendingUntil(_) => Ok(()),
        }
    }
}

/// The number of characters that two texts have in common at their beginning or at their end, whichever is
/// greater, ignoring ASCII case.
pub(super) fn common(left: &str, right: &str) -> usize {
    let pair = |(left, right): &(char, char)| left.eq_ignore_ascii_case(right);
    let start = left.chars().zip(right.chars()).take_while(pair).count();
    let end = left.chars().rev().zip(right.chars().rev()).take_while(pair).count();
    start.max(end)
}
