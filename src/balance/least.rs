//! `least`: the fewest requests in flight, ties to the one idle longest.

use super::{Candidates, Word};

/// The smallest word wins; its layout is the order of preference (see `load`).
pub(super) fn pick(candidates: Candidates<'_>) -> Option<usize> {
    let mut best: Option<(Word, usize)> = None;
    for index in 0..candidates.len() {
        if let Some(word) = candidates.eligible(index)
            && best.is_none_or(|(least, _)| word < least)
        {
            best = Some((word, index));
        }
    }
    best.map(|(_, index)| index)
}
