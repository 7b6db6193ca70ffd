//! What a TLS connection does next: one state of rustls at a time, with the bytes it needs.

use std::collections::VecDeque;
use std::fmt;

use rustls::Error;
use rustls::client::UnbufferedClientConnection;
use rustls::server::UnbufferedServerConnection;
use rustls::unbuffered::{
    ConnectionState, EncodeError, EncryptError, UnbufferedStatus, WriteTraffic,
};

use super::failure;
use crate::net::Buffer;

/// Plaintext that goes into one send, at most: four records of the largest size, which with their
/// framing fit into a [`Buffer`].
const MOST_AT_ONCE: usize = 64 << 10;

/// Plaintext from two places that is put together first: one record costs less than two.
const WORTH_JOINING: usize = 4 << 10;

/// Either side of a TLS connection.
pub(super) enum Connection {
    /// The peer came to us.
    Server(UnbufferedServerConnection),
    /// We went to the peer.
    Client(UnbufferedClientConnection),
}

/// Which side it is: of keys nothing is printed.
impl fmt::Debug for Connection {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Connection::Server(_) => "Server",
            Connection::Client(_) => "Client",
        })
    }
}

/// What is wanted of a connection.
pub(super) enum Wish<'a> {
    /// To go on with what has arrived; application data goes to the slice first.
    Read(&'a mut [u8]),
    /// To encrypt from the first, then the second slice.
    Write(&'a [u8], &'a [u8]),
    /// To say that nothing more is to come (RFC 8446 §6.1).
    Goodbye,
}

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// So many bytes were decrypted for the reader; more may be in the queue.
    Read(usize),
    /// So many bytes were encrypted, or the goodbye was.
    Written(usize),
    /// The peer says that nothing more is to come from it.
    PeerClosed,
    /// Both sides have said so.
    Closed,
    /// Something was done; ask again.
    Again,
    /// Nothing can be done before more has arrived; the flag says that hands are still being
    /// shaken.
    NeedMore(bool),
}

impl Connection {
    /// Takes one step. `incoming` is what has arrived and was not used yet; the second value says
    /// how many bytes of it are used up. What is to be sent is appended to `outgoing`, application
    /// data without a reader to `plaintext`.
    pub(super) fn step(
        &mut self,
        incoming: &mut [u8],
        outgoing: &mut Buffer,
        plaintext: &mut VecDeque<Vec<u8>>,
        wish: Wish<'_>,
    ) -> (Result<Step, Error>, usize) {
        match self {
            Connection::Server(connection) => settle(
                connection.process_tls_records(incoming),
                outgoing,
                plaintext,
                wish,
            ),
            Connection::Client(connection) => settle(
                connection.process_tls_records(incoming),
                outgoing,
                plaintext,
                wish,
            ),
        }
    }

    /// A failure of it, in an operator's words.
    pub(super) fn describe(&self, error: &Error) -> String {
        match self {
            Connection::Server(_) => failure::describe_client(error),
            Connection::Client(_) => failure::describe(error),
        }
    }

    /// The protocol that both sides agreed on (RFC 7301).
    pub(super) fn protocol(&self) -> Option<&[u8]> {
        match self {
            Connection::Server(connection) => connection.alpn_protocol(),
            Connection::Client(connection) => connection.alpn_protocol(),
        }
    }
}

