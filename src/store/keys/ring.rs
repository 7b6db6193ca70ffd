//! The keys that requests are signed with, and when they are looked up again.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::time::timeout;

use super::lookup::{at_hand, look_up};
use super::{Found, NoKeys, Way, schedule};
use crate::config::{KeySource, Keys};

/// Time for a look-up of several requests.
const LOOK_UP: Duration = Duration::from_secs(10);

const CURE: &str = "look again in a moment, or set SIDEKICK_CACHE_ACCESS_KEY and \
                    SIDEKICK_CACHE_SECRET_KEY";

/// The present keys. One ring a process; whoever signs takes a copy of the pointer.
#[derive(Debug)]
pub(in crate::store) struct Keyring {
    source: KeySource,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    held: Option<Held>,
    /// Why the last look-up gave none.
    failure: Option<NoKeys>,
    failures: u32,
    /// When to look up again; keys that do not expire are looked up whenever there is an occasion.
    due: Option<Instant>,
}

#[derive(Debug)]
struct Held {
    keys: Arc<Keys>,
    until: Option<Instant>,
}

impl Keyring {
    /// With what the source has at hand. Reads a file.
    ///
    /// # Errors
    /// The source is a file, and the keys are not there.
    pub(in crate::store) fn new(source: &KeySource) -> Result<Self, NoKeys> {
        let held = at_hand(source)?.map(|found| Held::new(found, Instant::now()));
        Ok(Self {
            source: source.clone(),
            state: Mutex::new(State {
                held,
                ..State::default()
            }),
        })
    }

    /// Whether there is anything to sign with.
    pub(in crate::store) fn is_empty(&self) -> bool {
        self.keys().is_err()
    }

    /// The keys to sign with.
    ///
    /// # Errors
    /// There are none yet, or they have expired and could not be replaced.
    pub(in crate::store) fn keys(&self) -> Result<Arc<Keys>, NoKeys> {
        let state = self.state();
        let held = state.held.as_ref();
        if let Some(held) =
            held.filter(|held| held.until.is_none_or(|until| Instant::now() < until))
        {
            return Ok(Arc::clone(&held.keys));
        }
        Err(state.failure.clone().unwrap_or_else(|| {
            let why = match held {
                None => "nobody has been asked yet",
                Some(_) => "the last have expired",
            };
            NoKeys::new(why, CURE)
        }))
    }

    /// Looks keys up if it is time to. What fails changes nothing as long as the old ones count.
    pub(in crate::store) async fn renew(&self, way: Way<'_>) {
        if matches!(self.source, KeySource::Given(_)) {
            return;
        }
        let due = self.state().due;
        if due.is_some_and(|due| Instant::now() < due) {
            return;
        }
        let found = timeout(LOOK_UP, look_up(&self.source, way))
            .await
            .unwrap_or_else(|_| Err(NoKeys::new("whoever gives them takes too long", CURE)));
        self.state().settle(found, Instant::now());
    }

    /// The time until keys are to be looked up, if there is a time for it.
    pub(in crate::store) fn due_in(&self) -> Option<Duration> {
        let due = self.state().due?;
        Some(due.saturating_duration_since(Instant::now()))
    }

    /// The store did not take them: they are looked up at the next occasion.
    pub(in crate::store) fn doubt(&self) {
        self.state().due = None;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn settle(&mut self, found: Result<Found, NoKeys>, now: Instant) {
        match found {
            Ok(found) => {
                self.due = found
                    .life
                    .map(|life| now + schedule::after_success(life, fastrand::f64()));
                self.held = Some(Held::new(found, now));
                self.failure = None;
                self.failures = 0;
            }
            Err(failure) => {
                self.failure = Some(failure);
                self.failures = self.failures.saturating_add(1);
                let pause = schedule::after_failures(self.failures, fastrand::f64());
                let lasts = self.held.as_ref().is_some_and(|held| held.until.is_none());
                self.due = (!lasts).then_some(now + pause);
            }
        }
    }
}

impl Held {
    fn new(found: Found, now: Instant) -> Self {
        Self {
            keys: Arc::new(found.keys),
            until: found.life.map(|life| now + life),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::keys::pair;

    const SECOND: Duration = Duration::from_secs(1);

    fn found(access_key: &str, life: Option<Duration>) -> Found {
        let keys = pair(access_key, "B", None).unwrap();
        Found { keys, life }
    }

    fn failed() -> NoKeys {
        NoKeys::new("x", "y")
    }

    fn held(state: &State) -> Option<&str> {
        Some(state.held.as_ref()?.keys.access_key.reveal())
    }

    #[test]
    fn what_fails_leaves_the_old_keys_and_is_tried_again_soon() {
        let (mut state, now) = (State::default(), Instant::now());
        state.settle(Ok(found("A", Some(3_600 * SECOND))), now);
        let last_minute = now + 3_300 * SECOND..=now + 3_360 * SECOND;
        assert!(state.due.is_some_and(|due| last_minute.contains(&due)));
        for most in [2, 3, 5] {
            state.settle(Err(failed()), now);
            assert_eq!(held(&state), Some("A"));
            assert!(state.due.is_some_and(|due| due < now + most * SECOND));
        }
        state.settle(Ok(found("C", None)), now);
        assert_eq!((held(&state), state.due), (Some("C"), None));
        assert_eq!((state.failures, state.failure), (0, None));
    }

    #[test]
    fn keys_that_do_not_expire_are_looked_up_at_every_occasion() {
        let (mut state, now) = (State::default(), Instant::now());
        for outcome in [Ok(found("A", None)), Err(failed())] {
            state.settle(outcome, now);
            assert_eq!((held(&state), state.due), (Some("A"), None));
        }
    }

    #[test]
    fn keys_count_until_they_expire_and_then_the_failure_is_told() {
        let file = KeySource::Profile {
            file: "/nowhere".into(),
            name: String::new(),
            otherwise: Some(Box::new(KeySource::Instance {
                service: "http://127.0.0.1:1".parse().unwrap(),
            })),
        };
        let ring = Keyring::new(&file).unwrap();
        assert!(ring.is_empty());
        let past = Instant::now().checked_sub(2 * SECOND).unwrap();
        ring.state()
            .settle(Ok(found("A", Some(3_600 * SECOND))), past);
        assert_eq!(ring.keys().unwrap().access_key.reveal(), "A");
        ring.state().settle(Ok(found("A", Some(SECOND))), past);
        assert!(
            ring.keys()
                .unwrap_err()
                .to_string()
                .contains("have expired")
        );
        ring.state().settle(Err(failed()), past);
        assert_eq!(ring.keys().err(), Some(failed()));
    }
}
