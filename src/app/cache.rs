//! The shared cache of the process: opened at the start, its store watched to the end.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch::Receiver;
use tokio::time::sleep;

use super::StartError;
use super::news::News;
use crate::config::CacheConfig;
use crate::event::Severity;
use crate::fill::Cabinet;
use crate::metrics::CacheMetrics;
use crate::net::{Dialer, Resolver};
use crate::store::{Backing, Store as _, StoreError, watch};

/// How often at most it is told that the store takes objects, or does not.
const TELL_EVERY: Duration = Duration::from_secs(30);

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

    /// Checks the store now and then, and tells when that changes something, or when it begins to
    /// refuse objects. Until the first check a store whose keys are at hand is believed to be up.
    pub(super) async fn watch(self, dialer: Dialer, resolver: Resolver, news: News) {
        let store = self.backing.open(dialer, resolver);
        let name = store.label();
        self.metrics.set_up(store.is_up());
        let checks = watch(&store, self.every, |found| {
            self.metrics.set_up(found.is_ok());
            match found {
                Ok(()) => news.tell(Severity::Info, format!("cache: the store {name} is up")),
                Err(error) => news.tell(
                    Severity::Error,
                    format!("cache: the store {name} is not used: {error}"),
                ),
            }
        });
        tokio::join!(
            checks,
            tell_refusals(self.cabinet.refusal(), TELL_EVERY, &name, &news)
        );
    }
}

/// Tells when the store begins to refuse objects, and when it takes them again.
async fn tell_refusals(
    mut refusal: Receiver<Option<StoreError>>,
    every: Duration,
    name: &str,
    news: &News,
) {
    let mut is_told = false;
    while refusal.changed().await.is_ok() {
        let why = refusal.borrow_and_update().clone();
        match why {
            Some(error) if !is_told => news.tell(
                Severity::Error,
                format!("cache: the store {name} takes no objects: {error}"),
            ),
            None if is_told => news.tell(
                Severity::Info,
                format!("cache: the store {name} takes objects again"),
            ),
            _ => continue,
        }
        is_told = !is_told;
        sleep(every).await;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::PoisonError;
    use std::time::Duration;

    use tokio::sync::watch;
    use tokio::time::sleep;

    use super::{News, tell_refusals};
    use crate::event::{self, Filter, FilterSpec};
    use crate::store::StoreError;

    const FULL: &str = "cache: the store s takes no objects: the store is full";
    const AGAIN: &str = "cache: the store s takes objects again";

    /// What is told when refusals follow each other like this, with some time between.
    async fn told_of(refusals: Vec<Option<StoreError>>, every: Duration) -> Vec<String> {
        let (events, _ring) = event::channel(8);
        let news = News::new(events, Filter::new(FilterSpec::default()));
        let (refusal, receiver) = watch::channel(None);
        let mut told = Vec::new();
        let telling = tell_refusals(receiver, every, "s", &news);
        let refusing = async {
            for each in refusals {
                refusal.send_replace(each);
                sleep(Duration::from_millis(10)).await;
                let latest = news.latest().lock().unwrap_or_else(PoisonError::into_inner);
                told.extend(latest.clone().filter(|text| told.last() != Some(text)));
            }
        };
        tokio::select! {
            () = telling => {}
            () = refusing => {}
        }
        told
    }

    #[tokio::test]
    async fn the_first_refusal_and_the_end_of_them_are_told() {
        let refusals = vec![
            None,
            Some(StoreError::Full),
            Some(StoreError::NoBucket),
            None,
        ];
        assert_eq!(told_of(refusals, Duration::ZERO).await, [FULL, AGAIN]);
    }

    #[tokio::test]
    async fn a_store_that_wavers_is_told_of_once_in_a_while() {
        let refusals = vec![Some(StoreError::Full), None, Some(StoreError::Full), None];
        assert_eq!(told_of(refusals, Duration::from_mins(1)).await, [FULL]);
    }
}
