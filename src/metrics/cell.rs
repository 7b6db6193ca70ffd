//! A counter with one writer.

use std::sync::atomic::{AtomicU64, Ordering};

pub(super) type Cell = AtomicU64;

/// Adds to a cell of which this thread is the only writer.
pub(super) fn add(cell: &Cell, amount: u64) {
    cell.store(
        cell.load(Ordering::Relaxed).wrapping_add(amount),
        Ordering::Relaxed,
    );
}
