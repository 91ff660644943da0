mod field;
mod invalid;
mod setting;

use std::fmt;

pub use self::field::{FieldComparison, FieldType, PublisherField};
pub use self::invalid::InvalidPublisher;
pub use self::setting::Setting;
use crate::claims::Claims;
use crate::diagnosis::Diagnosis;
use crate::provider::Identity;
use crate::text::shown;
use crate::trust::{Unverified, Verified};

/// Who may publish, as a package's owner configured it: a repository, a workflow, an environment.
pub trait Publisher: fmt::Debug + Send + Sync {
    /// Whom it lets in, the key under which it is looked up.
    fn identity(&self) -> Identity;

    /// Holds a token's claims against every rule. All must hold; the first that does not is the answer.
    ///
    /// # Errors
    ///
    /// With the claim that differs, what it is and what it should be.
    fn check(&self, claims: &Verified<Claims>) -> Result<Match, Mismatch>;

    /// The first rule that the claims would fail, its issuer apart: for a job that wants to know before it asks a
    /// registry. It says nothing about who the token is from, and `None` lets nobody in.
    fn explain(&self, _claims: &Unverified<Claims>) -> Option<Mismatch> {
        None
    }

    /// One line for a person, such as `repository acme/widget, workflow publish.yml`.
    fn describe(&self) -> String;
}

/// Every rule of a publisher held.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Match {
    /// How many optional rules the publisher has. Of several publishers of one package that match, the one with
    /// most wins.
    pub specificity: u32,
    /// Immutable ids that the publisher does not have yet and learns from this token.
    pub learned: Vec<Pin>,
}

impl Match {
    /// A match of a publisher with this many optional rules, with the ids to learn.
    pub fn new(specificity: u32, learned: Vec<Pin>) -> Self {
        Self { specificity, learned }
    }
}

/// An immutable id, such as `repository_id`. Once learned or configured, another value is refused, so that a
/// deleted and re-created name gets in nowhere.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Pin {
    /// The claim, which is also the key in the publisher's configuration.
    pub claim: &'static str,
    /// Its value.
    pub value: String,
}

impl Pin {
    /// An id from its claim and value.
    pub fn new(claim: &'static str, value: impl Into<String>) -> Self {
        Self { claim, value: value.into() }
    }
}

/// A verified token that a publisher does not let in: which claim differs, and by what.
///
/// What was expected is the owner's configuration. It is for the owner, for the operator, and for a token that proved the same
/// [`Identity`]: [`Mismatch::diagnosis`]. `Display` says what anybody may be told, which claim differs and what the token has there.
///
/// ```
/// use oidc_core::{Diagnosis, Mismatch, Subject};
///
/// let diagnosis = Diagnosis::new("repository", Subject::Claim("repository".to_owned()), "another repository");
/// let mismatch = Mismatch::new(diagnosis.found("evil/widget").expected("acme/widget"));
/// let told = mismatch.to_string();
/// assert!(told.contains("evil/widget") && !told.contains("acme/widget"));
/// assert!(mismatch.diagnosis().to_string().contains("acme/widget"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the publisher does not let this token in: {}", Told(.diagnosis))]
pub struct Mismatch {
    diagnosis: Box<Diagnosis>,
    relation: Relation,
}

/// What of a diagnosis the token has itself.
struct Told<'a>(&'a Diagnosis);

impl fmt::Display for Told<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Diagnosis { subject, found, .. } = self.0;
        match found {
            Some(found) => write!(f, "{subject} is `{}`", shown(found)),
            None => write!(f, "{subject} is another or missing"),
        }
    }
}

/// How the token's repository is related to the publisher's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Relation {
    Same,
    Renamed,
    Stranger,
}

impl Mismatch {
    /// A mismatch from its explanation, whose subject is a claim.
    pub fn new(diagnosis: Diagnosis) -> Self {
        Self { diagnosis: Box::new(diagnosis), relation: Relation::Same }
    }

    /// A mismatch of an immutable id: the token has the publisher's name and is somebody else's. It may be told nothing
    /// of the configuration.
    pub fn stranger(diagnosis: Diagnosis) -> Self {
        Self { diagnosis: Box::new(diagnosis), relation: Relation::Stranger }
    }

    /// A mismatch of a name whose immutable id is the publisher's: the same repository, renamed or transferred.
    pub fn renamed(diagnosis: Diagnosis) -> Self {
        Self { diagnosis: Box::new(diagnosis), relation: Relation::Renamed }
    }

    /// Whether the token is of the publisher's own repository, by its id, under another name.
    pub fn is_renamed(&self) -> bool {
        self.relation == Relation::Renamed
    }

    /// Which claim differs, what it is, what it should be and what to change. It tells the publisher's configuration.
    pub fn diagnosis(&self) -> &Diagnosis {
        &self.diagnosis
    }

    /// Whether the token is somebody else's, with the publisher's name.
    pub fn is_stranger(&self) -> bool {
        self.relation == Relation::Stranger
    }
}
