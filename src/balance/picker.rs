//! Who picks: a policy and what one worker remembers between two picks.

use std::time::{Duration, Instant};

use super::{Candidates, Policy, least, random};

/// How long ties between rows go to the same row. Long enough for a busy worker to use each of its
/// connections several times while they are warm, short enough that a quiet one comes around.
const TURN: Duration = Duration::from_millis(50);

/// Picks for one worker.
#[derive(Debug)]
pub struct Picker {
    policy: Policy,
    random: fastrand::Rng,
    turn: usize,
    turn_ends: Instant,
}

impl Picker {
    /// A picker that decides by `policy`, with its own random numbers.
    pub fn new(policy: Policy, random: fastrand::Rng, now: Instant) -> Self {
        Self {
            policy,
            random,
            turn: 0,
            turn_ends: now,
        }
    }

    /// The index of the candidate to use, or `None` when none may be picked.
    pub fn pick(&mut self, candidates: Candidates<'_>, now: Instant) -> Option<usize> {
        match self.policy {
            Policy::Least => least::pick(candidates, self.turn(now)),
            Policy::Random => random::pick(candidates, &mut self.random),
        }
    }

    /// The row whose turn it is, to be taken modulo their number: any row, so that workers and
    /// whole fleets that started together do not go from row to row together.
    fn turn(&mut self, now: Instant) -> usize {
        if now >= self.turn_ends {
            self.turn = self.random.usize(..);
            self.turn_ends = now + TURN;
        }
        self.turn
    }
}
