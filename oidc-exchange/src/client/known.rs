use oidc_core::http::Response;
use serde::Deserialize;

/// A registry's refusal whose cause and remedy are known beyond the registry's own words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KnownRefusal {
    sign: Sign,
    fix: &'static str,
    is_about_publisher: bool,
    is_about_owner: bool,
}

/// The sign by which a refusal is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sign {
    /// A part of the registry's message, or its code, in lower case.
    Text(&'static str),
    Status(u16),
}

impl KnownRefusal {
    /// A refusal because of the publisher's configuration. The registry's message contains `says`, which is
    /// in lower case, or `says` is the code in the answer's member `error` (RFC 6749, section 5.2).
    pub const fn of_publisher(says: &'static str, fix: &'static str) -> Self {
        Self { sign: Sign::Text(says), fix, is_about_publisher: true, is_about_owner: false }
    }

    /// A refusal that no change of the publisher's configuration avoids. The registry's message contains
    /// `says`, which is in lower case, or `says` is the code in the answer's member `error`.
    pub const fn of_token(says: &'static str, fix: &'static str) -> Self {
        Self { sign: Sign::Text(says), fix, is_about_publisher: false, is_about_owner: false }
    }

    /// A refusal with this status, which no change of the publisher's configuration avoids.
    pub const fn of_status(status: u16, fix: &'static str) -> Self {
        Self { sign: Sign::Status(status), fix, is_about_publisher: false, is_about_owner: false }
    }

    /// Declares that the owner that the application's user named is the cause, such as an account on nuget.org.
    #[must_use]
    pub const fn of_owner(mut self) -> Self {
        self.is_about_owner = true;
        self
    }

    /// Returns the fix.
    pub fn fix(&self) -> &'static str {
        self.fix
    }

    /// Returns `true` if the publisher's configuration may be at fault.
    pub(super) fn is_about_publisher(&self) -> bool {
        self.is_about_publisher
    }

    /// Returns `true` if the owner that was named may be at fault.
    pub(super) fn is_about_owner(&self) -> bool {
        self.is_about_owner
    }

    /// Finds the refusal for an answer. Only client errors (4xx) have reasons in their message.
    pub(super) fn find(
        known: &'static [Self],
        answer: &Response,
        message: Option<&str>,
    ) -> Option<&'static Self> {
        let has_reason = (400..=499).contains(&answer.status);
        let message = message.filter(|_| has_reason).map(str::to_ascii_lowercase);
        let code = answer.json().filter(|_| has_reason).map(|Coded { error }| error);
        known.iter().find(|one| match one.sign {
            Sign::Text(says) => {
                let is_said = |message: &String| message.contains(says);
                message.as_ref().is_some_and(is_said) || code.as_deref() == Some(says)
            }
            Sign::Status(status) => status == answer.status,
        })
    }
}

/// A refusal of RFC 6749, section 5.2.
#[derive(Deserialize)]
struct Coded {
    error: String,
}

/// The fix for a token that the registry has seen before.
pub(super) const USED: &str = "get another identity token and exchange that: each one is taken once, and an earlier step of the job \
                               or another tool used this one";

/// The fix for a registry that could not check the token.
pub(super) const UNREACHED: &str =
    "try again later: the registry could not reach the platform for its keys, and used nothing up";
