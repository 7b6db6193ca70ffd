//! Picking one of N. What is picked stays unknown here: candidates are words of a [`LoadTable`].

mod latency;
mod least;
mod load;
mod p2c;
mod peers;
mod picker;
mod ramp;
mod random;
mod round_robin;
mod warming;

use peers::Row;

pub use load::{Load, LoadTable, Standing, Word};
pub use peers::Peers;
pub use picker::Picker;
pub use ramp::Ramp;

/// How many candidates one request may have tried already.
pub const MOST_TRIED: usize = 32;

/// Which of the candidates gets the next request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    /// The fewest requests in flight; among equals the one that has been idle longest, and where
    /// there are very many, among those whose turn it is.
    Least,
    /// Any usable one with the same chance.
    Random,
    /// The usable ones in turn, each worker for itself.
    RoundRobin,
    /// Of two drawn by chance, the one with the lower product of latency and requests in flight.
    P2c,
}

/// How bad a candidate's standing may be to be picked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Accept {
    /// Only candidates in rotation, warming ones with a share that grows.
    InRotation,
    /// Also those out of rotation whose checks do not say down: the panic rule, for when nothing
    /// better is left.
    Ejected,
}

impl Accept {
    fn worst(self) -> Standing {
        match self {
            Accept::InRotation => Standing::Warming,
            Accept::Ejected => Standing::Ejected,
        }
    }
}

/// The candidates of one decision: peers in a table of load words, less those tried before.
#[derive(Clone, Copy)]
pub struct Candidates<'a> {
    table: &'a LoadTable,
    peers: &'a Peers,
    tried: &'a [u32],
    /// The worst standing that may be picked.
    worst: Standing,
}

impl<'a> Candidates<'a> {
    /// Candidates `peers` of `table`; places in `tried` are left out.
    pub fn new(table: &'a LoadTable, peers: &'a Peers, tried: &'a [u32], accept: Accept) -> Self {
        Self {
            table,
            peers,
            tried,
            worst: accept.worst(),
        }
    }

    /// Those of them that are in rotation and not warming.
    fn fully_up(self) -> Self {
        Self {
            worst: Standing::Up,
            ..self
        }
    }

    fn len(&self) -> usize {
        self.peers.places().len()
    }

    fn rows(&self) -> &'a [Row] {
        self.peers.rows()
    }

    /// No word of the row is below this one.
    fn promise(&self, row: &Row) -> Word {
        self.table.promise(row.number)
    }

    /// The row holds less than it promises.
    fn settle(&self, row: &Row) {
        self.table.settle(row.number);
    }

    /// The candidates of a row: index and word.
    fn words_of(&self, row: &'a Row) -> impl Iterator<Item = (usize, Word)> {
        let members = row.members.iter();
        members.map(|(place, index)| (*index as usize, self.table.word(*place)))
    }

    /// Whether the candidate may be picked with this word.
    fn allows(&self, index: usize, word: Word) -> bool {
        let untried = |place| !self.tried.contains(place);
        word.standing() <= self.worst && self.peers.places().get(index).is_some_and(untried)
    }

    /// Whether the candidate may be picked as it stands now.
    fn is_eligible(&self, index: usize) -> bool {
        let place = self.peers.places().get(index);
        place.is_some_and(|place| self.allows(index, self.table.word(*place)))
    }
}

#[cfg(test)]
mod tests;
