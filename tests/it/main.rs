//! The contract, tested from outside: the real binary, scripted origins on raw sockets, a raw
//! client, one file a guarantee. `wire` replays the transcripts of `tests/wire`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stderr,
    reason = "a test fails by panicking, and says what it saw"
)]

mod balance;
mod cache;
mod certificates;
mod crowd;
mod dns;
mod drain;
mod early_answer;
mod failover;
mod flags;
mod forwarding;
mod framing;
mod handshake;
mod health;
mod hop_by_hop;
mod http10;
mod http2;
mod http2_limits;
mod interim;
mod keep_alive;
mod large_bodies;
mod local_paths;
mod matrix;
mod outage;
mod output;
mod reload;
mod resume;
mod retry;
mod rotation;
mod splice;
mod stall;
mod strict_requests;
mod strict_responses;
mod terminal;
mod tls_vocabulary;
mod trickle;
mod upgrade;
mod vocabulary;
mod wire;
mod workers;
mod xml_errors;
