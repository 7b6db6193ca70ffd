//! One fill: the body first, then the head that names it.

use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::time::Duration;

use tokio::time::timeout;

use super::change::{Asker, CONTENT_TYPE};
use super::keeper::Keeper;
use super::ledger::{Change, FillRight, Reading};
use super::tap::{Client, End, MOST_WAITING, Spout};
use crate::cache::StoredHead;
use crate::metrics::{FillEnd, StoreOperation};
use crate::store::{Store as _, StoreError, Upload};

/// How long a fill that lags waits for the client to be done, since it must not take the backend's
/// time away from it. Stores do not wait much longer for the rest of an upload.
const FOR_CLIENT: Duration = Duration::from_secs(20);

/// Fetches the rest of a body from a backend, from the given byte on, into the upload, and gives
/// that back; `None` when it does not come.
pub type FetchRest = Box<dyn FnOnce(Upload, u64) -> Pin<Box<dyn Future<Output = Option<Upload>>>>>;

/// A response on its way into the store.
pub(super) struct Filling {
    pub(super) keeper: Rc<Keeper>,
    pub(super) asker: Asker,
    pub(super) head: StoredHead,
    /// None for a chunked body.
    pub(super) length: Option<u64>,
    pub(super) spout: Spout,
    /// None where a body can only be had at once.
    pub(super) rest: Option<FetchRest>,
    pub(super) reading: Reading,
    pub(super) right: FillRight,
}

impl Filling {
    /// Runs to the end of the fill.
    pub(super) async fn run(mut self) {
        let name = self.asker.key.resource().body_name(fastrand::u128(..));
        let end = self.fill(&name).await.unwrap_or_else(|end| end);
        let cells = &self.keeper.cells;
        cells.filled(end);
        match end {
            FillEnd::Stored => {
                self.right.filled();
                self.keeper.accepted();
                cells.stored(self.head.body_length);
            }
            FillEnd::Failed => cells.store_failed(StoreOperation::Fill),
            FillEnd::Lagging | FillEnd::Incomplete => {}
        }
        // Another fill of the key may begin when what follows from this one is in the store.
        drop(self.right);
    }

    async fn fill(&mut self, name: &str) -> Result<FillEnd, FillEnd> {
        self.head.body_length = match self.length {
            Some(length) => self.stream(name, length).await?,
            None => self.collect(name).await?,
        };
        if self.head.body_length > 0 {
            self.head.body = name.into();
        }
        let resource = self.asker.key.resource();
        let announced = self.spout.change();
        let change = announced.unwrap_or_else(|| self.keeper.ledger.change(resource));
        let end = self.commit(&change).await;
        if end != FillEnd::Stored && self.head.body_length > 0 {
            self.keeper.take_away(name).await;
        }
        Ok(end)
    }

    /// The body as it comes; its length.
    async fn stream(&mut self, name: &str, length: u64) -> Result<u64, FillEnd> {
        if length == 0 {
            return Ok(0);
        }
        let put = self.keeper.store.put(name, length).await;
        let mut upload = put.map_err(|error| self.failed(&error))?;
        match self.spout.feed(&mut upload).await {
            Ok(End::Whole) => {}
            Ok(end) => upload = self.fetch_rest(upload, length, end).await?,
            Err(_) => {
                let error = upload.finish().await.err();
                return Err(self.failed(&error.unwrap_or(StoreError::Incomplete)));
            }
        }
        let finished = upload.finish().await;
        finished.map_err(|error| self.failed(&error))?;
        Ok(length)
    }

    /// What the client's download did not bring, from a backend: what the store was too slow for, or
    /// what a client that left did not want, if the larger part is there.
    async fn fetch_rest(
        &mut self,
        upload: Upload,
        length: u64,
        end: End,
    ) -> Result<Upload, FillEnd> {
        let lost = fill_end(end);
        let (End::Lagging(from) | End::Incomplete(from)) = end else {
            return Err(lost);
        };
        let fetch = self.rest.take().ok_or(lost)?;
        let client = timeout(FOR_CLIENT, self.spout.client_done()).await;
        let client = client.map_err(|_| lost)?;
        let is_worth_it = client == Client::Satisfied || from >= length / 2;
        if !is_worth_it || !self.reading.is_current() {
            return Err(lost);
        }
        fetch(upload, from).await.ok_or(lost)
    }

    /// The body when it is whole, since a store wants to know its length beforehand; its length.
    async fn collect(&self, name: &str) -> Result<u64, FillEnd> {
        let body = self.spout.collect().await.map_err(fill_end)?;
        debug_assert!(body.len() <= MOST_WAITING, "bounded by the channel");
        let length = body.len() as u64;
        if length < self.keeper.bounds().smallest_body {
            return Err(FillEnd::Incomplete);
        }
        if length > 0 {
            let written = self.keeper.store.write(name, &body, CONTENT_TYPE).await;
            written.map_err(|error| self.failed(&error))?;
        }
        Ok(length)
    }

    async fn commit(&self, change: &Change) -> FillEnd {
        let _turn = change.turn().await;
        if !self.reading.is_current() {
            return FillEnd::Incomplete;
        }
        if self
            .keeper
            .insert(change, self.head.clone(), &self.asker)
            .await
        {
            FillEnd::Stored
        } else {
            FillEnd::Failed
        }
    }

    fn failed(&self, error: &StoreError) -> FillEnd {
        self.keeper.refused(error);
        FillEnd::Failed
    }
}

fn fill_end(end: End) -> FillEnd {
    match end {
        End::Lagging(_) => FillEnd::Lagging,
        End::Refused => FillEnd::Failed,
        End::Whole | End::Incomplete(_) | End::Malformed => FillEnd::Incomplete,
    }
}
