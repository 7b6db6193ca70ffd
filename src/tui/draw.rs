//! One picture.

use ratatui::Frame;
use ratatui::layout::{Alignment, Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span, Text};
use ratatui::widgets::{Cell, Paragraph, Row as Cells, Table as Grid};

use super::columns::{Fit, Fitted, count, fit, shortened};
use super::view::View;
use super::{Row, Status, Table};
use crate::event::human;
use crate::metrics::CacheSample;

const KEYS: [(&str, &str); 3] = [("q", "quit"), ("↑ ↓", "scroll"), ("PgUp PgDn", "page")];

/// Draws the table as large as the terminal is; `view` learns how many rows had room.
pub fn draw(frame: &mut Frame<'_>, table: &Table, view: &mut View) {
    let cache = u16::from(table.cache.is_some());
    let notice = u16::from(table.notice.is_some());
    let [title, totals, cache, _, body, notice, footer] = Layout::vertical([
        Constraint::Length(1),
        Constraint::Length(1),
        Constraint::Length(cache),
        Constraint::Length(1),
        Constraint::Min(0),
        Constraint::Length(notice),
        Constraint::Length(1),
    ])
    .areas(frame.area());
    frame.render_widget(
        Paragraph::new(title_line(table, title.width)).style(bar()),
        title,
    );
    frame.render_widget(
        Paragraph::new(totals_line(table, view, totals.width)),
        totals,
    );
    if let Some(figures) = &table.cache {
        frame.render_widget(Paragraph::new(cache_line(figures, cache.width)), cache);
    }
    if let Some(text) = &table.notice {
        let style = Style::new().fg(Color::Yellow);
        frame.render_widget(Paragraph::new(format!(" ! {text}")).style(style), notice);
    }
    // One line of the body is the columns' heads.
    let window = view.window(table.rows.len(), usize::from(body.height.saturating_sub(1)));
    draw_footer(frame, footer, table.rows.len(), &window);
    if table.rows.is_empty() {
        let text = Line::from(" no backends").style(Style::new().fg(Color::Yellow));
        frame.render_widget(Paragraph::new(text), body);
        return;
    }
    draw_rows(frame, body, &table.rows, window);
}

fn bar() -> Style {
    Style::new().add_modifier(Modifier::REVERSED)
}

/// Puts as many parts in a line as fit, most important first.
fn parts_that_fit(parts: Vec<Span<'static>>, width: u16) -> Line<'static> {
    const BETWEEN: &str = "  ·  ";
    let mut line = Line::from(" ");
    for (index, part) in parts.into_iter().enumerate() {
        let between = Span::raw(if index == 0 { "" } else { BETWEEN });
        if line.width() + between.width() + part.width() > usize::from(width) {
            break;
        }
        line.push_span(between);
        line.push_span(part);
    }
    line
}

fn title_line(table: &Table, width: u16) -> Line<'static> {
    let bold = Style::new().add_modifier(Modifier::BOLD);
    let mut parts = vec![Span::styled(format!("sidekick {}", table.version), bold)];
    if table.draining {
        parts.push(Span::styled(
            "draining",
            Style::new().fg(Color::Yellow).patch(bold),
        ));
    }
    if !table.listen.is_empty() {
        parts.push(Span::raw(table.listen.clone()));
    }
    parts.push(Span::raw(format!("up {}", human::Span(table.uptime))));
    parts_that_fit(parts, width)
}

