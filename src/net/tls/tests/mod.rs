//! Keys in every form, and handshakes with every kind of peer.

mod handshakes;
mod keys;
mod self_signed;
mod sessions;
