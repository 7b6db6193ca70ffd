//! What the table remembers from one picture to the next: where it is scrolled to, and how fast
//! the figures move.

use std::time::Instant;

use super::Table;

/// A key that means something here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    /// One line up.
    Up,
    /// One line down.
    Down,
    /// One page up.
    PageUp,
    /// One page down.
    PageDown,
    /// To the first line.
    Home,
    /// To the last line.
    End,
}

/// The share of the past in a shown rate: half of it is older than a second.
const INERTIA: f64 = 0.7;

/// Figures a second.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Rates {
    pub(super) requests: f64,
    pub(super) rx: f64,
    pub(super) tx: f64,
}

#[derive(Clone, Copy, Debug)]
struct Sums {
    requests: u64,
    rx: u64,
    tx: u64,
    at: Instant,
}

/// What one picture hands on to the next.
#[derive(Clone, Debug, Default)]
pub struct View {
    /// The row at the top.
    pub(super) top: usize,
    /// How many rows the last picture had room for.
    pub(super) page: usize,
    /// None before the second look.
    pub(super) rates: Option<Rates>,
    last: Option<Sums>,
}

impl View {
    /// Scrolls. How far there is to scroll is known when the next picture is drawn.
    pub fn press(&mut self, key: Key) {
        let page = self.page.max(1);
        self.top = match key {
            Key::Up => self.top.saturating_sub(1),
            Key::Down => self.top.saturating_add(1),
            Key::PageUp => self.top.saturating_sub(page),
            Key::PageDown => self.top.saturating_add(page),
            Key::Home => 0,
            Key::End => usize::MAX,
        };
    }

    /// Learns from a table seen at `now` how fast the figures move.
    pub fn observe(&mut self, table: &Table, now: Instant) {
        let sum = |figure: fn(&super::Row) -> u64| table.rows.iter().map(figure).sum();
        let sums = Sums {
            requests: sum(|row| row.calls),
            rx: sum(|row| row.rx),
            tx: sum(|row| row.tx),
            at: now,
        };
        if let Some(last) = self.last.replace(sums) {
            let seconds = now.saturating_duration_since(last.at).as_secs_f64();
            if seconds > 0.0 {
                // A backend that vanished takes its figures along: no speed, not a negative one.
                let speed = |now: u64, then: u64| now.saturating_sub(then) as f64 / seconds;
                let fresh = Rates {
                    requests: speed(sums.requests, last.requests),
                    rx: speed(sums.rx, last.rx),
                    tx: speed(sums.tx, last.tx),
                };
                self.rates = Some(self.rates.map_or(fresh, |old| old.towards(fresh)));
            }
        }
    }

    /// Keeps the last page full and tells which rows are on it, of `rows` with room for `page`.
    pub(super) fn window(&mut self, rows: usize, page: usize) -> std::ops::Range<usize> {
        self.page = page;
        self.top = self.top.min(rows.saturating_sub(page));
        self.top..rows.min(self.top + page)
    }
}

impl Rates {
    fn towards(self, fresh: Self) -> Self {
        let blend = |old: f64, fresh: f64| old.mul_add(INERTIA, fresh * (1.0 - INERTIA));
        Self {
            requests: blend(self.requests, fresh.requests),
            rx: blend(self.rx, fresh.rx),
            tx: blend(self.tx, fresh.tx),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::tests::row;
    use super::*;

    #[test]
    fn scrolling_stops_at_both_ends() {
        let mut view = View::default();
        view.press(Key::Up);
        assert_eq!(view.window(100, 10), 0..10);
        view.press(Key::PageDown);
        view.press(Key::Down);
        assert_eq!(view.window(100, 10), 11..21);
        view.press(Key::End);
        view.press(Key::PageDown);
        assert_eq!(view.window(100, 10), 90..100);
        view.press(Key::PageUp);
        assert_eq!(view.window(100, 10), 80..90);
        view.press(Key::Home);
        assert_eq!(view.window(100, 10), 0..10);
    }

    #[test]
    fn a_shorter_list_scrolls_back_by_itself() {
        let mut view = View::default();
        view.press(Key::End);
        assert_eq!(view.window(100, 10), 90..100);
        assert_eq!(view.window(5, 10), 0..5);
        assert_eq!(view.window(0, 10), 0..0);
        assert_eq!(view.window(5, 0), 0..0);
    }

    #[test]
    fn a_rate_is_what_came_since_the_last_look_and_never_negative() {
        let start = Instant::now();
        let table = |calls| Table {
            rows: vec![super::super::Row { calls, ..row() }],
            ..Table::default()
        };
        let mut view = View::default();
        view.observe(&table(100), start);
        assert_eq!(view.rates, None);
        view.observe(&table(150), start + Duration::from_millis(500));
        assert!(
            view.rates
                .is_some_and(|rates| (rates.requests - 100.0).abs() < 1e-9)
        );
        view.observe(&table(0), start + Duration::from_secs(1));
        assert!(
            view.rates
                .is_some_and(|rates| (rates.requests - 70.0).abs() < 1e-9)
        );
    }
}
