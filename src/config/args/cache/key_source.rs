//! Keys, and every place that they can come from.

use std::path::PathBuf;

use crate::config::{Endpoint, Secret};

/// Where the keys to the bucket come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeySource {
    /// From the environment.
    Given(Keys),
    /// From a profile of the shared credentials file, which may change.
    Profile {
        /// The file.
        file: PathBuf,
        /// The name of the profile.
        name: String,
        /// What is asked when the file has no such profile.
        otherwise: Option<Box<KeySource>>,
    },
    /// From a role, for the token of a workload.
    WebIdentity(Box<WebIdentity>),
    /// From the agent that gives a container its keys.
    Container(Box<ContainerKeys>),
    /// From the metadata service of the virtual machine.
    Instance {
        /// The service.
        service: Endpoint,
    },
}

/// A pair of keys, with the token that temporary ones have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keys {
    /// The half that is sent.
    pub access_key: Secret,
    /// The half that is not.
    pub secret_key: Secret,
    /// Sent along.
    pub session_token: Option<Secret>,
}

/// A role that is taken on with a token of an identity provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebIdentity {
    /// The token, which its provider replaces before it expires.
    pub token_file: PathBuf,
    /// The ARN of the role.
    pub role: String,
    /// What the session is called in audit logs.
    pub session: String,
    /// The security token service.
    pub service: Endpoint,
}

/// An agent on the same machine, and what it is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContainerKeys {
    /// The agent.
    pub service: Endpoint,
    /// Path and query.
    pub path: String,
    /// What it is shown.
    pub authorization: Option<Authorization>,
}

/// The value of an `Authorization` field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Authorization {
    /// From the environment.
    Given(Secret),
    /// In a file, which may change.
    File(PathBuf),
}
