//! From a client's download to the store: the bytes that the client has taken wait here, bounded,
//! until the store takes them too. Neither end ever waits for the other: a store that lets too many
//! bytes wait loses the fill, not the client its time.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::future::poll_fn;
use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};

use super::ledger::{Change, Ledger};
use crate::cache::Resource;
use crate::http::{ChunkScanner, ChunkStep};
use crate::net::{LentPipe, Pipes};
use crate::store::Upload;

/// Bytes that may wait.
pub(super) const MOST_WAITING: usize = 1 << 20;

/// How a body ended, as far as it came this way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// All of it went in.
    Whole,
    /// The store did not keep up; so many bytes went in.
    Lagging(u64),
    /// The download ended before the body did; so many bytes went in.
    Incomplete(u64),
    /// The body was malformed.
    Malformed,
    /// The store has failed.
    Refused,
}

/// How the client's download stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Client {
    Reading,
    /// It has everything.
    Satisfied,
    /// Its download ended before the body did.
    Gone,
}

/// What the two ends share, on one thread.
#[derive(Debug)]
struct Channel {
    bytes: VecDeque<u8>,
    /// What came after `bytes`; once there is one, everything goes in here.
    pipe: Option<LentPipe>,
    /// Bytes that went in.
    accepted: u64,
    end: Option<End>,
    client: Client,
    /// Announced when the body was whole.
    change: Option<Change>,
    waker: Option<Waker>,
}

impl Channel {
    fn wake(&mut self) {
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }

    /// Nothing more goes in. What waits is still wanted, but where the body is lost.
    fn end(&mut self, end: End) {
        self.end = Some(end);
        if matches!(end, End::Malformed | End::Refused) {
            self.bytes = VecDeque::new();
            self.pipe = None;
        }
        self.wake();
    }

    fn append(&mut self, bytes: &[u8]) {
        let before = self.waiting();
        let mut has_room = before + bytes.len() <= MOST_WAITING;
        if has_room {
            if let Some(pipe) = &mut self.pipe {
                has_room = pipe.append(bytes).unwrap_or(false);
            } else {
                self.bytes.extend(bytes);
            }
        }
        self.accept(before, has_room);
    }

    fn duplicate(&mut self, from: &LentPipe) {
        let before = self.waiting();
        let has_room = before + from.len() <= MOST_WAITING
            && self
                .pipe
                .as_mut()
                .is_some_and(|pipe| pipe.duplicate(from).unwrap_or(false));
        self.accept(before, has_room);
    }

    fn waiting(&self) -> usize {
        self.bytes.len() + self.pipe.as_ref().map_or(0, LentPipe::len)
    }

    /// Counts what went in since `before` bytes waited; some of it may have found no room.
    fn accept(&mut self, before: usize, has_room: bool) {
        self.accepted += (self.waiting() - before) as u64;
        if has_room {
            self.wake();
        } else {
            self.end(End::Lagging(self.accepted));
        }
    }
}

/// The download's end; dropped when that is over.
#[derive(Debug)]
pub struct Tap {
    channel: Rc<RefCell<Channel>>,
    rest: Rest,
    takes_pipes: bool,
    ledger: Arc<Ledger>,
    resource: Resource,
}

/// What is still to come.
#[derive(Debug)]
enum Rest {
    Length(u64),
    Chunked(ChunkScanner),
}

/// The store's end.
#[derive(Debug)]
pub(super) struct Spout {
    channel: Rc<RefCell<Channel>>,
}

/// Both ends, for a body of `length` bytes, or a chunked one.
pub(super) fn channel(
    length: Option<u64>,
    takes_pipes: bool,
    ledger: &Arc<Ledger>,
    resource: &Resource,
) -> (Tap, Spout) {
    let channel = Rc::new(RefCell::new(Channel {
        bytes: VecDeque::new(),
        pipe: None,
        accepted: 0,
        end: None,
        client: Client::Reading,
        change: None,
        waker: None,
    }));
    let spout = Spout {
        channel: Rc::clone(&channel),
    };
    let mut tap = Tap {
        channel,
        rest: length.map_or_else(|| Rest::Chunked(ChunkScanner::default()), Rest::Length),
        takes_pipes: takes_pipes && length.is_some(),
        ledger: Arc::clone(ledger),
        resource: resource.clone(),
    };
    tap.took(0);
    (tap, spout)
}

impl Tap {
    /// Whether nothing of the rest is wanted: it was given up, or has come.
    pub fn is_over(&self) -> bool {
        self.channel.borrow().end.is_some()
    }

