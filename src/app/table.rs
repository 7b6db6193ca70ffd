//! The live table's content.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use crate::admin::Figures;
use crate::balance::Standing;
use crate::tui::{Row, Status, Table};

/// Makes a table of the figures of now.
pub(super) struct Pictures {
    pub(super) figures: Arc<Figures>,
    /// As a URL.
    pub(super) listen: String,
    pub(super) started: Instant,
    pub(super) draining: Arc<AtomicBool>,
    pub(super) notice: Arc<Mutex<Option<String>>>,
}

impl Pictures {
    pub(super) fn table(&self, now: Instant) -> Table {
        let snapshot = self.figures.publisher().current();
        let rows = snapshot
            .sites()
            .iter()
            .enumerate()
            .flat_map(|(index, site)| {
                site.backends().iter().map(move |backend| {
                    let word = backend.load().word();
                    let status = match word.standing() {
                        Standing::Up | Standing::Warming => Status::Up,
                        Standing::Ejected => Status::Ejected,
                        Standing::Down => Status::Down,
                    };
                    let metrics = backend.metrics();
                    Row::new(
                        (index + 1).to_string(),
                        &**backend.label(),
                        status,
                        &metrics.totals(),
                        metrics.downtime(now),
                        u64::from(word.in_flight()),
                    )
                })
            });
        Table {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            listen: self.listen.clone(),
            uptime: now.saturating_duration_since(self.started),
            draining: self.draining.load(Ordering::Relaxed),
            notice: self
                .notice
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .clone(),
            cache: self.figures.cache(),
            rows: rows.collect(),
        }
    }
}
