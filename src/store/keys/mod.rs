//! Keys to the bucket: every place that they come from, and the ring that holds the present ones.
//!
//! Which source is asked is the configuration's. The sources that need the network are asked by
//! [`Keyring::renew`] alone, which the watch of the store calls; whoever signs a request takes what
//! is on the ring.

mod container;
mod document;
mod element;
mod instance;
mod lookup;
mod no_keys;
mod profile;
mod request;
mod ring;
mod schedule;
mod web_identity;

use std::time::Duration;

use crate::config::{Keys, Secret};

pub use no_keys::NoKeys;
pub(super) use request::Way;
pub(super) use ring::Keyring;

/// Keys as a source gives them.
#[derive(Clone, Debug)]
struct Found {
    keys: Keys,
    /// For how long they count, if they end.
    life: Option<Duration>,
}

impl Found {
    /// Keys that do not end.
    fn lasting(keys: Keys) -> Self {
        Self { keys, life: None }
    }

    /// These keys, unless they came too late.
    fn alive(self) -> Result<Self, String> {
        if self.life == Some(Duration::ZERO) {
            return Err("its keys have expired already".to_owned());
        }
        Ok(self)
    }
}

/// A pair of keys, unless one of them could not stand in a head.
fn pair(access_key: &str, secret_key: &str, session_token: Option<&str>) -> Option<Keys> {
    let is_key = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
    let all_are = [Some(access_key), Some(secret_key), session_token]
        .into_iter()
        .flatten()
        .all(is_key);
    all_are.then(|| Keys {
        access_key: Secret::new(access_key),
        secret_key: Secret::new(secret_key),
        session_token: session_token.map(Secret::new),
    })
}
