//! The composition root: `Config` in, running process out; the one place that knows all rooms.

mod cache;
mod calls;
mod certificates;
mod check;
mod control;
mod news;
mod output;
mod reload;
mod table;
mod translate;

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::mpsc as std_mpsc;
use std::thread::JoinHandle;

use tokio::sync::mpsc;

pub use check::check;

use crate::config::{Arguments, Config, Scheme};

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Every request in flight was finished.
    Drained,
    /// Time ran out, or somebody did not want to wait.
    Cut,
    /// A worker died.
    Failed,
}

/// Why a process did not start; one line.
#[derive(Debug)]
pub struct StartError(String);

impl fmt::Display for StartError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl std::error::Error for StartError {}

impl StartError {
    fn new(said: impl fmt::Display) -> Self {
        Self(said.to_string())
    }
}

/// A process that serves.
#[derive(Debug)]
pub struct Running {
    scheme: Scheme,
    address: SocketAddr,
    table: bool,
    stop: Stop,
    control: JoinHandle<Outcome>,
}

/// Asks a running process to end: once to drain it, twice to cut it off.
#[derive(Clone, Debug)]
pub struct Stop(mpsc::Sender<()>);

impl Stop {
    /// Asks.
    pub fn ask(&self) {
        // Full means that it has been asked often enough.
        let _ = self.0.try_send(());
    }
}

/// Whether a process reacts to signals; in a test or a demo they belong to somebody else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signals {
    /// TERM and INT drain, HUP reloads.
    Obeyed,
    /// Left alone.
    Ignored,
}

/// Starts serving by `config`. With the `arguments` it was made from, SIGHUP reads the file anew.
///
/// # Errors
/// One line: the address cannot be listened on, a certificate cannot be used, the system has no
/// thread to give.
pub fn start(
    config: Config,
    arguments: Option<Arguments>,
    signals: Signals,
) -> Result<Running, StartError> {
    let (stop, stopped) = mpsc::channel(2);
    let (ready, started) = std_mpsc::channel();
    let asking = Stop(stop.clone());
    let thread = std::thread::Builder::new().name("control".to_owned());
    let control = thread
        .spawn(move || control::run(config, arguments, signals, asking, stopped, &ready))
        .map_err(|error: io::Error| StartError::new(error))?;
    let said = started
        .recv()
        .map_err(|_| StartError::new("the control thread died"))?;
    let control::Ready {
        scheme,
        address,
        table,
    } = said?;
    Ok(Running {
        scheme,
        address,
        table,
        stop: Stop(stop),
        control,
    })
}

impl Running {
    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Whether clients connect by TLS or in clear text.
    pub fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// Whether the live table has the terminal.
    pub fn has_table(&self) -> bool {
        self.table
    }

    /// A handle to ask it to end.
    pub fn stop(&self) -> Stop {
        self.stop.clone()
    }

    /// Waits for its end.
    pub fn wait(self) -> Outcome {
        self.control.join().unwrap_or(Outcome::Failed)
    }

    /// Drains it and waits for its end.
    pub fn shutdown(self) -> Outcome {
        self.stop.ask();
        self.wait()
    }
}
