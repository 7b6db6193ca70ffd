//! `least` over rows of backends: its definition, its turns, and what a row promises.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::super::load::ROW;
use super::super::{Accept, Load, LoadTable, Picker, Policy, Standing};
use super::Bench;

#[test]
fn groups_never_share_a_row() {
    let table = LoadTable::new(3 * ROW, Instant::now());
    let loads: Vec<(usize, Load)> = (0..40usize)
        .map(|number| (number % 2, table.register(number % 2).unwrap()))
        .collect();
    let row = |load: &Load| load.place() / ROW;
    for (group, load) in &loads {
        for (other, neighbour) in &loads {
            assert!(group == other || row(load) != row(neighbour));
        }
    }
}

/// What `least` promises: the fewest in flight; ties to the one idle longest, which is the one whose
/// last request began or ended first, among those of its row.
struct Definition {
    in_flight: Vec<u32>,
    last_used: Vec<u64>,
    up: Vec<bool>,
}

impl Definition {
    fn of(count: usize) -> Self {
        Self {
            in_flight: vec![0; count],
            last_used: vec![0; count],
            up: vec![true; count],
        }
    }

    /// The right ones: one of each row that has any with the fewest in flight.
    fn right(&self, tried: &[usize]) -> Vec<usize> {
        let usable = |index: &usize| self.up[*index] && !tried.contains(index);
        let all = 0..self.up.len();
        let fewest = all
            .clone()
            .filter(usable)
            .map(|index| self.in_flight[index])
            .min();
        let fewest = |index: &usize| Some(self.in_flight[*index]) == fewest;
        let candidates: Vec<usize> = all.filter(usable).filter(fewest).collect();
        candidates
            .chunk_by(|one, next| one / ROW as usize == next / ROW as usize)
            .filter_map(|row| {
                row.iter()
                    .copied()
                    .min_by_key(|index| self.last_used[*index])
            })
            .collect()
    }
}

/// Serves so many requests, one after the other, one every 50 µs; says who served each.
fn serve(bench: &mut Bench, requests: usize) -> Vec<usize> {
    (0..requests)
        .map(|_| {
            let index = bench.pick(&[], Accept::InRotation).unwrap();
            bench.begin(index);
            bench.end(index);
            index
        })
        .collect()
}

#[test]
fn least_stays_with_a_row_for_a_turn_and_all_rows_come_around() {
    const ROWS: u32 = 8;
    let mut bench = Bench::of(Policy::Least, ROWS * ROW);
    let row = |index: &usize| index / ROW as usize;
    let mut counts = vec![0; (ROWS * ROW) as usize];
    for _ in 0..ROWS {
        let served = serve(&mut bench, 2 * ROW as usize);
        assert!(served.iter().all(|index| row(index) == row(&served[0])));
        for index in served {
            counts[index] += 1;
        }
        bench.now += Duration::from_millis(200);
    }
    assert_eq!(counts, vec![2; counts.len()]);
}

#[test]
fn workers_begin_their_turns_anywhere() {
    let first = |seed| {
        let mut bench = Bench::of(Policy::Least, 8 * ROW);
        bench.picker = Picker::new(Policy::Least, fastrand::Rng::with_seed(seed), bench.now);
        serve(&mut bench, 1)[0] / ROW as usize
    };
    let rows: BTreeSet<usize> = (0..200).map(first).collect();
    assert_eq!(rows.len(), 8);
}

#[test]
fn a_row_that_is_busy_leaves_its_turn_to_the_others() {
    let mut bench = Bench::of(Policy::Least, 3 * ROW);
    for _ in 0..3 * ROW {
        let index = bench.pick(&[], Accept::InRotation).unwrap();
        assert_eq!(bench.loads[index].word().in_flight(), 0);
        bench.begin(index);
    }
}

#[test]
fn a_row_that_is_busy_is_read_once_and_then_promises_no_more_than_it_holds() {
    let mut bench = Bench::of(Policy::Least, 2 * ROW);
    let busy = 0..ROW as usize;
    busy.for_each(|index| bench.begin(index));
    assert!(bench.table.promise(0).is_idle(), "nobody has looked yet");
    let mut picked = Vec::new();
    for _ in 0..100 {
        bench.now += Duration::from_millis(200);
        picked.extend(bench.pick(&[], Accept::InRotation));
    }
    assert!(picked.iter().all(|index| *index >= ROW as usize));
    assert_eq!(bench.table.promise(0), bench.loads[0].word());
}

#[test]
fn a_row_that_is_looked_at_while_it_changes_promises_no_less_than_it_holds() {
    const ROUNDS: u32 = 20_000;
    let bench = Bench::of(Policy::Least, 1);
    let arrived = AtomicU32::new(0);
    let meet = |meeting: u32| {
        arrived.fetch_add(1, Ordering::SeqCst);
        while arrived.load(Ordering::SeqCst) < 2 * meeting {
            std::thread::yield_now();
        }
    };
    let wrong = AtomicU32::new(0);
    let load = &bench.loads[0];
    load.begin(bench.now);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for round in 0..ROUNDS {
                meet(3 * round + 1);
                bench.table.settle(0);
                meet(3 * round + 2);
                let holds = bench.table.promise(0) <= load.word();
                wrong.fetch_add(u32::from(!holds), Ordering::SeqCst);
                meet(3 * round + 3);
            }
        });
        for round in 0..ROUNDS {
            meet(3 * round + 1);
            // At another moment of the look each time.
            (0..round % 400).for_each(|_| std::hint::spin_loop());
            load.end(bench.now);
            meet(3 * round + 2);
            meet(3 * round + 3);
            load.begin(bench.now);
        }
    });
    assert_eq!(wrong.into_inner(), 0, "of {ROUNDS} rounds");
}

proptest! {
    #[test]
    fn least_is_what_its_definition_says(
        count in prop::sample::select(vec![1u32, 4, ROW, ROW + 1, 5 * ROW + 3]),
        steps in prop::collection::vec((0u8..8, any::<prop::sample::Index>()), 0..300),
    ) {
        let mut bench = Bench::of(Policy::Least, count);
        let peers = count as usize;
        let mut definition = Definition::of(peers);
        let mut tried: Vec<usize> = Vec::new();
        for (time, (step, index)) in (1..).zip(steps) {
            let places: Vec<u32> = tried.iter().map(|one| bench.loads[*one].place()).collect();
            let picked = bench.pick(&places, Accept::InRotation);
            let right = definition.right(&tried);
            prop_assert!(picked.map_or(right.is_empty(), |picked| right.contains(&picked)));
            let any = index.index(peers);
            let (changed, by) = match step {
                0 => {
                    definition.up[any] = !definition.up[any];
                    let standing = if definition.up[any] { Standing::Up } else { Standing::Down };
                    bench.loads[any].set_standing(standing);
                    continue;
                }
                1 => {
                    tried = vec![any];
                    continue;
                }
                2 | 3 if definition.in_flight[any] > 0 => (any, -1),
                4 => (any, 1),
                _ => match picked {
                    Some(picked) => (picked, 1),
                    None => continue,
                },
            };
            if by > 0 { bench.begin(changed) } else { bench.end(changed) }
            definition.in_flight[changed] = definition.in_flight[changed].saturating_add_signed(by);
            definition.last_used[changed] = time;
        }
    }
}
