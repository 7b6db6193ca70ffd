//! HTTP/2 from clients: each of its streams runs the very path of an HTTP/1.1 request.
//!
//! One task has the connection and its frames; one task a stream has a request. A stream looks like
//! a connection that brings one request and takes one response, both as text: see
//! `docs/http2.md`.

mod frames;
mod incoming;
mod ledger;
mod outgoing;
mod request;
mod response;
mod session;
mod settings;
mod stream;

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::rc::Rc;
use std::task::Poll;

use bytes::Bytes;
use h2::server;

use frames::WatchedIo;
use session::Session;
pub(super) use stream::Http2Stream;

use super::Proxy;
use super::http1::Switched;
use crate::net::{StreamIo, StreamPump, Ticket};

/// With which a client begins (RFC 9113 §3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Whether a connection that begins with `bytes` is one of HTTP/2; `None` when more is needed to
/// say.
pub(super) fn begins_with_preface(bytes: &[u8]) -> Option<bool> {
    if bytes.starts_with(PREFACE) {
        Some(true)
    } else if PREFACE.starts_with(bytes) {
        None
    } else {
        Some(false)
    }
}

/// Serves an HTTP/2 connection to its end. Its streams may outlive it by a moment.
pub(super) async fn serve(proxy: Rc<Proxy>, switched: Switched) {
    let Switched {
        stream,
        ticket,
        peer,
        read,
    } = switched;
    let (io, pump) = StreamIo::new(stream, &read, Rc::clone(&proxy.buffers));
    drop(read);
    let (io, seen) = WatchedIo::new(io, PREFACE.len());
    ticket.set(proxy.parts.limits.header);
    let Some(connection) = handshake(io, &pump, &ticket).await else {
        return;
    };
    let mut session = Session::new(proxy, connection, (pump, seen), ticket, peer);
    poll_fn(|context| session.poll(context)).await;
}

/// Exchanges the first words, within the time for a request head.
async fn handshake(
    io: WatchedIo,
    pump: &StreamPump,
    ticket: &Ticket,
) -> Option<server::Connection<WatchedIo, Bytes>> {
    let mut handshake = pin!(settings::builder().handshake(io));
    poll_fn(|context| {
        if ticket.is_over() {
            return Poll::Ready(None);
        }
        let shaken = handshake.as_mut().poll(context);
        if let Poll::Ready(Err(_)) = pump.poll_send(context) {
            return Poll::Ready(None);
        }
        shaken.map(Result::ok)
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::{PREFACE, begins_with_preface};

    #[test]
    fn a_preface_is_told_by_its_last_byte_and_anything_else_by_the_first_that_differs() {
        for length in 0..PREFACE.len() {
            assert_eq!(begins_with_preface(&PREFACE[..length]), None);
            let mut other = PREFACE[..=length].to_vec();
            other[length] ^= 1;
            assert_eq!(begins_with_preface(&other), Some(false));
        }
        assert_eq!(begins_with_preface(PREFACE), Some(true));
        assert_eq!(begins_with_preface(&[PREFACE, b"x"].concat()), Some(true));
    }
}
