//! The thread that turns events into lines and writes them.

use std::collections::VecDeque;
use std::io::{self, ErrorKind, Write};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, SystemTime};

use super::channel::{Closer, Receiver, Wake};
use super::{Event, Format};

/// How long events may gather between two writes: a busy process wakes its writer a hundred
/// times a second, not once a request.
const GATHER: Duration = Duration::from_millis(10);

/// Lines are written when this many bytes are ready, so that a full ring needs no more memory.
const BLOCK: usize = 64 * 1024;

/// The writing thread's handle.
#[derive(Debug)]
pub struct Writer {
    closer: Closer,
    done: mpsc::Receiver<()>,
}

impl Writer {
    /// Starts the thread that writes what comes out of `receiver` to `sink`, in one write a batch.
    /// Fails only when the system has no thread to give.
    pub fn spawn(
        receiver: Receiver,
        format: Format,
        sink: impl Write + Send + 'static,
    ) -> io::Result<Self> {
        let closer = receiver.closer();
        let (ended, done) = mpsc::channel();
        thread::Builder::new()
            .name("output".to_owned())
            .spawn(move || {
                Desk {
                    receiver,
                    format,
                    sink: Sink::new(sink),
                    told: 0,
                }
                .work();
                // Nobody may be waiting any more.
                let _ = ended.send(());
            })?;
        Ok(Self { closer, done })
    }

    /// Takes no more events, and waits up to `patience` for those queued to be written: a reader
    /// that does not read cannot hold up the end. Returns whether all went out.
    pub fn finish(self, patience: Duration) -> bool {
        self.closer.close();
        self.done.recv_timeout(patience).is_ok()
    }
}

struct Desk<W> {
    receiver: Receiver,
    format: Format,
    sink: Sink<W>,
    /// How many of the dropped events people were told of.
    told: u64,
}

impl<W: Write> Desk<W> {
    fn work(mut self) {
        let mut batch = self.receiver.batch();
        let mut seen = 0;
        loop {
            // With something left to tell, silence is a reason to wake up as well.
            let patience = (seen > self.told).then_some(GATHER);
            let wake = self.receiver.wait(&mut batch, patience);
            self.write(&mut batch);
            let dropped = self.receiver.dropped();
            // Told when the flood is over, and not in its middle with every batch.
            if dropped > self.told && (dropped == seen || wake == Wake::Closed) {
                self.tell(dropped);
            }
            seen = dropped;
            if wake == Wake::Closed {
                return;
            }
            self.receiver.linger(GATHER);
        }
    }

    fn write(&mut self, batch: &mut VecDeque<Event>) {
        for event in batch.drain(..) {
            self.format.line(&event, &mut self.sink.buffer);
            self.sink.lines += 1;
            if self.sink.buffer.len() >= BLOCK {
                self.receiver.count_dropped(self.sink.flush());
            }
        }
        self.receiver.count_dropped(self.sink.flush());
    }

    fn tell(&mut self, dropped: u64) {
        let lines = dropped - self.told;
        self.told = dropped;
        let plural = if lines == 1 { "" } else { "s" };
        let text = format!("{lines} line{plural} dropped: nobody read them in time");
        self.format
            .line(&Event::info(text, SystemTime::now()), &mut self.sink.buffer);
        // A notice about lost lines is not itself a lost line.
        self.sink.flush();
    }
}

/// Where lines go, and those on their way.
struct Sink<W> {
    to: W,
    buffer: Vec<u8>,
    /// Events in the buffer.
    lines: u64,
    /// The reader has gone for good.
    gone: bool,
}

impl<W: Write> Sink<W> {
    fn new(to: W) -> Self {
        Self {
            to,
            buffer: Vec::new(),
            lines: 0,
            gone: false,
        }
    }

    /// Writes what is buffered; returns how many events were lost by it. A broken pipe ends all
    /// writing, quietly; any other error (a full disk) costs what was to be written now.
    fn flush(&mut self) -> u64 {
        let lines = std::mem::take(&mut self.lines);
        let written = if self.gone {
            Ok(false)
        } else {
            write_fully(&mut self.to, &self.buffer)
        };
        self.buffer.clear();
        self.buffer.shrink_to(2 * BLOCK);
        match written {
            Ok(true) => 0,
            Ok(false) => lines,
            Err(error) => {
                self.gone = error.kind() == ErrorKind::BrokenPipe;
                lines
            }
        }
    }
}

/// Writes all of `bytes`. A terminal shared with another program may have been made
/// non-blocking by it: then waits a little and goes on.
fn write_fully(to: &mut impl Write, mut bytes: &[u8]) -> io::Result<bool> {
    while !bytes.is_empty() {
        match to.write(bytes) {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Ok(written) => bytes = &bytes[written..],
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => thread::park_timeout(GATHER),
            Err(error) => return Err(error),
        }
    }
    to.flush().map(|()| true)
}

#[cfg(test)]
mod tests;
