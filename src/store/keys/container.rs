//! Keys from the agent of a container platform.

use super::lookup::token;
use super::request::Request;
use super::{Found, NoKeys, Way, document};
use crate::config::{Authorization, ContainerKeys};

const CURE: &str = "look at AWS_CONTAINER_CREDENTIALS_RELATIVE_URI or _FULL_URI, and at the role of \
                    the task or service account";

/// Asks the agent. A token in a file is read anew each time: the platform replaces it.
pub(super) async fn look_up(agent: &ContainerKeys, way: Way<'_>) -> Result<Found, NoKeys> {
    let shown =
        match &agent.authorization {
            Some(Authorization::Given(token)) => Some(token.clone()),
            Some(Authorization::File(file)) => Some(token(file).await.map_err(|why| {
                NoKeys::new(why, "look at AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE")
            })?),
            None => None,
        };
    let mut fields = vec![("Accept", "application/json")];
    fields.extend(shown.iter().map(|token| ("Authorization", token.reveal())));
    let request = Request::get(&agent.path, &fields);
    let found = match way.ask(&agent.service, &request).await {
        Ok(answer) => answer
            .granted()
            .and_then(|body| document::read(body, answer.now)),
        Err(why) => Err(why),
    };
    found.map_err(|why| NoKeys::new(format!("{} gives none: {why}", agent.service), CURE))
}
