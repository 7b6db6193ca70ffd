//! TLS towards clients.

use std::sync::Arc;

use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs::Ticketer;
use rustls::server::ServerSessionMemoryCache;

use super::client_hello::prefers_http2;
use super::presented::Presented;
use super::{provider, versions};
use crate::config::TlsVersion;

/// Sessions remembered for clients of TLS 1.2 that take no tickets: hardly anybody.
const SESSIONS: usize = 64;

const HTTP2: &[u8] = b"h2";
const HTTP1: &[u8] = b"http/1.1";

/// What workers share to accept TLS: two configurations that are one but for the order of
/// protocols, since the library picks by the server's order and the choice is the client's.
#[derive(Debug)]
pub struct TlsAcceptor {
    http2_first: Arc<ServerConfig>,
    http1_first: Arc<ServerConfig>,
}

impl TlsAcceptor {
    /// Shows `presented` to clients, whatever it holds at the time.
    ///
    /// # Errors
    /// The system has no random numbers to give.
    pub fn new(presented: Arc<Presented>, newest: TlsVersion) -> Result<Self, rustls::Error> {
        let http2_first = server_config(presented, newest)?;
        let mut http1_first = ServerConfig::clone(&http2_first);
        http1_first.alpn_protocols.reverse();
        Ok(Self {
            http2_first,
            http1_first: Arc::new(http1_first),
        })
    }

    /// The configuration for the client that begins with these bytes, none of them taken away. Ask
    /// when [`super::is_whole`] says so; before, the answer is a guess.
    pub fn config_for(&self, client_hello: &[u8]) -> Arc<ServerConfig> {
        Arc::clone(match prefers_http2(client_hello) {
            Some(false) => &self.http1_first,
            Some(true) | None => &self.http2_first,
        })
    }
}

/// TLS up to `newest` without client certificates; tickets (RFC 8446 §4.6.1) whose keys rotate, and
/// no early data, which could be replayed.
///
/// # Errors
/// The system has no random numbers to give.
pub fn server_config(
    presented: Arc<Presented>,
    newest: TlsVersion,
) -> Result<Arc<ServerConfig>, rustls::Error> {
    let mut config = ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(&versions(newest))?
        .with_no_client_auth()
        .with_cert_resolver(presented);
    config.alpn_protocols = vec![HTTP2.to_vec(), HTTP1.to_vec()];
    config.ticketer = Ticketer::new()?;
    config.session_storage = ServerSessionMemoryCache::new(SESSIONS);
    config.max_early_data_size = 0;
    config.send_half_rtt_data = false;
    Ok(Arc::new(config))
}
