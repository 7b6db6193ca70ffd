//! What a client may do, and how much of it: every limit of HTTP/2 in one place.

use std::time::Duration;

use h2::server::Builder;

use crate::http::{FIELD_LIMIT, HEAD_LIMIT};

/// Requests at once on one connection.
const STREAMS: u32 = 128;

/// Requests at once with those that were taken back and are not cancelled yet.
pub(super) const MOST_TASKS: u32 = 2 * STREAMS;

/// Bytes of one request that a client may send ahead of its backend. With 64 KiB an upload over
/// loopback took three times as long, with 1 MiB it was no faster.
const STREAM_WINDOW: u32 = 512 << 10;

/// The same of all requests of a connection: thirty that stand still leave room for the others.
const CONNECTION_WINDOW: u32 = 16 << 20;

/// Bytes of one response that wait for the client to take them. More only costs memory: the backend
/// is read when there is room again.
pub(super) const SEND_BUFFER: usize = 64 << 10;

/// What the size of a head is counted in has 32 bytes more for each field (RFC 9113 §6.5.2). It is
/// the parser that refuses, with an answer and a trace line; this is what it has to be shown.
const HEADER_LIST: u32 = (HEAD_LIMIT + 32 * FIELD_LIMIT + (8 << 10)) as u32;

/// Small frames of data that wait to be read cost memory that no window counts: for each, what it
/// lacks to 256 bytes comes off this, and is given back when it is read.
const SMALL_FRAMES: usize = 1 << 20;

/// Requests that are taken back before they were looked at (CVE-2023-44487).
const RESET_UNSEEN: usize = 64;

/// Streams that we reset because of a client's mistakes, in the life of a connection.
const MISTAKES: usize = 1024;

/// Streams that we have reset whose last frames may still be on their way, and for how long.
const LATE_STREAMS: usize = 2 * STREAMS as usize;
const LATE: Duration = Duration::from_secs(5);

/// Requests that are taken back on top of those that were answered.
const TAKEN_BACK: u64 = 256;

/// Bytes of frames that carry nothing (settings, pings, priorities, window updates, empty ones), on
/// top of as many as a connection's requests and responses come to.
const CHATTER: u64 = 1 << 20;

/// A connection with open streams from which nothing comes is asked whether it is still there.
pub(super) const SILENCE: Duration = Duration::from_secs(30);

/// Time for a client to close after it was told to.
pub(super) const FAREWELL: Duration = Duration::from_secs(5);

/// The limits that the library keeps.
pub(super) fn builder() -> Builder {
    let mut builder = Builder::new();
    builder
        .max_concurrent_streams(STREAMS)
        .initial_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        // The smallest there is: what comes in one piece is held in one piece.
        .max_frame_size(16 << 10)
        .max_header_list_size(HEADER_LIST)
        // What RFC 9113 begins with; more would be memory for each idle connection.
        .header_table_size(4096)
        .max_send_buffer_size(SEND_BUFFER)
        .max_pending_accept_reset_streams(RESET_UNSEEN)
        .max_local_error_reset_streams(Some(MISTAKES))
        .max_concurrent_reset_streams(LATE_STREAMS)
        .reset_stream_duration(LATE)
        .data_frame_budget(SMALL_FRAMES);
    builder
}

/// Whether a client takes back so many requests that answering it makes no sense.
pub(super) fn is_fickle(taken_back: u64, answered: u64) -> bool {
    taken_back > TAKEN_BACK + answered
}

/// Whether a client sends so many frames that carry nothing, `chatter` bytes of them, that it is a
/// flood; `meant` is what requests and responses come to.
pub(super) fn is_flood(chatter: u64, meant: u64) -> bool {
    chatter > CHATTER + meant
}

#[cfg(test)]
mod tests {
    use super::{is_fickle, is_flood};

    #[test]
    fn who_takes_back_every_other_request_is_served_for_ever() {
        assert!(!is_fickle(1_000_000, 1_000_000));
        assert!(!is_fickle(256, 0));
        assert!(is_fickle(257, 0));
    }

    #[test]
    fn a_ping_for_each_frame_of_a_download_is_no_flood_and_nothing_but_pings_is() {
        let frames = 10_000_000;
        assert!(!is_flood(frames * (17 + 2 * 13), frames * 16_384));
        assert!(!is_flood(61_000 * 17, 0));
        assert!(is_flood(62_000 * 17, 0));
    }
}
