//! All figures of the process at one moment, for the scrape and for the table.

use std::sync::Arc;
use std::time::Instant;

use crate::event::Sender;
use crate::metrics::{BackendSample, CacheMetrics, CacheSample, ProcessMetrics, Scrape};
use crate::topology::Publisher;

/// Where the figures come from.
#[derive(Debug)]
pub struct Figures {
    publisher: Arc<Publisher>,
    process: Arc<ProcessMetrics>,
    events: Sender,
    cache: Option<Arc<CacheMetrics>>,
}

impl Figures {
    /// Figures of these backends, this process and, when it is on, the cache.
    pub fn new(
        publisher: Arc<Publisher>,
        process: Arc<ProcessMetrics>,
        events: Sender,
        cache: Option<Arc<CacheMetrics>>,
    ) -> Self {
        Self {
            publisher,
            process,
            events,
            cache,
        }
    }

    /// The sites as they are published now.
    pub fn publisher(&self) -> &Arc<Publisher> {
        &self.publisher
    }

    /// The cache's figures; none when it is off.
    pub fn cache(&self) -> Option<CacheSample> {
        self.cache.as_ref().map(|cache| cache.sample())
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
            cache: self.cache(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use super::*;
    use crate::balance::LoadTable;
    use crate::event;
    use crate::metrics::CacheResult;
    use crate::topology::Snapshot;

    fn figures(cache: Option<Arc<CacheMetrics>>) -> Figures {
        let loads = LoadTable::new(1, Instant::now());
        let publisher = Publisher::new(Snapshot::new(Vec::new(), loads));
        let process = Arc::new(ProcessMetrics::new(UNIX_EPOCH));
        let (events, _) = event::channel(1);
        Figures::new(publisher, process, events, cache)
    }

    #[test]
    fn a_scrape_tells_of_the_cache_when_there_is_one() {
        assert_eq!(figures(None).scrape(Instant::now()).cache, None);
        let cache = Arc::new(CacheMetrics::new());
        let figures = figures(Some(Arc::clone(&cache)));
        cache.cells().answered(CacheResult::Miss);
        cache.set_up(false);
        let scraped = figures.scrape(Instant::now()).cache;
        assert_eq!(scraped, Some(cache.sample()));
        assert_eq!(scraped.map(|cache| cache.eligible()), Some(1));
    }
}
