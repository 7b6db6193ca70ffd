//! Waiting for a terminal, and noticing that it is gone.

use std::io::{self, stdin, stdout};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

/// Waits at most `patience` for input from the terminal that is standard input; whether there is
/// some. A signal, such as that of another size, may end the wait early.
///
/// # Errors
/// Standard input or output has hung up: its window was closed, its connection is lost.
pub fn await_terminal(patience: Duration) -> io::Result<bool> {
    let (input, output) = (stdin(), stdout());
    let mut ends = [
        PollFd::new(&input, PollFlags::IN),
        PollFd::new(&output, PollFlags::empty()),
    ];
    let patience = Timespec::try_from(patience).map_err(io::Error::other)?;
    match poll(&mut ends, Some(&patience)) {
        Ok(_) => {}
        Err(Errno::INTR) => return Ok(false),
        Err(error) => return Err(error.into()),
    }
    let gone = PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL;
    if ends.iter().any(|end| end.revents().intersects(gone)) {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(ends[0].revents().contains(PollFlags::IN))
}
