//! The columns: what each shows, how important it is, and which fit.

use std::time::Duration;

use ratatui::style::{Color, Modifier, Style};

use super::{Row, Status};
use crate::event::human::{Size, Span};

/// Space between two columns, at least.
const GAP: usize = 2;

/// Space between two columns, at most: wider ones lose the eye.
const WIDE_GAP: usize = 4;

/// The host column shrinks down to this before another column goes.
const NARROW_HOST: usize = 21;

/// One column.
pub(super) struct Column {
    pub(super) title: &'static str,
    /// Figures stand on the right; words on the left.
    pub(super) right: bool,
    /// Its place in the queue when room is short: lower goes last.
    rank: u8,
    pub(super) cell: fn(&Row) -> String,
    pub(super) style: fn(&Row) -> Style,
}

/// The host column's title: the one column whose content may be shortened.
const HOST: &str = "HOST";

/// All columns, as they stand from left to right.
const COLUMNS: [Column; 13] = [
    text("SITE", 9, |row| row.site.clone(), |_| dim()),
    text(HOST, 0, |row| row.host.clone(), |_| Style::new()),
    text("STATUS", 1, status, status_style),
    figure("CALLS", 2, |row| count(row.calls)),
    Column {
        style: failure_style,
        ..figure("FAILED", 3, |row| count(row.failures))
    },
    figure("IN FLIGHT", 4, |row| count(row.in_flight)),
    figure("RX", 6, |row| Size(row.rx).to_string()),
    figure("TX", 5, |row| Size(row.tx).to_string()),
    figure("MIN", 12, |row| span(row.min)),
    figure("AVG", 8, |row| span(row.avg)),
    figure("P99", 7, |row| span(row.p99)),
    figure("DOWN", 10, |row| {
        span(Some(row.downtime).filter(|time| !time.is_zero()))
    }),
    figure("LAST DOWN", 11, |row| span(row.last_downtime)),
];

const fn text(
    title: &'static str,
    rank: u8,
    cell: fn(&Row) -> String,
    style: fn(&Row) -> Style,
) -> Column {
    Column {
        title,
        right: false,
        rank,
        cell,
        style,
    }
}

const fn figure(title: &'static str, rank: u8, cell: fn(&Row) -> String) -> Column {
    Column {
        title,
        right: true,
        rank,
        cell,
        style: |_| Style::new(),
    }
}

fn dim() -> Style {
    Style::new().add_modifier(Modifier::DIM)
}

fn status(row: &Row) -> String {
    let word = match row.status {
        Status::Up => "● up",
        Status::Down => "● down",
        Status::Ejected => "◐ ejected",
        Status::Draining => "◌ draining",
    };
    word.to_owned()
}

fn status_style(row: &Row) -> Style {
    match row.status {
        Status::Up => Style::new().fg(Color::Green),
        Status::Down => Style::new().fg(Color::Red).add_modifier(Modifier::BOLD),
        Status::Ejected | Status::Draining => Style::new().fg(Color::Yellow),
    }
}

fn failure_style(row: &Row) -> Style {
    if row.failures == 0 {
        Style::new()
    } else {
        Style::new().fg(Color::Red)
    }
}

