//! The certificates of both sides: read at the start, and read again when their files change.
//!
//! Content is compared, not times: links that are swapped, as Kubernetes does, and files that are
//! written anew with the same content are both taken for what they are. What is new is built and
//! checked before anything is replaced; when it is no good, what works stays.

mod backends;
mod dates;
mod listener;
mod look;
mod named_file;
#[cfg(test)]
mod tests;
mod vigil;

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::sync::Notify;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use self::backends::connecting;
use self::listener::Listener;
use self::look::{Found, Renewed, look_at_backends, look_at_listener};
use self::named_file::{BackendContent, IdentityContent};
use self::vigil::Vigil;
use super::StartError;
use super::news::News;
use crate::config::{CacheConfig, Config, ListenerTls, Scheme, SiteConfig, TlsConfig};
use crate::event::Severity;
use crate::net::tls::{Presented, TlsAcceptor, TlsConnector};

/// How often the files are looked at.
const EVERY: Duration = Duration::from_secs(5);

/// What clients and backends are shown and believed, as the files say now.
pub(super) struct Certificates {
    tls: TlsConfig,
    /// Whether any backend, or the cache's store, is connected to by TLS.
    has_https: Cell<bool>,
    listener: Option<Listener>,
    connector: Arc<TlsConnector>,
    listener_vigil: RefCell<Vigil>,
    backends_vigil: RefCell<Vigil>,
    /// Somebody wants the files to be looked at now.
    asked: Notify,
    /// What is to be told at the start.
    lines: Vec<(Severity, String)>,
}

impl Certificates {
    /// Reads all files.
    ///
    /// # Errors
    /// One line: a file cannot be read or used.
    pub(super) fn open(config: &Config, now: SystemTime) -> Result<Rc<Self>, StartError> {
        let tls = config.tls.clone();
        let cache = config.cache.as_ref();
        let has_https = has_https(&config.sites) || cache.is_some_and(CacheConfig::connects_by_tls);
        let (listener, listener_vigil) = match &tls.listener {
            ListenerTls::Plain => (None, Vigil::new([0; 32])),
            ListenerTls::SelfSigned(names) => {
                let listener = Listener::self_signed(names, tls.newest, now);
                (
                    Some(listener.map_err(StartError::new)?),
                    Vigil::new([0; 32]),
                )
            }
            ListenerTls::Files(files) => {
                let content = IdentityContent::of_listener(files);
                let listener = Listener::new(files, &content, tls.newest, now);
                let vigil = Vigil::new(content.digest());
                (Some(listener.map_err(StartError::new)?), vigil)
            }
        };
        let content = BackendContent::read(&tls.backends);
        let connecting = connecting(&tls.backends, tls.newest, has_https, &content, now)
            .map_err(StartError::new)?;
        let severity = severity(connecting.is_futile);
        let of_listener = listener.iter().flat_map(|listener| listener.lines.iter());
        let lines = of_listener
            .map(|line| (Severity::Info, line.clone()))
            .chain(connecting.lines.into_iter().map(|line| (severity, line)))
            .collect();
        Ok(Rc::new(Self {
            tls,
            has_https: Cell::new(has_https),
            listener,
            connector: Arc::new(TlsConnector::new(connecting.config)),
            listener_vigil: RefCell::new(listener_vigil),
            backends_vigil: RefCell::new(Vigil::new(content.digest())),
            asked: Notify::new(),
            lines,
        }))
    }

    /// What workers accept by; `None` when clients connect in clear text.
    pub(super) fn acceptor(&self) -> Option<Arc<TlsAcceptor>> {
        let listener = self.listener.as_ref()?;
        Some(Arc::clone(&listener.acceptor))
    }

    /// What clients are shown, and may ask for.
    pub(super) fn presented(&self) -> Option<Arc<Presented>> {
        let listener = self.listener.as_ref()?;
        Some(Arc::clone(&listener.presented))
    }

    /// What workers and health checks connect by.
    pub(super) fn connector(&self) -> &Arc<TlsConnector> {
        &self.connector
    }

    /// How clients connect.
    pub(super) fn scheme(&self) -> Scheme {
        match self.listener {
            Some(_) => Scheme::Https,
            None => Scheme::Http,
        }
    }

