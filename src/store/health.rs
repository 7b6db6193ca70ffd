//! Whether the store is asked at all. One state a process: what one worker suffers, no other has
//! to.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::timeout;

use super::{AnyStore, Store as _, StoreError};

/// The first check after an outage; each that fails doubles it, up to the time between checks.
const FIRST_RETRY: Duration = Duration::from_secs(1);

/// Up until something fails, down until a check passes.
#[derive(Debug)]
pub(super) struct Health {
    is_down: AtomicBool,
    /// Why, until the watch has told it.
    why: Mutex<Option<StoreError>>,
    fell: Notify,
}

impl Health {
    pub(super) fn new(is_up: bool) -> Self {
        Self {
            is_down: AtomicBool::new(!is_up),
            why: Mutex::default(),
            fell: Notify::new(),
        }
    }

    pub(super) fn is_up(&self) -> bool {
        !self.is_down.load(Ordering::Relaxed)
    }

    /// Takes an outage from whoever had it.
    pub(super) fn suffer(&self, error: &StoreError) {
        if !self.is_down.swap(true, Ordering::Relaxed) {
            *self.why.lock().unwrap_or_else(PoisonError::into_inner) = Some(error.clone());
            self.fell.notify_one();
        }
    }

    fn pass(&self) {
        self.is_down.store(false, Ordering::Relaxed);
    }

    fn take_reason(&self) -> Option<StoreError> {
        let mut why = self.why.lock().unwrap_or_else(PoisonError::into_inner);
        why.take()
    }
}

/// Checks the store `every` so often, sooner while it is down or its keys are to be replaced, and
/// calls `told` when that changes: with nothing when it is up, with the reason when it is down. To
/// be run once a process; never returns for a store in a bucket.
pub async fn watch(
    store: &AnyStore,
    every: Duration,
    mut told: impl FnMut(Result<(), &StoreError>),
) {
    let AnyStore::S3(bucket) = store else {
        return;
    };
    let health = bucket.health();
    let mut failures = 0;
    let mut was_up = None;
    loop {
        bucket.renew_keys().await;
        match store.check().await {
            Ok(()) => {
                health.pass();
                failures = 0;
                if was_up.replace(true) != Some(true) {
                    told(Ok(()));
                }
            }
            Err(error) => {
                health.suffer(&error);
                health.take_reason();
                failures += 1;
                if matches!(error, StoreError::Refused { .. }) {
                    bucket.keyring().doubt();
                }
                if was_up.replace(false) != Some(false) {
                    told(Err(&error));
                }
            }
        }
        let renewal = bucket.keyring().due_in().unwrap_or(every);
        if failures > 0 {
            let pause = FIRST_RETRY.saturating_mul(1 << failures.min(16_u32).saturating_sub(1));
            // Not in step with the rest of the fleet.
            let jitter = 0.8 + fastrand::f64() * 0.4;
            tokio::time::sleep(pause.min(every).mul_f64(jitter).min(renewal)).await;
        } else if timeout(every.min(renewal), health.fell.notified())
            .await
            .is_ok()
            && !health.is_up()
            && let Some(error) = health.take_reason()
        {
            was_up = Some(false);
            told(Err(&error));
            tokio::time::sleep(FIRST_RETRY.min(every)).await;
        }
    }
}
