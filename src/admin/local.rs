//! The paths of the data port that never reach a backend.

use std::sync::Arc;
use std::time::Instant;

use super::Figures;
use crate::http::{Method, Reply};
use crate::metrics::{Format, exposition};
use crate::net::tls::Presented;

/// A path of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Page {
    /// `/v1/health`: whether any site can serve.
    Health,
    /// `/v1/certificates`: the certificate that clients should trust.
    Certificates,
    /// `/.prometheus/metrics`.
    Metrics(Format),
}

/// Answers the local paths.
#[derive(Debug)]
pub struct Local {
    figures: Arc<Figures>,
    presented: Option<Arc<Presented>>,
}

impl Local {
    /// Answers by these figures.
    pub fn new(figures: Arc<Figures>) -> Self {
        Self {
            figures,
            presented: None,
        }
    }

    /// With the certificate that clients are shown.
    #[must_use]
    pub fn showing(self, presented: Option<Arc<Presented>>) -> Self {
        Self { presented, ..self }
    }

    /// The page that a request is for; `None` for a backend's. Only GET and HEAD of exactly our
    /// paths are ours.
    pub fn page(method: Method, path: &[u8], accept: impl FnOnce() -> Format) -> Option<Page> {
        // Nearly every path is a backend's, and ends its look-up here.
        if !path.starts_with(b"/v1/") && !path.starts_with(b"/.prometheus/") {
            return None;
        }
        if !matches!(method, Method::Get | Method::Head) {
            return None;
        }
        match path {
            b"/v1/health" => Some(Page::Health),
            b"/v1/certificates" => Some(Page::Certificates),
            b"/.prometheus/metrics" => Some(Page::Metrics(accept())),
            _ => None,
        }
    }

    /// The page as it is now. Made off the worker's thread where it takes longer.
    pub async fn answer(&self, page: Page, draining: bool) -> Reply {
        match page {
            Page::Health => self.health(draining),
            Page::Certificates => self.certificates(),
            Page::Metrics(format) => self.metrics(format).await,
        }
    }

    fn health(&self, draining: bool) -> Reply {
        if draining {
            return text(503, "shutting down\n");
        }
        if self.figures.publisher().current().can_serve() {
            text(200, "")
        } else {
            text(502, "no backend is up\n").field("Retry-After", "1")
        }
    }

    /// The chain as it is shown now. The type is the one by which desktops know a certificate, so
    /// that a browser offers to look at it or keep it.
    fn certificates(&self) -> Reply {
        match &self.presented {
            None => text(404, "no certificate: this listener speaks plain HTTP\n"),
            Some(presented) => Reply::new(200)
                .content_type("application/x-pem-file")
                .body(presented.pem().into_bytes()),
        }
    }

    async fn metrics(&self, format: Format) -> Reply {
        let figures = Arc::clone(&self.figures);
        let page =
            tokio::task::spawn_blocking(move || exposition(figures.scrape(Instant::now()), format));
        match page.await {
            Ok(page) => Reply::new(200)
                .content_type(format.content_type())
                .body(page.into_bytes()),
            Err(_) => text(500, "the figures could not be summed up\n"),
        }
    }
}

fn text(status: u16, body: &'static str) -> Reply {
    Reply::new(status)
        .content_type("text/plain; charset=utf-8")
        .body(body.as_bytes())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::{Duration, Instant, UNIX_EPOCH};

    use super::{Figures, Local, Page};
    use crate::balance::LoadTable;
    use crate::config::Host;
    use crate::event;
    use crate::http::{Method, Reply, Version};
    use crate::metrics::{Format, ProcessMetrics};
    use crate::net::tls::{Presented, SelfSigned};
    use crate::topology::{Publisher, Snapshot};

    fn page(method: Method, path: &[u8]) -> Option<Page> {
        Local::page(method, path, || Format::Prometheus)
    }

    fn local() -> Local {
        let loads = LoadTable::new(1, Instant::now());
        let publisher = Publisher::new(Snapshot::new(Vec::new(), loads));
        let process = Arc::new(ProcessMetrics::new(UNIX_EPOCH));
        let (events, _) = event::channel(1);
        Local::new(Arc::new(Figures::new(publisher, process, events, None)))
    }

    fn written(reply: &Reply) -> String {
        let mut written = Vec::new();
        reply.write(false, true, Version::Http11, 0, &mut written);
        String::from_utf8(written).expect("text")
    }

    #[test]
    fn the_certificate_is_the_one_that_is_shown_now() {
        assert_eq!(local().certificates().status(), 404);
        let made = || {
            let now = UNIX_EPOCH + Duration::from_hours(24 * 20_000);
            SelfSigned::new(&[Host::Name("a".to_owned())], now).expect("made")
        };
        let presented = Arc::new(Presented::new(made().identity()));
        let local = local().showing(Some(Arc::clone(&presented)));
        let before = presented.pem();
        assert!(written(&local.certificates()).ends_with(&format!("\r\n\r\n{before}")));
        presented.replace(made().identity());
        let reply = written(&local.certificates());
        assert!(
            reply.contains("Content-Type: application/x-pem-file\r\n"),
            "{reply}"
        );
        assert!(
            !reply.contains(&before) && reply.ends_with(&presented.pem()),
            "{reply}"
        );
    }

    #[test]
    fn only_reads_of_exactly_our_paths_are_ours() {
        assert_eq!(page(Method::Get, b"/v1/health"), Some(Page::Health));
        assert_eq!(page(Method::Head, b"/v1/health"), Some(Page::Health));
        assert_eq!(
            page(Method::Get, b"/.prometheus/metrics"),
            Some(Page::Metrics(Format::Prometheus))
        );
        assert_eq!(page(Method::Put, b"/v1/health"), None);
        assert_eq!(page(Method::Get, b"/v1/health/"), None);
        assert_eq!(page(Method::Get, b"/v1/"), None);
        assert_eq!(page(Method::Get, b"/bucket/v1/health"), None);
    }
}