    /// The client has taken these bytes, chunk framing included where there is some.
    pub fn take(&mut self, bytes: &[u8]) {
        let is_open = !self.is_over();
        match &mut self.rest {
            Rest::Length(_) => {
                if is_open {
                    self.channel.borrow_mut().append(bytes);
                }
                self.took(bytes.len() as u64);
            }
            Rest::Chunked(scanner) if is_open => {
                let whole = decode(scanner, bytes, &mut self.channel.borrow_mut());
                match whole {
                    Ok(false) => {}
                    Ok(true) => self.end(),
                    Err(()) => self.channel.borrow_mut().end(End::Malformed),
                }
            }
            Rest::Chunked(_) => {}
        }
    }

    /// Whether [`Tap::duplicate`] works from here on; takes a pipe if it needs one.
    pub fn splices(&mut self, pipes: &Pipes) -> bool {
        if !self.takes_pipes {
            return false;
        }
        let channel = &mut *self.channel.borrow_mut();
        if channel.pipe.is_none() && channel.end.is_none() {
            channel.pipe = pipes.take(true);
        }
        channel.pipe.is_some()
    }

    /// The client will take all bytes of a pipe: they go to the store as well, without being copied.
    pub fn duplicate(&mut self, from: &LentPipe) {
        let channel = &mut *self.channel.borrow_mut();
        if channel.end.is_none() {
            channel.duplicate(from);
        }
    }

    /// The client has taken bytes that were duplicated before.
    pub fn took(&mut self, count: u64) {
        if let Rest::Length(left) = &mut self.rest {
            *left = left.saturating_sub(count);
            if *left == 0 {
                self.end();
            }
        }
    }

    /// The client has everything. The change is announced before it can ask again.
    fn end(&mut self) {
        let channel = &mut *self.channel.borrow_mut();
        channel.client = Client::Satisfied;
        if channel.end.is_none() {
            channel.change = Some(self.ledger.change(&self.resource));
            channel.end(End::Whole);
        } else {
            channel.wake();
        }
    }
}

impl Drop for Tap {
    fn drop(&mut self) {
        let channel = &mut *self.channel.borrow_mut();
        if channel.client == Client::Reading {
            channel.client = Client::Gone;
        }
        match channel.end {
            None => channel.end(End::Incomplete(channel.accepted)),
            Some(_) => channel.wake(),
        }
    }
}

/// Takes the framing off; whether the body is over.
fn decode(scanner: &mut ChunkScanner, bytes: &[u8], channel: &mut Channel) -> Result<bool, ()> {
    let mut rest = bytes;
    loop {
        match scanner.step(rest).map_err(drop)? {
            ChunkStep::NeedMore => return Ok(false),
            ChunkStep::End(_) => return Ok(true),
            ChunkStep::Framing(count) => rest = &rest[count..],
            ChunkStep::Data(count) => {
                let (data, behind) = rest.split_at(count);
                channel.append(data);
                rest = behind;
            }
        }
    }
}

impl Spout {
    /// The whole body, of one that fits in here. `Err` when it did not.
    pub(super) async fn collect(&self) -> Result<Vec<u8>, End> {
        poll_fn(|context| {
            let channel = &mut *self.channel.borrow_mut();
            match channel.end {
                None => {
                    channel.waker = Some(context.waker().clone());
                    Poll::Pending
                }
                Some(End::Whole) => Poll::Ready(Ok(std::mem::take(&mut channel.bytes).into())),
                Some(end) => Poll::Ready(Err(end)),
            }
        })
        .await
    }

    /// Moves the body into the store as it comes. An error is the store's.
    pub(super) async fn feed(&self, upload: &mut Upload) -> io::Result<End> {
        poll_fn(|context| self.poll_feed(context, upload)).await
    }

    fn poll_feed(&self, context: &mut Context<'_>, upload: &mut Upload) -> Poll<io::Result<End>> {
        let channel = &mut *self.channel.borrow_mut();
        loop {
            let (front, _) = channel.bytes.as_slices();
            if !front.is_empty() {
                let count = ready!(upload.poll_write(context, front))?;
                channel.bytes.drain(..count);
                continue;
            }
            if let Some(pipe) = channel.pipe.as_mut().filter(|pipe| !pipe.is_empty()) {
                ready!(upload.poll_drain(context, pipe))?;
                continue;
            }
            if let Some(end) = channel.end {
                return Poll::Ready(Ok(end));
            }
            channel.waker = Some(context.waker().clone());
            return upload.poll_refused(context).map(Err);
        }
    }

    /// Waits until the client reads no more; how that ended.
    pub(super) async fn client_done(&self) -> Client {
        poll_fn(|context| {
            let channel = &mut *self.channel.borrow_mut();
            if channel.client == Client::Reading {
                channel.waker = Some(context.waker().clone());
                return Poll::Pending;
            }
            Poll::Ready(channel.client)
        })
        .await
    }

    /// What was announced when the body was whole.
    pub(super) fn change(&self) -> Option<Change> {
        self.channel.borrow_mut().change.take()
    }
}

