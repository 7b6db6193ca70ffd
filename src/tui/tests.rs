use std::time::Instant;

use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::style::Color;

use super::*;

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
fn no_terminal_is_too_small_to_draw_on() {
    let tables = [table(), many(), Table::default()];
    for table in &tables {
        for (width, height) in [(1, 1), (2, 3), (5, 4), (10, 2), (20, 5), (500, 100)] {
            picture(width, height, table, &mut moving(table));
        }
    }
}
