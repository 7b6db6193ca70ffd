//! `round-robin`: the usable ones in turn.

use super::Candidates;

/// The first usable candidate from `next` on, which moves to the one behind it: those passed over
/// give nobody a second turn.
pub(super) fn pick(candidates: Candidates<'_>, next: &mut usize) -> Option<usize> {
    let count = candidates.len();
    let start = next.checked_rem(count)?;
    let index = (start..count)
        .chain(0..start)
        .find(|index| candidates.is_eligible(*index))?;
    *next = index + 1;
    Some(index)
}