impl Drop for Spout {
    fn drop(&mut self) {
        let channel = &mut *self.channel.borrow_mut();
        if channel.end.is_none() {
            channel.end(End::Refused);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::tests::resource;
    use super::*;
    use crate::store::{Body, MemoryStore, Store as _};

    fn ends(length: Option<u64>) -> (Tap, Spout) {
        channel(length, false, &Arc::default(), &resource("/k"))
    }

    fn now<F: Future>(future: F) -> F::Output {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .unwrap();
        runtime.block_on(future)
    }

    /// What the store has after it was fed, if that was everything.
    async fn fed(spout: &Spout, length: u64) -> Result<Vec<u8>, End> {
        let store = MemoryStore::new(16 << 20);
        let mut upload = store.put("x", length).await.unwrap();
        match spout.feed(&mut upload).await.unwrap() {
            End::Whole => {}
            end => return Err(end),
        }
        upload.finish().await.unwrap();
        match store.get("x", None).await.unwrap().unwrap().body {
            Body::Memory(bytes) => Ok(bytes.to_vec()),
            Body::Stream(_) => panic!("it is in memory"),
        }
    }

    #[test]
    fn the_end_is_announced_with_the_last_byte() {
        let (mut tap, spout) = ends(Some(4));
        tap.take(b"abc");
        assert!(!tap.is_over() && spout.change().is_none());
        tap.take(b"d");
        assert!(tap.is_over() && spout.change().is_some());
        assert_eq!(now(spout.client_done()), Client::Satisfied);
        assert_eq!(now(fed(&spout, 4)), Ok(b"abcd".to_vec()));
    }

    #[test]
    fn a_body_of_nothing_is_whole_at_once() {
        let (tap, spout) = ends(Some(0));
        assert!(tap.is_over() && spout.change().is_some());
    }

    #[test]
    fn a_client_that_leaves_leaves_what_it_took() {
        let (mut tap, spout) = ends(Some(4));
        tap.take(b"ab");
        drop(tap);
        assert_eq!(now(fed(&spout, 4)), Err(End::Incomplete(2)));
        assert_eq!(now(spout.client_done()), Client::Gone);
        assert!(spout.change().is_none());
    }

    #[test]
    fn what_waits_is_bounded_and_the_client_goes_on() {
        let length = 3 * MOST_WAITING as u64;
        let (mut tap, spout) = ends(Some(length));
        let block = vec![7; 100_000];
        let mut taken = 0;
        while taken + block.len() as u64 <= length {
            tap.take(&block);
            taken += block.len() as u64;
        }
        assert!(tap.channel.borrow().waiting() <= MOST_WAITING);
        tap.take(&block[..(length - taken) as usize]);
        let Err(End::Lagging(kept)) = now(fed(&spout, length)) else {
            panic!("nobody took anything meanwhile");
        };
        assert!(kept as usize > MOST_WAITING - block.len() && kept as usize <= MOST_WAITING);
        assert_eq!(now(spout.client_done()), Client::Satisfied);
    }

    #[test]
    fn a_spout_that_is_gone_costs_nothing_more() {
        let (mut tap, spout) = ends(Some(100));
        tap.take(b"abc");
        drop(spout);
        assert!(tap.is_over() && tap.channel.borrow().waiting() == 0);
        tap.take(b"def");
        assert_eq!(tap.channel.borrow().waiting(), 0);
    }

    #[test]
    fn a_broken_framing_ends_it() {
        let (mut tap, spout) = ends(None);
        tap.take(b"3\r\nabc\r\nzz");
        assert_eq!(now(spout.collect()), Err(End::Malformed));
    }

    proptest! {
        #[test]
        fn the_store_gets_what_the_client_took(
            body in prop::collection::vec(any::<u8>(), 1..3000),
            cuts in prop::collection::vec(1usize..400, 0..50),
        ) {
            let (mut tap, spout) = ends(Some(body.len() as u64));
            let mut rest = &body[..];
            for cut in cuts {
                let (some, behind) = rest.split_at(cut.min(rest.len()));
                tap.take(some);
                rest = behind;
            }
            tap.take(rest);
            prop_assert_eq!(now(fed(&spout, body.len() as u64)), Ok(body));
        }

        #[test]
        fn chunks_lose_their_framing_wherever_they_are_cut(
            chunks in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..300), 0..10),
            cut in 1usize..50,
        ) {
            let mut text = Vec::new();
            for chunk in &chunks {
                text.extend(format!("{:x}\r\n", chunk.len()).bytes());
                text.extend(chunk);
                text.extend(b"\r\n");
            }
            text.extend(b"0\r\nA: b\r\n\r\n");
            let (mut tap, spout) = ends(None);
            for some in text.chunks(cut) {
                tap.take(some);
            }
            prop_assert_eq!(now(spout.collect()), Ok(chunks.concat()));
        }
    }
}