/// A number in groups of three: `1,234,567`.
pub(super) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::with_capacity(digits.len() * 4 / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

fn span(time: Option<Duration>) -> String {
    time.map_or_else(|| "–".to_owned(), |time| Span(time).to_string())
}

/// A column that fits, and its width in cells.
pub(super) struct Fitted {
    pub(super) column: &'static Column,
    pub(super) width: usize,
}

/// The columns that fit side by side.
pub(super) struct Fit {
    pub(super) columns: Vec<Fitted>,
    pub(super) gap: usize,
}

/// Chooses the columns for a table of this width: by importance, none of them cut. Only the host
/// may be shortened, so that on any terminal the most important figures are there.
pub(super) fn fit(rows: &[Row], width: usize) -> Fit {
    let mut wanted: Vec<(usize, Fitted)> = COLUMNS
        .iter()
        .enumerate()
        .map(|(place, column)| {
            let cells = rows
                .iter()
                .map(|row| (column.cell)(row).chars().count())
                .max();
            let width = cells.unwrap_or(0).max(column.title.chars().count());
            (place, Fitted { column, width })
        })
        .collect();
    wanted.sort_by_key(|(_, fitted)| fitted.column.rank);
    let mut used = 0;
    let mut room_for_host = 0;
    let mut kept = 0;
    for (index, (_, fitted)) in wanted.iter_mut().enumerate() {
        let gap = if index == 0 { 0 } else { GAP };
        let mut needed = fitted.width;
        if fitted.column.title == HOST {
            needed = needed.min(NARROW_HOST).min(width);
            room_for_host = fitted.width - needed;
            fitted.width = needed;
        }
        if used + gap + needed > width {
            break;
        }
        used += gap + needed;
        kept = index + 1;
    }
    wanted.truncate(kept);
    let longer = room_for_host.min(width - used);
    if let Some((_, host)) = wanted.first_mut() {
        host.width += longer;
    }
    let gaps = kept.saturating_sub(1).max(1);
    let gap = (GAP + (width - used - longer) / gaps).min(WIDE_GAP);
    wanted.sort_by_key(|(place, _)| *place);
    Fit {
        columns: wanted.into_iter().map(|(_, fitted)| fitted).collect(),
        gap,
    }
}

/// Text in `width` cells; what is too long loses its middle, for hosts differ at their ends.
pub(super) fn shortened(text: String, width: usize) -> String {
    let length = text.chars().count();
    if length <= width {
        return text;
    }
    let kept = width.saturating_sub(1);
    let (front, back) = (kept.div_ceil(2), kept / 2);
    text.chars()
        .take(front)
        .chain(['…'])
        .chain(text.chars().skip(length - back))
        .take(width)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::tests::row;
    use super::*;

    fn titles(rows: &[Row], width: usize) -> Vec<&'static str> {
        fit(rows, width)
            .columns
            .iter()
            .map(|fitted| fitted.column.title)
            .collect()
    }

    #[test]
    fn counts_are_grouped_by_three() {
        let numbers = [0, 999, 1_000, 12_345, 1_234_567];
        assert_eq!(
            numbers.map(count),
            ["0", "999", "1,000", "12,345", "1,234,567"]
        );
    }

    #[test]
    fn a_long_host_loses_its_middle() {
        assert_eq!(shortened("abcdefghij".to_owned(), 10), "abcdefghij");
        assert_eq!(shortened("abcdefghij".to_owned(), 6), "abc…ij");
        assert_eq!(shortened("abcdefghij".to_owned(), 1), "…");
        assert_eq!(shortened("abcdefghij".to_owned(), 0), "");
    }

    #[test]
    fn every_width_holds_what_it_shows() {
        let rows = [Row {
            host: "http://a-rather-long-name.example:9000".to_owned(),
            ..row()
        }];
        let mut before = 0;
        for width in 1..250 {
            let fit = fit(&rows, width);
            let cells: usize = fit.columns.iter().map(|fitted| fitted.width).sum();
            assert!(
                cells + fit.gap * fit.columns.len().saturating_sub(1) <= width,
                "{width}"
            );
            for Fitted { column, width } in &fit.columns {
                let whole = (column.cell)(&rows[0]).chars().count() <= *width;
                assert!(whole || column.title == HOST, "{} is cut", column.title);
            }
            assert!(
                fit.columns.len() >= before,
                "more room shows no fewer columns"
            );
            before = fit.columns.len();
        }
        assert_eq!(before, COLUMNS.len());
    }

    #[test]
    fn the_least_important_columns_go_first() {
        assert_eq!(titles(&[row()], 30), ["HOST", "STATUS"]);
        assert_eq!(titles(&[row()], 50), ["HOST", "STATUS", "CALLS", "FAILED"]);
    }
}
