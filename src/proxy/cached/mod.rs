//! A request's way past the cache: what is stored is looked up before a backend is asked, and what
//! the backend answers is looked at before the client gets it. The rules are in `cache`, the store's
//! keeping in `fill`; here both meet the request.

mod answered;
mod rest;
mod supply;

use std::rc::Rc;
use std::sync::Arc;

pub(super) use rest::RestClient;
use supply::Opened;

use super::connection::{Connection, Next, unix_now};
use super::exchange::Exchange;
use super::relay::Upload;
use super::report::Report;
use crate::cache::{
    Answer, Bypass, CacheStatus, Forward, Plan, Presented, StoredHead, Validation, plan,
};
use crate::fill::{Asker, Keeper, Reading};
use crate::http::{Method, write_request};
use crate::metrics::CacheResult;

/// What the cache has to do with a request.
#[derive(Debug)]
pub(super) struct Visit {
    keeper: Rc<Keeper>,
    /// Why a backend is asked.
    why: Forward,
    /// When it was asked, in seconds since 1970.
    request_time: u64,
    /// None for a request that is none of the cache's business.
    looked: Option<Looked>,
    /// The head of a request that may change something, kept since its body comes in its place.
    unsafe_head: Box<[u8]>,
    /// What the client is told, once it is known.
    status: Option<CacheStatus>,
}

/// What was found in the store.
#[derive(Debug)]
struct Looked {
    presented: Presented,
    /// None when something has come of it.
    reading: Option<Reading>,
    stored: Option<StoredHead>,
    /// How the backend is asked about `stored`.
    validation: Option<Validation>,
}

impl Visit {
    fn new(keeper: &Rc<Keeper>) -> Self {
        Self {
            keeper: Rc::clone(keeper),
            why: Forward::Bypass,
            request_time: 0,
            looked: None,
            unsafe_head: Box::default(),
            status: None,
        }
    }

    /// What the client is told, once it is known.
    pub(super) fn status(&self) -> Option<CacheStatus> {
        self.status
    }

    /// What the store is called, if it has answered.
    pub(super) fn server(&self) -> Option<Arc<str>> {
        let is_hit = matches!(self.status, Some(CacheStatus::Hit { .. }));
        is_hit.then(|| Arc::clone(self.keeper.label()))
    }

    /// Nothing comes of the backend's answer. What HEAD was answered with, GET may be stored with.
    fn passed_on(&self) {
        if let Some(Looked {
            presented,
            stored: None,
            ..
        }) = &self.looked
            && self.why == Forward::UriMiss
            && presented.method() == Method::Get
        {
            self.keeper.passed_on(presented.key());
        }
    }

    /// A backend's answer is the client's.
    fn forwarded(&mut self, stored: bool) {
        self.status = Some(CacheStatus::Forwarded {
            why: self.why,
            status: None,
            stored,
        });
    }
}

/// By whom a request is answered.
enum Way {
    Backend,
    Store(Box<Found>),
    /// By nobody: it wants no backend asked.
    Nowhere,
}

/// A stored response that answers a request.
struct Found {
    stored: StoredHead,
    answer: Answer,
    opened: Opened,
}

impl Looked {
    fn asker(&self, exchange: &Exchange) -> Asker {
        Asker {
            key: self.presented.key().clone(),
            request: exchange.request.clone(),
            bytes: own_head(exchange),
        }
    }

    /// Nothing is known any more of what is stored.
    fn forget(&mut self) {
        self.stored = None;
        self.validation = None;
    }
}

