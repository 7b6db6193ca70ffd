//! Starts the workers and sees them end.

use std::io;
use std::net::TcpListener;
use std::num::NonZeroUsize;
use std::sync::Arc;

use tokio::sync::{Semaphore, mpsc, watch};

use super::acceptor::{Acceptor, Door};
use super::worker::{self, Plan};

/// The running workers.
#[derive(Debug)]
pub struct Supervisor {
    drain: watch::Sender<bool>,
    /// One message a worker that has ended.
    ended: mpsc::Receiver<io::Result<()>>,
    running: usize,
}

impl Supervisor {
    /// Starts a thread for each plan; clients come from `listener`, at most `most` at a time.
    ///
    /// # Errors
    /// The system has no thread to give.
    pub fn start(
        listener: TcpListener,
        plans: Vec<Plan>,
        most: Option<NonZeroUsize>,
    ) -> io::Result<Self> {
        let (drain, drained) = watch::channel(false);
        let (ending, ended) = mpsc::channel(plans.len().max(1));
        let running = plans.len();
        let (doors, arrivals): (Vec<_>, Vec<_>) = plans.iter().map(|_| Door::new()).unzip();
        let limit = most.map(|most| Arc::new(Semaphore::new(most.get())));
        let mut acceptor = Some(Acceptor {
            listener,
            doors,
            limit,
        });
        for (number, (plan, arrivals)) in plans.into_iter().zip(arrivals).enumerate() {
            let acceptor = acceptor.take();
            let drained = drained.clone();
            let ending = ending.clone();
            std::thread::Builder::new()
                .name(format!("worker-{number}"))
                .spawn(move || {
                    let result = worker::run(plan, arrivals, acceptor, drained);
                    // Nobody may be waiting any more.
                    let _ = ending.blocking_send(result);
                })?;
        }
        Ok(Self {
            drain,
            ended,
            running,
        })
    }

    /// Tells the workers to finish what they have and take nothing new.
    pub fn drain(&self) {
        let _ = self.drain.send(true);
    }

    /// Waits until the last worker has ended.
    ///
    /// # Errors
    /// A worker could not start its runtime, or died.
    pub async fn ended(&mut self) -> io::Result<()> {
        while self.running > 0 {
            match self.ended.recv().await {
                Some(result) => result?,
                None => return Err(io::Error::other("a worker died")),
            }
            self.running -= 1;
        }
        Ok(())
    }
}
