//! All figures of the process at one moment, for the scrape and for the table.

use std::sync::Arc;
use std::time::Instant;

use crate::event::Sender;
use crate::metrics::{BackendSample, ProcessMetrics, Scrape};
use crate::topology::Publisher;

/// Where the figures come from.
#[derive(Debug)]
pub struct Figures {
    publisher: Arc<Publisher>,
    process: Arc<ProcessMetrics>,
    events: Sender,
}

impl Figures {
    /// Figures of these backends and this process.
    pub fn new(publisher: Arc<Publisher>, process: Arc<ProcessMetrics>, events: Sender) -> Self {
        Self {
            publisher,
            process,
            events,
        }
    }

    /// The sites as they are published now.
    pub fn publisher(&self) -> &Arc<Publisher> {
        &self.publisher
    }

    /// Sums everything up. Takes its time with many backends, and reads files: not for a worker.
    pub fn scrape(&self, now: Instant) -> Scrape {
        let snapshot = self.publisher.current();
        let backends = snapshot
            .sites()
            .iter()
            .enumerate()
            .flat_map(|(index, site)| {
                let number: Arc<str> = (index + 1).to_string().into();
                site.backends().iter().map(move |backend| {
                    BackendSample::new(
                        backend.label().clone(),
                        Arc::clone(&number),
                        backend.metrics(),
                        u64::from(backend.load().word().in_flight()),
                        now,
                    )
                })
            });
        Scrape {
            backends: backends.collect(),
            process: self.process.sample(self.events.dropped()),
        }
    }
}
