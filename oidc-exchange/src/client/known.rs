use oidc_core::http::Response;

/// A registry's refusal whose cause and remedy are known beyond the registry's own words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KnownRefusal {
    /// A part of the registry's message, in lower case.
    says: &'static str,
    fix: &'static str,
    is_about_publisher: bool,
}

impl KnownRefusal {
    /// A refusal because of the publisher's configuration. The registry's message contains `says`, which is
    /// in lower case.
    pub const fn of_publisher(says: &'static str, fix: &'static str) -> Self {
        Self { says, fix, is_about_publisher: true }
    }

    /// A refusal that no change of the publisher's configuration avoids. The registry's message contains
    /// `says`, which is in lower case.
    pub const fn of_token(says: &'static str, fix: &'static str) -> Self {
        Self { says, fix, is_about_publisher: false }
    }

    /// Returns the fix.
    pub fn fix(&self) -> &'static str {
        self.fix
    }

    /// Returns `true` if the publisher's configuration may be at fault.
    pub(super) fn is_about_publisher(&self) -> bool {
        self.is_about_publisher
    }

    /// Finds the refusal for an answer's message. Only client errors (4xx) have such reasons.
    pub(super) fn find(
        known: &'static [Self],
        answer: &Response,
        message: Option<&str>,
    ) -> Option<&'static Self> {
        let message = message.filter(|_| (400..=499).contains(&answer.status))?.to_ascii_lowercase();
        known.iter().find(|one| message.contains(one.says))
    }
}

/// The fix for a token that the registry has seen before.
pub(super) const USED: &str = "get another identity token and exchange that: each one is taken once, and an earlier step of the job \
                               or another tool used this one";
