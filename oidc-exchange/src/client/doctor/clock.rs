//! Comparison of the clocks of the platform, of this machine and of the registry.

use std::borrow::Cow;

use oidc_core::{Claims, Diagnosis, LEEWAY, Severity, Target, Timestamp, in_words};

use crate::codes;

/// The readings of the clocks when the registry has answered.
pub(super) struct Clocks<'a> {
    /// The time of this machine.
    pub(super) now: Timestamp,
    /// The time of the registry, from its `Date` (RFC 9110, section 6.6.1).
    pub(super) registry: Option<Timestamp>,
    /// The token's claims, whose times are the platform's.
    pub(super) claims: Option<&'a Claims>,
    /// `true` if the token was made just now, when this job asked for it.
    pub(super) is_new: bool,
    /// The way for a person to get another token.
    pub(super) renewal: Cow<'static, str>,
}

impl Clocks<'_> {
    /// Returns the faults of the clocks. Where two clocks agree, the third is wrong.
    pub(super) fn examine(&self) -> Vec<Diagnosis> {
        match self.platform() {
            Some(wrong) => vec![wrong],
            None => self.token().into_iter().chain(self.registry()).collect(),
        }
    }

    /// The fault of the platform's clock, where this machine's and the registry's agree.
    fn platform(&self) -> Option<Diagnosis> {
        let registry = self.registry.filter(|registry| apart(*registry, self.now) <= LEEWAY)?;
        if let Some(begins) =
            self.begins().filter(|begins| begins.since(registry) > LEEWAY && begins.since(self.now) > LEEWAY)
        {
            let problem = format!(
                "the platform's clock is {} ahead of this machine's and of the registry's, which agree: the identity token is \
                 not valid yet",
                in_words(begins.since(registry))
            );
            let diagnosis =
                Diagnosis::new(codes::CLOCK_PLATFORM, Target::Clock, problem).found(begins.to_string());
            return Some(diagnosis.expected(format!("no later than {registry}")).fix(TELL_PLATFORM));
        }
        let ends = self.ends_before(registry)?;
        let problem = format!(
            "the identity token was asked for just now and has expired {} ago already: the platform's clock is wrong, since this \
             machine's and the registry's agree",
            in_words(registry.since(ends))
        );
        let diagnosis = Diagnosis::new(codes::CLOCK_PLATFORM, Target::Clock, problem).found(ends.to_string());
        self.is_new.then(|| diagnosis.expected(format!("later than {registry}")).fix(TELL_PLATFORM))
    }

    /// The fault of the token's times by this machine's clock.
    fn token(&self) -> Option<Diagnosis> {
        if let Some(ends) = self.ends_before(self.now) {
            let ago = in_words(self.now.since(ends));
            if self.is_new {
                let problem = format!(
                    "the identity token was asked for just now and has expired {ago} ago already, by this machine's clock: a \
                     clock is wrong"
                );
                let fix = "set this machine's clock, with NTP, or tell the platform's operator, whichever is wrong; running \
                           again won't help";
                return Some(self.expired(ends, problem).fix(fix));
            }
            let problem = format!("the identity token has expired {ago} ago, by this machine's clock");
            let fix = format!(
                "{}; exchange it soon after, and set this machine's clock if that is what is wrong",
                self.renewal
            );
            return Some(self.expired(ends, problem).fix(fix));
        }
        let issued = self.claims?.time("iat")?;
        let ahead = issued.since(self.now);
        (ahead > LEEWAY).then(|| {
            let problem = format!(
                "the identity token was made {} in the future, by this machine's clock",
                in_words(ahead)
            );
            let diagnosis =
                Diagnosis::new(codes::CLOCK_JOB, Target::Clock, problem).severity(Severity::Warning);
            diagnosis
                .found(self.now.to_string())
                .expected(issued.to_string())
                .fix("set this machine's clock, with NTP")
        })
    }

    /// The fault of the registry's clock, compared with the token's times or else with this machine's clock.
    fn registry(&self) -> Option<Diagnosis> {
        let registry = self.registry?;
        let diagnosis =
            |code, problem: String| Diagnosis::new(code, Target::Clock, problem).found(registry.to_string());
        let fix = "set the registry's clock, with NTP, or tell its operator";
        if let Some(begins) = self.begins().filter(|begins| begins.since(registry) > LEEWAY) {
            let problem = format!(
                "the registry's clock is {} behind the platform's: the token is not valid yet there",
                in_words(begins.since(registry))
            );
            return Some(diagnosis(codes::CLOCK_REGISTRY, problem).expected(begins.to_string()).fix(fix));
        }
        if let Some(ends) = self.ends_before(registry).filter(|ends| self.now < *ends) {
            let problem =
                format!("the registry's clock is {} past the token's end", in_words(registry.since(ends)));
            return Some(
                diagnosis(codes::CLOCK_REGISTRY, problem).expected(format!("earlier than {ends}")).fix(fix),
            );
        }
        let skew = apart(registry, self.now);
        (skew > LEEWAY).then(|| {
            let problem = format!("this machine's clock and the registry's are {} apart", in_words(skew));
            diagnosis(codes::CLOCK_SKEW, problem)
                .expected(self.now.to_string())
                .severity(Severity::Warning)
                .fix("set this machine's clock, with NTP, if it is the one that is wrong")
        })
    }

    /// The time at which the token begins to be valid.
    fn begins(&self) -> Option<Timestamp> {
        let claims = self.claims?;
        claims.time("iat").max(claims.time("nbf"))
    }

    /// The token's expiry, if it has passed by this clock.
    fn ends_before(&self, clock: Timestamp) -> Option<Timestamp> {
        self.claims?.time("exp").filter(|ends| ends.plus(LEEWAY) <= clock)
    }

    fn expired(&self, ends: Timestamp, problem: String) -> Diagnosis {
        let diagnosis = Diagnosis::new(codes::TOKEN_EXPIRED, Target::Claim("exp".to_owned()), problem);
        diagnosis.found(ends.to_string()).expected(format!("later than {}", self.now))
    }
}

const TELL_PLATFORM: &str = "nothing is to be set here, and running again won't help: tell the platform's operator, whose issuer \
                             gives tokens the wrong time";

fn apart(one: Timestamp, other: Timestamp) -> std::time::Duration {
    one.since(other).max(other.since(one))
}
