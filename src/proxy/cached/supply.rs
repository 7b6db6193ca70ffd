//! A stored response on its way to the client.

use std::rc::Rc;
use std::time::Instant;

use bytes::Bytes;
use memchr::memmem;

use super::Found;
use crate::cache::{Answer, Resource, StoredHead};
use crate::fill::Keeper;
use crate::http::{Method, Parsed};
use crate::proxy::connection::{Connection, Ending, Next, unix_now};
use crate::proxy::deliver::Begun;
use crate::proxy::exchange::Exchange;
use crate::proxy::leg::Leg;
use crate::proxy::relay::Upload;
use crate::proxy::report::Report;
use crate::store::{Body, Delivery};

/// A stored response that is ready to be sent: its head in the exchange, as if a backend had sent it.
pub(super) enum Opened {
    /// All of the body is here; nothing for an answer without one.
    Here(Bytes),
    /// It comes, and begins with what was read of it.
    Comes(Box<Delivery>),
}

impl Connection<'_> {
    /// Opens the body of a stored response, as far as the answer has one. `None` when the store does
    /// not give it.
    pub(super) async fn open(
        &self,
        exchange: &Exchange,
        keeper: &Rc<Keeper>,
        resource: &Resource,
        stored: &StoredHead,
        answer: Answer,
    ) -> Option<Opened> {
        let part = match answer {
            Answer::NotModified => return Some(Opened::Here(Bytes::new())),
            Answer::Whole => None,
            Answer::Part(part) => Some(part),
        };
        if exchange.request.method() == Method::Head || stored.body_length == 0 {
            return Some(Opened::Here(Bytes::new()));
        }
        let object = keeper.open_body(resource, stored, part).await?;
        Some(match object.body {
            Body::Memory(bytes) => Opened::Here(bytes),
            Body::Stream(delivery) => Opened::Comes(delivery),
        })
    }

    /// Sends a stored response.
    pub(super) async fn supply(
        &mut self,
        exchange: &mut Exchange,
        upload: &mut Upload,
        report: &mut Report,
        found: Box<Found>,
    ) -> Next {
        let Found {
            stored,
            answer,
            opened,
        } = *found;
        // The client's head, with its credentials, is for backends only.
        upload.withhold();
        exchange.retry();
        exchange.expect_answer(&self.proxy.answers);
        let mut head = Vec::new();
        stored.write(answer, unix_now(), &mut head);
        let read = match &opened {
            Opened::Here(_) => &[],
            Opened::Comes(delivery) => delivery.read.filled(),
        };
        let written = exchange.outbox.append(&head) + exchange.outbox.append(read);
        let parsed =
            exchange
                .response
                .parse(exchange.outbox.filled(), exchange.request.method(), false);
        if written < head.len() + read.len() || parsed != Ok(Parsed::Complete) {
            // What is stored was parsed and bounded when it came in, so this does not happen.
            let why = "what is stored cannot be written";
            report.unserved(502, why);
            return self.answer_status(exchange, report, 502, why).await;
        }
        match opened {
            Opened::Here(body) => self.send_here(exchange, upload, report, &body).await,
            Opened::Comes(delivery) => {
                let Delivery { stream, home, .. } = *delivery;
                let leg = Leg::stored(stream, home, &report.tally);
                let delivered = self.deliver(exchange, upload, report, leg, None).await;
                delivered.unwrap_or(Next::End(Ending::Reset))
            }
        }
    }

    /// Counts the body bytes of a stored response, when `sent` bytes of it went out, head included.
    pub(in crate::proxy) fn served(&self, exchange: &Exchange, sent: u64) {
        if let Some(keeper) = &self.proxy.keeper {
            // A small body stands behind the head.
            let head = memmem::find(&exchange.response_head, b"\r\n\r\n").map_or(0, |at| at + 4);
            keeper.cells().served(sent.saturating_sub(head as u64));
        }
    }

    async fn send_here(
        &mut self,
        exchange: &mut Exchange,
        upload: &Upload,
        report: &mut Report,
        body: &[u8],
    ) -> Next {
        let begun = self.begin_response(exchange, upload, report, Instant::now(), None);
        let Ok(Begun { keep_alive, .. }) = begun else {
            return Next::End(Ending::Reset);
        };
        let before = report.tally.tx;
        let sent = &mut report.tally.tx;
        let is_sent = self.write(&exchange.response_head, body, sent).await;
        self.served(exchange, report.tally.tx - before);
        if is_sent && keep_alive {
            Next::KeepAlive
        } else {
            Next::End(Ending::Close)
        }
    }
}
