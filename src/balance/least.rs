//! `least`: the fewest requests in flight, ties to the one idle longest.

use super::{Candidates, Word};

/// The smallest word wins; its layout is the order of preference (see `load`).
///
/// A word is compared before anything else is asked of it: of a thousand candidates only a few are
/// ever the best so far.
pub(super) fn pick(candidates: Candidates<'_>) -> Option<usize> {
    let mut best: Option<(Word, usize)> = None;
    for (index, word) in candidates.words().enumerate() {
        if best.is_none_or(|(least, _)| word < least) && candidates.allows(index, word) {
            best = Some((word, index));
        }
    }
    best.map(|(_, index)| index)
}