impl Connection<'_> {
    /// Answers a request from the store, or forwards it with what the cache has to say.
    pub(super) async fn consult(
        &mut self,
        exchange: &mut Exchange,
        upload: &mut Upload,
        report: &mut Report,
        keeper: Rc<Keeper>,
    ) -> Next {
        let mut visit = Visit::new(&keeper);
        let next = match self.plan(exchange, &mut visit).await {
            Way::Backend => {
                visit.request_time = unix_now();
                report.visit = Some(Box::new(visit));
                self.forward(exchange, upload, report).await
            }
            Way::Store(found) => {
                report.visit = Some(Box::new(visit));
                self.supply(exchange, upload, report, found).await
            }
            Way::Nowhere => {
                visit.forwarded(false);
                report.visit = Some(Box::new(visit));
                let why = "the client wants no backend asked, and the cache has no answer";
                report.unserved(504, why);
                self.answer_status(exchange, report, 504, why).await
            }
        };
        if let Some(status) = report.cache_status() {
            keeper.cells().answered(result(status));
        }
        next
    }

    /// Looks what is stored, and decides by whom the request is answered; the head for the backend is
    /// in the exchange.
    async fn plan(&self, exchange: &mut Exchange, visit: &mut Visit) -> Way {
        let bytes = exchange.inbox.filled();
        let presented = match Presented::of(&exchange.request, bytes, self.peer.proto) {
            Ok(presented) => presented,
            Err(bypass) => {
                visit.why = forward(bypass);
                if !exchange.request.method().is_safe() {
                    visit.unsafe_head = own_head(exchange);
                }
                return Way::Backend;
            }
        };
        let keeper = Rc::clone(&visit.keeper);
        let resource = presented.key().resource();
        let reading = keeper.reading(resource);
        let Some(found) = keeper.look_up(presented.key()).await else {
            return if presented.control().only_if_cached {
                Way::Nowhere
            } else {
                Way::Backend
            };
        };
        let bytes = exchange.inbox.filled();
        let selected = found.select(presented.key(), &exchange.request, bytes);
        let (why, stored, validation) = match plan(&presented, selected, unix_now()) {
            Plan::Hit {
                stored,
                answer,
                ttl,
            } => match self.open(exchange, &keeper, resource, stored, answer).await {
                Some(opened) => {
                    visit.status = Some(CacheStatus::Hit { ttl });
                    return Way::Store(Box::new(Found {
                        stored: stored.clone(),
                        answer,
                        opened,
                    }));
                }
                None => (Forward::UriMiss, None, None),
            },
            Plan::Bypass(bypass) => {
                visit.why = forward(bypass);
                return Way::Backend;
            }
            Plan::OnlyIfCached => return Way::Nowhere,
            Plan::Miss { why, stored } => (why, stored, None),
            Plan::Validate {
                why,
                stored,
                validation,
            } => (why, Some(stored), Some(validation)),
        };
        if let Some(validation) = &validation {
            self.write_validation(exchange, validation);
        }
        visit.why = why;
        visit.looked = Some(Looked {
            stored: stored.cloned(),
            presented,
            reading: Some(reading),
            validation,
        });
        Way::Backend
    }

    fn write_validation(&self, exchange: &mut Exchange, validation: &Validation) {
        exchange.request_head.clear();
        validation.write(
            &exchange.request,
            exchange.inbox.filled(),
            &self.forwarded(),
            &mut exchange.request_head,
        );
    }

    /// Writes the client's own head for the backend.
    fn write_own_head(&self, exchange: &mut Exchange) {
        exchange.request_head.clear();
        write_request(
            &exchange.request,
            exchange.inbox.filled(),
            &self.forwarded(),
            &mut exchange.request_head,
        );
    }
}

/// A copy of the client's head.
fn own_head(exchange: &Exchange) -> Box<[u8]> {
    let bytes = exchange.inbox.filled();
    let head = bytes.get(..exchange.request.len());
    head.unwrap_or_default().into()
}

fn forward(bypass: Bypass) -> Forward {
    match bypass {
        Bypass::Method => Forward::Method,
        Bypass::Content | Bypass::CustomerKey | Bypass::Range => Forward::Bypass,
    }
}

fn result(status: CacheStatus) -> CacheResult {
    match status {
        CacheStatus::Hit { ttl } if ttl < 0 => CacheResult::Stale,
        CacheStatus::Hit { .. } => CacheResult::Hit,
        CacheStatus::Forwarded {
            status: Some(304), ..
        } => CacheResult::Revalidated,
        CacheStatus::Forwarded { why, .. } => match why {
            Forward::Bypass | Forward::Method => CacheResult::Bypass,
            Forward::Stale => CacheResult::Expired,
            Forward::UriMiss | Forward::VaryMiss | Forward::Request => CacheResult::Miss,
        },
    }
}
