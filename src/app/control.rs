//! The control thread: everything that is not moving requests.

use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc as std_mpsc};
use std::time::{Duration, Instant, SystemTime};

use sd_notify::NotifyState;
use tokio::runtime::{Builder, LocalOptions};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;
use tokio::time::sleep_until;

use super::reload::{self, Reload};
use super::table::Pictures;
use super::{Outcome, Signals, StartError, Stop, output};
use crate::admin::{Figures, Local};
use crate::balance::{LoadTable, Policy};
use crate::config::{Arguments, Balance, Config};
use crate::discovery::Directory;
use crate::event::{self, Event, Filter, Format, Sender, Severity, Writer};
use crate::health::{Reporter, Roster};
use crate::metrics::ProcessMetrics;
use crate::net::{Dialer, PipeShare, Resolver, bind, inherited};
use crate::proxy::{Limits, Parts};
use crate::server::{Plan, Supervisor};
use crate::sys;
use crate::tui;

/// Places in the load table: the most endpoints there may be, and room for names that stand for
/// many addresses and for backends on their way out.
const MOST_BACKENDS: u32 = 16_384;
/// Events on their way to the writer; beyond it they are dropped and counted.
const EVENTS: usize = 4096;
/// How long connections to backends are kept idle: shorter than what servers commonly allow.
const BACKEND_IDLE: Duration = Duration::from_secs(20);
/// A body, or an answer, that makes no progress for this long is cut.
const STALL: Duration = Duration::from_mins(5);
/// How long the last lines may take to be written.
const LAST_LINES: Duration = Duration::from_secs(1);

/// A process that has started.
pub(super) struct Ready {
    pub(super) address: SocketAddr,
    pub(super) table: bool,
}

/// The control thread's own: what it watches and what it tells.
pub(super) struct Control {
    config: Config,
    arguments: Option<Arguments>,
    directory: Rc<Directory>,
    roster: Roster,
    supervisor: Supervisor,
    news: News,
    draining: Arc<AtomicBool>,
}

/// Tells people something: a line, or the table's last line.
#[derive(Clone)]
struct News {
    events: Sender,
    filter: Filter,
    latest: Arc<Mutex<Option<String>>>,
}

impl News {
    fn tell(&self, severity: Severity, text: String) {
        *self.latest.lock().unwrap_or_else(PoisonError::into_inner) = Some(text.clone());
        if self.filter.wants_notice(severity) {
            let now = SystemTime::now();
            self.events.send(match severity {
                Severity::Info => Event::info(text, now),
                Severity::Error => Event::error(text, now),
            });
        }
    }
}

/// Runs the control thread to the end of the process.
pub(super) fn run(
    config: Config,
    arguments: Option<Arguments>,
    signals: Signals,
    stop: Stop,
    stopped: mpsc::Receiver<()>,
    ready: &std_mpsc::Sender<Result<Ready, StartError>>,
) -> Outcome {
    // Whoever waits for the start is told of its failure; nobody waits any longer than that.
    let fail = |error| {
        let _ = ready.send(Err(error));
        Outcome::Failed
    };
    let runtime = match Builder::new_current_thread()
        .enable_all()
        .build_local(LocalOptions::default())
    {
        Ok(runtime) => runtime,
        Err(error) => return fail(StartError::new(error)),
    };
    runtime.block_on(async {
        let calls = match Calls::new(signals, stopped) {
            Ok(calls) => calls,
            Err(error) => return fail(StartError::new(error)),
        };
        match Started::new(config, arguments, stop).await {
            Err(error) => fail(error),
            Ok(started) => {
                let _ = ready.send(Ok(started.ready()));
                started.serve(calls).await
            }
        }
    })
}

/// What reaches the control thread from outside.
struct Calls {
    /// Terminate, interrupt, hang up; absent when signals belong to somebody else.
    signals: Option<(Signal, Signal, Signal)>,
    stopped: mpsc::Receiver<()>,
}

enum Call {
    Stop,
    Reload,
}

