use std::time::Duration;

use super::known::KnownRefusal;

/// The part of a protocol that an exchange needs, the same for all of its registries.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Protocol {
    /// The variables that a registry's users put an identity token into. The first that is set is used
    /// instead of asking the platform.
    pub token_variables: &'static [&'static str],
    /// The lifetime of a publish token by the protocol's documentation, for answers that don't tell it.
    pub lifetime: Option<Duration>,
    /// `true` if an identity token is exchanged, `false` if the registry takes the identity token itself with
    /// the upload.
    pub exchanges: bool,
    /// Refusals whose cause is known beyond the registry's own words.
    pub known_refusals: &'static [KnownRefusal],
    /// The refusal that uses no identity token up, so that the same one may be sent again.
    pub unused: Option<Unused>,
}

/// A refusal that uses no identity token up: the registry could not check the token.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Unused {
    /// The status of the answer.
    pub status: u16,
    /// The waits before the exchange is sent again, one for each time.
    pub waits: &'static [Duration],
}

impl Protocol {
    /// A protocol whose users have no variable of their own for identity tokens, and whose answers tell the
    /// lifetime of a publish token.
    pub const fn new() -> Self {
        Self { token_variables: &[], lifetime: None, exchanges: true, known_refusals: &[], unused: None }
    }

    /// Sets the variables for identity tokens.
    #[must_use]
    pub const fn token_variables(mut self, names: &'static [&'static str]) -> Self {
        self.token_variables = names;
        self
    }

    /// Sets the lifetime that the documentation names, in minutes.
    #[must_use]
    pub const fn lifetime_in_minutes(mut self, minutes: u64) -> Self {
        self.lifetime = Some(Duration::from_secs(60 * minutes));
        self
    }

    /// Adds refusals for which a more helpful explanation is known than the registry's own text.
    #[must_use]
    pub const fn known_refusals(mut self, refusals: &'static [KnownRefusal]) -> Self {
        self.known_refusals = refusals;
        self
    }

    /// Declares that an answer with this status uses no identity token up, and that the exchange is sent again
    /// after each of these waits.
    #[must_use]
    pub const fn sent_again_after(mut self, status: u16, waits: &'static [Duration]) -> Self {
        self.unused = Some(Unused { status, waits });
        self
    }

    /// Declares that there is no exchange: the registry takes the identity token itself.
    #[must_use]
    pub const fn without_exchange(mut self) -> Self {
        self.exchanges = false;
        self
    }
}

impl Default for Protocol {
    fn default() -> Self {
        Self::new()
    }
}
