//! What the streams of a connection have come to, for the connection to judge.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::task::Waker;

/// The sums of one connection.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    open: Cell<u32>,
    answered: Cell<u64>,
    taken_back: Cell<u64>,
    meant: Cell<u64>,
    /// Woken when the last stream is gone.
    connection: RefCell<Option<Waker>>,
}

/// One stream's place in it; open until it is dropped.
#[derive(Debug)]
pub(super) struct Entry(Rc<Ledger>);

impl Ledger {
    pub(super) fn enter(self: &Rc<Self>) -> Entry {
        self.open.set(self.open.get() + 1);
        Entry(Rc::clone(self))
    }

    /// Streams that are served.
    pub(super) fn open(&self) -> u32 {
        self.open.get()
    }

    /// Streams that were served to their end.
    pub(super) fn answered(&self) -> u64 {
        self.answered.get()
    }

    /// Streams whose client did not wait for the end.
    pub(super) fn taken_back(&self) -> u64 {
        self.taken_back.get()
    }

    /// Bytes of requests and responses.
    pub(super) fn meant(&self) -> u64 {
        self.meant.get()
    }

    /// Has this task woken when the last stream is gone.
    pub(super) fn wake_when_empty(&self, waker: &Waker) {
        let mut kept = self.connection.borrow_mut();
        match &mut *kept {
            Some(known) => known.clone_from(waker),
            None => *kept = Some(waker.clone()),
        }
    }
}

impl Entry {
    /// Counts bytes of the request or its response.
    pub(super) fn meant(&self, bytes: usize) {
        self.0.meant.set(self.0.meant.get() + bytes as u64);
    }

    pub(super) fn answered(&self) {
        self.0.answered.set(self.0.answered.get() + 1);
    }

    pub(super) fn taken_back(&self) {
        self.0.taken_back.set(self.0.taken_back.get() + 1);
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        let open = self.0.open.get() - 1;
        self.0.open.set(open);
        if open == 0
            && let Some(waker) = &*self.0.connection.borrow()
        {
            waker.wake_by_ref();
        }
    }
}
