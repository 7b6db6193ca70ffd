//! One suite for all policies.

use std::sync::Arc;
use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::{Accept, Candidates, Load, LoadTable, Policy, Standing};

const POLICIES: [Policy; 2] = [Policy::Least, Policy::Random];

struct Bench {
    table: Arc<LoadTable>,
    loads: Vec<Load>,
    places: Vec<u32>,
    now: Instant,
    random: fastrand::Rng,
}

impl Bench {
    fn of(count: u32) -> Self {
        let now = Instant::now();
        let table = LoadTable::new(count, now);
        let loads: Vec<Load> = (0..count).map(|_| table.register().unwrap()).collect();
        for load in &loads {
            load.set_standing(Standing::Up);
        }
        let places = loads.iter().map(Load::place).collect();
        Self {
            table,
            loads,
            places,
            now,
            random: fastrand::Rng::with_seed(7),
        }
    }

    fn pick(&mut self, policy: Policy, tried: &[u32], accept: Accept) -> Option<usize> {
        policy.pick(
            Candidates::new(&self.table, &self.places, tried, accept),
            &mut self.random,
        )
    }

    fn begin(&mut self, index: usize) {
        self.now += Duration::from_micros(50);
        self.loads[index].begin(self.now);
    }

    fn end(&mut self, index: usize) {
        self.now += Duration::from_micros(50);
        self.loads[index].end(self.now);
    }
}

#[test]
fn ten_requests_in_a_row_over_four_idle_backends_touch_all_four_evenly() {
    let mut bench = Bench::of(4);
    let mut served = [0; 4];
    for _ in 0..10 {
        let index = bench.pick(Policy::Least, &[], Accept::InRotation).unwrap();
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
    let mut bench = Bench::of(3);
    bench.begin(0);
    bench.begin(0);
    bench.begin(1);
    bench.begin(2);
    bench.end(2);
    assert_eq!(bench.pick(Policy::Least, &[], Accept::InRotation), Some(2));
    assert_eq!(bench.loads[0].word().in_flight(), 2);
}

#[test]
fn random_reaches_every_usable_one() {
    let mut bench = Bench::of(5);
    bench.loads[3].set_standing(Standing::Down);
    let mut served = [0; 5];
    for _ in 0..1000 {
        served[bench.pick(Policy::Random, &[], Accept::InRotation).unwrap()] += 1;
    }
    assert_eq!(served[3], 0);
    assert!(
        served
            .iter()
            .enumerate()
            .all(|(index, count)| index == 3 || *count > 150),
        "{served:?}"
    );
}

#[test]
fn an_ejected_one_is_used_only_when_asked_for_and_a_down_one_never() {
    for policy in POLICIES {
        let mut bench = Bench::of(2);
        bench.loads[0].set_standing(Standing::Down);
        bench.loads[1].set_standing(Standing::Ejected);
        assert_eq!(bench.pick(policy, &[], Accept::InRotation), None);
        assert_eq!(bench.pick(policy, &[], Accept::Ejected), Some(1));
        bench.loads[1].set_standing(Standing::Down);
        assert_eq!(bench.pick(policy, &[], Accept::Ejected), None);
    }
}

#[test]
fn what_was_tried_is_not_picked_again() {
    for policy in POLICIES {
        let mut bench = Bench::of(3);
        let tried = [bench.places[0], bench.places[2]];
        assert_eq!(bench.pick(policy, &tried, Accept::InRotation), Some(1));
        let all = bench.places.clone();
        assert_eq!(bench.pick(policy, &all, Accept::InRotation), None);
    }
}

#[test]
fn a_new_candidate_is_not_in_rotation_before_something_is_known_of_it() {
    let table = LoadTable::new(1, Instant::now());
    let load = table.register().unwrap();
    assert_eq!(load.word().standing(), Standing::Ejected);
}

#[test]
fn a_place_is_given_back_and_a_full_table_says_so() {
    let table = LoadTable::new(1, Instant::now());
    let load = table.register().unwrap();
    assert!(table.register().is_none());
    drop(load);
    assert_eq!(table.word(0).standing(), Standing::Down);
    assert!(table.register().is_some());
}

proptest! {
    #[test]
    fn standing_never_disturbs_the_count_in_flight(steps in prop::collection::vec(0u8..5, 0..200)) {
        let mut bench = Bench::of(1);
        let mut expected = 0u32;
        for step in steps {
            match step {
                0 => { bench.begin(0); expected += 1; }
                1 if expected > 0 => { bench.end(0); expected -= 1; }
                2 => bench.loads[0].set_standing(Standing::Down),
                3 => bench.loads[0].set_standing(Standing::Ejected),
                _ => bench.loads[0].set_standing(Standing::Up),
            }
            prop_assert_eq!(bench.loads[0].word().in_flight(), expected);
        }
    }

    #[test]
    fn least_is_never_above_another_usable_one(counts in prop::collection::vec(0u32..6, 1..20)) {
        let mut bench = Bench::of(counts.len() as u32);
        for (index, count) in counts.iter().enumerate() {
            for _ in 0..*count {
                bench.begin(index);
            }
        }
        let picked = bench.pick(Policy::Least, &[], Accept::InRotation).unwrap();
        prop_assert_eq!(counts[picked], *counts.iter().min().unwrap());
    }
}