fn settle<Side>(
    status: UnbufferedStatus<'_, '_, Side>,
    outgoing: &mut Buffer,
    plaintext: &mut VecDeque<Vec<u8>>,
    wish: Wish<'_>,
) -> (Result<Step, Error>, usize) {
    let UnbufferedStatus { mut discard, state } = status;
    let step = match state {
        Err(error) => Err(error),
        Ok(ConnectionState::EncodeTlsData(mut data)) => match data.encode(outgoing.free()) {
            Ok(count) => {
                outgoing.advance(count);
                Ok(Step::Again)
            }
            Err(EncodeError::InsufficientSize(_) | EncodeError::AlreadyEncoded) => {
                Err(too_large("a handshake message"))
            }
        },
        Ok(ConnectionState::TransmitTlsData(data)) => {
            // It is in `outgoing`, which is sent in order before anything is waited for.
            data.done();
            Ok(Step::Again)
        }
        Ok(ConnectionState::ReadTraffic(mut traffic)) => {
            let mut reader = match wish {
                Wish::Read(reader) => reader,
                Wish::Write(..) | Wish::Goodbye => &mut [],
            };
            let mut read = 0;
            let mut failed = None;
            while let Some(record) = traffic.next_record() {
                match record {
                    Ok(record) => {
                        discard += record.discard;
                        let now = record.payload.len().min(reader.len());
                        let (here, rest) = reader.split_at_mut(now);
                        here.copy_from_slice(&record.payload[..now]);
                        reader = rest;
                        read += now;
                        if now < record.payload.len() {
                            plaintext.push_back(record.payload[now..].to_vec());
                        }
                    }
                    Err(error) => {
                        failed = Some(error);
                        break;
                    }
                }
            }
            match failed {
                Some(error) => Err(error),
                None => Ok(Step::Read(read)),
            }
        }
        Ok(ConnectionState::WriteTraffic(traffic)) => match wish {
            Wish::Read(_) => Ok(Step::NeedMore(false)),
            Wish::Write(first, second) => encrypt(traffic, first, second, outgoing),
            Wish::Goodbye => goodbye(traffic, outgoing),
        },
        Ok(ConnectionState::BlockedHandshake) => Ok(Step::NeedMore(true)),
        Ok(ConnectionState::PeerClosed) => Ok(Step::PeerClosed),
        Ok(ConnectionState::Closed) => Ok(Step::Closed),
        // Early data is not offered: a replayed request would be carried out twice (RFC 8470).
        Ok(_) => Err(Error::General("early data that nobody offered".to_owned())),
    };
    (step, discard)
}

fn encrypt<Side>(
    mut traffic: WriteTraffic<'_, Side>,
    first: &[u8],
    second: &[u8],
    outgoing: &mut Buffer,
) -> Result<Step, Error> {
    let both = first.len() + second.len();
    if !first.is_empty() && !second.is_empty() && both <= WORTH_JOINING {
        let free = outgoing.free();
        let place = free.len() - both;
        let (sealed, joined) = free.split_at_mut(place);
        joined[..first.len()].copy_from_slice(first);
        joined[first.len()..].copy_from_slice(second);
        let count = traffic
            .encrypt(joined, sealed)
            .map_err(|error| exhausted(&error))?;
        outgoing.advance(count);
        return Ok(Step::Written(both));
    }
    let first = &first[..first.len().min(MOST_AT_ONCE)];
    let second = &second[..second.len().min(MOST_AT_ONCE - first.len())];
    for part in [first, second] {
        if !part.is_empty() {
            let count = traffic
                .encrypt(part, outgoing.free())
                .map_err(|error| exhausted(&error))?;
            outgoing.advance(count);
        }
    }
    Ok(Step::Written(first.len() + second.len()))
}

fn goodbye<Side>(
    mut traffic: WriteTraffic<'_, Side>,
    outgoing: &mut Buffer,
) -> Result<Step, Error> {
    let count = traffic
        .queue_close_notify(outgoing.free())
        .map_err(|error| exhausted(&error))?;
    outgoing.advance(count);
    Ok(Step::Written(0))
}

fn too_large(what: &str) -> Error {
    Error::General(format!("{what} is larger than can be held"))
}

fn exhausted(error: &EncryptError) -> Error {
    match error {
        EncryptError::InsufficientSize(_) => too_large("a record"),
        EncryptError::EncryptExhausted => {
            Error::General("more was sent than one key may encrypt".to_owned())
        }
    }
}
