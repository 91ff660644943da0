use oidc_core::http::Response;

/// A registry's refusal whose cause and remedy are known beyond the registry's own words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KnownRefusal {
    /// A part of the registry's words, in lower case.
    says: &'static str,
    fix: &'static str,
    is_about_publisher: bool,
}

impl KnownRefusal {
    /// A refusal for what the registry has configured: its words hold `says`, which is in lower case.
    pub const fn of_publisher(says: &'static str, fix: &'static str) -> Self {
        Self { says, fix, is_about_publisher: true }
    }

    /// A refusal that no change of the publisher's configuration avoids.
    pub const fn of_token(says: &'static str, fix: &'static str) -> Self {
        Self { says, fix, is_about_publisher: false }
    }

    /// What to do.
    pub fn fix(&self) -> &'static str {
        self.fix
    }

    /// Whether the publisher's configuration may be at fault.
    pub(super) fn is_about_publisher(&self) -> bool {
        self.is_about_publisher
    }

    /// The refusal that an answer's message stands for. An answer that is no client error has no such reason.
    pub(super) fn find(
        known: &'static [Self],
        answer: &Response,
        message: Option<&str>,
    ) -> Option<&'static Self> {
        let message = message.filter(|_| (400..=499).contains(&answer.status))?.to_ascii_lowercase();
        known.iter().find(|one| message.contains(one.says))
    }
}

/// What to do about a token that the registry has seen before.
pub(super) const USED: &str = "get another identity token and exchange that: each one is taken once, and an earlier step of the job \
                               or another tool used this one";
