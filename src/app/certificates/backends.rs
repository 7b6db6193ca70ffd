//! TLS towards backends, from what its files hold.

use std::sync::Arc;
use std::time::SystemTime;

use rustls::ClientConfig;

use super::named_file::BackendContent;
use crate::config::{BackendTls, TlsVersion};
use crate::net::tls::{Roots, Trust, client_config};

/// How to connect, and what an operator should know of it.
pub(super) struct Connecting {
    pub(super) config: Arc<ClientConfig>,
    pub(super) lines: Vec<String>,
    /// No certificate is trusted, though some backend will show one.
    pub(super) is_futile: bool,
}

/// What backends are shown and believed. Where nobody is connected to by TLS, the system's
/// certificates are not even read.
///
/// # Errors
/// One line that names the file at fault.
pub(super) fn connecting(
    config: &BackendTls,
    newest: TlsVersion,
    has_https: bool,
    content: &BackendContent,
    now: SystemTime,
) -> Result<Connecting, String> {
    let mut lines = Vec::new();
    let trust = trust(config, has_https, content, &mut lines)?;
    let is_futile = has_https && matches!(&trust, Trust::Roots(roots) if roots.count() == 0);
    let identity = match (&config.identity, &content.identity) {
        (Some(files), Some(content)) => {
            let identity = content.identity(files)?;
            let leaf = identity.leaf();
            lines.push(format!("{} is shown to backends: {leaf}", content.cert));
            lines.extend(leaf.warning(now).map(|line| content.cert.blame(line)));
            Some(identity)
        }
        _ => None,
    };
    let config = client_config(trust, identity.as_ref(), newest)
        .map_err(|error| format!("TLS towards backends cannot be set up: {error}"))?;
    Ok(Connecting {
        config,
        lines,
        is_futile,
    })
}

fn trust(
    config: &BackendTls,
    has_https: bool,
    content: &BackendContent,
    lines: &mut Vec<String>,
) -> Result<Trust, String> {
    let roots =
        match &content.cacert {
            Some(file) => {
                let roots = Roots::from_pem(file.bytes()?).map_err(|error| file.blame(error))?;
                let (count, skipped) = (roots.count(), roots.skipped());
                let line = format!("backends are trusted by {}", counted(count));
                lines.push(file.blame(line));
                if skipped > 0 {
                    lines.push(file.blame(format!("{} cannot be used", counted(skipped))));
                }
                roots
            }
            None if !has_https || config.insecure => Roots::none(),
            None => {
                let roots = Roots::of_system();
                lines.push(match roots.count() {
                0 => "no trusted certificates were found on this system: every https:// backend is \
                      refused; name a bundle by --cacert"
                    .to_owned(),
                count => format!("backends are trusted by {} of the system", counted(count)),
            });
                roots
            }
        };
    Ok(if config.insecure {
        Trust::Anyone
    } else {
        Trust::Roots(roots)
    })
}

fn counted(certificates: usize) -> String {
    match certificates {
        1 => "1 certificate".to_owned(),
        count => format!("{count} certificates"),
    }
}
