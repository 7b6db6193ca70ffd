//! A worker's pipes to splice through: a few large ones for whoever comes first, and smaller ones
//! for the others.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use crate::sys::Pipe;

/// Large pipes: they move a fast transfer with the fewest calls.
const LARGE: usize = 512 << 10;
const MOST_LARGE: usize = 32;

/// The size that the kernel gives by itself, and that a thousand transfers at once can have.
const SMALL: usize = 64 << 10;
const MOST_SMALL: usize = 992;

/// How often no pipe is asked for after the kernel has refused one. The refusal costs a few system
/// calls, and whoever holds the pages may give them back.
const PAUSE: u32 = 256;

/// The pipes of one worker. Their memory is the kernel's, and a user without privileges gets
/// 64 MiB of it in all (`fs.pipe-user-pages-soft`), so large pipes are few.
#[derive(Debug)]
pub struct Pipes {
    shelves: [Shelf; 2],
}

/// Pipes of one size.
#[derive(Debug)]
struct Shelf {
    capacity: usize,
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
}

impl Shelf {
    fn new(capacity: usize, most: usize) -> Self {
        Self {
            capacity,
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
            capacity: self.capacity,
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
        let made = Pipe::with_capacity(self.capacity).ok();
        if made.is_none() {
            self.pause.set(PAUSE);
        }
        made
    }
}

impl Pipes {
    /// Pipes that take up at most `files` open files, two each.
    pub fn within(files: usize) -> Self {
        let large = MOST_LARGE.min(files / 4);
        let small = MOST_SMALL.min((files / 2).saturating_sub(large));
        Self {
            shelves: [Shelf::new(LARGE, large), Shelf::new(SMALL, small)],
        }
    }

    /// The largest pipe there is; `None` when too many are in use or the kernel gives no more, and
    /// the bytes have to be copied.
    pub fn take(&self) -> Option<LentPipe> {
        self.shelves.iter().find_map(Shelf::take)
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
            .find(|shelf| shelf.capacity == lent.capacity);
        if let Some(shelf) = shelf.filter(|_| lent.is_empty()) {
            shelf.spare.borrow_mut().push(lent.pipe);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::os::unix::net::UnixStream;

    use super::{LARGE, LentPipe, Pipes, SMALL};

    fn capacities(lent: &[LentPipe]) -> Vec<usize> {
        lent.iter().map(|lent| lent.capacity).collect()
    }

    #[test]
    fn the_first_get_large_pipes_the_others_small_ones_and_then_none() {
        let pipes = Pipes::within(8);
        let lent: Vec<_> = std::iter::from_fn(|| pipes.take()).collect();
        assert_eq!(capacities(&lent), [LARGE, LARGE, SMALL, SMALL]);
    }

    #[test]
    fn a_pipe_put_back_is_lent_again() {
        let pipes = Pipes::within(2);
        let first = pipes.take().unwrap();
        assert!(pipes.take().is_none());
        pipes.put(first);
        assert!(pipes.take().is_some());
    }

    #[test]
    fn a_pipe_that_was_dropped_makes_room_for_another() {
        let pipes = Pipes::within(2);
        drop(pipes.take().unwrap());
        assert!(pipes.take().is_some());
    }

    #[test]
    fn a_pipe_with_bytes_in_it_is_never_lent_again() {
        let pipes = Pipes::within(4);
        let (source, mut sender) = UnixStream::pair().unwrap();
        sender.write_all(b"not yours").unwrap();
        let mut lent = pipes.take().unwrap();
        lent.pipe.fill(&source, 9).unwrap();
        pipes.put(lent);
        assert!(
            pipes
                .shelves
                .iter()
                .all(|shelf| shelf.spare.borrow().is_empty())
        );
        assert!(pipes.take().unwrap().is_empty());
    }

    #[test]
    fn many_spare_pipes_become_few() {
        let pipes = Pipes::within(64);
        let lent: Vec<_> = std::iter::from_fn(|| pipes.take()).collect();
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
    fn without_files_there_are_no_pipes() {
        assert!(Pipes::within(0).take().is_none());
        assert!(Pipes::within(1).take().is_none());
    }
}
