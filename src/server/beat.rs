//! The beat of a worker's coarse clock.

use std::cell::Cell;
use std::fs::File;
use std::io;
use std::time::Duration;

use tokio::net::unix::pipe::Receiver;
use tokio::time::sleep;

use crate::sys::{interval_timer, set_interval};

/// Comes again and again as an event, and not from a timer of the runtime: while there is one, each wait
/// for events looks for it, reads the clock, and has the kernel arm a timer and disarm it.
#[derive(Debug)]
pub(super) struct Beat {
    /// Reads like a pipe.
    timer: Receiver,
    every: Duration,
    /// The kernel does not set it, and a timer of the runtime has to do.
    is_broken: Cell<bool>,
}

impl Beat {
    /// One that rests.
    ///
    /// # Errors
    /// No more files.
    pub(super) fn new(every: Duration) -> io::Result<Self> {
        Self::by(File::from(interval_timer()?), every)
    }

    fn by(timer: File, every: Duration) -> io::Result<Self> {
        Ok(Self {
            timer: Receiver::from_file_unchecked(timer)?,
            every,
            is_broken: Cell::new(false),
        })
    }

    /// Begins; the first beat is an interval away.
    pub(super) fn start(&self) {
        let set = set_interval(&self.timer, self.every);
        self.is_broken.set(set.is_err());
    }

    /// Rests.
    pub(super) fn stop(&self) {
        // One that goes on beats unheard.
        let _ = set_interval(&self.timer, Duration::ZERO);
    }

    /// Waits for the next one, or takes note of those that have been missed.
    pub(super) async fn next(&self) {
        if self.is_broken.get() || self.expired().await.is_err() {
            sleep(self.every).await;
        }
    }

    async fn expired(&self) -> io::Result<()> {
        loop {
            self.timer.readable().await?;
            match self.timer.try_read(&mut [0; size_of::<u64>()]) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                read => return read.map(|_| ()),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use tokio::time::timeout;

    use super::*;

    const EVERY: Duration = Duration::from_millis(20);

    #[tokio::test]
    async fn it_comes_at_its_interval_while_it_is_on() {
        let beat = Beat::new(EVERY).unwrap();
        let rested = timeout(3 * EVERY, beat.next()).await;
        assert!(rested.is_err(), "nobody has started it");
        let began = Instant::now();
        beat.start();
        for _ in 0..3 {
            beat.next().await;
        }
        assert!(began.elapsed() >= 3 * EVERY);
        beat.stop();
        assert!(timeout(3 * EVERY, beat.next()).await.is_err());
    }

    #[tokio::test]
    async fn without_a_timer_of_the_kernels_it_comes_all_the_same() {
        let no_timer = File::from(std::os::fd::OwnedFd::from(std::io::pipe().unwrap().0));
        let beat = Beat::by(no_timer, EVERY).unwrap();
        beat.start();
        let began = Instant::now();
        beat.next().await;
        assert!(began.elapsed() >= EVERY);
    }

    #[tokio::test]
    async fn beats_that_were_missed_count_as_one() {
        let beat = Beat::new(EVERY).unwrap();
        beat.start();
        sleep(4 * EVERY).await;
        beat.next().await;
        let began = Instant::now();
        beat.next().await;
        beat.next().await;
        assert!(began.elapsed() >= EVERY);
    }
}
