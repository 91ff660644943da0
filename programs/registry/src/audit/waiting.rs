//! The choice of events that are kept, and those that wait to be written.

use std::collections::{BTreeMap, HashMap, VecDeque};

use oidc_exchange::server::Event;

/// So many events of an hour are kept of one publisher, exchanges and publishes apart; where no publisher is known, of one
/// repository.
pub(super) const OF_ONE: u32 = 1000;
/// So many events of an hour are kept of all jobs that no publisher accepts: anybody with a repository can cause them.
pub(super) const OF_STRANGERS: u32 = 2000;
/// So many publishers and repositories have a budget in one hour.
const MAX_BUDGETS: usize = 10_000;
/// So many events may wait, exchanges and publishes apart.
const MAX_WAITING: usize = 4096;

/// Returns `true` for an event that is kept whatever else there is: a token that was minted, a version that was published.
fn is_always_kept(event: &Event) -> bool {
    event.outcome == "granted" && matches!(event.action, "exchange" | "publish")
}

/// Events that are counted and not kept, by action and outcome.
pub(super) type Counts = BTreeMap<(&'static str, &'static str), u32>;

/// Events with their numbers, and counts of others.
#[derive(Debug, Default)]
pub(super) struct Batch {
    pub(super) events: Vec<(u64, Event)>,
    /// Refusals before a token's signature held, which anybody can cause.
    pub(super) refused: Counts,
    /// Events that exceeded a budget, or came faster than they could be written.
    pub(super) not_kept: Counts,
}

impl Batch {
    pub(super) fn is_empty(&self) -> bool {
        self.events.is_empty() && self.refused.is_empty() && self.not_kept.is_empty()
    }
}

/// Events and counts that were recorded and are not written yet.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    /// Exchanges and publishes, of which there are as many as the registry could grant while the database answered.
    always_kept: VecDeque<(u64, Event)>,
    others: VecDeque<(u64, Event)>,
    refused: Counts,
    not_kept: Counts,
    budgets: Budgets,
    /// The number of events that were recorded.
    number: u64,
}

impl Waiting {
    pub(super) fn record(&mut self, event: &Event) {
        self.number += 1;
        let mut event = event.clone();
        if is_always_kept(&event) {
            self.always_kept.push_back((self.number, event));
        } else if !event.is_verified() {
            count(&mut self.refused, &event);
        } else if self.others.len() < MAX_WAITING && self.budgets.admit(&mut event) {
            self.others.push_back((self.number, event));
        } else {
            count(&mut self.not_kept, &event);
        }
    }

    /// Takes at most `limit` events, exchanges and publishes first, and all counts.
    pub(super) fn take(&mut self, limit: usize) -> Batch {
        let mut events: Vec<_> = drain(&mut self.always_kept, limit).collect();
        events.extend(drain(&mut self.others, limit - events.len()));
        let (refused, not_kept) = (std::mem::take(&mut self.refused), std::mem::take(&mut self.not_kept));
        Batch { events, refused, not_kept }
    }

    /// Takes a batch back that was not written.
    pub(super) fn restore(&mut self, batch: Batch) {
        for (number, event) in batch.events.into_iter().rev() {
            let queue = if is_always_kept(&event) { &mut self.always_kept } else { &mut self.others };
            queue.push_front((number, event));
        }
        for (counts, taken) in [(&mut self.refused, batch.refused), (&mut self.not_kept, batch.not_kept)] {
            for (key, number) in taken {
                *counts.entry(key).or_default() += number;
            }
        }
    }
}

fn drain(queue: &mut VecDeque<(u64, Event)>, limit: usize) -> impl Iterator<Item = (u64, Event)> + '_ {
    let count = queue.len().min(limit);
    queue.drain(..count)
}

fn count(counts: &mut Counts, event: &Event) {
    *counts.entry((event.action, event.outcome)).or_default() += 1;
}

/// The numbers of events of the current hour that were kept.
#[derive(Debug, Default)]
struct Budgets {
    hour: u64,
    of_strangers: u32,
    of_each: HashMap<String, u32>,
}

impl Budgets {
    /// Returns `true` if there is room for an event. The last event that there is room for says so.
    fn admit(&mut self, event: &mut Event) -> bool {
        let hour = event.time / 3600;
        // An event may be recorded a little late, and a clock that was ahead must not end all budgets.
        if hour > self.hour || self.hour - hour > 1 {
            *self = Self { hour, ..Self::default() };
        }
        let is_strangers =
            event.publisher.is_none() && matches!(event.outcome, "not-trusted" | "invalid-token");
        if is_strangers && self.of_strangers >= OF_STRANGERS {
            return false;
        }
        let whose = whose(event, is_strangers);
        if self.of_each.len() >= MAX_BUDGETS && !self.of_each.contains_key(&whose) {
            return false;
        }
        let of_one = self.of_each.entry(whose).or_default();
        if *of_one >= OF_ONE {
            return false;
        }
        *of_one += 1;
        if *of_one == OF_ONE {
            event.for_operator = Some(format!(
                "{}; what else comes of it in this hour is counted only, exchanges and publishes apart",
                event.operator_text()
            ));
        }
        self.of_strangers += u32::from(is_strangers);
        true
    }
}

/// The name of the budget that an event counts against: the publisher's, also where a job of its own identity was refused; otherwise the
/// repository's or, on a platform whose tokens name none, that of jobs with the same settings.
fn whose(event: &Event, is_strangers: bool) -> String {
    let Event { issuer, publisher, nearest, repository, settings, .. } = event;
    match (publisher, nearest, repository) {
        (Some(publisher), ..) => format!("publisher {publisher}"),
        (None, Some(nearest), _) if event.outcome == "rule-differs" => format!("refused by {nearest}"),
        (None, _, Some(_)) => format!("{issuer:?} {repository:?}"),
        (None, _, None) if is_strangers => format!("{issuer:?}"),
        (None, _, None) => format!("{issuer:?} {settings:?}"),
    }
}

