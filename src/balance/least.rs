//! `least`: the fewest requests in flight, ties to the one idle longest.

use super::{Candidates, Row, Word};

/// The smallest word wins; its layout is the order of preference (see `load`).
///
/// More candidates than a row holds are compared row by row, and there a tie in requests in flight
/// goes to the first row from `turn` on: whoever is idle longest is always the one whose connection
/// is coldest, and over a thousand backends every request would find a cold one.
///
/// The row that promises most is read first. What is best there is nearly always as good as all
/// that the other rows promise, and then they are not read.
pub(super) fn pick(candidates: Candidates<'_>, turn: usize) -> Option<usize> {
    let rows = candidates.rows();
    let (before, from) = rows.split_at(turn.checked_rem(rows.len())?);
    let in_turn = || from.iter().chain(before);
    let first = in_turn()
        .find(|row| candidates.promise(row).is_idle())
        .or_else(|| in_turn().min_by_key(|row| candidates.promise(row).rank()))?;
    let mut best = best_of(candidates, first, None);
    for row in in_turn() {
        match best {
            Some((least, _)) if least.is_idle() => break,
            Some((least, _)) if candidates.promise(row).rank() >= least.rank() => {}
            _ => best = best_of(candidates, row, best),
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
    let mut least: Option<Word> = None;
    for (index, word) in candidates.words_of(row) {
        least = Some(least.map_or(word, |least| least.min(word)));
        if best.is_none_or(|(least, _)| word < least) && candidates.allows(index, word) {
            best = Some((word, index));
        }
    }
    if least.is_some_and(|least| least.rank() > candidates.promise(row).rank()) {
        candidates.settle(row);
    }
    best
}
