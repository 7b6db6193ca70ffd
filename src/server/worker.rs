//! One worker: a thread with a runtime of its own that does nothing but move requests.

use std::io;
use std::rc::Rc;
use std::time::{Duration, Instant};

use tokio::net::TcpStream;
use tokio::runtime::{Builder, LocalOptions};
use tokio::sync::{Notify, mpsc, watch};
use tokio::time::{sleep, timeout};

use super::acceptor::{Acceptor, Arrival};
use super::beat::Beat;
use crate::net::Deadlines;
use crate::proxy::{Parts, Proxy, serve};

/// How often idle connections to backends are looked through.
const SWEEP: Duration = Duration::from_secs(1);
/// The same while no client is connected: a sidecar at rest hardly wakes up.
const SWEEP_AT_REST: Duration = Duration::from_secs(5);

/// How long the last changes of the cache's store may take when no client is left.
const LAST_FILLS: Duration = Duration::from_secs(1);

/// What a worker is made of.
#[derive(Debug)]
pub struct Plan {
    /// What its requests share.
    pub parts: Parts,
    /// Where its random numbers begin.
    pub seed: u64,
}

/// Runs a worker until it is told to drain and its last connection has ended.
pub(super) fn run(
    plan: Plan,
    arrivals: mpsc::Receiver<Arrival>,
    acceptor: Option<Acceptor>,
    mut drain: watch::Receiver<bool>,
) -> io::Result<()> {
    let runtime = Builder::new_current_thread()
        .enable_io()
        .enable_time()
        .build_local(LocalOptions::default())?;
    let random = fastrand::Rng::with_seed(plan.seed);
    let proxy = Proxy::new(plan.parts, random, Instant::now());
    runtime.block_on(async {
        let awake = Rc::new(Notify::new());
        let beat = Beat::new(Deadlines::TICK)?;
        let ticker = tokio::task::spawn_local(tick(Rc::clone(&proxy), Rc::clone(&awake), beat));
        let accepting = acceptor.map(|acceptor| {
            let mut drain = drain.clone();
            tokio::task::spawn_local(acceptor.run(async move { told(&mut drain).await }))
        });
        let welcoming = tokio::task::spawn_local(welcome(Rc::clone(&proxy), arrivals, awake));
        told(&mut drain).await;
        proxy.drain();
        // In this order nobody is forgotten: the last arrivals, then the last connections.
        if let Some(accepting) = accepting {
            let _ = accepting.await;
        }
        let _ = welcoming.await;
        while !proxy.deadlines.is_empty() {
            sleep(Duration::from_millis(5)).await;
        }
        let filled = Instant::now() + LAST_FILLS;
        while !proxy.is_quiet() && Instant::now() < filled {
            sleep(Duration::from_millis(5)).await;
        }
        ticker.abort();
        Ok(())
    })
}

/// Waits until draining is asked for, or nobody is left who could ask.
async fn told(drain: &mut watch::Receiver<bool>) {
    let _ = drain.wait_for(|drain| *drain).await;
}

/// Starts a task for every connection that arrives.
async fn welcome(proxy: Rc<Proxy>, mut arrivals: mpsc::Receiver<Arrival>, awake: Rc<Notify>) {
    while let Some(Arrival {
        socket,
        peer,
        admission,
    }) = arrivals.recv().await
    {
        let Ok(socket) = TcpStream::from_std(socket) else {
            continue;
        };
        let proxy = Rc::clone(&proxy);
        tokio::task::spawn_local(async move {
            serve(proxy, socket, peer).await;
            drop(admission);
        });
        awake.notify_one();
    }
}

/// Moves the worker's coarse clock while there are connections.
async fn tick(proxy: Rc<Proxy>, awake: Rc<Notify>, beat: Beat) {
    let mut swept = Instant::now();
    loop {
        let now = if proxy.deadlines.is_empty() {
            beat.stop();
            let _ = timeout(SWEEP_AT_REST, awake.notified()).await;
            beat.start();
            Instant::now()
        } else {
            beat.next().await;
            let now = Instant::now();
            proxy.tick(now);
            now
        };
        if now.saturating_duration_since(swept) >= SWEEP {
            proxy.sweep(now);
            swept = now;
        }
    }
}
