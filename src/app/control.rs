//! The control thread: everything that is not moving requests.

use std::net::{SocketAddr, TcpListener};
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc as std_mpsc};
use std::time::{Duration, Instant, SystemTime};

use sd_notify::NotifyState;
use tokio::runtime::{Builder, LocalOptions};
use tokio::sync::mpsc;
use tokio::time::sleep_until;

use super::cache::Cache;
use super::calls::{Call, Calls};
use super::certificates::Certificates;
use super::news::News;
use super::reload::{self, Reload};
use super::table::Pictures;
use super::translate::{limits, pipe_files, policy, threads};
use super::{Outcome, Signals, StartError, Stop, output};
use crate::admin::{Figures, Local};
use crate::balance::{LoadTable, Policy};
use crate::config::{Arguments, Config, Scheme};
use crate::discovery::Directory;
use crate::event::{self, Filter, Format, Severity, Writer};
use crate::health::{Reporter, Roster};
use crate::metrics::ProcessMetrics;
use crate::net::{Dialer, PipeShare, Resolver, bind, inherited};
use crate::proxy::Parts;
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
/// How long the last lines may take to be written.
const LAST_LINES: Duration = Duration::from_secs(1);

/// A process that has started.
pub(super) struct Ready {
    pub(super) scheme: Scheme,
    pub(super) address: SocketAddr,
    pub(super) table: bool,
}

/// The control thread's own: what it watches and what it tells.
pub(super) struct Control {
    config: Config,
    arguments: Option<Arguments>,
    directory: Rc<Directory>,
    certificates: Rc<Certificates>,
    roster: Roster,
    supervisor: Supervisor,
    news: News,
    draining: Arc<AtomicBool>,
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
        let certificates = Certificates::open(&config, SystemTime::now())?;
        let cache = config.cache.as_ref().map(Cache::open).transpose()?;
        let listener = listen(&config).await?;
        let address = listener.local_addr().map_err(StartError::new)?;
        let table = output::wants_table(&config.output);
        let filter = Filter::new(output::filter(&config.output, table));
        let (events, receiver) = event::channel(EVENTS);
        let format = Format::new(config.output.json);
        let writer = Writer::spawn(receiver, format, std::io::stdout()).map_err(StartError::new)?;
        let news = News::new(events.clone(), filter.clone());
        let loads = load_table(&config, started);
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
            cache.as_ref().map(|cache| Arc::clone(cache.metrics())),
        ));
        let local = Arc::new(Local::new(Arc::clone(&figures)).showing(certificates.presented()));
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
                acceptor: certificates.acceptor(),
                connector: Arc::clone(certificates.connector()),
                cache: cache.as_ref().map(|cache| {
                    let resolver = Resolver::new(config.dns.name_servers.clone());
                    (cache.cabinet().clone(), resolver)
                }),
            },
            seed: fastrand::u64(..),
        });
        let most = config.limits.max_connections;
        let supervisor =
            Supervisor::start(listener, plans.collect(), most).map_err(StartError::new)?;
        let draining = Arc::new(AtomicBool::new(false));
        let pictures = Pictures {
            figures,
            listen: format!("{}://{address}", certificates.scheme()),
            started,
            draining: Arc::clone(&draining),
            notice: Arc::clone(news.latest()),
        };
        let screen = if table {
            let shown = tui::run(move || pictures.table(Instant::now()), move || stop.ask());
            Some(shown.map_err(StartError::new)?)
        } else {
            None
        };
        tell_findings(&news, &config, &certificates);
        let dialer = Dialer::new(Arc::clone(certificates.connector()), Rc::default());
        let reporter = Reporter::new(events, filter);
        if let Some(cache) = cache {
            let resolver = Resolver::new(config.dns.name_servers.clone());
            tokio::task::spawn_local(cache.watch(dialer.clone(), resolver, news.clone()));
        }
        let roster = Roster::new(config.health.clone(), dialer, reporter);
        let control = Control {
            config,
            arguments,
            directory,
            certificates,
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
            scheme: self.control.certificates.scheme(),
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
        let certificates = Rc::clone(&self.certificates);
        tokio::task::spawn_local(certificates.watch(self.news.clone()));
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
        self.certificates.look_now();
        let Some(arguments) = &self.arguments else {
            return;
        };
        match reload::read(arguments, &self.config) {
            Reload::Refused(error) => {
                let text = format!("reload refused, the old configuration stays: {error}");
                self.news.tell(Severity::Error, text);
            }
            Reload::Changed(config, fixed) => {
                let (sites, dns) = (config.sites.clone(), config.dns.clone());
                let prepared = self
                    .certificates
                    .prepare(&sites, &self.news, SystemTime::now());
                if let Err(error) = prepared.and_then(|()| self.directory.replace(sites, dns)) {
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

/// The socket that was handed over, or one of our own.
async fn listen(config: &Config) -> Result<TcpListener, StartError> {
    if let Some(listener) = inherited().map_err(StartError::new)? {
        return Ok(listener);
    }
    let resolver = Resolver::new(config.dns.name_servers.clone());
    bind(&config.listen, &resolver)
        .await
        .map_err(StartError::new)
}

/// What is allowed but probably not meant.
fn tell_findings(news: &News, config: &Config, certificates: &Certificates) {
    for warning in &config.warnings {
        news.tell(Severity::Info, warning.clone());
    }
    for (severity, line) in certificates.lines() {
        news.tell(*severity, line.clone());
    }
}

fn load_table(config: &Config, now: Instant) -> Arc<LoadTable> {
    match policy(config.balance) {
        Policy::P2c => LoadTable::with_latencies(MOST_BACKENDS, now),
        Policy::Least | Policy::Random | Policy::RoundRobin => LoadTable::new(MOST_BACKENDS, now),
    }
}
