//! A request's way to a backend: attempts, one after the other, until one is answered or nothing
//! is left to try. What follows the answer is in `deliver`.

use std::rc::Rc;
use std::time::Instant;

use super::client::Client;
use super::connection::{Connection, Ending, Next};
use super::exchange::Exchange;
use super::fault::Fault;
use super::leg::Leg;
use super::progress::Progress;
use super::relay::{Ends, Relay, Turn, Upload};
use super::report::Report;
use super::retry::{Failed, Verdict, verdict};
use super::route::{Reach, Route};
use super::tunnel;
use crate::http::{BodyFraming, ClientSide, S3Error, write_response};
use crate::net::Stream;
use crate::topology::Snapshot;
use crate::upstream::{Attempt, Upstream};

/// How an attempt begins.
#[derive(Clone, Copy)]
pub(super) struct Start {
    pub(super) at: Instant,
    /// Not on a connection that was idle.
    pub(super) fresh: bool,
    /// Whether the client is told of interim responses.
    pub(super) passes_interim: bool,
}

/// An attempt that failed before its response head was there.
pub(super) struct Failure {
    pub(super) fault: Fault,
    pub(super) reused: bool,
}

impl Connection<'_> {
    /// Sends the request to a live backend and its response to the client.
    pub(super) async fn forward(
        &mut self,
        exchange: &mut Exchange,
        upload: &mut Upload,
        report: &mut Report,
    ) -> Next {
        let snapshot = self.proxy.snapshot();
        self.proxy.budget.borrow_mut().requested();
        let mut route = Route::default();
        let mut again: Option<Rc<Upstream>> = None;
        let mut last: Option<(Rc<Upstream>, u16)> = None;
        loop {
            let start = Start {
                at: match last {
                    None => report.tally.began,
                    Some(_) => Instant::now(),
                },
                fresh: again.is_some(),
                passes_interim: true,
            };
            let next = again
                .take()
                .or_else(|| self.next(&mut route, &snapshot, last.is_some(), start.at));
            let Some(upstream) = next else {
                if report.visit.is_some()
                    && let Some(next) = Box::pin(self.stale_instead(exchange, upload, report)).await
                {
                    return next;
                }
                let status = last.map(|(_, status)| status);
                return self.nothing_left(exchange, report, status).await;
            };
            if let Some((failed, _)) = &last {
                failed.cells().retried();
            }
            let asked = self.ask(exchange, upload, report, &upstream, start).await;
            let attempted = match asked {
                Ok(leg) if exchange.response.status() == 101 => {
                    Ok(self.tunnel(exchange, upload, report, leg).await)
                }
                // Boxed: a connection has no room for it while the cache is off.
                Ok(leg) if report.visit.is_some() => {
                    Box::pin(self.conclude(exchange, upload, report, leg)).await
                }
                Ok(leg) => self.deliver(exchange, upload, report, leg, None).await,
                Err(failure) => Err(failure),
            };
            let Failure { fault, reused } = match attempted {
                Ok(next) => return next,
                Err(failure) => failure,
            };
            report.broke(&fault);
            let verdict = verdict(failed(&fault, exchange, upload, reused));
            match verdict.within(
                report.tally.attempts <= self.proxy.parts.limits.retries,
                &fault,
            ) {
                Verdict::SameBackend => again = Some(Rc::clone(&upstream)),
                Verdict::Elsewhere => {}
                Verdict::Answer(status) => {
                    if report.visit.is_some()
                        && let Some(next) =
                            Box::pin(self.stale_instead(exchange, upload, report)).await
                    {
                        return next;
                    }
                    report.status = Some(status);
                    return self
                        .answer_fault(exchange, upload, report, status, &fault)
                        .await;
                }
                Verdict::Abandon => return Next::End(Ending::Close),
            }
            upload.rewind();
            exchange.retry();
            last = Some((upstream, fault.status()));
        }
    }

    /// The backend for the next attempt, as this worker sees it. A retry is counted in the budget.
    pub(super) fn next(
        &self,
        route: &mut Route,
        snapshot: &Snapshot,
        is_retry: bool,
        now: Instant,
    ) -> Option<Rc<Upstream>> {
        let reach = if is_retry {
            self.proxy.retry_reach()
        } else {
            Reach::AnyNotDown
        };
        let mut picker = self.proxy.picker.borrow_mut();
        let backend = route.next(snapshot, reach, &mut picker, now)?;
        Some(self.proxy.pool.upstream(backend))
    }

    /// One attempt at one backend, from the connection to the response head.
    pub(super) async fn ask(
        &mut self,
        exchange: &mut Exchange,
        upload: &mut Upload,
        report: &mut Report,
        upstream: &Rc<Upstream>,
        start: Start,
    ) -> Result<Leg, Failure> {
        report.upstream = Some(Rc::clone(upstream));
        report.tally.attempts += 1;
        // What was left of an interim response to say is not what this attempt has to say.
        self.client.forget_pending_write();
        let before = match report.tally.attempts {
            1 => (0, 0),
            _ => (report.tally.rx, report.tally.tx),
        };
        let mut attempt = Attempt::begin(Rc::clone(upstream), start.at);
        let idle = match (start.fresh, exchange.request.method().is_idempotent()) {
            (true, _) => None,
            (false, true) => upstream.checkout(start.at),
            (false, false) => upstream.checkout_trusted(start.at),
        };
        let reused = idle.is_some();
        let outcome = match idle {
            Some(stream) => Ok(stream),
            // Boxed: an idle connection has room for whatever its requests may come to.
            None => Box::pin(upstream.connect(self.proxy.parts.limits.connect))
                .await
                .map_err(Fault::Unconnected),
        };
        let mut backend = match outcome {
            Ok(backend) => backend,
            Err(fault) => return Err(self.failed(&mut attempt, fault, reused)),
        };
        let head = self
            .relay(
                exchange,
                upload,
                report,
                &mut backend,
                Some(upstream),
                start.passes_interim,
            )
            .response_head()
            .await;
        if let Err(fault) = head {
            return Err(self.failed(&mut attempt, fault, reused));
        }
        if reused {
            upstream.reuse_held();
        }
        let answered = Instant::now();
        let status = exchange.response.status();
        attempt.answered(status, answered);
        self.proxy.backend_answered(upstream, status, answered);
        Ok(Leg::answered(backend, attempt, answered, before))
    }

    pub(super) fn relay<'b>(
        &'b mut self,
        exchange: &'b mut Exchange,
        upload: &'b mut Upload,
        report: &'b mut Report,
        backend: &'b mut Stream,
        upstream: Option<&'b Upstream>,
        passes_interim: bool,
    ) -> Relay<'b> {
        // Pipelined bytes hide what comes behind them.
        let client_is_silent = exchange.inbox.len() <= upload.end();
        let ends = Ends {
            client: &mut self.client,
            backend,
            server: upstream.map(|upstream| &**upstream.backend()),
            exchange,
            answers: &self.proxy.answers,
            pipes: &self.proxy.pipes,
            tally: &mut report.tally,
            progress: match upstream {
                Some(_) => Progress::new(&self.ticket, self.proxy.parts.limits.stall),
                None => Progress::brisk(&self.ticket, self.proxy.parts.limits.stall),
            },
            turn: Turn::default(),
        };
        Relay {
            ends,
            upload,
            client_is_silent,
            passes_interim,
        }
    }

    /// Settles an attempt that failed, and tells the backend's health if it is to blame.
    pub(super) fn failed(&self, attempt: &mut Attempt, fault: Fault, reused: bool) -> Failure {
        if fault.is_backends() {
            attempt.failed();
            let now = Instant::now();
            if reused && matches!(fault, Fault::BackendClosed(_)) {
                // It was closed while it was idle, which says nothing about the backend.
                attempt.upstream().reuse_broke(now);
            } else {
                self.proxy.backend_failed(attempt, &fault, now);
            }
        }
        Failure { fault, reused }
    }

    /// Sends the 101 and lets the bytes flow.
    async fn tunnel(
        &mut self,
        exchange: &mut Exchange,
        upload: &Upload,
        report: &mut Report,
        mut leg: Leg,
    ) -> Next {
        let Client::Http1(stream) = &mut self.client else {
            // HTTP/2 has no upgrades, and a switch that nobody asked for is refused before.
            return Next::End(Ending::Reset);
        };
        report.answered(exchange, leg.answered);
        let Exchange {
            request,
            response,
            inbox,
            outbox,
            response_head,
            ..
        } = &mut *exchange;
        let client = ClientSide {
            version: request.version(),
            keep_alive: true,
            framing: BodyFraming::None,
        };
        response_head.clear();
        write_response(response, outbox.filled(), &client, response_head);
        outbox.consume(response.len());
        inbox.consume(upload.end());
        tunnel::run(stream, &mut leg.stream, exchange, &mut report.tally).await;
        leg.transferred(&report.tally);
        Next::End(Ending::Close)
    }

    /// No backend is left to ask; `last` is the status that tells of the last failure.
    async fn nothing_left(
        &mut self,
        exchange: &mut Exchange,
        report: &mut Report,
        last: Option<u16>,
    ) -> Next {
        let (status, why) = match last {
            _ if self.proxy.is_draining() => (503, "sidekick is shutting down"),
            None => (502, "no backend is up"),
            Some(status) => (status, "no backend could be reached"),
        };
        report.unserved(status, why);
        self.answer_status(exchange, report, status, why).await
    }

    async fn answer_fault(
        &mut self,
        exchange: &mut Exchange,
        upload: &Upload,
        report: &mut Report,
        status: u16,
        fault: &Fault,
    ) -> Next {
        let next = self
            .answer_status(exchange, report, status, &fault.to_string())
            .await;
        if upload.is_received() {
            next
        } else {
            Next::End(Ending::Linger)
        }
    }

    pub(super) async fn answer_status(
        &mut self,
        exchange: &mut Exchange,
        report: &mut Report,
        status: u16,
        why: &str,
    ) -> Next {
        let target = report.line.target(&exchange.request_head);
        let path = target
            .split(|byte| *byte == b'?')
            .next()
            .unwrap_or_default()
            .to_vec();
        let error = S3Error {
            status,
            code: code(status),
            message: why,
            resource: &path,
            request_id: "",
        };
        let reply = self.proxy.identified(&error).reply();
        let next = self.answer(exchange, &reply).await;
        report.tally.tx += exchange.response_head.len() as u64;
        next
    }
}

impl Verdict {
    /// The same, unless it asks for an attempt more than are `allowed`.
    fn within(self, allowed: bool, fault: &Fault) -> Self {
        match self {
            Verdict::SameBackend | Verdict::Elsewhere if !allowed => {
                Verdict::Answer(fault.status())
            }
            given => given,
        }
    }
}

fn failed<'f>(fault: &'f Fault, exchange: &Exchange, upload: &Upload, reused: bool) -> Failed<'f> {
    Failed {
        fault,
        method: exchange.request.method(),
        body_held: upload.is_held(),
        delivered: upload.is_delivered(),
        reused,
        answering: !exchange.outbox.is_empty(),
    }
}

fn code(status: u16) -> &'static str {
    match status {
        408 => "RequestTimeout",
        503 => "ServiceUnavailable",
        504 => "GatewayTimeout",
        400..=499 => "BadRequest",
        _ => "BadGateway",
    }
}
