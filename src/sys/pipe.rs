//! Pipes through which bytes go from socket to socket without passing through this process.

use std::io;
use std::os::fd::{AsFd, OwnedFd};

use rustix::io::write;
use rustix::pipe::{PipeFlags, SpliceFlags, fcntl_setpipe_size, pipe_with, splice, tee};

/// A pipe and the count of the bytes in it.
///
/// Both of its ends belong to this value alone, so a pipe that is dropped with bytes in it takes
/// them along: they can never turn up in another transfer.
#[derive(Debug)]
pub struct Pipe {
    reader: OwnedFd,
    writer: OwnedFd,
    filled: usize,
}

impl Pipe {
    /// A non-blocking pipe with room for `capacity` bytes, a power of two of at least a page.
    ///
    /// # Errors
    /// No more files, or, for a user without privileges, no more pages for pipes
    /// (`fs.pipe-user-pages-soft`, `fs.pipe-max-size`).
    pub fn with_capacity(capacity: usize) -> io::Result<Self> {
        let (reader, writer) = pipe_with(PipeFlags::CLOEXEC | PipeFlags::NONBLOCK)?;
        // The kernel hands out very small pipes when there are many; it must be asked.
        fcntl_setpipe_size(&writer, capacity)?;
        Ok(Self {
            reader,
            writer,
            filled: 0,
        })
    }

    /// Bytes in the pipe.
    pub fn len(&self) -> usize {
        self.filled
    }

    /// Whether no byte is in the pipe.
    pub fn is_empty(&self) -> bool {
        self.filled == 0
    }

    /// Takes at most `most` bytes from `source`; 0 is its end. To be asked of an empty pipe only:
    /// then "would block" can't mean that the pipe is full, and says that the source has nothing.
    ///
    /// # Errors
    /// What `splice` reports of the source.
    pub fn fill(&mut self, source: &impl AsFd, most: usize) -> io::Result<usize> {
        debug_assert!(self.is_empty(), "who would block, the source or the pipe?");
        let count = splice(source, None, &self.writer, None, most, FLAGS)?;
        self.filled += count;
        Ok(count)
    }

    /// Gives bytes of the pipe to `target`, as many as it takes. "Would block" means the target,
    /// since a pipe with nothing in it gives nothing without asking.
    ///
    /// # Errors
    /// What `splice` reports of the target.
    pub fn drain(&mut self, target: &impl AsFd) -> io::Result<usize> {
        if self.is_empty() {
            return Ok(0);
        }
        let count = splice(&self.reader, None, target, None, self.filled, FLAGS)?;
        self.filled = self.filled.saturating_sub(count);
        Ok(count)
    }