    /// What was read at the start, a line each.
    pub(super) fn lines(&self) -> &[(Severity, String)] {
        &self.lines
    }

    /// What was found in files: the lines without those of a certificate made just now.
    pub(super) fn findings(&self) -> impl Iterator<Item = &str> {
        let made = match &self.tls.listener {
            ListenerTls::SelfSigned(_) => self.listener.as_ref(),
            ListenerTls::Plain | ListenerTls::Files(_) => None,
        };
        let skipped = made.map_or(0, |listener| listener.lines.len());
        self.lines
            .iter()
            .skip(skipped)
            .map(|(_, line)| line.as_str())
    }

    /// Looks at the files now, and says what is wrong with them even if it was said before.
    pub(super) fn look_now(&self) {
        self.asked.notify_one();
    }

    /// Prepares for sites that are about to be connected to: the first of them by TLS needs to know
    /// whom to trust before it is checked.
    ///
    /// # Errors
    /// One line: a file cannot be read or used.
    pub(super) fn prepare(
        &self,
        sites: &[SiteConfig],
        news: &News,
        now: SystemTime,
    ) -> Result<(), String> {
        if self.has_https.get() || !has_https(sites) {
            return Ok(());
        }
        let content = BackendContent::read(&self.tls.backends);
        let made = connecting(&self.tls.backends, self.tls.newest, true, &content, now)?;
        self.has_https.set(true);
        self.connector.replace(made.config);
        self.backends_vigil.borrow_mut().took(content.digest());
        for line in made.lines {
            news.tell(severity(made.is_futile), line);
        }
        Ok(())
    }

    /// Keeps looking, for as long as the process serves. Must run inside the control thread's
    /// runtime.
    pub(super) async fn watch(self: Rc<Self>, news: News) {
        loop {
            let asked = if self.has_files() {
                timeout(EVERY, self.asked.notified()).await.is_ok()
            } else {
                self.asked.notified().await;
                true
            };
            self.look_at_listener(asked, &news).await;
            self.look_at_backends(asked, &news).await;
        }
    }

    fn has_files(&self) -> bool {
        let backends = &self.tls.backends;
        matches!(self.tls.listener, ListenerTls::Files(_))
            || backends.cacert.is_some()
            || backends.identity.is_some()
    }

    async fn look_at_listener(&self, asked: bool, news: &News) {
        let (Some(listener), ListenerTls::Files(files)) = (&self.listener, &self.tls.listener)
        else {
            return;
        };
        let (files, vigil) = (files.clone(), self.listener_vigil.borrow().clone());
        let look =
            spawn_blocking(move || look_at_listener(&files, vigil, asked, SystemTime::now()));
        let Ok((vigil, found)) = look.await else {
            return;
        };
        self.listener_vigil.replace(vigil);
        let now = SystemTime::now();
        tell(found, news, |Renewed { file, identity }| {
            listener.replace(file, &identity, now);
        });
        if let Some(line) = listener.news_of_dates(now) {
            news.tell(Severity::Info, line);
        }
    }

    async fn look_at_backends(&self, asked: bool, news: &News) {
        let (tls, vigil) = (self.tls.clone(), self.backends_vigil.borrow().clone());
        let has_https = self.has_https.get();
        let look = spawn_blocking(move || {
            look_at_backends(&tls, has_https, vigil, asked, SystemTime::now())
        });
        let Ok((vigil, found)) = look.await else {
            return;
        };
        // Meanwhile it may have been prepared for other sites.
        if self.has_https.get() != has_https {
            return;
        }
        self.backends_vigil.replace(vigil);
        tell(found, news, |config| self.connector.replace(config));
    }
}

fn tell<T>(found: Found<T>, news: &News, take: impl FnOnce(T)) {
    match found {
        Found::Nothing => {}
        Found::New(new, lines) => {
            take(new);
            for line in lines {
                news.tell(Severity::Info, line);
            }
        }
        Found::Bad(line) => {
            let text = format!("{line}; what was read before stays in use");
            news.tell(Severity::Error, text);
        }
    }
}

fn has_https(sites: &[SiteConfig]) -> bool {
    sites.iter().any(|site| site.scheme() == Scheme::Https)
}

fn severity(is_futile: bool) -> Severity {
    if is_futile {
        Severity::Error
    } else {
        Severity::Info
    }
}
