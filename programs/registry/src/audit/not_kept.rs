//! Warnings of events that are not kept: one a minute with their number, however many there are.

use std::time::Duration;

use super::waiting::Counts;

/// The time between two warnings.
const PAUSE: Duration = Duration::from_secs(60);

/// Events that were not kept and that no warning has told of.
#[derive(Debug, Default)]
pub(super) struct NotKept {
    events: u64,
    /// The time of the last warning, by the monotonic clock.
    warned: Option<Duration>,
}

impl NotKept {
    pub(super) fn add(&mut self, counts: &Counts) {
        let more: u64 = counts.values().map(|&count| u64::from(count)).sum();
        self.events = self.events.saturating_add(more);
    }

    /// The time until the next warning; `None` where there is nothing to tell.
    pub(super) fn due_in(&self, now: Duration) -> Option<Duration> {
        let due = self.warned.map_or(Duration::ZERO, |warned| warned.saturating_add(PAUSE));
        (self.events > 0).then(|| due.saturating_sub(now))
    }

    /// Warns if a warning is due.
    pub(super) fn warn(&mut self, now: Duration) {
        if self.due_in(now).is_some_and(|left| left.is_zero()) {
            self.warn_now(now);
        }
    }

    /// Warns of what is left, if there is anything.
    pub(super) fn warn_now(&mut self, now: Duration) {
        let events = std::mem::take(&mut self.events);
        if events > 0 {
            self.warned = Some(now);
            tracing::warn!(events, "more events than are kept of one publisher, or than can be written");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_warning_tells_of_all_that_came_since_the_last_one_a_minute_ago() {
        let mut not_kept = NotKept::default();
        let at = Duration::from_secs;
        assert_eq!(not_kept.due_in(at(0)), None);
        not_kept.add(&Counts::from([(("set-tag", "granted"), 3)]));
        assert_eq!(not_kept.due_in(at(7)), Some(at(0)));
        not_kept.warn(at(7));
        assert_eq!(not_kept.due_in(at(7)), None);
        not_kept.add(&Counts::from([(("set-tag", "granted"), 2), (("exchange", "not-trusted"), 5)]));
        assert_eq!(not_kept.due_in(at(10)), Some(at(57)));
        not_kept.warn(at(66));
        assert_eq!(not_kept.events, 7);
        not_kept.warn(at(67));
        assert_eq!(not_kept.due_in(at(1000)), None);
    }
}
