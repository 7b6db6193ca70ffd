//! TLS towards clients, from what its files hold or from nothing.

use std::cell::RefCell;
use std::sync::Arc;
use std::time::SystemTime;

use super::dates::Dates;
use super::named_file::IdentityContent;
use crate::config::{Host, IdentityFiles, TlsVersion};
use crate::net::tls::{Identity, Leaf, Presented, SelfSigned, TlsAcceptor};

/// How clients are accepted, and what an operator should know of it.
pub(super) struct Listener {
    pub(super) presented: Arc<Presented>,
    pub(super) acceptor: Arc<TlsAcceptor>,
    pub(super) lines: Vec<String>,
    /// Of a certificate from a file; one that is made at the start has no other after it.
    dates: RefCell<Option<Dates>>,
}

impl Listener {
    /// Shows the certificate of these files.
    ///
    /// # Errors
    /// One line that names the file at fault.
    pub(super) fn new(
        files: &IdentityFiles,
        content: &IdentityContent,
        newest: TlsVersion,
        now: SystemTime,
    ) -> Result<Self, String> {
        let identity = content.identity(files)?;
        let lines = lines(content, identity.leaf(), now);
        let listener = Self::showing(&identity, lines, newest)?;
        listener.watch_dates(content.cert.to_string(), &identity, now);
        Ok(listener)
    }

    /// Shows a certificate that is made now.
    ///
    /// # Errors
    /// One line: a name that no certificate can state.
    pub(super) fn self_signed(
        names: &[Host],
        newest: TlsVersion,
        now: SystemTime,
    ) -> Result<Self, String> {
        let made =
            SelfSigned::new(names, now).map_err(|error| format!("`--auto-tls-host`: {error}"))?;
        let lines = vec![
            format!("self-signed certificate for {}", made.identity().leaf()),
            format!("its SHA-256 fingerprint is {}", made.fingerprint()),
            format!("its public key for `curl --pinnedpubkey` is {}", made.pin()),
        ];
        Self::showing(made.identity(), lines, newest)
    }

    fn showing(
        identity: &Identity,
        lines: Vec<String>,
        newest: TlsVersion,
    ) -> Result<Self, String> {
        let presented = Arc::new(Presented::new(identity));
        let acceptor = TlsAcceptor::new(Arc::clone(&presented), newest)
            .map_err(|error| format!("TLS cannot be set up: {error}"))?;
        Ok(Self {
            presented,
            acceptor: Arc::new(acceptor),
            lines,
            dates: RefCell::default(),
        })
    }

    /// Shows another certificate of the same file from now on.
    pub(super) fn replace(&self, file: String, identity: &Identity, now: SystemTime) {
        self.presented.replace(identity);
        self.watch_dates(file, identity, now);
    }

    /// What there is to tell of the dates and was not told yet.
    pub(super) fn news_of_dates(&self, now: SystemTime) -> Option<String> {
        self.dates.borrow_mut().as_mut()?.news(now)
    }

    fn watch_dates(&self, file: String, identity: &Identity, now: SystemTime) {
        let dates = Dates::new(file, identity.leaf().clone(), now);
        self.dates.replace(Some(dates));
    }
}

/// What an operator should know of a certificate that clients are shown.
pub(super) fn lines(content: &IdentityContent, leaf: &Leaf, now: SystemTime) -> Vec<String> {
    let shown = format!("{} is shown to clients: {leaf}", content.cert);
    let warning = leaf.warning(now).map(|line| content.cert.blame(line));
    std::iter::once(shown).chain(warning).collect()
}
