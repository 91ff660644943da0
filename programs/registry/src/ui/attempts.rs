//! The bound on guesses at the log-in, for all callers together: their addresses are a proxy's, or cost an attacker nothing.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use oidc_core::Timestamp;

/// The number of wrong attempts in a row.
const BURST: u32 = 10;
/// The time after which one more attempt is possible.
const PAUSE: Duration = Duration::from_secs(6);

/// The attempts that are left.
#[derive(Debug, Default)]
pub(super) struct Attempts(Mutex<Spent>);

#[derive(Debug, Default)]
struct Spent {
    count: u32,
    since: Timestamp,
}

impl Attempts {
    /// Takes an attempt, or returns the time until there is one.
    pub(super) fn take(&self, now: Timestamp) -> Result<(), Duration> {
        let mut spent = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let regained = now.since(spent.since).as_secs() / PAUSE.as_secs();
        if regained > 0 {
            spent.count = spent.count.saturating_sub(u32::try_from(regained).unwrap_or(u32::MAX));
            spent.since = now;
        }
        if spent.count >= BURST {
            return Err(PAUSE);
        }
        spent.count += 1;
        Ok(())
    }

    /// Gives an attempt back that was right.
    pub(super) fn give_back(&self) {
        let mut spent = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        spent.count = spent.count.saturating_sub(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guesses_are_bounded_and_what_is_right_costs_nothing() {
        let attempts = Attempts::default();
        let at = |seconds: u64| Timestamp::from_secs(1_700_000_000 + seconds);
        for _ in 0..100 {
            assert_eq!(attempts.take(at(0)), Ok(()));
            attempts.give_back();
        }
        let taken = (0..100).filter(|_| attempts.take(at(0)).is_ok()).count();
        assert_eq!(taken, 10);
        let taken = (0..3600).filter(|second| attempts.take(at(*second)).is_ok()).count();
        assert_eq!(taken, 599, "ten a minute");
    }
}
