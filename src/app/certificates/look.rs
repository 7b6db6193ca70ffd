//! One look at files that belong together: read, compare, build. It may take as long as a disk or a
//! key derivation does, so it is done off the control thread.

use std::sync::Arc;
use std::time::SystemTime;

use rustls::ClientConfig;

use super::backends::connecting;
use super::listener;
use super::named_file::{BackendContent, IdentityContent};
use super::vigil::{Verdict, Vigil};
use crate::config::{IdentityFiles, TlsConfig};
use crate::net::tls::Identity;

/// What a look at files led to.
pub(super) enum Found<T> {
    /// Nothing that is to be told.
    Nothing,
    /// Something new, and lines to tell of it.
    New(T, Vec<String>),
    /// The line to tell of what is no good.
    Bad(String),
}

/// A certificate with its key that clients are to be shown, and the file as lines name it.
pub(super) struct Renewed {
    pub(super) file: String,
    pub(super) identity: Identity,
}

/// Looks at what clients are shown.
pub(super) fn look_at_listener(
    files: &IdentityFiles,
    mut vigil: Vigil,
    asked: bool,
    now: SystemTime,
) -> (Vigil, Found<Renewed>) {
    let content = IdentityContent::of_listener(files);
    let digest = content.digest();
    let found = match vigil.look(digest, asked) {
        Verdict::Leave => Found::Nothing,
        Verdict::Try => match content.identity(files) {
            Ok(identity) => {
                vigil.took(digest);
                let lines = listener::lines(&content, identity.leaf(), now);
                let file = content.cert.to_string();
                Found::New(Renewed { file, identity }, lines)
            }
            Err(line) if vigil.failed(digest, asked) => Found::Bad(line),
            Err(_) => Found::Nothing,
        },
    };
    (vigil, found)
}

/// Looks at what backends are shown and believed.
pub(super) fn look_at_backends(
    tls: &TlsConfig,
    has_https: bool,
    mut vigil: Vigil,
    asked: bool,
    now: SystemTime,
) -> (Vigil, Found<Arc<ClientConfig>>) {
    let content = BackendContent::read(&tls.backends);
    let digest = content.digest();
    let found = match vigil.look(digest, asked) {
        Verdict::Leave => Found::Nothing,
        Verdict::Try => match connecting(&tls.backends, tls.newest, has_https, &content, now) {
            Ok(made) => {
                vigil.took(digest);
                Found::New(made.config, made.lines)
            }
            Err(line) if vigil.failed(digest, asked) => Found::Bad(line),
            Err(_) => Found::Nothing,
        },
    };
    (vigil, found)
}
