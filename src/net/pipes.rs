//! A worker's pipes to splice through: a few large ones for long transfers, and smaller ones for
//! the others.

use std::cell::{Cell, RefCell};
use std::io;
use std::rc::Rc;

use crate::sys::Pipe;

/// The sizes of pipes, those to be asked for first before the others. All workers together take
/// 16 MiB of each size, and of all sizes what a user without privileges may have
/// (`fs.pipe-user-pages-soft`).
const SIZES: [Size; 4] = [
    // What a user without privileges can have at most (`fs.pipe-max-size`): the fewest calls.
    Size {
        capacity: LARGE,
        most: 16,
    },
    Size {
        capacity: 256 << 10,
        most: 64,
    },
    // What the kernel gives by itself.
    Size {
        capacity: 64 << 10,
        most: 256,
    },
    // For a thousand slow readers at once, each of which would fill a buffer of ours otherwise.
    Size {
        capacity: 16 << 10,
        most: 1024,
    },
];

const LARGE: usize = 1 << 20;

/// A size of pipes.
#[derive(Clone, Copy, Debug)]
struct Size {
    /// Bytes in a full pipe.
    capacity: usize,
    /// Pipes of all workers.
    most: usize,
}

/// How often no pipe is asked for after the kernel has refused one. The refusal costs a few system
/// calls, and whoever holds the pages may give them back.
const PAUSE: u32 = 256;

/// What all workers together may have, and how many share it.
#[derive(Clone, Copy, Debug)]
pub struct PipeShare {
    /// Open files that the pipes of all workers may take up.
    pub files: usize,
    /// Workers, one or more.
    pub workers: usize,
}

const FILES_PER_PIPE: usize = 2;

/// The pipes of one worker. Their memory is the kernel's, which gives a user without privileges
/// 64 MiB of it in all, so large pipes are few.
#[derive(Debug)]
pub struct Pipes {
    shelves: [Shelf; SIZES.len()],
}

/// Pipes of one size.
#[derive(Debug)]
struct Shelf {
    size: Size,
    /// Pipes in use at once.
    most: usize,
    spare: RefCell<Vec<Pipe>>,
    lent: Rc<Cell<usize>>,
    pause: Cell<u32>,
}

/// A pipe for one transfer. One that is not given back with [`Pipes::put`] is closed, with
/// whatever is in it.
#[derive(Debug)]
pub struct LentPipe {
    pub(super) pipe: Pipe,
    pub(super) capacity: usize,
    _loan: Loan,
}

/// Counts a pipe as lent for as long as it is.
#[derive(Debug)]
struct Loan(Rc<Cell<usize>>);

impl Loan {
    fn new(lent: &Rc<Cell<usize>>) -> Self {
        lent.set(lent.get() + 1);
        Self(Rc::clone(lent))
    }
}

impl Drop for Loan {
    fn drop(&mut self) {
        self.0.set(self.0.get() - 1);
    }
}

impl LentPipe {
    /// Whether no byte is on its way.
    pub fn is_empty(&self) -> bool {
        self.pipe.is_empty()
    }

    /// Bytes on their way.
    pub fn len(&self) -> usize {
        self.pipe.len()
    }

    /// As [`Pipe::duplicate`].
    ///
    /// # Errors
    /// As there.
    pub fn duplicate(&mut self, from: &Self) -> io::Result<bool> {
        self.pipe.duplicate(&from.pipe)
    }

    /// As [`Pipe::append`].
    ///
    /// # Errors
    /// As there.
    pub fn append(&mut self, bytes: &[u8]) -> io::Result<bool> {
        self.pipe.append(bytes)
    }
}

impl Shelf {
    fn new(size: Size, most: usize) -> Self {
        Self {
            size,
            most,
            spare: RefCell::default(),
            lent: Rc::default(),
            pause: Cell::new(0),
        }
    }

    fn take(&self) -> Option<LentPipe> {
        let spare = self.spare.borrow_mut().pop();
        let pipe = spare.or_else(|| self.make())?;
        Some(LentPipe {
            pipe,
            capacity: self.size.capacity,
            _loan: Loan::new(&self.lent),
        })
    }

    /// A new pipe, unless there are enough or the kernel has refused one lately.
    fn make(&self) -> Option<Pipe> {
        if self.lent.get() >= self.most {
            return None;
        }
        if let Some(left) = self.pause.get().checked_sub(1) {
            self.pause.set(left);
            return None;
        }
        let made = Pipe::with_capacity(self.size.capacity).ok();
        if made.is_none() {
            self.pause.set(PAUSE);
        }
        made
    }
}

impl Pipes {
    /// One worker's share of the pipes.
    pub fn within(share: PipeShare) -> Self {
        let mut left = share.files / share.workers / FILES_PER_PIPE;
        Self {
            shelves: SIZES.map(|size| {
                let most = size.most.div_ceil(share.workers).min(left);
                left -= most;
                Shelf::new(size, most)
            }),
        }
    }

    /// The best pipe there is, a large one only for a transfer that gains by it; `None` when too many
    /// are in use or the kernel gives no more, and the bytes have to be copied.
    pub fn take(&self, large: bool) -> Option<LentPipe> {
        let mut fitting = self
            .shelves
            .iter()
            .filter(|shelf| large || shelf.size.capacity < LARGE);
        fitting.find_map(Shelf::take)
    }

