//! Who picks: a policy and what one worker remembers between two picks.

use std::time::{Duration, Instant};

use super::warming::{self, Share};
use super::{Candidates, Policy, least, p2c, random, round_robin};

/// How long ties between rows go to the same row. Long enough for a busy worker to use each of its
/// connections several times while they are warm, short enough that a quiet one comes around.
const TURN: Duration = Duration::from_millis(200);

/// Picks for one worker.
#[derive(Debug)]
pub struct Picker {
    policy: Policy,
    random: fastrand::Rng,
    /// The row to which ties go, modulo their number.
    turn: usize,
    turn_ends: Instant,
    /// Whose turn it is by `round-robin`, modulo their number.
    next: usize,
}

impl Picker {
    /// A picker that decides by `policy`, with its own random numbers.
    pub fn new(policy: Policy, mut random: fastrand::Rng, now: Instant) -> Self {
        Self {
            policy,
            // Workers and fleets that started together do not go around together.
            turn: random.usize(..),
            turn_ends: now,
            next: random.usize(..),
            random,
        }
    }

    /// The index of the candidate to use, or `None` when none may be picked.
    pub fn pick(&mut self, candidates: Candidates<'_>, now: Instant) -> Option<usize> {
        if !candidates.table.is_warming() {
            return self.choose(candidates, now);
        }
        match warming::draw(candidates, &mut self.random, now) {
            Some(Share::Warming(index)) => Some(index),
            // Another thread may have changed a standing since the draw.
            Some(Share::FullyUp) => self
                .choose(candidates.fully_up(), now)
                .or_else(|| self.choose(candidates, now)),
            None => self.choose(candidates, now),
        }
    }

    /// As the policy says.
    fn choose(&mut self, candidates: Candidates<'_>, now: Instant) -> Option<usize> {
        match self.policy {
            Policy::Least => least::pick(candidates, self.turn(now)),
            Policy::Random => random::pick(candidates, &mut self.random),
            Policy::RoundRobin => round_robin::pick(candidates, &mut self.next),
            Policy::P2c => p2c::pick(candidates, &mut self.random, now),
        }
    }

    /// The row whose turn it is, to be taken modulo their number. They follow one another, so that
    /// with a busy worker each comes around before its idle connections age out.
    fn turn(&mut self, now: Instant) -> usize {
        if now >= self.turn_ends {
            self.turn = self.turn.wrapping_add(1);
            self.turn_ends = now + TURN;
        }
        self.turn
    }
}
