//! Routing, retries, health and balancing on a clock that the seed moves: servers fail, err and return, and
//! what every request meets is held against the promises. A failure names its seed.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::balance::{LoadTable, Picker, Policy, Standing};
use crate::http::Method;
use crate::net::DialError;
use crate::proxy::budget::RetryBudget;
use crate::proxy::fault::Fault;
use crate::proxy::retry::{Failed, Verdict, verdict};
use crate::proxy::route::{Reach, Route};
use crate::topology::{Backend, Identity, Site, Snapshot};

const SEEDS: u64 = 10_000;
const STEPS: usize = 40;
const ATTEMPTS: usize = 8;
const CHECK_INTERVAL: Duration = Duration::from_secs(5);
const LONGEST_EJECTION: Duration = Duration::from_mins(1);
const LONGEST_RAMP: Duration = Duration::from_secs(10);

const POLICIES: [Policy; 4] = [
    Policy::Least,
    Policy::Random,
    Policy::RoundRobin,
    Policy::P2c,
];

/// What a server is like at the moment.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Server {
    Well,
    /// Takes no connection.
    Gone,
    /// Takes requests and breaks the connection; checks find nothing wrong.
    Breaking,
    /// Answers requests with this status, and checks with 200.
    Saying(u16),
    /// Serves, and says to checks that it does not.
    Denying,
}

struct World {
    random: fastrand::Rng,
    now: Instant,
    snapshot: Snapshot,
    servers: Vec<Server>,
    next_checks: Vec<Instant>,
    /// Requests in flight: when each ends, where.
    running: Vec<(Instant, Arc<Backend>)>,
    workers: Vec<Worker>,
}

struct Worker {
    picker: Picker,
    budget: RetryBudget,
}

type Held = Result<(), String>;

impl World {
    fn new(seed: u64, start: Instant) -> Self {
        let mut random = fastrand::Rng::with_seed(seed);
        let policy = POLICIES[seed as usize % POLICIES.len()];
        let loads = LoadTable::with_latencies(96, start);
        let sites: Vec<Site> = (0..random.usize(1..=3))
            .map(|site| {
                let backends = (0..random.usize(1..=4)).map(|number| {
                    let label = format!("http://10.0.{site}.{number}:9000");
                    let identity = Identity {
                        label: label.as_str().into(),
                        endpoint: label.parse().unwrap(),
                        configured: label.parse().unwrap(),
                        site,
                    };
                    let load = loads.register(site).unwrap();
                    Arc::new(Backend::new(identity, load, Arc::new([])))
                });
                Site::new(backends.collect())
            })
            .collect();
        let count = sites.iter().map(|site| site.backends().len()).sum();
        Self {
            now: start,
            servers: vec![Server::Well; count],
            next_checks: (0..count).map(|_| start).collect(),
            running: Vec::new(),
            workers: (0..random.usize(1..=3))
                .map(|_| Worker {
                    picker: Picker::new(policy, random.fork(), start),
                    budget: RetryBudget::new(start),
                })
                .collect(),
            snapshot: Snapshot::new(sites, loads),
            random,
        }
    }

    fn run(&mut self) -> Held {
        for _ in 0..STEPS {
            let most = [50, 2_000, 20_000][self.random.usize(..3)];
            let pause = self.random.u64(1..most);
            self.pass(Duration::from_millis(pause));
            self.change_a_server();
            for _ in 0..self.random.usize(..4) {
                self.request()?;
            }
            self.bounds_hold()?;
        }
        self.all_get_traffic_again()
    }

    fn change_a_server(&mut self) {
        if self.random.u8(..4) == 0 {
            let which = self.random.usize(..self.servers.len());
            self.servers[which] = match self.random.u8(..8) {
                0 => Server::Gone,
                1 => Server::Breaking,
                2 | 3 => Server::Saying(500),
                4 => Server::Saying(503),
                5 => Server::Denying,
                _ => Server::Well,
            };
        }
    }

