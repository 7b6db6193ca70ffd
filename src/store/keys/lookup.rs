//! One look-up, whatever the source.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use tokio::task::spawn_blocking;

use super::{Found, NoKeys, Way, container, instance, profile, web_identity};
use crate::config::{KeySource, Secret};

/// Bytes of a file that holds a token; larger ones hold something else.
const TOKEN_SIZE: u64 = 16 << 10;

/// The keys that need no network, if the source is such a one. Reads a file, so it is not for a
/// worker's thread.
///
/// # Errors
/// The profile is not there, and nobody else is to be asked.
pub(super) fn at_hand(source: &KeySource) -> Result<Option<Found>, NoKeys> {
    match source {
        KeySource::Given(keys) => Ok(Some(Found::lasting(keys.clone()))),
        KeySource::Profile {
            file,
            name,
            otherwise,
        } => match (profile::read(file, name), otherwise) {
            (Ok(keys), _) => Ok(Some(Found::lasting(keys))),
            (Err(_), Some(otherwise)) => at_hand(otherwise),
            (Err(error), None) => Err(error),
        },
        KeySource::WebIdentity(_) | KeySource::Container(_) | KeySource::Instance { .. } => {
            Ok(None)
        }
    }
}

/// Asks the source.
///
/// # Errors
/// It has no keys.
pub(super) async fn look_up(source: &KeySource, way: Way<'_>) -> Result<Found, NoKeys> {
    match source {
        KeySource::Given(keys) => Ok(Found::lasting(keys.clone())),
        KeySource::Profile {
            file,
            name,
            otherwise,
        } => {
            let (path, named) = (file.clone(), name.clone());
            let read = spawn_blocking(move || profile::read(&path, &named)).await;
            let read = read.unwrap_or_else(|error| Err(profile::unread(&file.display(), &error)));
            match (read, otherwise) {
                (Ok(keys), _) => Ok(Found::lasting(keys)),
                (Err(error), Some(otherwise)) => Box::pin(look_up(otherwise, way))
                    .await
                    .map_err(|next| next.after(&error)),
                (Err(error), None) => Err(error),
            }
        }
        KeySource::WebIdentity(identity) => web_identity::look_up(identity, way).await,
        KeySource::Container(agent) => container::look_up(agent, way).await,
        KeySource::Instance { service } => instance::look_up(service, way).await,
    }
}

/// The text of a file that holds a token, without the end of its line.
///
/// # Errors
/// Why it cannot be read, or what is in it instead.
pub(super) async fn token(file: &Path) -> Result<Secret, String> {
    let path = file.to_owned();
    let text = spawn_blocking(move || read_token(&path)).await;
    let text = text.unwrap_or_else(|error| Err(error.into()));
    let shown = file.display();
    let text = text.map_err(|error| format!("cannot read `{shown}`: {error}"))?;
    let token = text.trim_end();
    let may_be_sent = |byte: u8| byte == b' ' || byte.is_ascii_graphic();
    if !token.is_empty() && token.bytes().all(may_be_sent) {
        Ok(Secret::new(token))
    } else {
        Err(format!("`{shown}` does not hold a token alone"))
    }
}

fn read_token(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    File::open(path)?
        .take(TOKEN_SIZE)
        .read_to_string(&mut text)?;
    Ok(text)
}