#[cfg(test)]
mod tests {
    use oidc_core::{Run, Timestamp};

    use super::*;

    fn event(time: u64, action: &'static str, outcome: &'static str, repository: &str) -> Event {
        let mut run = Run::default();
        run.repository = Some(repository.to_owned());
        Event::new(Timestamp::from_secs(time), action, "npm", outcome, "").verified("issuer", &run)
    }

    /// The number of 5000 such events that are kept.
    fn kept(waiting: &mut Waiting, event: &Event) -> usize {
        (0..5000).for_each(|_| waiting.record(event));
        waiting.take(usize::MAX).events.len()
    }

    #[test]
    fn nobody_takes_anothers_budget_nor_any_of_what_is_always_kept() {
        let mut waiting = Waiting::default();
        let tags =
            |time, publisher: &str| event(time, "set-tag", "granted", "acme/widget").publisher(publisher);
        assert_eq!(kept(&mut waiting, &tags(0, "one")), 1000);
        assert_eq!(kept(&mut waiting, &tags(0, "one")), 0);
        assert_eq!(kept(&mut waiting, &tags(0, "two")), 1000);
        assert_eq!(kept(&mut waiting, &event(0, "exchange", "not-trusted", "evil/one")), 1000);
        assert_eq!(kept(&mut waiting, &event(0, "exchange", "not-trusted", "evil/two")), 1000);
        assert_eq!(
            kept(&mut waiting, &event(0, "exchange", "not-trusted", "evil/three")),
            0,
            "of all strangers"
        );
        assert_eq!(kept(&mut waiting, &event(0, "exchange", "rule-differs", "acme/gadget")), 1000);
        for action in ["exchange", "publish"] {
            assert_eq!(
                kept(&mut waiting, &event(0, action, "granted", "acme/widget").publisher("one")),
                5000
            );
        }
        assert_eq!(kept(&mut waiting, &event(0, "publish", "refused", "acme/widget").publisher("one")), 0);
        assert_eq!(kept(&mut waiting, &tags(3600, "one")), 1000, "another hour");
        assert_eq!(kept(&mut waiting, &tags(3599, "one")), 0, "late");
        assert_eq!(kept(&mut waiting, &tags(1 << 40, "one")), 1000, "a clock that is ahead");
        assert_eq!(kept(&mut waiting, &tags(3600, "one")), 1000, "and steps back");
    }

    #[test]
    fn tenants_of_one_issuer_whose_tokens_name_no_repository_have_budgets_of_their_own() {
        let mut waiting = Waiting::default();
        let of = |outcome: &'static str, subject: &str, nearest: Option<&str>| {
            let event = Event::new(Timestamp::from_secs(0), "exchange", "npm", outcome, "");
            let mut event = event.verified("issuer", &Run::default());
            event.settings.insert("claims", subject.to_owned());
            event.nearest = nearest.map(str::to_owned);
            event
        };
        assert_eq!(kept(&mut waiting, &of("rule-differs", "one", Some("1"))), 1000);
        assert_eq!(kept(&mut waiting, &of("rule-differs", "another of one", Some("1"))), 0);
        assert_eq!(kept(&mut waiting, &of("rule-differs", "two", Some("2"))), 1000);
        assert_eq!(kept(&mut waiting, &of("already-used", "one", None)), 1000);
        assert_eq!(kept(&mut waiting, &of("already-used", "two", None)), 1000);
        assert_eq!(kept(&mut waiting, &of("not-trusted", "three", None)), 1000);
        assert_eq!(kept(&mut waiting, &of("not-trusted", "four", Some("2"))), 0, "strangers share theirs");
    }

    #[test]
    fn what_is_not_kept_is_counted_and_the_last_that_is_kept_says_so() {
        let mut waiting = Waiting::default();
        let tag = event(0, "set-tag", "granted", "acme/widget").publisher("one");
        (0..1003).for_each(|_| waiting.record(&tag));
        waiting.record(&Event::new(Timestamp::from_secs(0), "exchange", "npm", "malformed", ""));
        let batch = waiting.take(2000);
        assert_eq!(batch.not_kept, Counts::from([(("set-tag", "granted"), 3)]));
        assert_eq!(batch.refused, Counts::from([(("exchange", "malformed"), 1)]));
        let says = |(_, event): &(u64, Event)| event.operator_text().contains("is counted only");
        assert_eq!(batch.events.iter().filter(|event| says(event)).count(), 1);
        assert!(says(batch.events.last().unwrap()));
    }

    #[test]
    fn exchanges_and_publishes_are_written_first_and_nothing_is_lost_that_was_taken_back() {
        let mut waiting = Waiting::default();
        for number in 0..10 {
            waiting.record(&event(number, "set-tag", "granted", "acme/widget"));
            waiting.record(&event(number, "publish", "granted", "acme/widget"));
        }
        let batch = waiting.take(12);
        assert!(batch.events.iter().take(10).all(|(_, event)| event.action == "publish"));
        let numbers = |batch: &Batch| batch.events.iter().map(|(number, _)| *number).collect::<Vec<_>>();
        let taken = numbers(&batch);
        waiting.restore(batch);
        assert_eq!(numbers(&waiting.take(12)), taken);
        assert_eq!(waiting.take(12).events.len(), 8);
        assert!(waiting.take(12).is_empty());
    }
}
