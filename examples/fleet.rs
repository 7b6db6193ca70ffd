//! A backend returns to a fleet of a thousand sidecars: what load it gets, as a table to plot.
//! `cargo run --release --example fleet > fleet.csv`
//!
//! A model on a clock of its own, from the real policies and the real health state: each sidecar
//! makes its checks at a phase of its own, and sends requests at random moments.

use std::io::{self, Write};
use std::sync::Arc;
use std::time::{Duration, Instant};

use sidekick::balance::{Accept, Candidates, Load, LoadTable, Peers, Picker, Policy, Standing};
use sidekick::topology::HealthState;

const SIDECARS: u64 = 1000;
const BACKENDS: usize = 32;
/// Between two requests of one sidecar, in the mean.
const PAUSE: Duration = Duration::from_millis(50);
const CHECK_INTERVAL: Duration = Duration::from_secs(5);
/// The one that returns does so when this is over.
const OUTAGE: Duration = Duration::from_secs(20);
const AFTERWARDS: Duration = Duration::from_secs(18);
const BUCKET: Duration = Duration::from_millis(100);

const POLICIES: [(&str, Policy); 4] = [
    ("least", Policy::Least),
    ("random", Policy::Random),
    ("round-robin", Policy::RoundRobin),
    ("p2c", Policy::P2c),
];

fn main() -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "policy,seconds since its return,load in fair shares")?;
    for (name, policy) in POLICIES {
        for (number, share) in (0..).zip(shares(policy)) {
            let seconds = BUCKET.mul_f64(f64::from(number)).as_secs_f64();
            writeln!(out, "{name},{seconds:.1},{share:.3}")?;
        }
    }
    Ok(())
}

/// What the returning backend gets in each bucket from its return on; 1 is a fair share.
fn shares(policy: Policy) -> Vec<f64> {
    let start = Instant::now();
    let buckets = (AFTERWARDS.as_millis() / BUCKET.as_millis()) as usize;
    let mut all = vec![0u32; buckets];
    let mut its = vec![0u32; buckets];
    for seed in 0..SIDECARS {
        let mut sidecar = Sidecar::new(policy, seed, start);
        while let Some((at, index)) = sidecar.request() {
            let since = at.saturating_duration_since(start + OUTAGE);
            let bucket = (since.as_millis() / BUCKET.as_millis()) as usize;
            if at >= start + OUTAGE && bucket < buckets {
                all[bucket] += 1;
                its[bucket] += u32::from(index == 0);
            }
        }
    }
    let fair =
        |(its, all): (&u32, &u32)| f64::from(*its) * BACKENDS as f64 / f64::from((*all).max(1));
    its.iter().zip(&all).map(fair).collect()
}

/// One sidecar, and what it knows of the backend that returns, the first one.
struct Sidecar {
    random: fastrand::Rng,
    now: Instant,
    end: Instant,
    returned: Instant,
    next_check: Instant,
    table: Arc<LoadTable>,
    loads: Vec<Load>,
    peers: Peers,
    picker: Picker,
    health: HealthState,
    /// Requests in flight: when each ends, where.
    running: Vec<(Instant, usize)>,
}

impl Sidecar {
    fn new(policy: Policy, seed: u64, start: Instant) -> Self {
        let mut random = fastrand::Rng::with_seed(seed);
        let table = LoadTable::with_latencies(BACKENDS as u32, start);
        let loads: Vec<Load> = std::iter::from_fn(|| table.register(0))
            .take(BACKENDS)
            .collect();
        for load in &loads {
            load.set_standing(Standing::Up);
        }
        let mut health = HealthState::default();
        health.check_passed(start);
        health.check_failed(start, "down");
        loads[0].set_standing(health.standing());
        // Only a little of the outage is played: enough for latencies and times of last use.
        let now = start + OUTAGE.saturating_sub(Duration::from_secs(3));
        Self {
            peers: Peers::new(loads.iter().map(Load::place)),
            picker: Picker::new(policy, random.fork(), now),
            next_check: now + CHECK_INTERVAL.mul_f64(random.f64()),
            end: start + OUTAGE + AFTERWARDS,
            returned: start + OUTAGE,
            now,
            table,
            loads,
            health,
            running: Vec::new(),
            random,
        }
    }

    /// The next request: when and where to.
    fn request(&mut self) -> Option<(Instant, usize)> {
        self.now += PAUSE.mul_f64(-(1.0 - self.random.f64()).ln());
        let now = self.now;
        if now > self.end {
            return None;
        }
        self.settle();
        self.watch();
        let candidates = Candidates::new(&self.table, &self.peers, &[], Accept::InRotation);
        let index = self.picker.pick(candidates, now)?;
        self.loads[index].begin(now);
        let latency = Duration::from_micros(self.random.u64(2_000..4_000));
        self.loads[index].took(latency, false, now + latency);
        self.running.push((now + latency, index));
        Some((now, index))
    }

    /// Ends the requests that have been answered by now.
    fn settle(&mut self) {
        let (now, loads) = (self.now, &self.loads);
        self.running.retain(|(end, index)| {
            if *end <= now {
                loads[*index].end(*end);
            }
            *end > now
        });
    }

    /// Makes the checks whose time has come, and what else is due.
    fn watch(&mut self) {
        while self.next_check <= self.now {
            let at = self.next_check;
            if at >= self.returned {
                self.health.check_passed(at);
            }
            self.next_check += CHECK_INTERVAL;
        }
        self.health.tick(self.now);
        if let Some(ramp) = self.health.ramp() {
            self.loads[0].set_ramp(ramp);
        }
        self.loads[0].set_standing(self.health.standing());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mean(shares: &[f64]) -> f64 {
        shares.iter().sum::<f64>() / shares.len() as f64
    }

    #[test]
    fn a_returning_backend_is_never_flooded_and_has_its_share_in_the_end() {
        for (name, policy) in POLICIES {
            let shares = shares(policy);
            let most = shares.iter().copied().fold(0.0, f64::max);
            assert!(most < 1.5, "{name}: {most} fair shares");
            let seconds: Vec<f64> = shares.chunks(10).map(mean).collect();
            assert!(seconds[0] < 0.1, "{name}: {seconds:.2?}");
            for pair in seconds.windows(2) {
                assert!(pair[1] > pair[0] - 0.15, "{name}: {seconds:.2?}");
            }
            let last = mean(&shares[shares.len() - 20..]);
            assert!((0.9..1.1).contains(&last), "{name}: {last}");
        }
    }
}
