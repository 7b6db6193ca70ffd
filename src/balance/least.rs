//! `least`: the fewest requests in flight, ties to the one idle longest.

use super::{Candidates, Row, Word};

/// The smallest word wins; its layout is the order of preference (see `load`).
///
/// The row that promises most is read first. What is best there is nearly always better than all
/// that the other rows promise, and then they are not read.
pub(super) fn pick(candidates: Candidates<'_>) -> Option<usize> {
    let rows = candidates.rows();
    let first = rows.iter().min_by_key(|row| candidates.promise(row))?;
    let mut best = best_of(candidates, first, None);
    for row in rows {
        if best.is_none_or(|(least, _)| candidates.promise(row) < least) {
            best = best_of(candidates, row, best);
        }
    }
    best.map(|(_, index)| index)
}

/// The best of a row, or what was best before. A word is compared before anything else is asked
/// of it.
fn best_of(
    candidates: Candidates<'_>,
    row: &Row,
    mut best: Option<(Word, usize)>,
) -> Option<(Word, usize)> {
    for (index, word) in candidates.words_of(row) {
        if best.is_none_or(|(least, _)| word < least) && candidates.allows(index, word) {
            best = Some((word, index));
        }
    }
    best
}