    /// Closes some of those that nobody has needed for a while; to be called now and then.
    pub fn sweep(&self) {
        for shelf in &self.shelves {
            let mut spare = shelf.spare.borrow_mut();
            let few = spare.len() / 16;
            spare.drain(..few);
        }
    }

    /// Keeps a pipe for another transfer. With bytes in it, it is closed instead.
    pub fn put(&self, lent: LentPipe) {
        let shelf = self
            .shelves
            .iter()
            .find(|shelf| shelf.size.capacity == lent.capacity);
        if let Some(shelf) = shelf.filter(|_| lent.is_empty()) {
            shelf.spare.borrow_mut().push(lent.pipe);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::iter;
    use std::os::unix::net::UnixStream;

    use super::{LentPipe, PAUSE, PipeShare, Pipes, Shelf, Size};

    fn alone(files: usize) -> PipeShare {
        PipeShare { files, workers: 1 }
    }

    fn capacities(lent: &[LentPipe]) -> Vec<usize> {
        lent.iter().map(|lent| lent.capacity).collect()
    }

    fn all(pipes: &Pipes, large: bool) -> Vec<LentPipe> {
        std::iter::from_fn(|| pipes.take(large)).collect()
    }

    #[test]
    fn long_transfers_get_the_large_pipes_others_smaller_ones_and_then_none() {
        let pipes = Pipes::within(alone(2 * 82));
        let long = all(&pipes, true);
        assert_eq!(
            capacities(&long[14..18]),
            [1 << 20, 1 << 20, 256 << 10, 256 << 10]
        );
        assert_eq!(capacities(&long[79..]), [256 << 10, 64 << 10, 64 << 10]);
        drop(long);
        let short = all(&pipes, false);
        assert_eq!(short.len(), 66);
        assert_eq!(capacities(&short[63..]), [256 << 10, 64 << 10, 64 << 10]);
    }

    #[test]
    fn workers_share_the_pipes_of_each_size() {
        let workers = 16;
        let pipes = Pipes::within(PipeShare {
            files: 1 << 20,
            workers,
        });
        let lent = all(&pipes, true);
        let of = |capacity| {
            capacities(&lent)
                .iter()
                .filter(|one| **one == capacity)
                .count()
        };
        assert_eq!(
            [1 << 20, 256 << 10, 64 << 10, 16 << 10].map(of),
            [1, 4, 16, 64]
        );
    }

    #[test]
    fn a_pipe_put_back_is_lent_again() {
        let pipes = Pipes::within(alone(2));
        let first = pipes.take(true).unwrap();
        assert!(pipes.take(true).is_none());
        pipes.put(first);
        assert!(pipes.take(true).is_some());
    }

    #[test]
    fn a_pipe_that_was_dropped_makes_room_for_another() {
        let pipes = Pipes::within(alone(2));
        drop(pipes.take(true).unwrap());
        assert!(pipes.take(true).is_some());
    }

    #[test]
    fn a_pipe_with_bytes_in_it_is_never_lent_again() {
        let pipes = Pipes::within(alone(4));
        let (source, mut sender) = UnixStream::pair().unwrap();
        sender.write_all(b"not yours").unwrap();
        let mut lent = pipes.take(true).unwrap();
        lent.pipe.fill(&source, 9).unwrap();
        pipes.put(lent);
        assert!(
            pipes
                .shelves
                .iter()
                .all(|shelf| shelf.spare.borrow().is_empty())
        );
        assert!(pipes.take(true).unwrap().is_empty());
    }

    #[test]
    fn many_spare_pipes_become_few() {
        let pipes = Pipes::within(alone(64));
        let lent = all(&pipes, true);
        for lent in lent {
            pipes.put(lent);
        }
        let spare = || -> usize {
            let spare = pipes.shelves.iter().map(|shelf| shelf.spare.borrow().len());
            spare.sum()
        };
        assert_eq!(spare(), 32);
        (0..32).for_each(|_| pipes.sweep());
        assert!(spare() < 32 && spare() > 0);
    }

    #[test]
    fn a_kernel_that_refuses_a_size_is_asked_for_the_next_one_and_later_again() {
        let mut pipes = Pipes::within(alone(1 << 20));
        let refused = Size {
            capacity: 1 << 40,
            most: 1,
        };
        pipes.shelves[0] = Shelf::new(refused, 1);
        for left in iter::once(PAUSE).chain((0..PAUSE).rev()) {
            let lent = pipes.take(true).map(|lent| lent.capacity);
            assert_eq!(lent, Some(256 << 10));
            assert_eq!(pipes.shelves[0].pause.get(), left);
        }
        pipes.take(true);
        let paused = pipes.shelves[0].pause.get();
        assert_eq!(paused, PAUSE, "it was asked once more");
    }

    #[test]
    fn without_files_there_are_no_pipes() {
        assert!(Pipes::within(alone(0)).take(true).is_none());
        assert!(Pipes::within(alone(1)).take(true).is_none());
    }
}
