//! TLS towards backends.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use rustls::ClientConfig;
use rustls::client::Resumption;

use super::identity::Identity;
use super::presented::Presented;
use super::verifier::{Trust, Verifier};
use super::{provider, versions};
use crate::config::TlsVersion;

/// Names whose sessions are remembered: more than the backends that are dialed again and again.
const SESSIONS: usize = 256;

/// What workers and health checks share to connect by TLS. It is replaced as a whole when what is
/// trusted or shown changes; connections made before have an older generation.
#[derive(Debug)]
pub struct TlsConnector {
    /// Held for as long as it takes to copy the pointer, once a connection.
    current: RwLock<Arc<ClientConfig>>,
    generation: AtomicU64,
}

impl TlsConnector {
    /// Connects by this configuration, generation 0.
    pub fn new(config: Arc<ClientConfig>) -> Self {
        Self {
            current: RwLock::new(config),
            generation: AtomicU64::new(0),
        }
    }

    /// What to connect by now.
    pub fn current(&self) -> Arc<ClientConfig> {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&current)
    }

    /// How often it was replaced. Read it before [`TlsConnector::current`]: a connection may then be
    /// thought older than it is, and never newer.
    pub fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    /// Connects by another configuration from now on.
    pub fn replace(&self, config: Arc<ClientConfig>) {
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        *current = config;
        self.generation.fetch_add(1, Ordering::Release);
    }
}

/// TLS up to `newest` for HTTP/1.1, with sessions resumed from memory. A backend that asks for a
/// certificate is shown `identity`.
///
/// # Errors
/// The versions and ciphers do not go together, which no argument can bring about.
pub fn client_config(
    trust: Trust,
    identity: Option<&Identity>,
    newest: TlsVersion,
) -> Result<Arc<ClientConfig>, rustls::Error> {
    let builder = ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(&versions(newest))?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Verifier::new(trust)));
    let mut config = match identity {
        Some(identity) => builder.with_client_cert_resolver(Arc::new(Presented::new(identity))),
        None => builder.with_no_client_auth(),
    };
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    config.resumption = Resumption::in_memory_sessions(SESSIONS);
    Ok(Arc::new(config))
}
