//! What follows a response head: the response on its way to the client, and if its backend dies
//! on the way, the rest of it from another one.

use std::rc::Rc;
use std::time::Instant;

use super::body::Body;
use super::connection::{Connection, Ending, Next};
use super::exchange::Exchange;
use super::fault::Fault;
use super::forward::{Failure, Start};
use super::leg::{Leg, Source};
use super::relay::{Download, Upload};
use super::report::Report;
use super::resume::{Mismatch, Resume};
use super::retry::stale;
use super::route::Route;
use crate::cache::CacheStatus;
use crate::fill::Tap;
use crate::http::{BodyFraming, ClientSide, Edits, Version, write_edited_response, write_response};
use crate::upstream::Upstream;

/// A response whose head is written and waits to be sent.
pub(super) struct Begun {
    download: Download,
    pub(super) keep_alive: bool,
}

/// A download that goes on, or tries to.
struct Continued {
    promise: Resume,
    /// Bytes that the client had when the last backend broke.
    received: u64,
    /// Attempts since then.
    attempts: u32,
}

impl Continued {
    /// The client has `received` bytes now: attempts are counted anew when that is more.
    fn advance(&mut self, received: u64) {
        if received > self.received {
            self.received = received;
            self.attempts = 0;
        }
    }
}

impl Connection<'_> {
    /// Writes the response head for the client and looks at the body bytes that came with it.
    pub(super) fn begin_response(
        &self,
        exchange: &mut Exchange,
        upload: &Upload,
        report: &mut Report,
        now: Instant,
        tap: Option<Box<Tap>>,
    ) -> Result<Begun, Fault> {
        let Exchange {
            request,
            response,
            outbox,
            response_head,
            ..
        } = &mut *exchange;
        let version = request.version();
        let framing = match response.framing() {
            BodyFraming::Chunked if version == Version::Http10 => BodyFraming::UntilClose,
            framing => framing,
        };
        // A client that is told no while it uploads may stop in the middle, and nobody could tell
        // where its next request begins.
        let keep_alive = request.keep_alive()
            && framing != BodyFraming::UntilClose
            && (upload.is_over() || (200..300).contains(&response.status()))
            && !self.proxy.is_draining();
        let client = ClientSide {
            version,
            keep_alive,
            framing,
        };
        let patient = response
            .field(outbox.filled(), "Content-Type")
            .is_some_and(|value| value.starts_with(b"text/event-stream"));
        match report.cache_status() {
            None => write_response(response, outbox.filled(), &client, response_head),
            Some(status) => {
                let value = status.value();
                let edits = Edits {
                    without: &[],
                    with: &[(CacheStatus::NAME, value.as_bytes())],
                };
                write_edited_response(response, outbox.filled(), &client, &edits, response_head);
            }
        }
        report.answered(exchange, now);
        let Exchange {
            response, outbox, ..
        } = exchange;
        let mut body = if framing == response.framing() {
            Body::new(framing, response.len())
        } else {
            Body::decoded(response.framing(), response.len())
        };
        body.recognise(outbox).map_err(Fault::BackendMalformed)?;
        Ok(Begun {
            download: Download::new(body, patient, tap),
            keep_alive,
        })
    }

    /// Passes the response on, and decides what becomes of both connections.
    ///
    /// # Errors
    /// It is malformed, and the client has got nothing of it yet.
    pub(super) async fn deliver(
        &mut self,
        exchange: &mut Exchange,
        upload: &mut Upload,
        report: &mut Report,
        mut leg: Leg,
        tap: Option<Box<Tap>>,
    ) -> Result<Next, Failure> {
        let begun = self.begin_response(exchange, upload, report, leg.answered, tap);
        let Begun {
            mut download,
            keep_alive,
        } = match begun {
            Ok(begun) => begun,
            Err(fault) => return Err(self.leg_failed(&mut leg, fault)),
        };
        let mut continued = None;
        loop {
            let upstream = leg.upstream();
            let moved = self
                .relay(
                    exchange,
                    upload,
                    report,
                    &mut leg.stream,
                    upstream.as_deref(),
                    true,
                )
                .response_body(&mut download)
                .await;
            if let Some(sent) = leg.transferred(&report.tally) {
                self.served(exchange, sent);
            }
            let Err(fault) = moved else {
                break;
            };
            report.broke(&fault);
            let is_backends = fault.is_backends();
            let Failure { fault, .. } = self.leg_failed(&mut leg, fault);
            drop(leg);
            let resumed = if is_backends {
                // Boxed: an idle connection has room for whatever its requests may come to.
                Box::pin(self.resume(exchange, upload, report, &mut download, &mut continued)).await
            } else {
                None
            };
            match resumed {
                Some(next) => {
                    if let Some(upstream) = upstream {
                        upstream.cells().resumed();
                    }
                    report.mended();
                    leg = next;
                }
                None => return Ok(Next::End(cut_short(&fault, exchange, &download))),
            }
        }
        let spotless = upload.is_complete()
            && exchange.response.keep_alive()
            && exchange.response.framing() != BodyFraming::UntilClose
            && exchange.outbox.len() == download.end();
        if spotless {
            let now = self.proxy.deadlines.now();
            leg.put_back(exchange.response.idle_timeout(), now);
        }
        Ok(match (keep_alive, upload.is_received()) {
            (true, true) => Next::KeepAlive,
            (false, true) => Next::End(Ending::Close),
            (_, false) => Next::End(Ending::Linger),
        })
    }

    fn leg_failed(&self, leg: &mut Leg, fault: Fault) -> Failure {
        match &mut leg.source {
            Source::Backend(attempt) => self.failed(attempt, fault, false),
            Source::Store(_) => {
                if let Some(keeper) = self.proxy.keeper.as_ref().filter(|_| fault.is_backends()) {
                    keeper.broke_off(matches!(fault, Fault::BackendStalled));
                }
                Failure {
                    fault,
                    reused: false,
                }
            }
        }
    }

    /// Has the download go on from another backend; `None` when it cannot.
    ///
    /// Each time that bytes have come, attempts are counted from zero, and the first is not bounded by
    /// the budget: this is not a request that asks again and again, but one that is getting on.
    async fn resume(
        &mut self,
        exchange: &mut Exchange,
        upload: &mut Upload,
        report: &mut Report,
        download: &mut Download,
        continued: &mut Option<Box<Continued>>,
    ) -> Option<Leg> {
        let continued = match continued {
            Some(known) => known,
            none => none.insert(Box::new(Continued {
                promise: Resume::of(
                    &exchange.request,
                    exchange.inbox.filled(),
                    &exchange.response_head,
                )?,
                received: 0,
                attempts: 0,
            })),
        };
        let received = continued.promise.length() - download.missing();
        continued.advance(received);
        let snapshot = self.proxy.snapshot();
        let mut route = Route::default();
        if let Some(broken) = &report.upstream {
            route.leave_out(broken.backend());
        }
        let mut again = None;
        let mut failed: Option<Rc<Upstream>> = None;
        while continued.attempts < self.proxy.parts.limits.retries {
            let start = Start {
                at: Instant::now(),
                fresh: again.is_some(),
                passes_interim: false,
            };
            let is_retry = continued.attempts > 0;
            continued.attempts += 1;
            let upstream = again
                .take()
                .or_else(|| self.next(&mut route, &snapshot, is_retry, start.at))?;
            if let Some(failed) = failed.take() {
                failed.cells().retried();
            }
            exchange.retry();
            exchange.request_head.clear();
            continued.promise.write(
                &exchange.request,
                exchange.inbox.filled(),
                &self.forwarded(),
                received,
                &mut exchange.request_head,
            );
            upload.rewind();
            let leg = match self.ask(exchange, upload, report, &upstream, start).await {
                Ok(leg) => leg,
                Err(Failure { fault, .. }) if !fault.is_backends() => {
                    report.broke(&fault);
                    return None;
                }
                Err(Failure { fault, reused }) => {
                    if stale(&fault, reused, !exchange.outbox.is_empty()) {
                        again = Some(Rc::clone(&upstream));
                    }
                    failed = Some(upstream);
                    continue;
                }
            };
            let promise = &continued.promise;
            match promise.continues(&exchange.response, exchange.outbox.filled(), received) {
                Ok(known) => {
                    download.go_on(exchange, &self.proxy.pipes, known).ok()?;
                    return Some(leg);
                }
                Err(Mismatch::Unable) => failed = Some(upstream),
                Err(Mismatch::Other) => return None,
            }
        }
        None
    }
}

/// How the connection ends when a response does not: never as if it had been whole.
fn cut_short(fault: &Fault, exchange: &Exchange, download: &Download) -> Ending {
    match fault {
        Fault::ClientGone => Ending::Close,
        // The missing last chunk says it, and what was sent still arrives.
        _ if exchange.response.framing() == BodyFraming::Chunked
            && exchange.request.version() == Version::Http11
            && download.is_begun() =>
        {
            Ending::Close
        }
        _ => Ending::Reset,
    }
}
