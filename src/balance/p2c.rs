//! `p2c`, the power of two choices: of two usable candidates drawn by chance, the one that promises
//! the faster answer.

use std::time::Instant;

use super::{Candidates, random};

/// What an answer may take, in µs, of a candidate that was asked and has never answered.
const UNKNOWN: f32 = 1e6;

pub(super) fn pick(
    candidates: Candidates<'_>,
    random: &mut fastrand::Rng,
    now: Instant,
) -> Option<usize> {
    let one = random::draw(candidates, None, random)?;
    let Some(other) = random::draw(candidates, Some(one), random) else {
        return Some(one);
    };
    let is_better = cost(candidates, other, now) < cost(candidates, one, now);
    Some(if is_better { other } else { one })
}

/// Latency times load. The latency of an idle one fades, so that one that was slow is tried again;
/// with a request on its way there, its latency stands until that is answered, and a backend that
/// hangs gets no second one.
fn cost(candidates: Candidates<'_>, index: usize, now: Instant) -> f32 {
    let Some(&place) = candidates.peers.places().get(index) else {
        return f32::INFINITY;
    };
    let table = candidates.table;
    let latency = table.latency(place);
    match table.word(place).in_flight() {
        0 => latency.faded(table.millis(now)).unwrap_or(0.0),
        in_flight => latency.latest().unwrap_or(UNKNOWN) * (in_flight + 1) as f32,
    }
}
