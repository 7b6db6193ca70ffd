//! Keys from the agent of a container platform.

use super::lookup::token;
use super::request::Request;
use super::{Found, NoKeys, Way, document};
use crate::config::{Authorization, ContainerKeys, Secret};

const CURE: &str = "look at AWS_CONTAINER_CREDENTIALS_RELATIVE_URI or _FULL_URI, and at the role of \
                    the task or service account";

/// Asks the agent. A token in a file is read anew each time: the platform replaces it.
pub(super) async fn look_up(agent: &ContainerKeys, way: Way<'_>) -> Result<Found, NoKeys> {
    let shown = match &agent.authorization {
        Some(authorization) => Some(value(authorization).await?),
        None => None,
    };
    let mut fields = vec![("Accept", "application/json")];
    fields.extend(shown.iter().map(|token| ("Authorization", token.reveal())));
    let request = Request::get(&agent.path, &fields);
    let answer = way.ask(&agent.service, &request).await;
    let found = answer.and_then(|answer| document::read(answer.granted()?, answer.now)?.alive());
    found.map_err(|why| NoKeys::new(format!("{} gives none: {why}", agent.service), CURE))
}

async fn value(authorization: &Authorization) -> Result<Secret, NoKeys> {
    match authorization {
        Authorization::Given(token) => Ok(token.clone()),
        Authorization::File(file) => {
            let read = token(file).await;
            read.map_err(|why| NoKeys::new(why, "look at AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"))
        }
    }
}
