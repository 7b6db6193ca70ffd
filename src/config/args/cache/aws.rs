//! Keys of the AWS tools, for when none are set for the cache alone. The order is the one of most of
//! their SDKs: variables, web identity, profile, container, instance.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::{
    ACCESS_KEY, ENDPOINT, KeySource, Keys, SECRET_KEY, container, half, key, key_service, text,
    web_identity,
};
use crate::config::error::Error;

const AWS_ACCESS_KEY: &str = "AWS_ACCESS_KEY_ID";
const AWS_SECRET_KEY: &str = "AWS_SECRET_ACCESS_KEY";
const AWS_SESSION_TOKEN: &str = "AWS_SESSION_TOKEN";
const AWS_PROFILE: &str = "AWS_PROFILE";
const AWS_FILE: &str = "AWS_SHARED_CREDENTIALS_FILE";
const DEFAULT_PROFILE: &str = "default";
const METADATA_DISABLED: &str = "AWS_EC2_METADATA_DISABLED";
const METADATA_ENDPOINT: &str = "AWS_EC2_METADATA_SERVICE_ENDPOINT";
const DEFAULT_METADATA: &str = "http://169.254.169.254";

/// Where the AWS tools would find keys.
pub(super) fn keys(
    variable: &impl Fn(&str) -> Option<OsString>,
    region: &str,
) -> Result<KeySource, Error> {
    if let Some(keys) = given(variable)? {
        return Ok(KeySource::Given(keys));
    }
    if let Some(identity) = web_identity::read(variable, region)? {
        return Ok(KeySource::WebIdentity(Box::new(identity)));
    }
    let name = text(variable, AWS_PROFILE)?;
    let file = text(variable, AWS_FILE)?.map(PathBuf::from);
    // Who names a profile or a file of them means it.
    let otherwise = if name.is_some() || file.is_some() {
        None
    } else {
        metadata(variable)?
    };
    let file = match file {
        Some(file) => Some(file),
        None => file_at_home(variable)?,
    };
    match file {
        Some(file) => Ok(KeySource::Profile {
            file,
            name: name.unwrap_or_else(|| DEFAULT_PROFILE.to_owned()),
            otherwise: otherwise.map(Box::new),
        }),
        None => otherwise.ok_or_else(|| {
            Error::usage(format!(
                "no keys for the store of `{ENDPOINT}`: set `{ACCESS_KEY}` and `{SECRET_KEY}`"
            ))
        }),
    }
}

fn given(variable: &impl Fn(&str) -> Option<OsString>) -> Result<Option<Keys>, Error> {
    let access_key = text(variable, AWS_ACCESS_KEY)?;
    let secret_key = text(variable, AWS_SECRET_KEY)?;
    match (access_key, secret_key) {
        (Some(access_key), Some(secret_key)) => {
            let token = text(variable, AWS_SESSION_TOKEN)?;
            Ok(Some(Keys {
                access_key: key(AWS_ACCESS_KEY, access_key)?,
                secret_key: key(AWS_SECRET_KEY, secret_key)?,
                session_token: token
                    .map(|token| key(AWS_SESSION_TOKEN, token))
                    .transpose()?,
            }))
        }
        (Some(_), None) => Err(half(AWS_ACCESS_KEY, AWS_SECRET_KEY)),
        (None, Some(_)) => Err(half(AWS_SECRET_KEY, AWS_ACCESS_KEY)),
        (None, None) => Ok(None),
    }
}

fn file_at_home(variable: &impl Fn(&str) -> Option<OsString>) -> Result<Option<PathBuf>, Error> {
    let home = text(variable, "HOME")?;
    Ok(home.map(|home| Path::new(&home).join(".aws/credentials")))
}

/// What gives keys to whoever runs on the machine: the agent of a container, if there is one.
fn metadata(variable: &impl Fn(&str) -> Option<OsString>) -> Result<Option<KeySource>, Error> {
    if let Some(agent) = container::read(variable)? {
        return Ok(Some(KeySource::Container(Box::new(agent))));
    }
    let disabled = text(variable, METADATA_DISABLED)?;
    if disabled.is_some_and(|text| text.eq_ignore_ascii_case("true")) {
        return Ok(None);
    }
    Ok(Some(KeySource::Instance {
        service: key_service(variable, METADATA_ENDPOINT, DEFAULT_METADATA)?,
    }))
}
