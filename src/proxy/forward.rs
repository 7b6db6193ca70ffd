//! A request's way to a backend and back: attempts, one after the other, until one is answered
//! or nothing is left to try.

use std::rc::Rc;
use std::time::Instant;

use super::body::Body;
use super::exchange::Exchange;
use super::fault::Fault;
use super::http1::{Connection, Ending, Next};
use super::relay::{Download, Ends, Progress, Relay, Turn, Upload};
use super::report::Report;
use super::retry::{Failed, Verdict, verdict};
use super::route::Route;
use super::tunnel;
use crate::http::{BodyFraming, ClientSide, S3Error, Version, write_response};
use crate::net::Stream;
use crate::topology::Snapshot;
use crate::upstream::{Attempt, Upstream};

/// An attempt that failed before the client got a final response head.
struct Failure {
    fault: Fault,
    reused: bool,
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
        let mut route = Route::default();
        let mut again: Option<Rc<Upstream>> = None;
        let mut last = None;
        loop {
            let began = match last {
                None => report.tally.began,
                Some(_) => Instant::now(),
            };
            let fresh = again.is_some();
            let next = again
                .take()
                .or_else(|| self.next(&mut route, &snapshot, began));
            let Some(upstream) = next else {
                return self.nothing_left(exchange, report, last).await;
            };
            report.upstream = Some(Rc::clone(&upstream));
            report.tally.attempts += 1;
            let attempted = self
                .attempt(exchange, upload, report, &upstream, fresh, began)
                .await;
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
                    report.status = Some(status);
                    return self
                        .answer_fault(exchange, upload, report, status, &fault)
                        .await;
                }
                Verdict::Abandon => return Next::End(Ending::Close),
            }
            upstream.cells().retried();
            upload.rewind();
            exchange.retry();
            last = Some(fault.status());
        }
    }

    /// The backend for the next attempt, as this worker sees it.
    fn next(&self, route: &mut Route, snapshot: &Snapshot, now: Instant) -> Option<Rc<Upstream>> {
        let mut picker = self.proxy.picker.borrow_mut();
        let backend = route.next(snapshot, &mut picker, now)?;
        Some(self.proxy.pool.upstream(backend))
    }

    /// One attempt at one backend, from the connection to the last byte of the response.
    async fn attempt(
        &mut self,
        exchange: &mut Exchange,
        upload: &mut Upload,
        report: &mut Report,
        upstream: &Rc<Upstream>,
        fresh: bool,
        began: Instant,
    ) -> Result<Next, Failure> {
        let mut attempt = Attempt::begin(Rc::clone(upstream), began);
        let idle = if fresh { None } else { upstream.checkout() };
        let reused = idle.is_some();
        let outcome = match idle {
            Some(stream) => Ok(stream),
            None => upstream
                .connect(self.proxy.parts.limits.connect)
                .await
                .map_err(Fault::Unconnected),
        };
        let mut backend = match outcome {
            Ok(backend) => backend,
            Err(fault) => return Err(self.failed(&mut attempt, fault, reused)),
        };
        let head = self
            .relay(exchange, upload, report, &mut backend)
            .response_head()
            .await;
        if let Err(fault) = head {
            return Err(self.failed(&mut attempt, fault, reused));
        }
        let now = Instant::now();
        attempt.answered(exchange.response.status(), now);
        self.proxy
            .backend_answered(upstream, exchange.response.status(), now);
        if exchange.response.status() == 101 {
            report.answered(exchange, now);
            return Ok(self
                .tunnel(exchange, upload, report, backend, attempt)
                .await);
        }
        let body = match self.begin_response(exchange, upload, report, now) {
            Ok(body) => body,
            Err(fault) => return Err(self.failed(&mut attempt, fault, reused)),
        };
        Ok(self
            .deliver(exchange, upload, report, body, backend, attempt)
            .await)
    }

    fn relay<'b>(
        &'b mut self,
        exchange: &'b mut Exchange,
        upload: &'b mut Upload,
        report: &'b mut Report,
        backend: &'b mut Stream,
    ) -> Relay<'b> {
        // Pipelined bytes hide what comes behind them.
        let client_is_silent = exchange.inbox.len() <= upload.end();
        let ends = Ends {
            client: &mut self.client,
            backend,
            exchange,
            pipes: &self.proxy.pipes,
            tally: &mut report.tally,
            progress: Progress {
                ticket: &self.ticket,
                within: self.proxy.parts.limits.stall,
            },
            turn: Turn::default(),
        };
        Relay {
            ends,
            upload,
            client_is_silent,
        }
    }

    fn failed(&self, attempt: &mut Attempt, fault: Fault, reused: bool) -> Failure {
        if fault.is_backends() {
            attempt.failed();
            // A connection that was closed while it was idle says nothing about the backend.
            if !(reused && matches!(fault, Fault::BackendClosed(_))) {
                self.proxy
                    .backend_failed(attempt.upstream(), &fault, Instant::now());
            }
        }
        Failure { fault, reused }
    }

    /// Writes the response head for the client and looks at the body bytes that came with it.
    fn begin_response(
        &self,
        exchange: &mut Exchange,
        upload: &Upload,
        report: &mut Report,
        now: Instant,
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
        write_response(response, outbox.filled(), &client, response_head);
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
            download: Download::new(body, patient),
            keep_alive,
        })
    }

    /// Passes the response on, and decides what becomes of both connections.
    async fn deliver(
        &mut self,
        exchange: &mut Exchange,
        upload: &mut Upload,
        report: &mut Report,
        begun: Begun,
        mut backend: Stream,
        mut attempt: Attempt,
    ) -> Next {
        let Begun {
            mut download,
            keep_alive,
        } = begun;
        let moved = self
            .relay(exchange, upload, report, &mut backend)
            .response_body(&mut download)
            .await;
        attempt.transferred(report.tally.rx, report.tally.tx);
        if let Err(fault) = moved {
            report.broke(&fault);
            if fault.is_backends() {
                attempt.failed();
            }
            return Next::End(match fault {
                Fault::ClientGone => Ending::Close,
                // The missing last chunk says it, and what was sent still arrives.
                _ if exchange.response.framing() == BodyFraming::Chunked
                    && exchange.request.version() == Version::Http11
                    && download.is_begun() =>
                {
                    Ending::Close
                }
                _ => Ending::Reset,
            });
        }
        let spotless = upload.is_complete()
            && exchange.response.keep_alive()
            && exchange.response.framing() != BodyFraming::UntilClose
            && exchange.outbox.len() == download.end();
        if spotless {
            let now = self.proxy.deadlines.now();
            attempt.upstream().put_back(backend, now);
        }
        match (keep_alive, upload.is_received()) {
            (true, true) => Next::KeepAlive,
            (false, true) => Next::End(Ending::Close),
            (_, false) => Next::End(Ending::Linger),
        }
    }

    /// Sends the 101 and lets the bytes flow.
    async fn tunnel(
        &mut self,
        exchange: &mut Exchange,
        upload: &Upload,
        report: &mut Report,
        mut backend: Stream,
        mut attempt: Attempt,
    ) -> Next {
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
        tunnel::run(&mut self.client, &mut backend, exchange, &mut report.tally).await;
        attempt.transferred(report.tally.rx, report.tally.tx);
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

    async fn answer_status(
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

/// A response whose head is written and waits to be sent.
struct Begun {
    download: Download,
    keep_alive: bool,
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