    /// Time passes: requests end, checks are made, back-offs and ramps come to their end, each at
    /// its own moment.
    fn pass(&mut self, pause: Duration) {
        let end = self.now + pause;
        while let Some(moment) = self.next_moment().filter(|moment| *moment <= end) {
            self.now = self.now.max(moment);
            self.happen();
        }
        self.now = end;
    }

    fn next_moment(&self) -> Option<Instant> {
        let ends = self.running.iter().map(|(end, _)| *end);
        let due = self.snapshot.backends().filter_map(|backend| backend.due());
        self.next_checks
            .iter()
            .copied()
            .chain(ends)
            .chain(due)
            .min()
    }

    fn happen(&mut self) {
        let now = self.now;
        for worker in &mut self.workers {
            worker.budget.tick(now);
        }
        self.running.retain(|(end, backend)| {
            if *end <= now {
                backend.load().end(now);
            }
            *end > now
        });
        for (index, backend) in self.snapshot.backends().enumerate() {
            backend.observe(now, |health| health.tick(now));
            if self.next_checks[index] <= now {
                self.next_checks[index] = now + CHECK_INTERVAL;
                backend.observe(now, |health| match self.servers[index] {
                    Server::Well | Server::Breaking | Server::Saying(_) => health.check_passed(now),
                    Server::Gone | Server::Denying => health.check_failed(now, "failed"),
                });
            }
        }
    }

    /// One request, from its first attempt to an answer or to nothing left.
    fn request(&mut self) -> Held {
        let method = [Method::Get, Method::Put, Method::Post][self.random.usize(..3)];
        let worker = self.random.usize(..self.workers.len());
        self.workers[worker].budget.requested();
        let mut route = Route::default();
        let mut tried: Vec<Arc<Backend>> = Vec::new();
        for number in 0..ATTEMPTS {
            let reach = if number == 0 {
                Reach::AnyNotDown
            } else {
                self.workers[worker].budget.reach()
            };
            let before = self.standings(&tried);
            let picker = &mut self.workers[worker].picker;
            let next = route.next(&self.snapshot, reach, picker, self.now);
            let Some(backend) = next.map(Arc::clone) else {
                let is_left = before.iter().any(|standing| includes(reach, *standing));
                return ensure(!is_left, "a request failed though a backend was left");
            };
            let standing = backend.load().word().standing();
            if tried.iter().any(|one| Arc::ptr_eq(one, &backend)) {
                let is_left = before.iter().any(|standing| includes(reach, *standing));
                ensure(!is_left, "tried twice though another was left")?;
                ensure(standing.is_in_rotation(), "tried twice though it is out")?;
                tried.clear();
            }
            let is_in_rotation = |standing: &Standing| standing.is_in_rotation();
            ensure(
                standing.is_in_rotation() || !before.iter().any(is_in_rotation),
                "sent to an ejected backend while one was in rotation",
            )?;
            ensure(includes(reach, standing), "sent beyond its reach")?;
            let Some((fault, delivered)) = self.attempt(&backend)? else {
                return Ok(());
            };
            let failed = Failed {
                fault: &fault,
                method,
                body_held: true,
                delivered,
                reused: false,
                answering: false,
            };
            let goes_on = matches!(verdict(failed), Verdict::Elsewhere | Verdict::SameBackend);
            ensure(
                !(goes_on && delivered && method == Method::Post),
                "a POST was delivered twice",
            )?;
            if !goes_on {
                return Ok(());
            }
            tried.push(backend);
        }
        Ok(())
    }

    /// The standings of those that may still be tried.
    fn standings(&self, tried: &[Arc<Backend>]) -> Vec<Standing> {
        let untried = |one: &&Arc<Backend>| !tried.iter().any(|other| Arc::ptr_eq(one, other));
        let backends = self.snapshot.backends().filter(untried);
        backends.map(|one| one.load().word().standing()).collect()
    }

