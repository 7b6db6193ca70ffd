//! Picking one of N. What is picked stays unknown here: candidates are words of a [`LoadTable`].

mod least;
mod load;
mod random;

pub use load::{Load, LoadTable, Standing, Word};

/// How many candidates one request may have tried already.
pub const MOST_TRIED: usize = 32;

/// Which of the candidates gets the next request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    /// The fewest requests in flight; among equals the one that has been idle longest.
    Least,
    /// Any usable one with the same chance.
    Random,
}

/// How bad a candidate's standing may be to be picked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Accept {
    /// Only candidates in rotation.
    InRotation,
    /// Also those out of rotation whose checks do not say down: the panic rule, for when nothing
    /// better is left.
    Ejected,
}

impl Accept {
    fn allows(self, word: Word) -> bool {
        match word.standing() {
            Standing::Up => true,
            Standing::Ejected => self == Accept::Ejected,
            Standing::Down => false,
        }
    }
}

/// The candidates of one decision: places in a table of load words, less those tried before.
#[derive(Clone, Copy)]
pub struct Candidates<'a> {
    table: &'a LoadTable,
    places: &'a [u32],
    tried: &'a [u32],
    accept: Accept,
}

impl<'a> Candidates<'a> {
    /// Candidates at `places` of `table`; places in `tried` are left out.
    pub fn new(table: &'a LoadTable, places: &'a [u32], tried: &'a [u32], accept: Accept) -> Self {
        Self {
            table,
            places,
            tried,
            accept,
        }
    }

    fn len(&self) -> usize {
        self.places.len()
    }

    /// The candidate's word if it may be picked.
    fn eligible(&self, index: usize) -> Option<Word> {
        let place = *self.places.get(index)?;
        let word = self.table.word(place);
        (self.accept.allows(word) && !self.tried.contains(&place)).then_some(word)
    }
}

impl Policy {
    /// The index of the candidate to use, or `None` when none may be picked.
    pub fn pick(self, candidates: Candidates<'_>, random: &mut fastrand::Rng) -> Option<usize> {
        match self {
            Policy::Least => least::pick(candidates),
            Policy::Random => random::pick(candidates, random),
        }
    }
}

#[cfg(test)]
mod tests;
