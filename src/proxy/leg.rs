//! A response on its way to the client, whoever sends it: a backend, or the cache's store.

use std::rc::Rc;
use std::time::{Duration, Instant};

use super::exchange::Tally;
use crate::net::Stream;
use crate::store::Home;
use crate::upstream::{Attempt, Upstream};

/// A response on its way, its head in the exchange, and the connection on which the rest comes.
pub(super) struct Leg {
    pub(super) stream: Stream,
    pub(super) source: Source,
    /// When the response head was there.
    pub(super) answered: Instant,
    /// What the request's tally said when it began: bytes before are another attempt's.
    before: (u64, u64),
}

/// Who sends a response.
pub(super) enum Source {
    /// A backend, attempted.
    Backend(Attempt),
    /// The cache's store; takes the connection back.
    Store(Home),
}

impl Leg {
    /// A response of a backend, whose head was there at `at`; `before` is what the request had moved
    /// when the attempt began.
    pub(super) fn answered(
        stream: Stream,
        attempt: Attempt,
        at: Instant,
        before: (u64, u64),
    ) -> Self {
        Self {
            stream,
            source: Source::Backend(attempt),
            answered: at,
            before,
        }
    }

    /// A response from the store.
    pub(super) fn stored(stream: Stream, home: Home, tally: &Tally) -> Self {
        Self {
            stream,
            source: Source::Store(home),
            answered: Instant::now(),
            before: (tally.rx, tally.tx),
        }
    }

    /// Counts what this attempt has moved; of a response from the store, gives the bytes that went to
    /// the client.
    pub(super) fn transferred(&mut self, tally: &Tally) -> Option<u64> {
        let (rx, tx) = self.before;
        match &mut self.source {
            Source::Backend(attempt) => {
                attempt.transferred(tally.rx - rx, tally.tx - tx);
                None
            }
            Source::Store(_) => Some(tally.tx - tx),
        }
    }

    /// The backend, if it is one that sends it.
    pub(super) fn upstream(&self) -> Option<Rc<Upstream>> {
        match &self.source {
            Source::Backend(attempt) => Some(Rc::clone(attempt.upstream())),
            Source::Store(_) => None,
        }
    }

    /// Keeps the connection, on which nothing is outstanding, for another request.
    pub(super) fn put_back(self, announced: Option<Duration>, now: Instant) {
        match self.source {
            Source::Backend(attempt) => attempt.upstream().put_back(self.stream, announced, now),
            Source::Store(home) => home.take_back(self.stream),
        }
    }
}
