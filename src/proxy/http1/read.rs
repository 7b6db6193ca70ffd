//! Waiting for a request and reading its head.

use std::future::poll_fn;
use std::task::Poll;

use crate::http::{Parsed, Rejection};
use crate::proxy::connection::Connection;
use crate::proxy::exchange::Exchange;
use crate::proxy::http2;

/// How reading a head ended.
#[derive(Debug)]
pub(super) enum Read {
    /// The head is complete and follows the rules.
    Head,
    /// The preface of HTTP/2 has come instead.
    Preface,
    /// Nothing has come; there was a false alarm.
    Nothing,
    /// The client closed without asking for anything more.
    Closed,
    /// It took too long.
    TimedOut,
    /// It breaks a rule.
    Refused(Rejection),
}

impl Connection<'_> {
    /// Waits, without a buffer, until the client sends something. False when the connection is to
    /// end instead: idle for too long, draining, or broken.
    pub(super) async fn is_asked_again(&mut self) -> bool {
        self.ticket.set(self.proxy.parts.limits.idle);
        let asked = poll_fn(|context| match self.client.poll_readable(context) {
            Poll::Ready(Ok(())) => Poll::Ready(true),
            Poll::Ready(Err(_)) => Poll::Ready(false),
            Poll::Pending if self.proxy.is_draining() || self.ticket.is_over() => {
                Poll::Ready(false)
            }
            Poll::Pending => Poll::Pending,
        })
        .await;
        self.ticket.clear();
        asked
    }

    /// Reads until the head is complete, or until it is clear that it will not be.
    ///
    /// While it `may_switch`, which the first bytes decide, the preface of HTTP/2 is as good.
    pub(super) async fn read_head(
        &mut self,
        exchange: &mut Exchange,
        may_switch: &mut bool,
    ) -> Read {
        self.ticket.set(self.proxy.parts.limits.header);
        let read = poll_fn(|context| {
            let Exchange { request, inbox, .. } = &mut *exchange;
            loop {
                if *may_switch && !inbox.is_empty() {
                    match http2::begins_with_preface(inbox.filled()) {
                        Some(true) => return Poll::Ready(Read::Preface),
                        Some(false) => *may_switch = false,
                        None => {}
                    }
                }
                if !inbox.is_empty() && !*may_switch {
                    match request.parse(inbox.filled()) {
                        Ok(Parsed::Complete) => return Poll::Ready(Read::Head),
                        Ok(Parsed::Partial) if inbox.is_full() => {
                            return Poll::Ready(Read::Refused(Rejection::HeadTooLarge));
                        }
                        Ok(Parsed::Partial) => {}
                        Err(rule) => return Poll::Ready(Read::Refused(rule)),
                    }
                }
                if self.ticket.is_over() {
                    return Poll::Ready(Read::TimedOut);
                }
                match self.client.poll_read(context, inbox) {
                    Poll::Ready(Ok(1..)) => {}
                    Poll::Ready(Ok(0) | Err(_)) => return Poll::Ready(Read::Closed),
                    Poll::Pending if inbox.is_empty() => return Poll::Ready(Read::Nothing),
                    Poll::Pending => return Poll::Pending,
                }
            }
        })
        .await;
        self.ticket.clear();
        read
    }
}
