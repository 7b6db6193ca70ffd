//! Bodies too large to be looked at, and how they are compared.

use std::fmt;

use sha2::{Digest as _, Sha256};

/// Prime, so that no buffer's end falls on a block's end twice.
const BLOCK: usize = 1_048_573;

/// Blocks of a body that repeats nowhere: each begins with its own number.
pub(crate) fn blocks(length: usize) -> impl Iterator<Item = Vec<u8>> {
    let block: Vec<u8> = (0..BLOCK.min(length) as u32)
        .map(|at| (at.wrapping_mul(2_654_435_761) >> 24) as u8)
        .collect();
    (0..length).step_by(BLOCK).map(move |start| {
        let mut block = block[..BLOCK.min(length - start)].to_vec();
        let number = start.to_le_bytes();
        let stamp = number.len().min(block.len());
        block[..stamp].copy_from_slice(&number[..stamp]);
        block
    })
}

/// The same body in one piece.
pub(crate) fn whole(length: usize) -> Vec<u8> {
    let mut whole = Vec::with_capacity(length);
    blocks(length).for_each(|block| whole.extend_from_slice(&block));
    whole
}

/// What tells two bodies apart.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Digest {
    pub(crate) length: usize,
    hash: Vec<u8>,
}

impl Digest {
    /// Of the body that [`blocks`] makes.
    pub(crate) fn of_blocks(length: usize) -> Self {
        let mut digesting = Digesting::default();
        blocks(length).for_each(|block| digesting.add(&block));
        digesting.done()
    }

    pub(crate) fn of(bytes: &[u8]) -> Self {
        let mut digesting = Digesting::default();
        digesting.add(bytes);
        digesting.done()
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} bytes ", self.length)?;
        let hash = self.hash.iter().take(8);
        hash.clone()
            .try_for_each(|byte| write!(formatter, "{byte:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

/// A digest in the making.
#[derive(Default)]
pub(crate) struct Digesting {
    length: usize,
    hash: Sha256,
}

impl Digesting {
    pub(crate) fn add(&mut self, bytes: &[u8]) {
        self.length += bytes.len();
        self.hash.update(bytes);
    }

    pub(crate) fn length(&self) -> usize {
        self.length
    }

    pub(crate) fn done(self) -> Digest {
        Digest {
            length: self.length,
            hash: self.hash.finalize().to_vec(),
        }
    }
}
