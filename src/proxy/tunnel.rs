//! Bytes both ways after 101, until both sides are done.

use std::future::poll_fn;
use std::task::{Context, Poll};

use super::exchange::{Exchange, Tally};
use crate::net::{Buffer, Stream};

/// One direction of a tunnel.
#[derive(Debug, Default)]
struct Direction {
    from: usize,
    /// The source has ended; what it sent may still be on its way.
    ended: bool,
    /// The end was passed on.
    closed: bool,
}

impl Direction {
    /// Moves what can be moved now. Ready when this direction is done; an error ends the tunnel.
    fn poll(
        &mut self,
        source: &mut Stream,
        target: &mut Stream,
        buffer: &mut Buffer,
        moved: &mut u64,
        context: &mut Context<'_>,
    ) -> Poll<Result<(), ()>> {
        loop {
            let pending = &buffer.filled()[self.from..];
            if !pending.is_empty() {
                match target.poll_write(context, pending, &[]) {
                    Poll::Ready(Ok(count @ 1..)) => {
                        self.from += count;
                        *moved += count as u64;
                    }
                    Poll::Ready(_) => return Poll::Ready(Err(())),
                    Poll::Pending => return Poll::Pending,
                }
                continue;
            }
            buffer.clear();
            self.from = 0;
            if self.closed {
                return Poll::Ready(Ok(()));
            }
            if self.ended {
                match target.poll_shutdown(context) {
                    Poll::Ready(_) => self.closed = true,
                    Poll::Pending => return Poll::Pending,
                }
                continue;
            }
            match source.poll_read(context, buffer) {
                Poll::Ready(Ok(0)) => self.ended = true,
                Poll::Ready(Ok(_)) => {}
                Poll::Ready(Err(_)) => return Poll::Ready(Err(())),
                Poll::Pending => return Poll::Pending,
            }
        }
    }
}

/// Sends the head of the 101, then runs a tunnel between client and backend, beginning with what
/// is left in the exchange's buffers. Half-closed tunnels go on in the other direction.
pub(super) async fn run(
    client: &mut Stream,
    backend: &mut Stream,
    exchange: &mut Exchange,
    tally: &mut Tally,
) {
    let Exchange {
        inbox,
        outbox,
        response_head,
        ..
    } = exchange;
    let (mut up, mut down) = (Direction::default(), Direction::default());
    let mut head_sent = 0;
    poll_fn(|context| {
        while let Some(rest @ [_, ..]) = response_head.get(head_sent..) {
            match client.poll_write(context, rest, &[]) {
                Poll::Ready(Ok(count @ 1..)) => {
                    head_sent += count;
                    tally.tx += count as u64;
                }
                Poll::Ready(_) => return Poll::Ready(()),
                Poll::Pending => return Poll::Pending,
            }
        }
        let upward = up.poll(client, backend, inbox, &mut tally.rx, context);
        let downward = down.poll(backend, client, outbox, &mut tally.tx, context);
        match (upward, downward) {
            (Poll::Ready(Err(())), _)
            | (_, Poll::Ready(Err(())))
            | (Poll::Ready(Ok(())), Poll::Ready(Ok(()))) => Poll::Ready(()),
            _ => Poll::Pending,
        }
    })
    .await;
}
