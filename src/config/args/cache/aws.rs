//! Keys of the AWS tools, for when none are set for the cache alone: their variables, then their
//! file of profiles.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::{ACCESS_KEY, ENDPOINT, KeySource, Keys, SECRET_KEY, half, key, text};
use crate::config::error::Error;

const AWS_ACCESS_KEY: &str = "AWS_ACCESS_KEY_ID";
const AWS_SECRET_KEY: &str = "AWS_SECRET_ACCESS_KEY";
const AWS_SESSION_TOKEN: &str = "AWS_SESSION_TOKEN";
const AWS_PROFILE: &str = "AWS_PROFILE";
const AWS_FILE: &str = "AWS_SHARED_CREDENTIALS_FILE";
const DEFAULT_PROFILE: &str = "default";

/// Where the AWS tools would find keys.
pub(super) fn keys(variable: &impl Fn(&str) -> Option<OsString>) -> Result<KeySource, Error> {
    let profile = text(variable, AWS_PROFILE)?;
    let access_key = text(variable, AWS_ACCESS_KEY)?;
    let secret_key = text(variable, AWS_SECRET_KEY)?;
    match (access_key, secret_key) {
        (Some(access_key), Some(secret_key)) => {
            let token = text(variable, AWS_SESSION_TOKEN)?;
            return Ok(KeySource::Given(Keys {
                access_key: key(AWS_ACCESS_KEY, access_key)?,
                secret_key: key(AWS_SECRET_KEY, secret_key)?,
                session_token: token
                    .map(|token| key(AWS_SESSION_TOKEN, token))
                    .transpose()?,
            }));
        }
        (Some(_), None) => return Err(half(AWS_ACCESS_KEY, AWS_SECRET_KEY)),
        (None, Some(_)) => return Err(half(AWS_SECRET_KEY, AWS_ACCESS_KEY)),
        (None, None) => {}
    }
    let Some(file) = profile_file(variable)? else {
        return Err(Error::usage(format!(
            "no keys for the store of `{ENDPOINT}`: set `{ACCESS_KEY}` and `{SECRET_KEY}`"
        )));
    };
    Ok(KeySource::Profile {
        file,
        name: profile.unwrap_or_else(|| DEFAULT_PROFILE.to_owned()),
    })
}

fn profile_file(variable: &impl Fn(&str) -> Option<OsString>) -> Result<Option<PathBuf>, Error> {
    if let Some(file) = text(variable, AWS_FILE)? {
        return Ok(Some(file.into()));
    }
    let home = text(variable, "HOME")?;
    Ok(home.map(|home| Path::new(&home).join(".aws/credentials")))
}
