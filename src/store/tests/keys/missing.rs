//! The line that is told when there are no keys.

use std::path::Path;
use std::time::Duration;

use super::super::asked::Asked;
use super::super::granter::{Granter, Reply, credentials};
use super::super::run;
use super::super::server::SECRET;
use super::{HOUR, Scratch, Watched, agent, instance, metadata, role, says};
use crate::config::{Authorization, KeySource};

const OF_ROLE: &str = "look at AWS_WEB_IDENTITY_TOKEN_FILE, AWS_ROLE_ARN";
const OF_AGENT: &str = "look at AWS_CONTAINER_CREDENTIALS_RELATIVE_URI or _FULL_URI";
const OF_MACHINE: &str = "give the machine a role";

/// What is told by who asks a service that answers so.
#[track_caller]
fn told(
    source: impl FnOnce(&Granter) -> KeySource,
    script: impl Fn(&Asked) -> Reply + 'static,
    [why, cure]: [&str; 2],
) {
    let line = run(async {
        let granter = Granter::start(script);
        Watched::start(source(&granter)).first_line().await
    });
    let begin = "no keys for the cache's store: http://";
    assert!(line.starts_with(begin), "{line}");
    assert!(line.contains(&format!(" gives none: {why}")), "{line}");
    assert!(line.contains(cure), "{line}");
    assert!(
        !line.contains("hunter2") && !line.contains(SECRET),
        "{line}"
    );
    assert!(!line.contains('\n'), "{line}");
}

fn sends(bytes: &[u8]) -> Reply {
    Reply::Sends(bytes.to_vec())
}

#[test]
fn no_keys_of_a_role() {
    let token = Scratch::new("hunter2");
    let told = |why: &str, answer: fn() -> Reply| {
        told(|sts| role(sts, &token.0), move |_| answer(), [why, OF_ROLE]);
    };
    told("it answers 403 InvalidIdentityToken", || {
        let body = "<Error><Code>InvalidIdentityToken</Code><Message>hunter2</Message></Error>";
        Reply::Says(403, body.to_owned())
    });
    told("it answers 307", || Reply::Says(307, String::new()));
    told("its answer holds no credentials", || {
        says("<Credentials>hunter2".to_owned())
    });
    told("its keys have expired already", || {
        says(credentials("A", Duration::ZERO))
    });
    told("its answer is too large", || says("x".repeat(100_000)));
    told("malformed answer: ", || sends(b"hunter2\r\n\r\n"));
    told("the connection broke", || {
        sends(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx")
    });
}

#[test]
fn no_keys_of_an_agent() {
    let token = Scratch::new("hunter2");
    let told = |why: &str, answer: fn() -> Reply| {
        let shown = Some(Authorization::File(token.0.clone()));
        told(
            |granter| agent(granter, shown),
            move |_| answer(),
            [why, OF_AGENT],
        );
    };
    told("it answers 404", || Reply::Says(404, "hunter2".to_owned()));
    told("its answer is no JSON document", || {
        says("hunter2".to_owned())
    });
    told("its answer holds no keys", || {
        says("{\"Token\":\"hunter2\"}".to_owned())
    });
}

#[test]
fn no_keys_of_a_machine() {
    let told = |why: &str, script: fn(&Asked) -> Reply| {
        told(instance, script, [why, OF_MACHINE]);
    };
    told("it answers 403", |_| Reply::Says(403, String::new()));
    told("it gives no token", |_| says("a b".to_owned()));
    told("the machine has no role", |asked| match &*asked.method {
        "PUT" => says("token".to_owned()),
        _ => Reply::Says(404, String::new()),
    });
    told("it answers `Failed`", |asked| {
        metadata(asked, || says("{\"Code\":\"Failed\"}".to_owned()))
    });
}

#[test]
fn a_token_that_cannot_be_sent_is_told_with_its_file() {
    run(async {
        let granter = Granter::start(|_| says(credentials("A", HOUR)));
        let broken = Scratch::new("hunter2\r\nX: y");
        let nowhere = Path::new("/nowhere/token");
        let shown = Authorization::File(broken.0.clone());
        for (source, file, why) in [
            (role(&granter, nowhere), nowhere, "cannot read"),
            (role(&granter, &broken.0), &*broken.0, "a token alone"),
            (agent(&granter, Some(shown)), &*broken.0, "a token alone"),
        ] {
            let line = Watched::start(source).first_line().await;
            assert!(line.contains(&format!("`{}`", file.display())), "{line}");
            assert!(line.contains(why) && !line.contains("hunter2"), "{line}");
        }
        assert!(granter.asked.borrow().is_empty());
    });
}

#[test]
fn a_service_that_is_not_there_is_told_with_every_source_that_was_asked() {
    run(async {
        let closed = crate::sys::listen("127.0.0.1:0".parse().unwrap()).unwrap();
        let address = closed.local_addr().unwrap();
        drop(closed);
        let watched = Watched::start(KeySource::Profile {
            file: "/nowhere/credentials".into(),
            name: "default".to_owned(),
            otherwise: Some(Box::new(KeySource::Instance {
                service: format!("http://{address}").parse().unwrap(),
            })),
        });
        let line = watched.first_line().await;
        assert!(
            line.contains("cannot read `/nowhere/credentials`: "),
            "{line}"
        );
        let service = format!("http://{address} gives none: connection refused;");
        assert!(line.contains(&service), "{line}");
    });
}
