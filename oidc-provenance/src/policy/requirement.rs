use crate::codes;
use crate::refusal::Refusal;

/// The registry's or the owner's wish that a version has provenance.
///
/// ```
/// use oidc_provenance::Requirement;
///
/// let (has, had) = (false, true);
/// assert!(Requirement::Optional.check(has, had).is_ok());
/// assert!(Requirement::AsBefore.check(has, had).is_err());
/// assert!(Requirement::AsBefore.check(has, false).is_ok());
/// assert!(Requirement::Required.check(has, false).is_err());
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Requirement {
    /// A version may lack it.
    Optional,
    /// A version has it if the version before had it, so that somebody who finds another way to publish can't leave
    /// it out unnoticed.
    #[default]
    AsBefore,
    /// Every version has it.
    Required,
}

impl Requirement {
    /// Checks a version: `has` says whether it has provenance, and `before` whether the version before it had.
    ///
    /// # Errors
    ///
    /// When the version lacks it and should have it.
    pub fn check(self, has: bool, before: bool) -> Result<(), Refusal> {
        let field = "provenance";
        match self {
            Self::Required if !has => {
                let problem = "the package needs provenance, and this version has none";
                Err(Refusal::of(codes::PROVENANCE_REQUIRED, field, problem).fix("publish with provenance"))
            }
            Self::AsBefore if before && !has => {
                let problem = "the version before has provenance, and this one has none";
                let fix = "publish with provenance as before, or have the owner change the package's setting";
                Err(Refusal::of(codes::PROVENANCE_LOST, field, problem).fix(fix))
            }
            Self::Required | Self::AsBefore | Self::Optional => Ok(()),
        }
    }
}