impl Calls {
    fn new(signals: Signals, stopped: mpsc::Receiver<()>) -> std::io::Result<Self> {
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

    async fn next(&mut self) -> Call {
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

/// A process that serves, and what has to be closed at its end.
struct Started {
    control: Control,
    writer: Writer,
    screen: Option<tui::Screen>,
    address: SocketAddr,
}

impl Started {
    async fn new(
        config: Config,
        arguments: Option<Arguments>,
        stop: Stop,
    ) -> Result<Self, StartError> {
        let started = Instant::now();
        let open_files = sys::raise_open_files();
        let listener = match inherited().map_err(StartError::new)? {
            Some(listener) => listener,
            None => bind(
                &config.listen,
                &Resolver::new(config.dns.name_servers.clone()),
            )
            .await
            .map_err(StartError::new)?,
        };
        let address = listener.local_addr().map_err(StartError::new)?;
        let table = output::wants_table(&config.output);
        let filter = Filter::new(output::filter(&config.output, table));
        let (events, receiver) = event::channel(EVENTS);
        let format = Format::new(config.output.json);
        let writer = Writer::spawn(receiver, format, std::io::stdout()).map_err(StartError::new)?;
        let news = News {
            events: events.clone(),
            filter: filter.clone(),
            latest: Arc::default(),
        };
        let loads = match policy(config.balance) {
            Policy::P2c => LoadTable::with_latencies(MOST_BACKENDS, started),
            Policy::Least | Policy::Random | Policy::RoundRobin => {
                LoadTable::new(MOST_BACKENDS, started)
            }
        };
        let telling = news.clone();
        let directory = Directory::open(
            config.sites.clone(),
            config.dns.clone(),
            loads,
            Box::new(move |text| telling.tell(Severity::Info, text)),
        )
        .map_err(StartError::new)?;
        let process = Arc::new(ProcessMetrics::new(SystemTime::now()));
        let publisher = Arc::clone(directory.publisher());
        let figures = Arc::new(Figures::new(
            publisher,
            Arc::clone(&process),
            events.clone(),
        ));
        let local = Arc::new(Local::new(Arc::clone(&figures)));
        let (acceptor, connector) = unwired_tls();
        let plans = (0..threads(&config)).map(|_| Plan {
            parts: Parts {
                limits: limits(&config),
                policy: policy(config.balance),
                filter: filter.clone(),
                events: events.clone(),
                cells: process.cells(),
                local: Arc::clone(&local),
                publisher: Arc::clone(directory.publisher()),
                backend_idle: BACKEND_IDLE,
                pipes: PipeShare {
                    files: pipe_files(open_files),
                    workers: threads(&config),
                },
                acceptor: acceptor.clone(),
                connector: Arc::clone(&connector),
            },
            seed: fastrand::u64(..),
        });
        let most = config.limits.max_connections;
        let supervisor =
            Supervisor::start(listener, plans.collect(), most).map_err(StartError::new)?;
        let draining = Arc::new(AtomicBool::new(false));
        let pictures = Pictures {
            figures,
            listen: address,
            started,
            draining: Arc::clone(&draining),
            notice: Arc::clone(&news.latest),
        };
        let screen = if table {
            let shown = tui::run(move || pictures.table(Instant::now()), move || stop.ask());
            Some(shown.map_err(StartError::new)?)
        } else {
            None
        };
        for warning in &config.warnings {
            news.tell(Severity::Info, warning.clone());
        }
        let roster = Roster::new(
            config.health.clone(),
            Dialer::new(connector, Rc::default()),
            Reporter::new(events, filter),
        );
        let control = Control {
            config,
            arguments,
            directory,
            roster,
            supervisor,
            news,
            draining,
        };
        Ok(Self {
            control,
            writer,
            screen,
            address,
        })
    }

    fn ready(&self) -> Ready {
        Ready {
            address: self.address,
            table: self.screen.is_some(),
        }
    }

    async fn serve(self, mut calls: Calls) -> Outcome {
        let Self {
            mut control,
            writer,
            screen,
            ..
        } = self;
        // Outside of systemd there is nobody to notify.
        let _ = sd_notify::notify(&[NotifyState::Ready]);
        let outcome = control.serve(&mut calls).await;
        if let Some(screen) = screen {
            // A terminal that went away is no reason to end otherwise.
            let _ = screen.close();
        }
        writer.finish(LAST_LINES);
        outcome
    }
}

impl Control {
    /// Watches over the data plane until it has drained.
    async fn serve(&mut self, calls: &mut Calls) -> Outcome {
        let publisher = Arc::clone(self.directory.publisher());
        let directory = Rc::clone(&self.directory);
        directory.watch();
        self.roster.follow(&publisher.current());
        loop {
            tokio::select! {
                call = calls.next() => match call {
                    Call::Stop => return self.drain(calls).await,
                    Call::Reload => self.reload(),
                },
                () = directory.published().notified() => self.roster.follow(&publisher.current()),
                result = self.supervisor.ended() => {
                    if let Err(error) = result {
                        self.news.tell(Severity::Error, format!("a worker ended: {error}"));
                    }
                    return Outcome::Failed;
                }
            }
        }
    }

    /// Lets requests in flight finish, for as long as that may take.
    async fn drain(&mut self, calls: &mut Calls) -> Outcome {
        let _ = sd_notify::notify(&[NotifyState::Stopping]);
        self.draining.store(true, Ordering::Relaxed);
        self.supervisor.drain();
        let deadline = Instant::now() + self.config.limits.shutdown;
        loop {
            tokio::select! {
                result = self.supervisor.ended() => {
                    return if result.is_ok() { Outcome::Drained } else { Outcome::Failed };
                }
                () = sleep_until(deadline.into()) => {
                    let text = "requests were still running when the time to shut down was over";
                    self.news.tell(Severity::Error, text.to_owned());
                    return Outcome::Cut;
                }
                call = calls.next() => if let Call::Stop = call {
                    return Outcome::Cut;
                }
            }
        }
    }

    /// Takes over what has changed; keeps what works when something is wrong.
    fn reload(&mut self) {
        let Some(arguments) = &self.arguments else {
            return;
        };
        match reload::read(arguments, &self.config) {
            Reload::Refused(error) => {
                let text = format!("reload refused, the old configuration stays: {error}");
                self.news.tell(Severity::Error, text);
            }
            Reload::Changed(config, fixed) => {
                let taken = self
                    .directory
                    .replace(config.sites.clone(), config.dns.clone());
                if let Err(error) = taken {
                    let text = format!("reload refused, the old configuration stays: {error}");
                    self.news.tell(Severity::Error, text);
                    return;
                }
                let snapshot = self.directory.publisher().current();
                self.roster.reconfigure(config.health.clone(), &snapshot);
                let mut text = "configuration reloaded".to_owned();
                if !fixed.is_empty() {
                    text = format!("{text}; a change of {} needs a restart", fixed.join(", "));
                }
                self.news.tell(Severity::Info, text);
                self.config.sites = config.sites;
                self.config.dns = config.dns;
                self.config.health = config.health;
            }
        }
        self.directory.refresh();
    }
}

fn threads(config: &Config) -> usize {
    let available = || std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    config
        .limits
        .threads
        .map_or_else(available, std::num::NonZero::get)
}

/// Open files that pipes may take up: an eighth of all, so that connections never lack one.
fn pipe_files(open_files: Option<u64>) -> usize {
    let open_files = open_files.and_then(|files| usize::try_from(files).ok());
    open_files.unwrap_or(usize::MAX) / 8
}

fn policy(balance: Balance) -> Policy {
    match balance {
        Balance::Least => Policy::Least,
        Balance::Random => Policy::Random,
        Balance::RoundRobin => Policy::RoundRobin,
        Balance::P2c => Policy::P2c,
    }
}

fn limits(config: &Config) -> Limits {
    Limits {
        idle: config.limits.idle,
        header: config.limits.header,
        connect: config.limits.connect,
        stall: STALL,
        retries: config.limits.retries,
    }
}

fn unwired_tls() -> (
    Option<Arc<crate::net::tls::TlsAcceptor>>,
    Arc<crate::net::tls::TlsConnector>,
) {
    let config = crate::net::tls::client_config(
        crate::net::tls::Trust::Anyone,
        None,
        crate::config::TlsVersion::V13,
    )
    .expect("made");
    (None, Arc::new(crate::net::tls::TlsConnector::new(config)))
}
