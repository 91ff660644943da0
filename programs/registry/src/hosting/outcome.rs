//! The outcome of a publish, and the answer to a client that follows from it.

use axum::http::StatusCode;
use oidc_provenance::Refusal;

use crate::activation::Ended;
use crate::failure::Failure;

/// The outcome of a publish.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Published {
    /// The file is stored, durably.
    Done,
    /// The package doesn't exist, and the principal may not create it.
    NoPackage,
    /// A package of this name exists, which differs in case alone.
    OtherCase(String),
    /// The package's files spell its name like this, and the new file spells it otherwise.
    OtherSpelling(String),
    /// A file of that name or identity exists, of this version.
    Exists(String),
    /// The package has reached this limit of what is served of one package.
    Full(&'static str),
    /// The trusted publisher was removed, or it is pending and the package exists already.
    NotTrusted,
    /// The principal may no longer do it.
    Ended(Ended),
    /// The file lacks provenance.
    Unproven(Refusal),
}

impl Published {
    /// The refusal that a client gets of the file `name` of a package's version; `Ok` where the file is stored. A refusal of
    /// provenance is put into words by `unproven`.
    pub(super) fn answer(
        self,
        (package, version, name): (&str, &str, &str),
        unproven: impl Fn(&Refusal) -> Failure,
    ) -> Result<(), Failure> {
        let failure = match self {
            Self::Done => return Ok(()),
            Self::NoPackage => {
                forbidden(format!("{package} is not in this registry, and this token may not create it"))
            }
            Self::OtherCase(other) => conflict(format!(
                "`{package}` differs from `{other}`, which is in this registry, in case alone; publish it under that name or \
                 another"
            )),
            Self::OtherSpelling(other) => conflict(format!(
                "{package} is spelled `{other}` in this registry, and this file spells it otherwise; publish it under that name"
            )),
            Self::Exists(old) if old == version => {
                conflict(format!("{name} was published before and can't be published over"))
            }
            Self::Exists(old) => conflict(format!(
                "{package} {version} was published before, as {package} {old}, and can't be published over; give it another \
                 version"
            )),
            Self::Full(most) => {
                forbidden(format!("{package} has as much as this registry serves of one package: {most}"))
            }
            Self::NotTrusted => forbidden(format!(
                "the trusted publisher of this token was removed, or it is pending and {package} exists already; configure it \
                 again"
            )),
            Self::Ended(ended) => Failure::ended(ended, package),
            Self::Unproven(refusal) => unproven(&refusal),
        };
        Err(failure)
    }
}

fn forbidden(message: String) -> Failure {
    Failure::new(StatusCode::FORBIDDEN, message)
}

fn conflict(message: String) -> Failure {
    Failure::new(StatusCode::CONFLICT, message)
}
