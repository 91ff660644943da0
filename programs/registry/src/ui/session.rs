//! Sessions of people who logged in, in memory: bounded in number and in time.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use data_encoding::HEXLOWER;
use oidc_core::{Context, RandomError, Secret, Timestamp};
use oidc_exchange::server::TokenHash;

/// The time after which a session that is not used ends.
pub(super) const IDLE: Duration = Duration::from_secs(30 * 60);
/// The time after which every session ends.
const LONGEST: Duration = Duration::from_secs(12 * 3600);
/// The number of sessions at a time. One more ends the one that was used longest ago.
const MOST: usize = 32;
/// The number of random bytes in a cookie and in a form's token.
const RANDOM_BYTES: usize = 32;

/// A session of somebody who logged in.
#[derive(Clone, Debug)]
pub(super) struct Session {
    /// Whoever logged in, for people.
    pub(super) account: String,
    /// The token that each of the session's forms sends back.
    pub(super) form_token: Secret,
}

impl Session {
    /// Returns `true` if a form was made for this session. Hashes are compared, so that the time that it takes tells nothing.
    pub(super) fn made(&self, form_token: &str) -> bool {
        TokenHash::of(self.form_token.expose()) == TokenHash::of(form_token)
    }
}

/// The sessions of this process.
#[derive(Debug, Default)]
pub(super) struct Sessions(Mutex<Vec<Open>>);

#[derive(Debug)]
struct Open {
    /// The hash of the cookie: whoever reads this process's memory by a mistake of ours finds no cookie that is valid.
    cookie: TokenHash,
    session: Session,
    began: Timestamp,
    used: Timestamp,
}

impl Open {
    fn has_ended(&self, now: Timestamp) -> bool {
        self.used.plus(IDLE) <= now || self.began.plus(LONGEST) <= now
    }
}

impl Sessions {
    /// Opens a session with a new cookie. No cookie that a browser brought along is ever taken.
    pub(super) fn open(&self, account: String, cx: &Context) -> Result<Secret, RandomError> {
        let (cookie, form_token) = (random(cx)?, random(cx)?);
        let now = cx.clock().now();
        let session = Session { account, form_token };
        let mut sessions = self.current(now);
        if sessions.len() >= MOST {
            let oldest = sessions.iter().enumerate().min_by_key(|(_, open)| open.used).map(|(at, _)| at);
            oldest.map(|at| sessions.swap_remove(at));
        }
        sessions.push(Open { cookie: TokenHash::of(cookie.expose()), session, began: now, used: now });
        Ok(cookie)
    }

    /// The session of a cookie, which is used by this.
    pub(super) fn find(&self, cookie: &str, now: Timestamp) -> Option<Session> {
        let cookie = TokenHash::of(cookie);
        let mut sessions = self.current(now);
        let open = sessions.iter_mut().find(|open| open.cookie == cookie)?;
        open.used = now;
        Some(open.session.clone())
    }

    /// Ends the session of a cookie.
    pub(super) fn close(&self, cookie: &str, now: Timestamp) {
        let cookie = TokenHash::of(cookie);
        self.current(now).retain(|open| open.cookie != cookie);
    }

    /// The sessions that have not ended.
    fn current(&self, now: Timestamp) -> MutexGuard<'_, Vec<Open>> {
        let mut sessions = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        sessions.retain(|open| !open.has_ended(now));
        sessions
    }
}

fn random(cx: &Context) -> Result<Secret, RandomError> {
    let mut bytes = [0; RANDOM_BYTES];
    cx.random().fill(&mut bytes)?;
    Ok(Secret::new(HEXLOWER.encode(&bytes)))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::sync::atomic::{AtomicU8, Ordering};

    use oidc_core::Random;
    use oidc_core::testing::ManualClock;

    use super::*;

    /// Other bytes each time.
    #[derive(Debug, Default)]
    struct Counted(AtomicU8);

    impl Random for Counted {
        fn fill(&self, bytes: &mut [u8]) -> Result<(), RandomError> {
            bytes.fill(self.0.fetch_add(1, Ordering::Relaxed));
            Ok(())
        }
    }

    fn world() -> (Sessions, ManualClock, Context) {
        let clock = ManualClock::at(1_700_000_000);
        let cx = Context::default().with_random(Counted::default()).with_clock(clock.clone());
        (Sessions::default(), clock, cx)
    }

    #[test]
    fn a_session_ends_when_it_is_idle_and_when_it_is_old() {
        let (sessions, clock, cx) = world();
        let cookie = sessions.open("a".to_owned(), &cx).unwrap();
        let find = || sessions.find(cookie.expose(), cx.clock().now());
        clock.advance(IDLE.checked_sub(Duration::from_secs(1)).unwrap());
        assert!(find().is_some());
        clock.advance(IDLE);
        assert!(find().is_none());
        let cookie = sessions.open("a".to_owned(), &cx).unwrap();
        let find = || sessions.find(cookie.expose(), cx.clock().now());
        let step = IDLE.checked_sub(Duration::from_secs(60)).unwrap();
        let alive = (0..100).take_while(|_| {
            clock.advance(step);
            find().is_some()
        });
        let alive = step * u32::try_from(alive.count()).unwrap();
        assert!(alive < LONGEST && alive + step >= LONGEST, "{alive:?}");
    }

    #[test]
    fn there_are_so_many_sessions_and_no_more_and_each_has_its_own_secrets() {
        let (sessions, clock, cx) = world();
        let cookies: Vec<Secret> = (0..MOST + 5)
            .map(|_| {
                clock.advance(Duration::from_secs(1));
                sessions.open("a".to_owned(), &cx).unwrap()
            })
            .collect();
        let now = cx.clock().now();
        let alive = cookies.iter().filter(|cookie| sessions.find(cookie.expose(), now).is_some()).count();
        assert_eq!(alive, MOST);
        let [last, before] = [1, 2]
            .map(|back| sessions.find(cookies.iter().rev().nth(back - 1).unwrap().expose(), now).unwrap());
        assert!(last.made(last.form_token.expose()) && !last.made(before.form_token.expose()));
        assert!(!last.made(""));
        sessions.close(cookies.last().unwrap().expose(), now);
        assert!(sessions.find(cookies.last().unwrap().expose(), now).is_none());
    }
}
