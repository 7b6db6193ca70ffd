//! Taking clients on: each new connection goes to the worker that has the fewest.
//!
//! A sidecar's clients open few connections and keep them, so spreading them by a hash of their
//! port, as `SO_REUSEPORT` does, leaves workers idle. The first worker accepts for all.

use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::time::sleep;

use crate::sys::Congestion;

/// Pause after the kernel could not give us a connection for want of files or memory.
const OUT_OF_FILES: Duration = Duration::from_millis(50);
/// Connections on their way to one worker; beyond it the kernel's backlog holds them.
pub(super) const DOOR_SIZE: usize = 256;

/// Counts a connection for its worker, and against the limit of all, for as long as it lives.
#[derive(Debug)]
pub(super) struct Admission {
    open: Arc<AtomicUsize>,
    _permit: Option<OwnedSemaphorePermit>,
}

impl Drop for Admission {
    fn drop(&mut self) {
        self.open.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A client on its way to its worker. The socket is not registered with any runtime yet.
#[derive(Debug)]
pub(super) struct Arrival {
    pub(super) socket: std::net::TcpStream,
    pub(super) peer: IpAddr,
    pub(super) admission: Admission,
}

/// The way to one worker, and how many connections it has.
#[derive(Debug)]
pub(super) struct Door {
    arrivals: mpsc::Sender<Arrival>,
    open: Arc<AtomicUsize>,
}

impl Door {
    pub(super) fn new() -> (Self, mpsc::Receiver<Arrival>) {
        let (arrivals, receiver) = mpsc::channel(DOOR_SIZE);
        (
            Self {
                arrivals,
                open: Arc::default(),
            },
            receiver,
        )
    }
}

/// Accepts clients for all workers.
#[derive(Debug)]
pub(super) struct Acceptor {
    pub(super) listener: std::net::TcpListener,
    pub(super) doors: Vec<Door>,
    pub(super) limit: Option<Arc<Semaphore>>,
}

impl Acceptor {
    /// Accepts until `stopped`, then once more whatever has already connected.
    pub(super) async fn run(self, stopped: impl Future<Output = ()>) -> io::Result<()> {
        let place = Place {
            congestion: Congestion::of_listener(&self.listener),
            doors: self.doors,
            limit: self.limit,
        };
        let listener = TcpListener::from_std(self.listener)?;
        tokio::select! {
            () = stopped => {}
            () = place.accept(&listener) => {}
        }
        // What the kernel has accepted for us would be reset by closing the listener.
        let listener = listener.into_std()?;
        while let Ok((socket, peer)) = listener.accept() {
            socket.set_nonblocking(true)?;
            place.admit(socket, peer.ip(), None).await;
        }
        Ok(())
    }
}

struct Place {
    congestion: Congestion,
    doors: Vec<Door>,
    limit: Option<Arc<Semaphore>>,
}

impl Place {
    async fn accept(&self, listener: &TcpListener) {
        loop {
            let permit = match &self.limit {
                Some(limit) => Arc::clone(limit).acquire_owned().await.ok(),
                None => None,
            };
            match listener.accept().await {
                Ok((stream, peer)) => {
                    if let Ok(socket) = stream.into_std() {
                        self.admit(socket, peer.ip(), permit).await;
                    }
                }
                Err(error) if is_clients(&error) => {}
                Err(_) => sleep(OUT_OF_FILES).await,
            }
        }
    }

    /// Hands a connection to the worker that has the fewest.
    async fn admit(
        &self,
        socket: std::net::TcpStream,
        peer: IpAddr,
        permit: Option<OwnedSemaphorePermit>,
    ) {
        let fewest = self
            .doors
            .iter()
            .min_by_key(|door| door.open.load(Ordering::Relaxed));
        let Some(door) = fewest else { return };
        self.congestion.settle(&socket, peer);
        door.open.fetch_add(1, Ordering::Relaxed);
        let admission = Admission {
            open: Arc::clone(&door.open),
            _permit: permit,
        };
        // A worker that is gone drops the connection, which is all that can be done with it.
        let _ = door
            .arrivals
            .send(Arrival {
                socket,
                peer,
                admission,
            })
            .await;
    }
}

/// Errors of the connection that was to be accepted, not of accepting: go on at once.
fn is_clients(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::Interrupted
    )
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, SocketAddr, TcpStream};

    use super::{Arrival, Congestion, Door, Place};
    use crate::sys;

    #[expect(clippy::disallowed_methods, reason = "an address, not a name")]
    fn connected(listener: SocketAddr) -> TcpStream {
        TcpStream::connect(listener).unwrap()
    }

    #[test]
    fn each_connection_goes_to_the_worker_with_the_fewest() {
        let listener = sys::listen((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
        let address = listener.local_addr().unwrap();
        let (doors, mut workers): (Vec<_>, Vec<_>) = (0..3).map(|_| Door::new()).unzip();
        let place = Place {
            congestion: Congestion::of_listener(&listener),
            doors,
            limit: None,
        };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        let admit = || runtime.block_on(place.admit(connected(address), address.ip(), None));
        for _ in 0..6 {
            admit();
        }
        let mut held: Vec<Vec<Arrival>> = workers
            .iter_mut()
            .map(|worker| std::iter::from_fn(|| worker.try_recv().ok()).collect())
            .collect();
        assert!(held.iter().all(|arrivals| arrivals.len() == 2));
        held[1].clear();
        admit();
        admit();
        let arrived = workers
            .iter_mut()
            .map(|worker| std::iter::from_fn(|| worker.try_recv().ok()).count());
        assert_eq!(arrived.collect::<Vec<_>>(), [0, 2, 0]);
    }
}
