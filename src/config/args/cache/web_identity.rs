//! A role for the token of a workload, as Kubernetes sets it up.

use std::ffi::OsString;

use super::{WebIdentity, key_service, region_name, text};
use crate::config::error::{Error, shown};

const TOKEN_FILE: &str = "AWS_WEB_IDENTITY_TOKEN_FILE";
const ROLE: &str = "AWS_ROLE_ARN";
const SESSION: &str = "AWS_ROLE_SESSION_NAME";
const SERVICE: &str = "AWS_ENDPOINT_URL_STS";
const REGIONS: [&str; 2] = ["AWS_REGION", "AWS_DEFAULT_REGION"];
const DEFAULT_SESSION: &str = "sidekick";

/// The role, if there is a token file. Without a region of its own the token service is that of the
/// store's.
pub(super) fn read(
    variable: &impl Fn(&str) -> Option<OsString>,
    region: &str,
) -> Result<Option<WebIdentity>, Error> {
    let Some(token_file) = text(variable, TOKEN_FILE)? else {
        return Ok(None);
    };
    let Some(role) = text(variable, ROLE)? else {
        return Err(Error::usage(format!(
            "`{ROLE}` is missing: `{TOKEN_FILE}` is set, and a token is exchanged for the keys of a \
             role; set it too"
        )));
    };
    let session = text(variable, SESSION)?.unwrap_or_else(|| DEFAULT_SESSION.to_owned());
    Ok(Some(WebIdentity {
        token_file: token_file.into(),
        role: argument(ROLE, role)?,
        session: argument(SESSION, session)?,
        service: key_service(variable, SERVICE, &regional(variable, region)?)?,
    }))
}

fn regional(variable: &impl Fn(&str) -> Option<OsString>, region: &str) -> Result<String, Error> {
    let mut region = region.to_owned();
    for name in REGIONS {
        if let Some(text) = text(variable, name)? {
            region = super::read(name, &text, region_name)?;
            break;
        }
    }
    let end = if region.starts_with("cn-") { ".cn" } else { "" };
    Ok(format!("https://sts.{region}.amazonaws.com{end}"))
}

fn argument(name: &str, text: String) -> Result<String, Error> {
    if text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Ok(text);
    }
    Err(Error::usage(format!(
        "`{name}`: `{}` holds a character that it cannot have, such as a blank; remove it",
        shown(&text)
    )))
}