    /// How it failed, if it was not answered, and whether the backend may have got the request.
    fn attempt(&mut self, backend: &Arc<Backend>) -> Result<Option<(Fault, bool)>, String> {
        let now = self.now;
        let index = self
            .snapshot
            .backends()
            .position(|one| Arc::ptr_eq(one, backend))
            .unwrap_or_default();
        backend.load().begin(now);
        let latency = Duration::from_millis(self.random.u64(1..200));
        let broken = match self.servers[index] {
            Server::Gone => Some((Fault::Unconnected(DialError::TimedOut), false)),
            Server::Breaking => Some((Fault::BackendClosed(None), true)),
            Server::Saying(_) | Server::Well | Server::Denying => None,
        };
        if let Some(failed) = broken {
            backend.load().end(now);
            backend.load().took(Duration::ZERO, true, now);
            backend.observe(now, |health| health.request_failed(now, now, "broken"));
            return Ok(Some(failed));
        }
        let status = match self.servers[index] {
            Server::Saying(status) => status,
            _ => 200,
        };
        backend.load().took(latency, status >= 500, now);
        self.running.push((now + latency, Arc::clone(backend)));
        if backend.is_moved_by(status) {
            let change = self.snapshot.answered(backend, status, now);
            if change.is_some() {
                ensure(status == 500, "ejected by an answer that is no error")?;
                let site = &self.snapshot.sites()[backend.identity().site];
                let out = site.backends().iter().filter(|one| !one.is_up()).count();
                ensure(
                    2 * out <= site.backends().len(),
                    "errors took out more than half of a site",
                )?;
            }
        }
        Ok(None)
    }

    fn bounds_hold(&self) -> Held {
        for backend in self.snapshot.backends() {
            let (bound, what) = match backend.load().word().standing() {
                Standing::Ejected => (LONGEST_EJECTION, "ejected for too long"),
                Standing::Warming => (LONGEST_RAMP, "warming for too long"),
                Standing::Up | Standing::Down => continue,
            };
            // One of which nothing is known yet is due by its first check.
            let is_bounded = backend.due().is_none_or(|due| due <= self.now + bound);
            ensure(is_bounded, what)?;
        }
        Ok(())
    }

    /// All servers are well again: soon all are in rotation, and each of the first site is used.
    fn all_get_traffic_again(&mut self) -> Held {
        self.servers.fill(Server::Well);
        self.pass(LONGEST_EJECTION + CHECK_INTERVAL + LONGEST_RAMP);
        let is_up = |standing: &Standing| *standing == Standing::Up;
        ensure(self.standings(&[]).iter().all(is_up), "not all came back")?;
        let mut unused: Vec<Arc<Backend>> = self.snapshot.sites()[0].backends().to_vec();
        for _ in 0..100 {
            self.pass(Duration::from_millis(500));
            let worker = self.random.usize(..self.workers.len());
            let picker = &mut self.workers[worker].picker;
            let picked = Route::default()
                .next(&self.snapshot, Reach::AnyNotDown, picker, self.now)
                .map(Arc::clone)
                .ok_or("nobody was picked")?;
            unused.retain(|one| !Arc::ptr_eq(one, &picked));
            if unused.is_empty() {
                return Ok(());
            }
            self.attempt(&picked)?;
        }
        Err("a backend in rotation was not used in a hundred picks".to_owned())
    }
}

/// Whether a backend of this standing may be asked.
fn includes(reach: Reach, standing: Standing) -> bool {
    match reach {
        Reach::InRotation => standing.is_in_rotation(),
        Reach::AnyNotDown => standing != Standing::Down,
    }
}

fn ensure(holds: bool, otherwise: &str) -> Held {
    if holds {
        Ok(())
    } else {
        Err(otherwise.to_owned())
    }
}

#[test]
fn promises_hold_whatever_servers_do() {
    let start = Instant::now();
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    std::thread::scope(|scope| {
        for first in 0..threads as u64 {
            scope.spawn(move || {
                for seed in (first..SEEDS).step_by(threads) {
                    if let Err(why) = World::new(seed, start).run() {
                        panic!("seed {seed}: {why}");
                    }
                }
            });
        }
    });
}
