//! `random`: every usable candidate with the same chance.

use super::Candidates;

/// Blind draws before the usable ones are counted. With most candidates up, one draw is enough.
const DRAWS: usize = 4;

pub(super) fn pick(candidates: Candidates<'_>, random: &mut fastrand::Rng) -> Option<usize> {
    draw(candidates, None, random)
}

/// Any usable one but `other`.
pub(super) fn draw(
    candidates: Candidates<'_>,
    other: Option<usize>,
    random: &mut fastrand::Rng,
) -> Option<usize> {
    if candidates.len() == 0 {
        return None;
    }
    let is_usable = |index: &usize| Some(*index) != other && candidates.is_eligible(*index);
    for _ in 0..DRAWS {
        let index = random.usize(..candidates.len());
        if is_usable(&index) {
            return Some(index);
        }
    }
    let usable = || (0..candidates.len()).filter(is_usable);
    let count = usable().count();
    if count == 0 {
        return None;
    }
    // Another thread may have changed a standing since the count: then any one left will do.
    let chosen = random.usize(..count);
    usable().nth(chosen).or_else(|| usable().next_back())
}
