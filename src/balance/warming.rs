//! Whether a pick goes to a candidate that is warming up, before any policy is asked: each one
//! counts for its weight, one that is fully up for one.

use std::time::Instant;

use super::{Candidates, Standing};

/// Draws before all candidates are weighed. Each that is taken is as good as if all had been.
const DRAWS: usize = 8;

/// Whose the pick is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Share {
    /// Those fully up: the policy chooses among them.
    FullyUp,
    /// This candidate's, which is warming up.
    Warming(usize),
}

/// Whose the next pick is; `None` when no candidate is in rotation.
pub(super) fn draw(
    candidates: Candidates<'_>,
    random: &mut fastrand::Rng,
    now: Instant,
) -> Option<Share> {
    if candidates.len() == 0 {
        return None;
    }
    for _ in 0..DRAWS {
        let index = random.usize(..candidates.len());
        if let Some((share, weight)) = weigh(candidates, index, now)
            && random.f32() < weight
        {
            return Some(share);
        }
    }
    let all = || (0..candidates.len()).filter_map(|index| weigh(candidates, index, now));
    let total: f32 = all().map(|(_, weight)| weight).sum();
    let mut rest = random.f32() * total;
    let mut last = None;
    for (share, weight) in all() {
        last = Some(share);
        rest -= weight;
        if rest < 0.0 {
            break;
        }
    }
    last
}

fn weigh(candidates: Candidates<'_>, index: usize, now: Instant) -> Option<(Share, f32)> {
    let place = *candidates.peers.places().get(index)?;
    let word = candidates.table.word(place);
    if !candidates.allows(index, word) {
        return None;
    }
    match word.standing() {
        Standing::Up => Some((Share::FullyUp, 1.0)),
        Standing::Warming => Some((Share::Warming(index), candidates.table.weight(place, now))),
        Standing::Ejected | Standing::Down => None,
    }
}
