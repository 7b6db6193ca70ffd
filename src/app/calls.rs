//! What reaches the control thread from outside.

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;

use super::Signals;

/// Signals, and whoever holds a handle to the process.
pub(super) struct Calls {
    /// Terminate, interrupt, hang up; absent when signals belong to somebody else.
    signals: Option<(Signal, Signal, Signal)>,
    stopped: mpsc::Receiver<()>,
}

/// What is asked for.
pub(super) enum Call {
    /// Drain, or end at once.
    Stop,
    /// Read everything anew.
    Reload,
}

impl Calls {
    /// Takes over the signals, if they are ours.
    pub(super) fn new(signals: Signals, stopped: mpsc::Receiver<()>) -> std::io::Result<Self> {
        let signals = match signals {
            Signals::Ignored => None,
            Signals::Obeyed => Some((
                signal(SignalKind::terminate())?,
                signal(SignalKind::interrupt())?,
                signal(SignalKind::hangup())?,
            )),
        };
        Ok(Self { signals, stopped })
    }

    /// Waits for the next call.
    pub(super) async fn next(&mut self) -> Call {
        let stopped = self.stopped.recv();
        match &mut self.signals {
            None => match stopped.await {
                Some(()) => Call::Stop,
                None => std::future::pending().await,
            },
            Some((terminate, interrupt, hangup)) => tokio::select! {
                _ = terminate.recv() => Call::Stop,
                _ = interrupt.recv() => Call::Stop,
                _ = hangup.recv() => Call::Reload,
                Some(()) = stopped => Call::Stop,
            },
        }
    }
}
