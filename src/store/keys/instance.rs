//! Keys of a virtual machine's role, from its metadata service: `IMDSv2` alone, whose answers nobody
//! gets who can merely have a GET sent.

use std::time::Duration;

use super::request::Request;
use super::{Found, NoKeys, Way, document};
use crate::config::Endpoint;
use crate::http::Method;

const TOKEN: &str = "/latest/api/token";
const ROLES: &str = "/latest/meta-data/iam/security-credentials/";

/// Each look-up has a token of its own; this is more than one takes.
const TOKEN_SECONDS: (&str, &str) = ("X-aws-ec2-metadata-token-ttl-seconds", "60");

const CURE: &str = "give the machine a role (containers: a hop limit of 2), or set \
                    SIDEKICK_CACHE_ACCESS_KEY and SIDEKICK_CACHE_SECRET_KEY";

/// Asks for a token, for the name of the role, and for its keys.
pub(super) async fn look_up(service: &Endpoint, way: Way<'_>) -> Result<Found, NoKeys> {
    let found = ask(service, way).await.map(|found| Found {
        // A service that cannot renew keys hands out the old ones, which then count for longer.
        life: found.life.filter(|life| *life > Duration::ZERO),
        ..found
    });
    found.map_err(|why| NoKeys::new(format!("{service} gives none: {why}"), CURE))
}

async fn ask(service: &Endpoint, way: Way<'_>) -> Result<Found, String> {
    let request = Request {
        method: Method::Put,
        fields: &[TOKEN_SECONDS],
        ..Request::get(TOKEN, &[])
    };
    let answer = way.ask(service, &request).await?;
    let token = word(answer.granted()?).ok_or("it gives no token")?;
    let fields = [("X-aws-ec2-metadata-token", token)];

    let answer = way.ask(service, &Request::get(ROLES, &fields)).await?;
    if answer.status == 404 {
        return Err("the machine has no role".to_owned());
    }
    let role = word(answer.granted()?).ok_or("the machine has no role")?;

    let path = format!("{ROLES}{role}");
    let answer = way.ask(service, &Request::get(&path, &fields)).await?;
    document::read(answer.granted()?, answer.now)
}

/// The first line, if it can stand in a request.
fn word(body: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(body).ok()?;
    let word = text.lines().next()?.trim();
    let is_word = !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_graphic());
    is_word.then_some(word)
}

#[cfg(test)]
mod tests {
    use super::word;

    #[test]
    fn only_a_word_is_asked_for_next() {
        for (body, expected) in [
            (&b"role-1"[..], Some("role-1")),
            (b" role-1 \r\nrole-2", Some("role-1")),
            (b"", None),
            (b"\nrole", None),
            (b"a b", None),
            (b"a\rX: y", None),
            (b"\xff", None),
        ] {
            assert_eq!(word(body), expected, "{body:?}");
        }
    }
}
