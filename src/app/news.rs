//! What people are told beside requests and health.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use crate::event::{Event, Filter, Sender, Severity};

/// Tells people something: a line, or the table's last line.
#[derive(Clone)]
pub(super) struct News {
    events: Sender,
    filter: Filter,
    latest: Arc<Mutex<Option<String>>>,
}

impl News {
    pub(super) fn new(events: Sender, filter: Filter) -> Self {
        Self {
            events,
            filter,
            latest: Arc::default(),
        }
    }

    pub(super) fn tell(&self, severity: Severity, text: String) {
        *self.latest.lock().unwrap_or_else(PoisonError::into_inner) = Some(text.clone());
        if self.filter.wants_notice(severity) {
            let now = SystemTime::now();
            self.events.send(match severity {
                Severity::Info => Event::info(text, now),
                Severity::Error => Event::error(text, now),
            });
        }
    }

    /// What was told last, for who looks rather than listens.
    pub(super) fn latest(&self) -> &Arc<Mutex<Option<String>>> {
        &self.latest
    }
}
