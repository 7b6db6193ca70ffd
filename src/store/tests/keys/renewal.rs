//! How long keys are used, and what happens when nobody gives new ones.

use std::time::{Duration, Instant};

use super::super::granter::{Granter, Reply, document};
use super::super::run;
use super::super::server::Mood;
use super::{HOUR, Watched, agent, instance, metadata, says, session, until};
use crate::config::{Authorization, Secret};
use crate::store::{Store as _, StoreError};

#[test]
fn the_life_of_keys_is_told_by_the_clock_of_who_gives_them() {
    run(async {
        let granter = Granter::start(|_| {
            let body = r#"{"AccessKeyId":"A","SecretAccessKey":"the-secret","Token":"t",
                "Expiration":"2013-05-24T01:00:00Z"}"#;
            let date = "Date: Fri, 24 May 2013 00:00:00 GMT";
            Reply::Sends(format!("HTTP/1.1 200 OK\r\n{date}\r\n\r\n{body}").into_bytes())
        });
        let given = Authorization::Given(Secret::new("hunter2"));
        let watched = Watched::start(agent(&granter, Some(given)));
        watched.until_up().await;
        let asked = granter.asked.borrow();
        assert_eq!(asked.len(), 1);
        assert_eq!(asked[0].fields["authorization"], "hunter2");
    });
}

#[test]
fn a_metadata_service_that_cannot_renew_keys_has_them_used_on() {
    run(async {
        let granter = Granter::start(|asked| {
            metadata(asked, || {
                let body = document("ASIA1", HOUR);
                let (before, _) = body.split_once("\"Expiration\"").unwrap();
                says(format!("{before}\"Expiration\":\"2013-05-24T00:00:00Z\"}}"))
            })
        });
        let watched = Watched::start(instance(&granter));
        watched.until_up().await;
        assert_eq!(*watched.told.borrow(), [None]);
    });
}

#[test]
fn keys_are_used_to_their_end_while_nobody_replaces_them_and_then_the_store_is_down() {
    run(async {
        let granter = Granter::start(|_| says(document("ASIA1", Duration::from_secs(6))));
        let watched = Watched::start(agent(&granter, None));
        watched.until_up().await;
        granter.turn(|_| Reply::Says(500, "hunter2".to_owned()));
        let before = granter.asked.borrow().len();
        until(|| granter.asked.borrow().len() > before).await;
        assert!(watched.store.is_up());
        assert_eq!(watched.store.read("a/b", 9).await, Ok(None), "still good");

        until(|| watched.told.borrow().len() > 1).await;
        let line = watched.told.borrow()[1].clone().unwrap();
        assert!(line.contains("gives none: it answers 500;"), "{line}");
        assert!(!line.contains("hunter2"), "{line}");
        assert_eq!(watched.store.read("a/b", 9).await, Err(StoreError::Down));

        granter.turn(|_| says(document("ASIA2", HOUR)));
        watched.until_up().await;
        assert_eq!(watched.signed_by(), session("ASIA2"));
        let told = watched.told.borrow();
        assert!(matches!(told[..], [None, Some(_), None]), "{told:?}");
    });
}

#[test]
fn no_request_waits_for_a_service_that_hangs() {
    run(async {
        let granter = Granter::start(|_| Reply::Hangs);
        let watched = Watched::start(instance(&granter));
        until(|| !granter.asked.borrow().is_empty()).await;
        let asked = Instant::now();
        assert_eq!(watched.store.read("a/b", 9).await, Err(StoreError::Down));
        assert!(asked.elapsed() < Duration::from_millis(500));
        let line = watched.first_line().await;
        assert!(line.contains("gives none: it does not answer;"), "{line}");
        assert!(line.contains("a hop limit of 2"), "{line}");

        granter.turn(|asked| metadata(asked, || says(document("ASIA1", Duration::from_secs(6)))));
        watched.until_up().await;
        let before = granter.asked.borrow().len();
        granter.turn(|_| Reply::Hangs);
        until(|| granter.asked.borrow().len() > before).await;
        let asked = Instant::now();
        assert_eq!(watched.store.read("a/b", 9).await, Ok(None), "the old keys");
        assert!(asked.elapsed() < Duration::from_millis(500));
    });
}

#[test]
fn keys_that_the_store_refuses_are_asked_for_again() {
    run(async {
        let granter = Granter::start(|_| says(document("ASIA1", HOUR)));
        let watched = Watched::checked(agent(&granter, None), Duration::from_secs(1));
        watched.until_up().await;
        granter.turn(|_| says(document("ASIA2", HOUR)));
        watched.server.mood.set(Mood::Refuses);
        until(|| granter.asked.borrow().len() > 1).await;
        watched.server.mood.set(Mood::Well);
        watched.until_up().await;
        assert_eq!(watched.signed_by(), session("ASIA2"));
    });
}