fn totals_line(table: &Table, view: &View, width: u16) -> Line<'static> {
    let rows = &table.rows;
    let sum = |figure: fn(&Row) -> u64| rows.iter().map(figure).sum::<u64>();
    let up = rows.iter().filter(|row| row.status == Status::Up).count();
    let (failures, in_flight) = (sum(|row| row.failures), sum(|row| row.in_flight));
    let health = match (up, rows.len()) {
        (up, all) if up == all => Color::Green,
        (0, _) => Color::Red,
        _ => Color::Yellow,
    };
    let failed = if failures == 0 {
        Style::new()
    } else {
        Style::new().fg(Color::Red)
    };
    let rates = view.rates.unwrap_or_default();
    let size = |bytes: f64| human::Size(bytes as u64);
    let parts = vec![
        Span::styled(format!("{up}/{} up", rows.len()), Style::new().fg(health)),
        Span::raw(format!(
            "{} requests/s",
            count(rates.requests.round() as u64)
        )),
        Span::raw(format!("{} in flight", count(in_flight))),
        Span::styled(format!("{} failed", count(failures)), failed),
        Span::raw(format!("{} calls", count(sum(|row| row.calls)))),
        Span::raw(format!("↑ {}/s ↓ {}/s", size(rates.rx), size(rates.tx))),
    ];
    parts_that_fit(parts, width)
}

fn cache_line(cache: &CacheSample, width: u16) -> Line<'static> {
    let (state, colour) = if cache.up {
        ("up", Color::Green)
    } else {
        ("down", Color::Red)
    };
    let share = human::Share {
        part: cache.from_store(),
        whole: cache.eligible(),
    };
    let parts = vec![
        Span::styled(format!("cache store {state}"), Style::new().fg(colour)),
        Span::raw(format!("{share} from the store")),
        Span::raw(format!("{} served", human::Size(cache.served))),
    ];
    parts_that_fit(parts, width)
}

fn draw_rows(frame: &mut Frame<'_>, area: Rect, rows: &[Row], window: std::ops::Range<usize>) {
    // A cell of margin on both sides.
    let area = Rect {
        x: area.x + 1,
        width: area.width.saturating_sub(2),
        ..area
    };
    let Fit { columns, gap } = fit(rows, usize::from(area.width));
    let heads = columns
        .iter()
        .map(|Fitted { column, .. }| aligned(column.title, column.right));
    let head = Style::new().add_modifier(Modifier::BOLD | Modifier::UNDERLINED);
    let lines = rows[window].iter().map(|row| {
        Cells::new(columns.iter().map(|Fitted { column, width }| {
            let text = shortened((column.cell)(row), *width);
            aligned(text, column.right).style((column.style)(row))
        }))
    });
    let widths = columns
        .iter()
        .map(|fitted| Constraint::Length(fitted.width as u16));
    let grid = Grid::new(lines, widths)
        .header(Cells::new(heads).style(head))
        .column_spacing(gap as u16);
    frame.render_widget(grid, area);
}

fn aligned<'a>(text: impl Into<Text<'a>>, right: bool) -> Cell<'a> {
    let side = if right {
        Alignment::Right
    } else {
        Alignment::Left
    };
    Cell::from(text.into().alignment(side))
}

fn draw_footer(frame: &mut Frame<'_>, area: Rect, rows: usize, window: &std::ops::Range<usize>) {
    let dim = Style::new().add_modifier(Modifier::DIM);
    let place = if window.len() < rows {
        format!(
            "{}–{} of {} ",
            window.start + 1,
            window.end,
            count(rows as u64)
        )
    } else {
        String::new()
    };
    let place = Span::styled(place, dim);
    let keys = KEYS
        .iter()
        .take(if window.len() < rows { KEYS.len() } else { 1 });
    let mut line = Line::default();
    for (key, meaning) in keys {
        let hint = format!(" {meaning}");
        let needed = line.width() + 2 + key.chars().count() + hint.len() + place.width();
        if needed > usize::from(area.width) {
            break;
        }
        line.push_span(Span::raw(if line.spans.is_empty() { " " } else { "  " }));
        line.push_span(Span::styled(
            *key,
            Style::new().add_modifier(Modifier::BOLD),
        ));
        line.push_span(Span::styled(hint, dim));
    }
    frame.render_widget(Paragraph::new(line), area);
    frame.render_widget(
        Paragraph::new(Line::from(place)).alignment(Alignment::Right),
        area,
    );
}
