//! Ending a connection so that the client gets what was sent to it.

use std::future::poll_fn;
use std::task::Poll;
use std::time::Duration;

use crate::net::{Buffer, Stream, Ticket};
use crate::proxy::connection::Ending;

/// Silence after which a lingering connection is closed.
const LINGER: Duration = Duration::from_secs(5);
/// Bytes a lingering connection may still send; a client that ignores the answer for longer is
/// told by a reset.
const LINGER_BYTES: usize = 64 * 1024 * 1024;

pub(super) async fn close(mut client: Stream, ticket: &Ticket, ending: Ending) {
    match ending {
        Ending::Close => client.close(),
        Ending::Linger => linger(&mut client, ticket).await,
        Ending::Reset => client.reset(),
    }
}

async fn linger(client: &mut Stream, ticket: &Ticket) {
    ticket.set(LINGER);
    let mut shut = false;
    let mut seen = 0;
    let mut buffer: Option<Buffer> = None;
    poll_fn(|context| {
        if !shut {
            match client.poll_shutdown(context) {
                Poll::Ready(Ok(())) => shut = true,
                Poll::Ready(Err(_)) => return Poll::Ready(()),
                Poll::Pending => return Poll::Pending,
            }
        }
        loop {
            if ticket.is_over() || seen > LINGER_BYTES {
                return Poll::Ready(());
            }
            if buffer.is_none() {
                match client.poll_readable(context) {
                    Poll::Ready(Ok(())) => {}
                    Poll::Ready(Err(_)) => return Poll::Ready(()),
                    Poll::Pending => return Poll::Pending,
                }
            }
            let waste = buffer.get_or_insert_default();
            waste.clear();
            match client.poll_read(context, waste) {
                Poll::Ready(Ok(count @ 1..)) => {
                    seen += count;
                    ticket.set(LINGER);
                }
                Poll::Ready(_) => return Poll::Ready(()),
                Poll::Pending => return Poll::Pending,
            }
        }
    })
    .await;
}
