//! Candidates that compete for the same requests, arranged for picking.

use super::load::ROW;

/// The places of candidates in a table of load words, and the rows that they lie in.
#[derive(Debug, Default)]
pub struct Peers {
    places: Box<[u32]>,
    rows: Box<[Row]>,
}

/// A row of the table and who is there.
#[derive(Debug)]
pub(super) struct Row {
    /// Its number in the table.
    pub(super) number: u32,
    /// Each peer in it: place and index.
    pub(super) members: Box<[(u32, u32)]>,
}

impl Peers {
    /// Peers at these places; a pick names one by its index here. They should be places of one
    /// group, which has its rows to itself.
    pub fn new(places: impl IntoIterator<Item = u32>) -> Self {
        let places: Box<[u32]> = places.into_iter().collect();
        let mut members: Vec<(u32, u32)> = places.iter().copied().zip(0..).collect();
        members.sort_unstable();
        let rows = members
            .chunk_by(|one, next| one.0 / ROW == next.0 / ROW)
            .map(|members| Row {
                number: members[0].0 / ROW,
                members: members.into(),
            })
            .collect();
        Self { places, rows }
    }

    /// Their places.
    pub fn places(&self) -> &[u32] {
        &self.places
    }

    pub(super) fn rows(&self) -> &[Row] {
        &self.rows
    }
}
