use std::time::Instant;

use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::style::Color;

use super::*;
use crate::metrics::CacheResult;

/// A row with plausible figures.
pub(super) fn row() -> Row {
    Row {
        site: "1".to_owned(),
        host: "http://minio1:9000".to_owned(),
        status: Status::Up,
        calls: 1_234_567,
        failures: 0,
        rx: 64 << 20,
        tx: (3 << 30) + (200 << 20),
        downtime: Duration::ZERO,
        last_downtime: None,
        min: Some(Duration::from_micros(420)),
        avg: Some(Duration::from_micros(1_390)),
        p99: Some(Duration::from_millis(48)),
        in_flight: 12,
    }
}

fn table() -> Table {
    let down = Row {
        host: "http://minio2:9000".to_owned(),
        status: Status::Down,
        failures: 7,
        downtime: Duration::from_secs(3_723),
        last_downtime: Some(Duration::from_secs(63)),
        in_flight: 0,
        ..row()
    };
    let ejected = Row {
        host: "http://minio3:9000".to_owned(),
        status: Status::Ejected,
        ..row()
    };
    let far = Row {
        site: "2".to_owned(),
        host: "https://objects.far-away.example.com:9000".to_owned(),
        status: Status::Draining,
        calls: 0,
        rx: 0,
        tx: 0,
        min: None,
        avg: None,
        p99: None,
        in_flight: 0,
        ..row()
    };
    Table {
        version: "1.2.3".to_owned(),
        listen: "http://0.0.0.0:8080".to_owned(),
        uptime: Duration::from_mins(134),
        rows: vec![row(), down, ejected, far],
        ..Table::default()
    }
}

/// The table of a process that keeps a cache, whose store is up or not.
fn caching(up: bool) -> Table {
    let mut cache = CacheSample {
        served: (3 << 40) + (200 << 30),
        up,
        ..CacheSample::default()
    };
    for (result, count) in [
        (CacheResult::Hit, 120_000),
        (CacheResult::Revalidated, 2_345_678),
        (CacheResult::Stale, 17),
        (CacheResult::Expired, 4_321),
        (CacheResult::Miss, 891_234),
        (CacheResult::Bypass, 9_876_543),
    ] {
        cache.results[result as usize] = count;
    }
    Table {
        cache: Some(cache),
        ..table()
    }
}

fn many() -> Table {
    let rows = (1..=1000)
        .map(|number| Row {
            host: format!("http://minio{number}:9000"),
            ..row()
        })
        .collect();
    Table { rows, ..table() }
}

/// A view that has seen the figures grow.
fn moving(table: &Table) -> View {
    let mut view = View::default();
    let mut before = table.clone();
    for row in &mut before.rows {
        row.calls = row.calls.saturating_sub(321);
        row.tx = row.tx.saturating_sub(5 << 20);
    }
    let start = Instant::now();
    view.observe(&before, start);
    view.observe(table, start + Duration::from_millis(500));
    view
}

fn terminal(width: u16, height: u16) -> Terminal<TestBackend> {
    Terminal::new(TestBackend::new(width, height)).expect("a terminal in memory")
}

fn picture(width: u16, height: u16, table: &Table, view: &mut View) -> String {
    let mut terminal = terminal(width, height);
    terminal
        .draw(|frame| draw(frame, table, view))
        .expect("a picture");
    terminal.backend().to_string()
}

#[test]
fn wide() {
    let table = table();
    insta::assert_snapshot!(picture(160, 12, &table, &mut moving(&table)));
}

#[test]
fn normal() {
    let table = table();
    insta::assert_snapshot!(picture(100, 12, &table, &mut moving(&table)));
}

#[test]
fn narrow() {
    let table = table();
    insta::assert_snapshot!(picture(60, 12, &table, &mut moving(&table)));
}

#[test]
fn cache_store_up() {
    let table = caching(true);
    insta::assert_snapshot!(picture(100, 12, &table, &mut moving(&table)));
}

#[test]
fn cache_store_down_at_eighty_columns() {
    let table = caching(false);
    insta::assert_snapshot!(picture(80, 12, &table, &mut moving(&table)));
}

#[test]
fn cache_that_nobody_asked_at_forty_columns() {
    let cache = Some(CacheSample {
        up: true,
        ..CacheSample::default()
    });
    let table = Table { cache, ..table() };
    insta::assert_snapshot!(picture(40, 12, &table, &mut moving(&table)));
}

#[test]
fn no_rows_while_draining_with_a_notice() {
    let notice = Some("reload refused: site 2 names no endpoint".to_owned());
    let table = Table {
        rows: Vec::new(),
        draining: true,
        notice,
        ..table()
    };
    insta::assert_snapshot!(picture(100, 8, &table, &mut View::default()));
}

#[test]
fn a_thousand_rows_scrolled() {
    let table = many();
    let mut view = moving(&table);
    picture(100, 12, &table, &mut view);
    view.press(Key::PageDown);
    view.press(Key::Down);
    insta::assert_snapshot!(picture(100, 12, &table, &mut view));
    view.press(Key::End);
    insta::assert_snapshot!(
        "a_thousand_rows_at_the_end",
        picture(100, 12, &table, &mut view)
    );
}

#[test]
fn status_has_the_colour_of_its_meaning() {
    let (table, mut view) = (table(), View::default());
    let mut terminal = terminal(100, 12);
    terminal
        .draw(|frame| draw(frame, &table, &mut view))
        .expect("a picture");
    let buffer = terminal.backend().buffer();
    let colours: Vec<_> = (4..8)
        .filter_map(|y| {
            let cells = (0..100).map(|x| &buffer[(x, y)]);
            cells
                .into_iter()
                .find(|cell| "●◐◌".contains(cell.symbol()))
                .map(|cell| cell.fg)
        })
        .collect();
    assert_eq!(
        colours,
        [Color::Green, Color::Red, Color::Yellow, Color::Yellow]
    );
}

#[test]
fn the_cache_stands_out_when_its_store_is_down() {
    let colour = |up| {
        let mut terminal = terminal(80, 12);
        terminal
            .draw(|frame| draw(frame, &caching(up), &mut View::default()))
            .expect("a picture");
        terminal.backend().buffer()[(1, 2)].fg
    };
    assert_eq!([true, false].map(colour), [Color::Green, Color::Red]);
}

#[test]
fn no_terminal_is_too_small_to_draw_on() {
    let tables = [table(), caching(false), many(), Table::default()];
    for table in &tables {
        for (width, height) in [(1, 1), (2, 3), (5, 4), (10, 2), (20, 5), (500, 100)] {
            picture(width, height, table, &mut moving(table));
        }
    }
}
