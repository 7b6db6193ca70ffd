//! One HTTP/1.1 connection: its requests one after the other, until one side has enough.

mod closing;
mod read;

use read::Read;

use super::connection::{Connection, Ending, Next};
use super::exchange::Exchange;
use crate::http::{S3Error, Version};

impl Connection<'_> {
    /// Serves an HTTP/1.1 connection to its end. If it begins with the preface of HTTP/2 (RFC 9113
    /// §3.4), it stays open, and what was read of it is given back.
    pub(super) async fn run(&mut self) -> Option<Vec<u8>> {
        let mut may_switch = true;
        while self.is_asked_again().await {
            // Only a connection in use owns an exchange with its buffers.
            let mut exchange = self.proxy.exchanges.take();
            let next = self.requests(&mut exchange, &mut may_switch).await;
            let read = (next == Next::Http2).then(|| exchange.inbox.filled().to_vec());
            self.proxy.put_back(exchange);
            match next {
                Next::KeepAlive => {}
                Next::Http2 => return read,
                Next::End(ending) => {
                    self.close(ending).await;
                    return None;
                }
            }
        }
        self.close(Ending::Close).await;
        None
    }

    /// Serves the request that has begun to arrive, and those pipelined behind it.
    pub(super) async fn requests(
        &mut self,
        exchange: &mut Exchange,
        may_switch: &mut bool,
    ) -> Next {
        loop {
            exchange.begin();
            match self.read_head(exchange, may_switch).await {
                Read::Head => {}
                Read::Preface => return Next::Http2,
                Read::Nothing => return Next::KeepAlive,
                Read::Closed => return Next::End(Ending::Close),
                Read::TimedOut => return self.refuse(exchange, &TIMED_OUT, Version::Http11).await,
                Read::Refused(rule) => {
                    let version = Version::Http11;
                    return self
                        .refuse(exchange, &S3Error::refused(rule, b"", ""), version)
                        .await;
                }
            }
            let next = self.respond(exchange).await;
            if next != Next::KeepAlive || exchange.inbox.is_empty() {
                return next;
            }
        }
    }
}

const TIMED_OUT: S3Error<'_> = S3Error {
    status: 408,
    code: "RequestTimeout",
    message: "the request head did not arrive in time",
    resource: b"",
    request_id: "",
};
