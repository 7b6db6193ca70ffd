//! One suite for all policies; `rows`: what `least` does with more backends than one row holds.

mod rows;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::load::ROW;
use super::{Accept, Candidates, Load, LoadTable, Peers, Picker, Policy, Ramp, Standing};

const POLICIES: [Policy; 4] = [
    Policy::Least,
    Policy::Random,
    Policy::RoundRobin,
    Policy::P2c,
];

struct Bench {
    table: Arc<LoadTable>,
    loads: Vec<Load>,
    peers: Peers,
    now: Instant,
    picker: Picker,
}

impl Bench {
    fn of(policy: Policy, count: u32) -> Self {
        let now = Instant::now();
        let table = LoadTable::with_latencies(count, now);
        let loads: Vec<Load> = (0..count).map(|_| table.register(0).unwrap()).collect();
        for load in &loads {
            load.set_standing(Standing::Up);
        }
        let peers = Peers::new(loads.iter().map(Load::place));
        Self {
            table,
            loads,
            peers,
            now,
            picker: Picker::new(policy, fastrand::Rng::with_seed(7), now),
        }
    }

    fn pick(&mut self, tried: &[u32], accept: Accept) -> Option<usize> {
        let candidates = Candidates::new(&self.table, &self.peers, tried, accept);
        self.picker.pick(candidates, self.now)
    }

    fn begin(&mut self, index: usize) {
        self.now += Duration::from_micros(50);
        self.loads[index].begin(self.now);
    }

    fn end(&mut self, index: usize) {
        self.now += Duration::from_micros(50);
        self.loads[index].end(self.now);
    }

    /// A request from pick to end; `latency` says what each would take. Says who served it.
    fn serve(&mut self, latency: impl Fn(usize) -> Duration) -> usize {
        let index = self.pick(&[], Accept::InRotation).unwrap();
        self.begin(index);
        self.now += latency(index);
        self.end(index);
        self.loads[index].took(latency(index), false, self.now);
        index
    }
}

#[test]
fn ten_requests_in_a_row_over_four_idle_backends_touch_all_four_evenly() {
    let mut bench = Bench::of(Policy::Least, 4);
    let mut served = [0; 4];
    for _ in 0..10 {
        let index = bench.pick(&[], Accept::InRotation).unwrap();
        bench.begin(index);
        bench.end(index);
        served[index] += 1;
    }
    assert!(
        served.iter().all(|count| (2..=3).contains(count)),
        "{served:?}"
    );
}

#[test]
fn least_takes_the_fewest_in_flight() {
    let mut bench = Bench::of(Policy::Least, 3);
    bench.begin(0);
    bench.begin(0);
    bench.begin(1);
    bench.begin(2);
    bench.end(2);
    assert_eq!(bench.pick(&[], Accept::InRotation), Some(2));
    assert_eq!(bench.loads[0].word().in_flight(), 2);
}

#[test]
fn every_usable_one_is_reached_and_no_other() {
    for policy in POLICIES {
        let mut bench = Bench::of(policy, 5);
        bench.loads[3].set_standing(Standing::Down);
        let mut served = [0; 5];
        for _ in 0..1000 {
            served[bench.serve(|_| Duration::from_millis(1))] += 1;
        }
        assert_eq!(served[3], 0);
        let share = |(index, count): (usize, &u32)| index == 3 || *count > 150;
        assert!(
            served.iter().enumerate().all(share),
            "{policy:?}: {served:?}"
        );
    }
}

#[test]
fn round_robin_takes_turns_and_starts_anywhere() {
    let mut bench = Bench::of(Policy::RoundRobin, 4);
    let first = bench.pick(&[], Accept::InRotation).unwrap();
    for turn in 1..9 {
        let index = bench.pick(&[], Accept::InRotation);
        assert_eq!(index, Some((first + turn) % 4));
    }
    let starts: BTreeSet<Option<usize>> = (0..64)
        .map(|seed| {
            bench.picker = Picker::new(
                Policy::RoundRobin,
                fastrand::Rng::with_seed(seed),
                bench.now,
            );
            bench.pick(&[], Accept::InRotation)
        })
        .collect();
    assert_eq!(starts.len(), 4);
}

