//! Fixed-size buffers and the small stacks from which a worker takes what it reuses.

use std::cell::RefCell;

/// Bytes a buffer holds: the largest head, a body of 64 KiB with the framing of its chunks, and a
/// good read size for larger bodies.
pub const BUFFER_SIZE: usize = 68 * 1024;

/// A fixed block of bytes with a filled part at its start: `[0, len)` is filled, the rest free.
///
/// It has no memory before its free part is asked for. Pages that were never written cost nothing, so
/// a buffer that only ever saw small requests is one page of memory.
#[derive(Debug, Default)]
pub struct Buffer {
    bytes: Box<[u8]>,
    len: usize,
}

impl Buffer {
    /// Whether it has no memory yet.
    pub fn is_bare(&self) -> bool {
        self.bytes.is_empty()
    }

    /// The filled bytes.
    pub fn filled(&self) -> &[u8] {
        &self.bytes[..self.len]
    }

    /// The filled bytes, to change in place.
    pub fn filled_mut(&mut self) -> &mut [u8] {
        &mut self.bytes[..self.len]
    }

    /// The free bytes behind the filled ones; after writing to them call [`Buffer::advance`].
    pub fn free(&mut self) -> &mut [u8] {
        if self.is_bare() {
            self.bytes = vec![0; BUFFER_SIZE].into_boxed_slice();
        }
        &mut self.bytes[self.len..]
    }

    /// Counts `more` bytes of the free part as filled.
    pub fn advance(&mut self, more: usize) {
        self.len = (self.len + more).min(self.bytes.len());
    }

    /// Appends as much of `bytes` as there is room for; the count.
    pub fn append(&mut self, bytes: &[u8]) -> usize {
        let free = self.free();
        let count = free.len().min(bytes.len());
        free[..count].copy_from_slice(&bytes[..count]);
        self.advance(count);
        count
    }

    /// Filled bytes.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether nothing is filled.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Whether nothing is free.
    pub fn is_full(&self) -> bool {
        self.len == BUFFER_SIZE
    }

    /// Forgets all bytes.
    pub fn clear(&mut self) {
        self.len = 0;
    }

    /// Keeps the first `len` bytes.
    pub fn truncate(&mut self, len: usize) {
        self.len = self.len.min(len);
    }

    /// Forgets the first `count` bytes and moves the rest to the front.
    pub fn consume(&mut self, count: usize) {
        let count = count.min(self.len);
        self.bytes.copy_within(count..self.len, 0);
        self.len -= count;
    }
}

/// A worker's stack of things to reuse: the most recently used, and so warmest, comes back first.
#[derive(Debug)]
pub struct Stack<T> {
    kept: RefCell<Vec<T>>,
    most: usize,
}

impl<T: Default> Stack<T> {
    /// A stack that keeps at most `most` things for reuse.
    pub fn keeping(most: usize) -> Self {
        Self {
            kept: RefCell::new(Vec::with_capacity(most)),
            most,
        }
    }

    /// The last thing put back, or a new one.
    pub fn take(&self) -> T {
        self.kept.borrow_mut().pop().unwrap_or_default()
    }

    /// Puts a thing back; dropped when enough are kept.
    pub fn put(&self, thing: T) {
        let mut kept = self.kept.borrow_mut();
        if kept.len() < self.most {
            kept.push(thing);
        }
    }

    /// Drops a sixteenth of what is kept, the coldest; to be called now and then.
    pub fn shed(&self) {
        let mut kept = self.kept.borrow_mut();
        let few = kept.len() / 16;
        kept.drain(..few);
    }
}

/// A worker's spare buffers: whatever one held, it comes back empty.
#[derive(Debug)]
pub struct Spares(Stack<Buffer>);

impl Spares {
    /// Keeps at most `most` buffers for reuse.
    pub fn keeping(most: usize) -> Self {
        Self(Stack::keeping(most))
    }

    /// An empty buffer.
    pub fn take(&self) -> Buffer {
        self.0.take()
    }

    /// Puts a buffer back; dropped when enough are kept.
    pub fn put(&self, mut buffer: Buffer) {
        buffer.clear();
        self.0.put(buffer);
    }

    /// As [`Stack::shed`].
    pub fn shed(&self) {
        self.0.shed();
    }
}

#[cfg(test)]
mod tests {
    use super::{BUFFER_SIZE, Buffer, Spares, Stack};

    #[test]
    fn consuming_moves_the_rest_to_the_front() {
        let mut buffer = Buffer::default();
        buffer.free()[..5].copy_from_slice(b"abcde");
        buffer.advance(5);
        buffer.consume(2);
        assert_eq!(buffer.filled(), b"cde");
        buffer.consume(9);
        assert!(buffer.is_empty());
    }

    #[test]
    fn a_buffer_has_no_memory_until_something_is_to_come() {
        let mut buffer = Buffer::default();
        assert!(buffer.is_bare() && buffer.is_empty() && !buffer.is_full());
        buffer.consume(1);
        buffer.clear();
        assert!(buffer.is_bare());
        assert_eq!(buffer.append(b"some"), 4);
        assert!(!buffer.is_bare());
    }

    #[test]
    fn a_buffer_never_claims_more_than_it_has() {
        let mut buffer = Buffer::default();
        buffer.free();
        buffer.advance(BUFFER_SIZE + 1);
        assert!(buffer.is_full());
        assert!(buffer.free().is_empty());
    }

    #[test]
    fn a_spare_buffer_has_forgotten_what_it_held() {
        let spares = Spares::keeping(1);
        let mut used = spares.take();
        used.append(b"somebody's");
        spares.put(used);
        assert!(spares.take().is_empty());
    }

    #[test]
    fn a_stack_keeps_no_more_than_it_was_told() {
        let stack: Stack<Vec<u8>> = Stack::keeping(1);
        stack.put(vec![1]);
        stack.put(vec![2]);
        assert_eq!(stack.take(), [1]);
        assert!(stack.take().is_empty());
    }

    #[test]
    fn a_large_stack_that_sheds_becomes_a_small_one_of_the_warmest() {
        let stack: Stack<usize> = Stack::keeping(100);
        (1..=100).for_each(|number| stack.put(number));
        (0..100).for_each(|_| stack.shed());
        let mut left = std::iter::from_fn(|| Some(stack.take()).filter(|number| *number > 0));
        assert_eq!(left.next(), Some(100));
        assert_eq!(left.count(), 14);
    }
}
