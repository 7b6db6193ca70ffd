//! Nobody gets a byte that the backend would not give to that very request.

use super::site::{ALICE, BOB, MALLORY, Reader, Site, status, wait_for_fills};
use crate::vocabulary::{Bucket, Response, Running, wait_until};

const SIZE: usize = 200_000;

/// What is in the store when the reader comes.
#[derive(Clone, Copy, Debug)]
enum State {
    Nothing,
    StoredByAlice,
    ValidatedByBob,
    ChangedSince,
    DeletedSince,
    FreshForAlice,
}

const STATES: [State; 6] = [
    State::Nothing,
    State::StoredByAlice,
    State::ValidatedByBob,
    State::ChangedSince,
    State::DeletedSince,
    State::FreshForAlice,
];

fn prepare(state: State) -> (Site, Bucket, Running) {
    let (site, bucket) = (Site::new(SIZE), Bucket::new());
    if matches!(state, State::FreshForAlice) {
        site.say("Cache-Control: max-age=600\r\n");
    }
    let sidekick = site.cached_in(&bucket);
    if !matches!(state, State::Nothing) {
        Reader::new(&sidekick, ALICE).fill("stored", 1);
    }
    match state {
        State::Nothing | State::StoredByAlice | State::FreshForAlice => {}
        State::ValidatedByBob => {
            let validated = Reader::new(&sidekick, BOB).get();
            assert_eq!(status(&validated), "sidekick; fwd=stale; fwd-status=304");
        }
        State::ChangedSince => site.change(),
        State::DeletedSince => site.served().object = None,
    }
    (site, bucket, sidekick)
}

const ASKED: [(&str, &str); 6] = [
    ("GET", ""),
    ("HEAD", ""),
    ("GET", "Range: bytes=0-99\r\n"),
    ("GET", "If-None-Match: \"v1\"\r\n"),
    ("GET", "Cache-Control: max-stale\r\n"),
    ("GET", "Cache-Control: only-if-cached\r\n"),
];

#[track_caller]
fn assert_nothing_leaks(response: &Response, site: &Site, case: &str) {
    assert!(
        matches!(response.status(), 403 | 504),
        "{case}: {}",
        response.head
    );
    assert!(response.head.field("ETag").is_none(), "{case}");
    let text = response.text();
    assert!(
        !text.contains("\"v1\"") && response.body.len() < 1000,
        "{case}"
    );
    let object = site.served().object.clone();
    let beginning = object.as_deref().map(|object| &object[..100]);
    assert!(
        beginning.is_none_or(|bytes| !response.body.windows(100).any(|part| part == bytes)),
        "{case}"
    );
}

#[test]
fn whom_the_backend_refuses_gets_nothing_in_any_state() {
    for state in STATES {
        let (site, _bucket, sidekick) = prepare(state);
        for (method, fields) in ASKED {
            let mut mallory = Reader::new(&sidekick, MALLORY);
            let case = format!("{state:?}: MALLORY {method} {fields}");
            let response = mallory.ask(method, "/b/k", fields);
            assert_nothing_leaks(&response, &site, &case);
            let case = format!("{state:?}: anonymous {method} {fields}");
            let response = Reader::anonymous(&sidekick).ask(method, "/b/k", fields);
            assert_nothing_leaks(&response, &site, &case);
            let presigned = "/b/k?X-Amz-Credential=MALLORY&X-Amz-Signature=00";
            let case = format!("{state:?}: presigned {method} {fields}");
            let response = Reader::anonymous(&sidekick).ask(method, presigned, fields);
            assert_nothing_leaks(&response, &site, &case);
        }
    }
}

#[test]
fn whom_it_lets_in_gets_the_present_version_in_every_state() {
    for state in STATES {
        let (site, _bucket, sidekick) = prepare(state);
        for who in [ALICE, BOB] {
            let mut reader = Reader::new(&sidekick, who);
            let response = reader.get();
            let object = site.served().object.clone();
            match object {
                None => assert_eq!(response.status(), 404, "{state:?} {who}"),
                Some(object) => {
                    assert_eq!(response.status(), 200, "{state:?} {who}");
                    assert!(response.body[..] == object[..], "{state:?} {who}");
                }
            }
        }
    }
}

#[test]
fn a_refusal_leaves_what_is_stored_alone() {
    let (site, bucket, sidekick) = prepare(State::StoredByAlice);
    assert_eq!(Reader::new(&sidekick, MALLORY).get().status(), 403);
    let again = Reader::new(&sidekick, ALICE).get();
    assert!(again.body[..] == site.object()[..]);
    assert_eq!(status(&again), "sidekick; fwd=stale; fwd-status=304");
    assert_eq!(bucket.names("/body-").len(), 1);
}

/// Said loudly in the documents: who writes `public` into an object's metadata opens it.
#[test]
fn an_object_that_says_it_is_public_is() {
    let (site, bucket) = (Site::new(SIZE), Bucket::new());
    site.say("Cache-Control: public, max-age=600\r\n");
    let sidekick = site.cached_in(&bucket);
    Reader::new(&sidekick, ALICE).fill("stored", 1);
    let hit = Reader::new(&sidekick, MALLORY).get();
    assert_eq!(hit.status(), 200);
    assert!(hit.body[..] == site.object()[..]);
}

#[test]
fn no_side_learns_the_credentials_of_the_other() {
    let (site, bucket) = (Site::new(SIZE), Bucket::new());
    let sidekick = site.cached_in(&bucket);
    let mut alice = Reader::new(&sidekick, ALICE);
    alice.ask("GET", "/b/k", "Cookie: session=SECRET\r\n");
    wait_for_fills(&sidekick, "stored", 1);
    alice.ask("GET", "/b/k", "Cookie: session=SECRET\r\n");
    site.say("Cache-Control: public, max-age=60\r\n");
    alice.ask("GET", "/b/k", "Cookie: session=SECRET\r\n");
    wait_until("it is served with nobody asked", || {
        let hit = alice.ask("GET", "/b/k", "Cookie: session=SECRET\r\n");
        status(&hit).starts_with("sidekick; hit")
    });
    assert_eq!(alice.put(b"other").status(), 200);
    assert!(!bucket.heads().is_empty());
    for head in bucket.heads() {
        let text = head.to_string();
        assert!(!text.contains(ALICE) && !text.contains("SECRET"), "{text}");
        assert!(
            text.contains("STOREKEY") && !text.contains("storesecret"),
            "{text}"
        );
    }
    for received in site.origin.requests() {
        let text = received.head.to_string();
        assert!(
            !text.contains("STOREKEY") && !text.contains("storesecret"),
            "{text}"
        );
    }
}