#[test]
fn p2c_leaves_a_slow_one_alone_and_comes_back_when_it_is_fast_again() {
    const SLOW: usize = 2;
    let mut bench = Bench::of(Policy::P2c, 4);
    let served = |bench: &mut Bench, slow: u64| {
        let latency = |index| Duration::from_millis(if index == SLOW { slow } else { 2 });
        let requests = 2000;
        (0..requests)
            .filter(|_| bench.serve(latency) == SLOW)
            .count()
    };
    let fair = served(&mut bench, 2);
    assert!((400..600).contains(&fair), "{fair}");
    let while_slow = served(&mut bench, 200);
    assert!(while_slow < 20, "{while_slow}");
    // 2,000 requests are four seconds: a few time constants.
    for _ in 0..30 {
        served(&mut bench, 2);
    }
    let after = served(&mut bench, 2);
    assert!((300..700).contains(&after), "{after}");
}

#[test]
fn p2c_prefers_the_less_busy_of_equals() {
    let mut bench = Bench::of(Policy::P2c, 2);
    for _ in 0..8 {
        bench.serve(|_| Duration::from_millis(1));
    }
    bench.begin(0);
    for _ in 0..8 {
        assert_eq!(bench.pick(&[], Accept::InRotation), Some(1));
    }
}

#[test]
fn p2c_sends_one_request_to_whom_nothing_is_known_of_until_it_is_answered() {
    let mut bench = Bench::of(Policy::P2c, 2);
    bench.loads[0].took(Duration::from_millis(5), false, bench.now);
    assert_eq!(bench.pick(&[], Accept::InRotation), Some(1));
    bench.begin(1);
    for _ in 0..50 {
        assert_eq!(bench.pick(&[], Accept::InRotation), Some(0));
        bench.begin(0);
    }
}

#[test]
fn p2c_is_not_drawn_to_those_who_fail_quickly() {
    let mut bench = Bench::of(Policy::P2c, 2);
    bench.loads[0].took(Duration::from_millis(50), false, bench.now);
    bench.loads[1].took(Duration::from_micros(50), true, bench.now);
    assert_eq!(bench.pick(&[], Accept::InRotation), Some(0));
}

#[test]
fn a_new_candidate_does_not_inherit_a_latency() {
    let now = Instant::now();
    let table = LoadTable::with_latencies(1, now);
    let load = table.register(0).unwrap();
    load.took(Duration::from_secs(1), true, now);
    let place = load.place();
    drop(load);
    let load = table.register(0).unwrap();
    assert_eq!(load.place(), place);
    assert_eq!(table.latency(place).latest(), None);
}

impl Bench {
    /// Begins to warm up, for ten seconds.
    fn warm(&self, index: usize) {
        self.loads[index].set_ramp(Ramp {
            since: self.now,
            over: Duration::from_secs(10),
        });
        self.loads[index].set_standing(Standing::Warming);
    }

    /// Picks without any time passing; how often each was.
    fn picks(&mut self, picks: usize) -> Vec<usize> {
        let mut counts = vec![0; self.loads.len()];
        for _ in 0..picks {
            counts[self.pick(&[], Accept::InRotation).unwrap()] += 1;
        }
        counts
    }
}

#[test]
fn a_warming_one_gets_a_share_that_grows() {
    for policy in POLICIES {
        for (seconds, weight) in [(0, 0.1), (5, 0.55), (9, 0.91)] {
            let mut bench = Bench::of(policy, 4);
            bench.warm(1);
            bench.now += Duration::from_secs(seconds);
            let share = bench.picks(10_000)[1] as f64 / 10_000.0;
            let right = weight / (3.0 + weight);
            assert!((share - right).abs() < 0.02, "{policy:?}: {share}, {right}");
        }
    }
}

#[test]
fn the_one_that_never_left_does_not_carry_a_site_that_returns() {
    for policy in POLICIES {
        let mut bench = Bench::of(policy, 21);
        (1..21).for_each(|index| bench.warm(index));
        let share = f64::from(bench.picks(9_000)[0] as u32) / 9_000.0;
        assert!((share - 1.0 / 3.0).abs() < 0.03, "{policy:?}: {share}");
    }
}

#[test]
fn warming_ones_are_all_there_is_when_nobody_else_is_up() {
    for policy in POLICIES {
        let mut bench = Bench::of(policy, 3);
        bench.loads[0].set_standing(Standing::Ejected);
        bench.warm(1);
        bench.now += Duration::from_secs(5);
        bench.warm(2);
        let counts = bench.picks(6_500);
        assert_eq!(counts[0], 0);
        assert!(
            (4_900..6_100).contains(&counts[1]),
            "{policy:?}: {counts:?}"
        );
        let tried = [bench.loads[1].place(), bench.loads[2].place()];
        assert_eq!(bench.pick(&tried, Accept::InRotation), None);
        assert_eq!(bench.pick(&tried, Accept::Ejected), Some(0));
        assert_ne!(bench.pick(&[], Accept::Ejected), Some(0));
    }
}

