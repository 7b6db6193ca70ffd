//! Changes of the heads that are stored of a resource: read, changed, written, one after the other.

use super::keeper::{Keeper, MOST_READ};
use super::ledger::Change;
use crate::cache::{CacheKey, StoredHead, StoredResponses};
use crate::http::RequestHead;
use crate::metrics::StoreOperation;
use crate::store::{Store as _, StoreError};

/// What the store is told of its objects: what they are is nobody's business but ours.
pub(super) const CONTENT_TYPE: &str = "application/octet-stream";

/// A request whose answer is kept: a copy, since it ends before its fill does.
#[derive(Clone, Debug)]
pub struct Asker {
    /// What it asked for.
    pub key: CacheKey,
    /// Its head.
    pub request: RequestHead,
    /// What the head was parsed from.
    pub bytes: Box<[u8]>,
}

impl Keeper {
    /// Puts a head in the place of what its request selects. Whether the store has it now.
    pub(super) async fn insert(&self, change: &Change, head: StoredHead, asker: &Asker) -> bool {
        let rewritten = self
            .rewrite(change, |all| all.insert(head, &asker.request, &asker.bytes))
            .await;
        let Ok(replaced) = rewritten else {
            self.cells.store_failed(StoreOperation::Update);
            return false;
        };
        for body in replaced {
            self.cells.evicted();
            self.take_away(&body).await;
        }
        true
    }

    /// Takes a head out.
    pub(super) async fn remove(&self, change: &Change, outdated: &StoredHead) {
        self.cells.evicted();
        match self.rewrite(change, |all| all.remove(outdated)).await {
            Ok(bodies) => {
                for body in bodies {
                    self.take_away(&body).await;
                }
            }
            Err(_) => self.outdated(change),
        }
    }

    /// Takes all that is stored of a resource away: first the heads, so that nothing names the bodies
    /// any more, then those.
    pub(super) async fn clear(&self, change: &Change) {
        let name = change.resource().head_name();
        let stored = self.store.read(&name, MOST_READ).await;
        let bodies: Vec<Box<str>> = match stored {
            Ok(None) => return,
            Ok(Some(bytes)) => StoredResponses::decode(&bytes, change.resource())
                .iter()
                .flat_map(StoredResponses::heads)
                .map(|head| head.body.clone())
                .filter(|body| !body.is_empty())
                .collect(),
            // It may be there all the same.
            Err(_) => Vec::new(),
        };
        if self.store.delete(&name).await.is_err() {
            self.outdated(change);
            return;
        }
        self.cells.evicted();
        for body in bodies {
            self.take_away(&body).await;
        }
    }

    /// What should be gone may be there: nobody here takes it for valid.
    fn outdated(&self, change: &Change) {
        self.cells.store_failed(StoreOperation::Delete);
        self.ledger.set_outdated(change.resource());
    }

    async fn rewrite<T>(
        &self,
        change: &Change,
        edit: impl FnOnce(&mut StoredResponses) -> T,
    ) -> Result<T, StoreError> {
        let resource = change.resource();
        let name = resource.head_name();
        let mut all = self
            .store
            .read(&name, MOST_READ)
            .await?
            .and_then(|bytes| StoredResponses::decode(&bytes, resource))
            .unwrap_or_default();
        let before = all.clone();
        let edited = edit(&mut all);
        if all.is_empty() {
            self.store.delete(&name).await?;
        } else if all != before {
            let bytes = all.encode(resource);
            self.store.write(&name, &bytes, CONTENT_TYPE).await?;
        }
        Ok(edited)
    }

    /// Takes a body away that no head names any more. One that stays is what the store's own
    /// lifecycle rule is for.
    pub(super) async fn take_away(&self, body: &str) {
        if self.store.delete(body).await.is_err() {
            self.cells.store_failed(StoreOperation::Delete);
        }
    }
}