    /// Puts all bytes of another pipe into this one as well, without copying them. Returns whether
    /// there was room; if not, what is in this pipe now may lack the end.
    ///
    /// # Errors
    /// What `tee` reports, but for a full pipe.
    pub fn duplicate(&mut self, from: &Self) -> io::Result<bool> {
        if from.is_empty() {
            return Ok(true);
        }
        match tee(&from.reader, &self.writer, from.filled, FLAGS) {
            Ok(count) => {
                self.filled += count;
                Ok(count == from.filled)
            }
            Err(rustix::io::Errno::AGAIN) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Copies bytes into the pipe. Returns whether there was room; if not, what is in the pipe now
    /// may lack the end.
    ///
    /// # Errors
    /// What `write` reports, but for a full pipe.
    pub fn append(&mut self, bytes: &[u8]) -> io::Result<bool> {
        if bytes.is_empty() {
            return Ok(true);
        }
        match write(&self.writer, bytes) {
            Ok(count) => {
                self.filled += count;
                Ok(count == bytes.len())
            }
            Err(rustix::io::Errno::AGAIN) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}

const FLAGS: SpliceFlags = SpliceFlags::MOVE.union(SpliceFlags::NONBLOCK);

#[cfg(test)]
mod tests {
    use std::io::{ErrorKind, Read, Write};
    use std::os::unix::net::UnixStream;

    use super::Pipe;

    fn pair() -> (UnixStream, UnixStream) {
        let (near, far) = UnixStream::pair().unwrap();
        near.set_nonblocking(true).unwrap();
        (near, far)
    }

    #[test]
    fn what_goes_in_comes_out_and_is_counted() {
        let (source, mut sender) = pair();
        let (target, mut receiver) = pair();
        let mut pipe = Pipe::with_capacity(64 << 10).unwrap();
        sender.write_all(b"hello, world").unwrap();
        assert_eq!(pipe.fill(&source, 5).unwrap(), 5);
        assert_eq!(pipe.len(), 5);
        assert_eq!(pipe.drain(&target).unwrap(), 5);
        assert!(pipe.is_empty());
        assert_eq!(pipe.fill(&source, 1 << 20).unwrap(), 7);
        assert_eq!(pipe.drain(&target).unwrap(), 7);
        let mut received = [0; 12];
        receiver.read_exact(&mut received).unwrap();
        assert_eq!(&received, b"hello, world");
    }

    #[test]
    fn a_duplicate_holds_the_same_bytes_behind_its_own() {
        let (source, mut sender) = pair();
        let (target, mut receiver) = pair();
        let mut pipe = Pipe::with_capacity(64 << 10).unwrap();
        let mut other = Pipe::with_capacity(64 << 10).unwrap();
        assert!(other.duplicate(&pipe).unwrap());
        assert!(other.append(b"before ").unwrap());
        sender.write_all(b"both").unwrap();
        pipe.fill(&source, 64).unwrap();
        assert!(other.duplicate(&pipe).unwrap());
        assert_eq!((pipe.len(), other.len()), (4, 11));
        pipe.drain(&target).unwrap();
        other.drain(&target).unwrap();
        let mut received = [0; 15];
        receiver.read_exact(&mut received).unwrap();
        assert_eq!(&received, b"bothbefore both");
    }

    #[test]
    fn a_full_pipe_takes_no_duplicate() {
        let (source, mut sender) = pair();
        let mut pipe = Pipe::with_capacity(4096).unwrap();
        let mut full = Pipe::with_capacity(4096).unwrap();
        assert!(full.append(&[1; 4096]).unwrap());
        assert!(!full.append(b"x").unwrap());
        sender.write_all(b"x").unwrap();
        pipe.fill(&source, 64).unwrap();
        assert!(!full.duplicate(&pipe).unwrap());
        assert_eq!((pipe.len(), full.len()), (1, 4096));
    }

    #[test]
    fn nothing_to_take_and_the_end_are_told_apart() {
        let (source, sender) = pair();
        let mut pipe = Pipe::with_capacity(64 << 10).unwrap();
        let nothing = pipe.fill(&source, 1).unwrap_err();
        assert_eq!(nothing.kind(), ErrorKind::WouldBlock);
        drop(sender);
        assert_eq!(pipe.fill(&source, 1).unwrap(), 0);
    }

    #[test]
    fn a_target_that_takes_no_more_leaves_the_rest_in_the_pipe() {
        let (source, mut sender) = pair();
        let (target, receiver) = pair();
        let mut pipe = Pipe::with_capacity(64 << 10).unwrap();
        let blocked = (0..1000).find_map(|_| {
            if pipe.is_empty() {
                sender.write_all(&[7; 4096]).unwrap();
                pipe.fill(&source, 4096).unwrap();
            }
            pipe.drain(&target).err()
        });
        assert_eq!(blocked.unwrap().kind(), ErrorKind::WouldBlock);
        assert!(!pipe.is_empty());
        drop(receiver);
        assert_eq!(
            pipe.drain(&target).unwrap_err().kind(),
            ErrorKind::BrokenPipe
        );
    }

    #[test]
    fn a_size_the_kernel_refuses_is_an_error() {
        assert!(Pipe::with_capacity(1 << 40).is_err());
    }
}
