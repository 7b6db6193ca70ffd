//! What follows from a backend's answer for the cache, and from none.

use std::time::Instant;

use super::{Found, Looked, Visit};
use crate::cache::{
    Answer, Asked, CacheStatus, Conclusion, Forward, Freshness, Keep, Received, ResponseControl,
    StoredHead, conclude, invalidated, stale_if_error,
};
use crate::fill::Tap;
use crate::http::{BodyFraming, Version};
use crate::proxy::connection::{Connection, Next, unix_now};
use crate::proxy::exchange::Exchange;
use crate::proxy::forward::{Failure, Start};
use crate::proxy::leg::Leg;
use crate::proxy::relay::Upload;
use crate::proxy::report::Report;

impl Connection<'_> {
    /// Looks at the answer that has come from a backend, and sends the client what it is to get.
    pub(in crate::proxy) async fn conclude(
        &mut self,
        exchange: &mut Exchange,
        upload: &mut Upload,
        report: &mut Report,
        mut leg: Leg,
    ) -> Result<Next, Failure> {
        let Some(mut visit) = report.visit.take() else {
            return self.deliver(exchange, upload, report, leg, None).await;
        };
        loop {
            let concluded = match self.judge(exchange, &visit) {
                Conclusion::PassOn => {
                    visit.passed_on();
                    Concluded::Backends(None)
                }
                Conclusion::Store(head) => {
                    Concluded::Backends(self.fill(&mut visit, exchange, *head))
                }
                Conclusion::Evict => {
                    evict(&visit);
                    Concluded::Backends(None)
                }
                Conclusion::Freshen(head) => {
                    update(&mut visit, exchange, *head);
                    Concluded::Backends(None)
                }
                Conclusion::ServeStale(answer) => self
                    .stale(exchange, &mut visit, answer)
                    .await
                    .map_or(Concluded::Backends(None), Concluded::Stored),
                Conclusion::Serve { head, answer, keep } => self
                    .validated(exchange, &mut visit, head, answer, keep)
                    .await
                    .map_or(Concluded::AskAgain, Concluded::Stored),
                Conclusion::AskAgain => Concluded::AskAgain,
            };
            match concluded {
                Concluded::Backends(tap) => {
                    visit.forwarded(tap.is_some());
                    report.visit = Some(visit);
                    return self.deliver(exchange, upload, report, leg, tap).await;
                }
                Concluded::Stored(found) => {
                    report.visit = Some(visit);
                    report.mended();
                    self.settle(exchange, report, leg);
                    return Ok(self.supply(exchange, upload, report, found).await);
                }
                Concluded::AskAgain => {
                    let asked = self
                        .ask_again(exchange, upload, report, &mut visit, leg)
                        .await;
                    match asked {
                        Ok(again) => leg = again,
                        Err(failure) => {
                            report.visit = Some(visit);
                            return Err(failure);
                        }
                    }
                }
            }
        }
    }

    /// What follows from the answer for a request that the cache looked at; for others, what it takes
    /// away.
    fn judge(&self, exchange: &Exchange, visit: &Visit) -> Conclusion {
        let received = Received {
            head: &exchange.response,
            bytes: exchange.outbox.filled(),
            request_time: visit.request_time,
            response_time: unix_now(),
        };
        let (request, sent) = (&exchange.request, exchange.inbox.filled());
        let Some(looked) = &visit.looked else {
            if !visit.unsafe_head.is_empty() {
                let sent = &visit.unsafe_head;
                let gone = invalidated(request, sent, self.peer.proto, &received);
                visit.keeper.invalidate(&gone);
            }
            return Conclusion::PassOn;
        };
        let asked = Asked {
            stored: looked.stored.as_ref(),
            validation: looked.validation.as_ref(),
        };
        let bounds = visit.keeper.bounds();
        conclude(&looked.presented, request, sent, asked, &received, bounds)
    }

    /// What is stored, with the head that the 304 has updated. `None` when the store does not have the
    /// body.
    async fn validated(
        &self,
        exchange: &Exchange,
        visit: &mut Visit,
        head: Box<StoredHead>,
        answer: Answer,
        keep: Keep,
    ) -> Option<Box<Found>> {
        let looked = visit.looked.as_ref()?;
        let resource = looked.presented.key().resource();
        let opened = self
            .open(exchange, &visit.keeper, resource, &head, answer)
            .await?;
        visit.status = Some(CacheStatus::Forwarded {
            why: visit.why,
            status: Some(exchange.response.status()),
            stored: false,
        });
        match keep {
            Keep::AsItWas => {}
            Keep::Updated => update(visit, exchange, StoredHead::clone(&head)),
            Keep::No => evict(visit),
        }
        Some(Box::new(Found {
            stored: *head,
            answer,
            opened,
        }))
    }

    /// What is stored, though it is stale. `None` when the store does not have it.
    async fn stale(
        &self,
        exchange: &Exchange,
        visit: &mut Visit,
        answer: Answer,
    ) -> Option<Box<Found>> {
        let looked = visit.looked.as_ref()?;
        let stored = looked.stored.as_ref()?;
        let resource = looked.presented.key().resource();
        let opened = self
            .open(exchange, &visit.keeper, resource, stored, answer)
            .await?;
        let control = ResponseControl::of(&stored.fields);
        let ttl = Freshness::of(stored, &control, unix_now()).ttl();
        let stored = stored.clone();
        visit.status = Some(CacheStatus::Hit { ttl });
        Some(Box::new(Found {
            stored,
            answer,
            opened,
        }))
    }

    /// What is stored, stale as it is, in the place of an error of ours.
    pub(in crate::proxy) async fn stale_instead(
        &mut self,
        exchange: &mut Exchange,
        upload: &mut Upload,
        report: &mut Report,
    ) -> Option<Next> {
        let visit = report.visit.as_deref_mut()?;
        let looked = visit.looked.as_ref()?;
        let stored = looked.stored.as_ref()?;
        let answer = stale_if_error(&looked.presented, stored, unix_now())?;
        let found = self.stale(exchange, visit, answer).await?;
        report.mended();
        Some(self.supply(exchange, upload, report, found).await)
    }

    /// Asks the same backend with the client's own head, and forgets what is stored.
    async fn ask_again(
        &mut self,
        exchange: &mut Exchange,
        upload: &mut Upload,
        report: &mut Report,
        visit: &mut Visit,
        leg: Leg,
    ) -> Result<Leg, Failure> {
        if let Some(looked) = &mut visit.looked {
            looked.forget();
        }
        visit.why = Forward::UriMiss;
        visit.request_time = unix_now();
        let Some(upstream) = leg.upstream() else {
            return Ok(leg);
        };
        self.settle(exchange, report, leg);
        exchange.retry();
        upload.rewind();
        self.write_own_head(exchange);
        let start = Start {
            at: Instant::now(),
            fresh: false,
            passes_interim: true,
        };
        self.ask(exchange, upload, report, &upstream, start).await
    }

    /// Begins to fill the store.
    fn fill(&self, visit: &mut Visit, exchange: &Exchange, head: StoredHead) -> Option<Box<Tap>> {
        let looked = visit.looked.as_mut()?;
        let length = match exchange.response.framing() {
            BodyFraming::None => Some(0),
            BodyFraming::Length(length) => Some(length),
            // For an older client the framing comes off before the tap.
            BodyFraming::Chunked if exchange.request.version() == Version::Http11 => None,
            BodyFraming::Chunked | BodyFraming::UntilClose => return None,
        };
        let asker = looked.asker(exchange);
        let reading = looked.reading.take()?;
        let rest = self.rest(exchange);
        visit.keeper.fill(asker, head, length, reading, rest)
    }

    /// The end of an answer without a body.
    fn settle(&self, exchange: &Exchange, report: &Report, mut leg: Leg) {
        leg.transferred(&report.tally);
        let is_over = exchange.response.framing() == BodyFraming::None
            && exchange.response.keep_alive()
            && exchange.outbox.len() == exchange.response.len();
        if is_over {
            leg.put_back(exchange.response.idle_timeout(), self.proxy.deadlines.now());
        }
    }
}

/// Whose answer the client gets.
enum Concluded {
    /// The backend's; the store gets it through the tap, if there is one.
    Backends(Option<Box<Tap>>),
    /// The stored one.
    Stored(Box<Found>),
    /// That of the backend when it is asked with the client's own head.
    AskAgain,
}

fn update(visit: &mut Visit, exchange: &Exchange, head: StoredHead) {
    let Some(looked) = &mut visit.looked else {
        return;
    };
    let asker = looked.asker(exchange);
    if let Some(reading) = looked.reading.take() {
        visit.keeper.update(asker, head, reading);
    }
}

fn evict(visit: &Visit) {
    if let Some(Looked {
        presented,
        stored: Some(stored),
        ..
    }) = &visit.looked
    {
        visit
            .keeper
            .evict(presented.key().resource(), stored.clone());
    }
}
