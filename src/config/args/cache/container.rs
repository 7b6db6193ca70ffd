//! The agent that gives a container its keys, as ECS and EKS set it up.

use std::ffi::OsString;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::{Authorization, ContainerKeys, read as meaning, text};
use crate::config::error::{Error, Problem};
use crate::config::{Endpoint, Host, Scheme, Secret};

const RELATIVE: &str = "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI";
const FULL: &str = "AWS_CONTAINER_CREDENTIALS_FULL_URI";
const TOKEN: &str = "AWS_CONTAINER_AUTHORIZATION_TOKEN";
const TOKEN_FILE: &str = "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE";

/// The agent of ECS, for paths without a host.
const ECS: Ipv4Addr = Ipv4Addr::new(169, 254, 170, 2);

/// Who may be asked in clear text beside this machine: the agents of ECS and EKS, which no router
/// leads elsewhere.
const AGENTS: [IpAddr; 3] = [
    IpAddr::V4(ECS),
    IpAddr::V4(Ipv4Addr::new(169, 254, 170, 23)),
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x23)),
];

/// The agent, if there is one.
pub(super) fn read(
    variable: &impl Fn(&str) -> Option<OsString>,
) -> Result<Option<ContainerKeys>, Error> {
    let (service, path) = if let Some(path) = text(variable, RELATIVE)? {
        meaning(RELATIVE, &path, at_ecs)?
    } else if let Some(uri) = text(variable, FULL)? {
        meaning(FULL, &uri, full)?
    } else {
        return Ok(None);
    };
    let authorization = match (text(variable, TOKEN_FILE)?, text(variable, TOKEN)?) {
        (Some(file), _) => Some(Authorization::File(file.into())),
        (None, Some(token)) => Some(Authorization::Given(shown_to_agent(token)?)),
        (None, None) => None,
    };
    Ok(Some(ContainerKeys {
        service,
        path,
        authorization,
    }))
}

fn at_ecs(path: &str) -> Result<(Endpoint, String), Problem> {
    let service = Endpoint::from_authority(Scheme::Http, &ECS.to_string())?;
    Ok((service, absolute(path)?))
}

fn full(uri: &str) -> Result<(Endpoint, String), Problem> {
    let authority = uri.find("://").map_or(uri.len(), |at| at + "://".len());
    let end = uri[authority..]
        .find(['/', '?', '#'])
        .map_or(uri.len(), |at| authority + at);
    let service: Endpoint = uri[..end].parse()?;
    if service.scheme == Scheme::Http && !may_be_clear(&service.host) {
        return Err(Problem::new(format!(
            "keys do not come from `{}` in clear text; write https://, or the address of this \
             machine or of its agent",
            service.host
        )));
    }
    let path = match &uri[end..] {
        "" => "/".to_owned(),
        query if query.starts_with('?') => absolute(&format!("/{query}"))?,
        path => absolute(path)?,
    };
    Ok((service, path))
}

fn may_be_clear(host: &Host) -> bool {
    host.is_loopback() || matches!(host, Host::Ip(address) if AGENTS.contains(address))
}

/// A scheme may stand before the token; the message repeats neither.
fn shown_to_agent(token: String) -> Result<Secret, Error> {
    if token
        .bytes()
        .all(|byte| byte == b' ' || byte.is_ascii_graphic())
    {
        return Ok(Secret::new(token));
    }
    Err(Error::usage(format!(
        "`{TOKEN}` holds a character that no field of a request has, such as the end of a line; set \
         the token alone"
    )))
}

/// A path with its query, as it may stand in a request line.
fn absolute(path: &str) -> Result<String, Problem> {
    let allowed = |byte: u8| byte.is_ascii_graphic() && byte != b'#';
    if path.starts_with('/') && path.bytes().all(allowed) {
        Ok(path.to_owned())
    } else {
        Err(Problem::new(
            "the path is not one that can be asked for; it begins with `/` and has no blanks",
        ))
    }
}