#[test]
fn the_table_knows_whether_anyone_is_warming() {
    let mut bench = Bench::of(Policy::Least, 2);
    assert!(!bench.table.is_warming());
    bench.warm(0);
    bench.warm(0);
    bench.begin(0);
    bench.loads[0].set_standing(Standing::Up);
    assert!(!bench.table.is_warming());
    bench.warm(1);
    bench.loads.pop();
    assert!(!bench.table.is_warming(), "it left with its place");
}

#[test]
fn an_ejected_one_is_used_only_when_asked_for_and_a_down_one_never() {
    for policy in POLICIES {
        let mut bench = Bench::of(policy, 2);
        bench.loads[0].set_standing(Standing::Down);
        bench.loads[1].set_standing(Standing::Ejected);
        assert_eq!(bench.pick(&[], Accept::InRotation), None);
        assert_eq!(bench.pick(&[], Accept::Ejected), Some(1));
        bench.loads[1].set_standing(Standing::Down);
        assert_eq!(bench.pick(&[], Accept::Ejected), None);
    }
}

#[test]
fn what_was_tried_is_not_picked_again() {
    for policy in POLICIES {
        let mut bench = Bench::of(policy, 3);
        let tried = [0, 2].map(|index: usize| bench.loads[index].place());
        assert_eq!(bench.pick(&tried, Accept::InRotation), Some(1));
        let all = bench.peers.places().to_vec();
        assert_eq!(bench.pick(&all, Accept::InRotation), None);
    }
}

#[test]
fn a_new_candidate_is_not_in_rotation_before_something_is_known_of_it() {
    let table = LoadTable::new(1, Instant::now());
    let load = table.register(0).unwrap();
    assert_eq!(load.word().standing(), Standing::Ejected);
}

#[test]
fn a_place_is_given_back_and_a_full_table_says_so() {
    let table = LoadTable::new(1, Instant::now());
    let mut loads: Vec<Load> = std::iter::from_fn(|| table.register(0)).collect();
    assert_eq!(loads.len(), ROW as usize);
    assert!(
        table.register(1).is_none(),
        "the row belongs to the first group"
    );
    let gone = loads.pop().unwrap().place();
    assert_eq!(table.word(gone).standing(), Standing::Down);
    assert_eq!(table.register(0).map(|load| load.place()), Some(gone));
}

proptest! {
    #[test]
    fn standing_never_disturbs_the_count_in_flight(steps in prop::collection::vec(0u8..6, 0..200)) {
        let mut bench = Bench::of(Policy::Least, 1);
        let mut expected = 0u32;
        for step in steps {
            match step {
                0 => { bench.begin(0); expected += 1; }
                1 if expected > 0 => { bench.end(0); expected -= 1; }
                2 => bench.loads[0].set_standing(Standing::Down),
                3 => bench.loads[0].set_standing(Standing::Ejected),
                4 => bench.warm(0),
                _ => bench.loads[0].set_standing(Standing::Up),
            }
            prop_assert_eq!(bench.loads[0].word().in_flight(), expected);
        }
    }

    #[test]
    fn round_robin_is_even_within_one_over_those_in_rotation(
        count in 1u32..70,
        out in prop::collection::vec(any::<prop::sample::Index>(), 0..20),
        rounds in 0usize..300,
    ) {
        let mut bench = Bench::of(Policy::RoundRobin, count);
        for index in out {
            bench.loads[index.index(count as usize)].set_standing(Standing::Ejected);
        }
        let mut served = vec![0; count as usize];
        for _ in 0..rounds {
            match bench.pick(&[], Accept::InRotation) {
                Some(index) => served[index] += 1,
                None => break,
            }
        }
        let in_rotation = |index: &usize| bench.loads[*index].word().standing() == Standing::Up;
        let counts = || (0..served.len()).filter(in_rotation).map(|index| served[index]);
        prop_assert!(counts().max().unwrap_or(0) - counts().min().unwrap_or(0) <= 1);
    }

    #[test]
    fn p2c_never_takes_the_worst_of_three_or_more(
        latencies in prop::collection::vec(1u64..1000, 3..40),
        picks in 1usize..50,
    ) {
        let mut bench = Bench::of(Policy::P2c, latencies.len() as u32);
        for (load, millis) in bench.loads.iter().zip(&latencies) {
            load.took(Duration::from_millis(*millis), false, bench.now);
        }
        let slowest = latencies.iter().max();
        prop_assume!(latencies.iter().filter(|millis| Some(*millis) == slowest).count() == 1);
        for _ in 0..picks {
            let index = bench.pick(&[], Accept::InRotation).unwrap();
            prop_assert_ne!(Some(&latencies[index]), slowest);
        }
    }
}
