//! The shared cache of the process: opened at the start, its store watched to the end.

use std::sync::Arc;
use std::time::Duration;

use super::StartError;
use super::news::News;
use crate::config::CacheConfig;
use crate::event::Severity;
use crate::fill::Cabinet;
use crate::metrics::CacheMetrics;
use crate::net::{Dialer, Resolver};
use crate::store::{Backing, Store as _, watch};

/// The cache, while it is on.
#[derive(Debug)]
pub(super) struct Cache {
    cabinet: Cabinet,
    backing: Backing,
    metrics: Arc<CacheMetrics>,
    every: Duration,
}

impl Cache {
    /// Opens it. May read a file.
    ///
    /// # Errors
    /// There are no keys to the store.
    pub(super) fn open(config: &CacheConfig) -> Result<Self, StartError> {
        let backing = Backing::new(&config.store).map_err(StartError::new)?;
        let metrics = Arc::new(CacheMetrics::new());
        Ok(Self {
            cabinet: Cabinet::new(backing.clone(), Arc::clone(&metrics), config.min_size),
            backing,
            metrics,
            every: config.health_every,
        })
    }

    /// What the workers share of it.
    pub(super) fn cabinet(&self) -> &Cabinet {
        &self.cabinet
    }

    /// What it counts.
    pub(super) fn metrics(&self) -> &Arc<CacheMetrics> {
        &self.metrics
    }

    /// Checks the store now and then, and tells when that changes something. Until the first check a
    /// store whose keys are at hand is believed to be up.
    pub(super) async fn watch(self, dialer: Dialer, resolver: Resolver, news: News) {
        let store = self.backing.open(dialer, resolver);
        let name = store.label();
        self.metrics.set_up(store.is_up());
        watch(&store, self.every, |found| {
            self.metrics.set_up(found.is_ok());
            match found {
                Ok(()) => news.tell(Severity::Info, format!("cache: the store {name} is up")),
                Err(error) => news.tell(
                    Severity::Error,
                    format!("cache: the store {name} is not used: {error}"),
                ),
            }
        })
        .await;
    }
}
