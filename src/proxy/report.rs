//! What is told about a request when it has ended.

use std::net::IpAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use super::Proxy;
use super::cached::Visit;
use super::exchange::{Exchange, RequestLine, Tally};
use super::fault::Fault;
use crate::cache::CacheStatus;
use crate::event::{Detail, TraceEvent, TraceKind};
use crate::http::S3Error;
use crate::topology::{Backend, Transition};
use crate::upstream::{Attempt, Upstream};

/// A request's story so far.
#[derive(Debug)]
pub(super) struct Report {
    pub(super) line: RequestLine,
    pub(super) tally: Tally,
    pub(super) upstream: Option<Rc<Upstream>>,
    /// The status the client got.
    pub(super) status: Option<u16>,
    /// What the cache has to do with it; none while that is off.
    pub(super) visit: Option<Box<Visit>>,
    error: Option<String>,
    peer: IpAddr,
    detail: Option<Box<Detail>>,
}

impl Report {
    pub(super) fn new(
        line: RequestLine,
        tally: Tally,
        peer: IpAddr,
        detail: Option<Box<Detail>>,
    ) -> Self {
        Self {
            line,
            tally,
            upstream: None,
            status: None,
            visit: None,
            error: None,
            peer,
            detail,
        }
    }

    /// The request's fields, for `--debug`.
    pub(super) fn request_detail(exchange: &Exchange) -> Detail {
        let fields = exchange.request.fields(exchange.inbox.filled());
        Detail {
            request: fields
                .map(|(name, value)| (name.into(), value.into()))
                .collect(),
            response: Vec::new(),
        }
    }

    /// What the cache did, as far as that is known.
    pub(super) fn cache_status(&self) -> Option<CacheStatus> {
        self.visit.as_ref()?.status()
    }

    /// Who answered, or was asked last.
    fn server(&self) -> Arc<str> {
        let upstream = self.upstream.as_ref();
        upstream
            .map(|upstream| upstream.backend().label().clone())
            .or_else(|| self.visit.as_ref()?.server())
            .unwrap_or_default()
    }

    /// The response head is in the exchange.
    pub(super) fn answered(&mut self, exchange: &Exchange, now: Instant) {
        self.status = Some(exchange.response.status());
        // What went wrong before was mended by another attempt.
        self.error = None;
        self.tally.first_byte = Some(now);
        if let Some(detail) = &mut self.detail {
            let fields = exchange.response.fields(exchange.outbox.filled());
            detail.response = fields
                .map(|(name, value)| (name.into(), value.into()))
                .collect();
        }
    }

    /// The client got an error of ours for it.
    pub(super) fn refused(&mut self, status: u16, fault: &Fault) {
        self.status = Some(status);
        self.error = Some(fault.to_string());
    }

    /// The response was cut short.
    pub(super) fn broke(&mut self, fault: &Fault) {
        self.error = Some(fault.to_string());
    }

    /// The response that was cut short goes on.
    pub(super) fn mended(&mut self) {
        self.error = None;
    }

    /// The client got an error of ours because there was no backend to ask, or none left.
    pub(super) fn unserved(&mut self, status: u16, why: &str) {
        self.status = Some(status);
        self.error.get_or_insert_with(|| why.to_owned());
    }
}

impl Proxy {
    /// Sends the request's trace event, if anybody wants it.
    pub(super) fn report(&self, exchange: &Exchange, report: &Report) {
        let failed = report.error.is_some();
        if !self
            .parts
            .filter
            .wants_trace(TraceKind::Application, report.status, failed)
        {
            return;
        }
        let Tally {
            began,
            rx,
            tx,
            attempts,
            first_byte,
        } = report.tally;
        let latency = Instant::now().saturating_duration_since(began);
        let wall = SystemTime::now();
        let head = &exchange.request_head;
        self.parts.events.send(TraceEvent {
            kind: TraceKind::Application,
            endpoint: report.server(),
            at: wall.checked_sub(latency).unwrap_or(wall),
            client: Some(report.peer),
            rx,
            tx,
            latency,
            first_byte: first_byte.map(|at| at.saturating_duration_since(began)),
            health_error: None,
            status: report.status,
            method: report.line.method(head).into(),
            target: report.line.target(head).into(),
            detail: report.detail.clone(),
            attempts,
            error: report.error.as_deref().map(Into::into),
            cache: report.cache_status().map(CacheStatus::word),
        });
    }

    /// Tells the backend's health what a request found, and the log what came of it. What says
    /// nothing new of a backend in rotation has it checked all the same.
    pub(super) fn backend_failed(&self, attempt: &Attempt, fault: &Fault, now: Instant) {
        let backend = attempt.upstream().backend();
        let reason = fault.to_string();
        let began = attempt.began();
        let change = backend.observe(now, |health| health.request_failed(began, now, &reason));
        if change.is_none() && backend.is_up() {
            backend.doubt().notify_one();
        }
        self.changed(backend, change);
    }

    /// Tells the backend's health of an answer, if that says anything of it.
    pub(super) fn backend_answered(&self, upstream: &Upstream, status: u16, now: Instant) {
        let backend = upstream.backend();
        if backend.is_moved_by(status) {
            let change = self.snapshot().answered(backend, status, now);
            self.changed(backend, change);
        }
    }

    fn changed(&self, backend: &Backend, change: Option<(Transition, Duration)>) {
        if let Some((transition, downtime)) = change {
            backend.doubt().notify_one();
            self.reporter.changed(backend, transition, downtime);
        }
    }

    /// The error with a request identifier of its own.
    pub(super) fn identified<'a>(&self, error: &S3Error<'a>) -> Identified<'a> {
        Identified {
            error: *error,
            id: format!("{:016X}", self.random.borrow_mut().u64(..)),
        }
    }
}

/// An error that can be found again by its number.
pub(super) struct Identified<'a> {
    error: S3Error<'a>,
    id: String,
}

impl Identified<'_> {
    pub(super) fn reply(&self) -> crate::http::Reply {
        S3Error {
            request_id: &self.id,
            ..self.error
        }
        .reply()
    }
}
