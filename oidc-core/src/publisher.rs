mod field;
mod field_value;
mod invalid;
mod table;
mod value;

use std::fmt;

pub use self::field::{FieldComparison, FieldType, PublisherField};
pub use self::field_value::FieldValue;
pub use self::invalid::InvalidPublisher;
pub use self::table::TablePublisher;
use crate::claims::Claims;
use crate::codes;
use crate::diagnosis::{Diagnosis, Target};
use crate::identity::Identity;
use crate::proof::{Certified, Unverified, Verified};
use crate::text::shown;

/// A trusted publisher as a package's owner configured it, such as a repository, a workflow and an
/// environment.
///
/// Each rule reads one claim and compares it as the platform's [`PublisherField`] says. A claim that is absent,
/// `null` or of another type matches no value. The suite `testing::conformance` (feature `testing`) checks this by changing
/// every claim that a rule reads.
pub trait Publisher: fmt::Debug + Send + Sync {
    /// The identity that the publisher accepts, the one that
    /// [`Provider::identify`](crate::Provider::identify) gives for its tokens. Publishers are looked up by it.
    fn identity(&self) -> Identity;

    /// Compares a token's claims with every rule. All rules must match; the first that does not is the error.
    ///
    /// The order is: the issuer, the names by which the publisher is found, immutable ids, all other rules. A
    /// token that has the names and not every id of the publisher is a [stranger's](Mismatch::stranger),
    /// whatever else differs. Ids that the publisher does not have yet, and that the platform's table of fields
    /// says are learned, come with the match. A publisher that is read again with them learns nothing and has
    /// the same specificity.
    ///
    /// # Errors
    ///
    /// With the claim that differs, its value and the expected value.
    fn check(&self, claims: &Verified<Claims>) -> Result<Match, Mismatch>;

    /// Compares the claims that a signing certificate repeats from its job's identity token with every rule, by
    /// the same comparisons as [`Publisher::check`], the issuer first. Nothing is learned. A rule on a claim
    /// that no certificate has fails; the caller leaves such rules out of the publisher.
    ///
    /// # Errors
    ///
    /// With the claim that differs. Without an implementation of its own, a publisher accepts no certificate.
    fn check_certified(&self, _claims: &Certified<Claims>) -> Result<(), Mismatch> {
        Err(Mismatch::uncertified())
    }

    /// Returns the first rule that the claims would fail, for a job that checks itself before it asks a
    /// registry: the same that [`Publisher::check`] finds. The issuer is not compared and the token is not
    /// verified, so `None` does not mean that the token would be accepted.
    fn explain(&self, _claims: &Unverified<Claims>) -> Option<Mismatch> {
        None
    }

    /// Returns one line for a person, such as `repository acme/widget, workflow publish.yml`, without control
    /// characters.
    fn describe(&self) -> String;
}

/// The result of a comparison in which every rule of a publisher matched.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Match {
    /// The number of optional rules that the publisher has: the sum of its fields'
    /// [specificity](PublisherField::specificity). Of several matching publishers of one package, the one with
    /// the greatest number is chosen.
    pub specificity: u32,
    /// Immutable ids that the publisher does not have yet and learns from this token.
    pub learned: Vec<ImmutableId>,
}

impl Match {
    /// A match of a publisher with this many optional rules, and the ids to learn.
    pub fn new(specificity: u32, learned: Vec<ImmutableId>) -> Self {
        Self { specificity, learned }
    }
}

/// An immutable id, such as `repository_id`. Once it is learned or configured, another value is refused, so
/// that a name that was deleted and created again is not accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ImmutableId {
    /// The claim, which is also the key in the publisher's configuration.
    pub claim: &'static str,
    /// Its value.
    pub value: String,
}

impl ImmutableId {
    /// The id with this value, as this claim of a token has it.
    pub fn new(claim: &'static str, value: impl Into<String>) -> Self {
        Self { claim, value: value.into() }
    }
}

/// A verified token that a publisher does not accept, with the claim that differs.
///
/// The expected value is the owner's configuration. [`Mismatch::diagnosis`] contains it, for the owner, for
/// the operator, and for a caller whose token proved the same [`Identity`]. `Display` writes what anybody may
/// be told: the claim that differs and its value in the token.
///
/// ```
/// use oidc_core::{Diagnosis, Mismatch, Target};
///
/// let diagnosis = Diagnosis::new("repository", Target::Claim("repository".to_owned()), "another repository");
/// let mismatch = Mismatch::new(diagnosis.found("evil/widget").expected("acme/widget"));
/// let message = mismatch.to_string();
/// assert!(message.contains("evil/widget") && !message.contains("acme/widget"));
/// assert!(mismatch.diagnosis().to_string().contains("acme/widget"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the publisher does not accept this token: {}", Found(.diagnosis))]
pub struct Mismatch {
    diagnosis: Box<Diagnosis>,
    relation: Relation,
}

/// The part of a diagnosis that the token itself contains.
struct Found<'a>(&'a Diagnosis);

impl fmt::Display for Found<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Diagnosis { target, found, .. } = self.0;
        match found {
            Some(found) => write!(f, "{target} is `{}`", shown(found)),
            None => write!(f, "{target} is another or missing"),
        }
    }
}

/// The relation between the token's repository and the publisher's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Relation {
    Same,
    Renamed,
    Stranger,
}

impl Mismatch {
    /// A mismatch with its explanation, whose subject is a claim.
    pub fn new(diagnosis: Diagnosis) -> Self {
        Self { diagnosis: Box::new(diagnosis), relation: Relation::Same }
    }

    /// A mismatch of an immutable id: the token has the publisher's name and belongs to somebody else, so its
    /// holder may be told nothing of the configuration.
    pub fn stranger(diagnosis: Diagnosis) -> Self {
        Self { diagnosis: Box::new(diagnosis), relation: Relation::Stranger }
    }

    /// A mismatch of a name whose immutable id is the publisher's: the same repository, renamed or
    /// transferred.
    pub fn renamed(diagnosis: Diagnosis) -> Self {
        Self { diagnosis: Box::new(diagnosis), relation: Relation::Renamed }
    }

    /// The mismatch of every certificate, for publishers that are not compared with certificates
    /// ([`Publisher::check_certified`]).
    pub fn uncertified() -> Self {
        let problem = "publishers of this platform are not compared with certificates";
        Self::new(Diagnosis::new(codes::CERTIFICATE_UNSUPPORTED, Target::Platform, problem))
    }

    /// Returns `true` if the token is from the publisher's own repository, by its id, under another name.
    pub fn is_renamed(&self) -> bool {
        self.relation == Relation::Renamed
    }

    /// Returns the explanation: the claim that differs, its value, the expected value and the fix. It
    /// contains the publisher's configuration.
    pub fn diagnosis(&self) -> &Diagnosis {
        &self.diagnosis
    }

    /// Returns `true` if the token belongs to somebody else who has the publisher's name.
    pub fn is_stranger(&self) -> bool {
        self.relation == Relation::Stranger
    }
}
