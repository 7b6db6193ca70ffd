//! What a bucket can suffer, and what of it is noticed.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use tokio::task::spawn_local;

use super::server::{Mood, SECRET, Server};
use super::{backing, bytes_of, open, run, write_all};
use crate::store::{AnyStore, Awaited, Backing, Store, StoreError, watch};
use crate::sys;

/// A claim about a store in a bucket that has one object, `a/b`.
fn with_bucket(claim: impl AsyncFnOnce(AnyStore, Rc<Server>, Backing)) {
    run(async {
        let (server, address) = Server::start();
        let backing = backing(address, SECRET);
        let store = open(&backing);
        store.write("a/b", b"0123456789", "x/y").await.unwrap();
        claim(store, server, backing).await;
    });
}

fn refused(code: &str) -> StoreError {
    StoreError::Refused {
        status: 403,
        code: code.into(),
    }
}

#[test]
fn one_connection_carries_one_request_after_the_other() {
    with_bucket(async |store, server, _| {
        for _ in 0..3 {
            bytes_of(store.get("a/b", None).await.unwrap()).await;
            assert!(store.get("no/such", None).await.unwrap().is_none());
            store.check().await.unwrap();
            let mut upload = store.put("a/c", 3).await.unwrap();
            write_all(&mut upload, b"abc").await.unwrap();
            upload.finish().await.unwrap();
        }
        assert_eq!(server.connections.get(), 1);
    });
}

#[test]
fn an_object_that_is_dropped_half_read_takes_its_connection_with_it() {
    with_bucket(async |store, server, _| {
        drop(store.get("a/b", None).await.unwrap());
        assert_eq!(
            store.read("a/b", 10).await,
            Ok(Some(b"0123456789".to_vec()))
        );
        assert_eq!(server.connections.get(), 2);
    });
}

#[test]
fn a_wrong_secret_is_refused_in_the_stores_own_word() {
    run(async {
        let (_server, address) = Server::start();
        let store = open(&backing(address, "another secret"));
        let error = store.read("a/b", 10).await.unwrap_err();
        assert_eq!(error, refused("SignatureDoesNotMatch"));
        assert!(!error.to_string().contains("another secret"));
        assert!(store.is_up(), "who is refused has reached it");
        assert_eq!(store.check().await, Err(refused("")));
    });
}

#[test]
fn answers_are_told_apart() {
    with_bucket(async |store, server, _| {
        for (mood, expected) in [
            (Mood::Refuses, refused("AccessDenied")),
            (Mood::Bucketless, StoreError::NoBucket),
            (
                Mood::Busy,
                StoreError::Status {
                    status: 503,
                    code: "SlowDown".into(),
                },
            ),
        ] {
            server.mood.set(mood);
            assert_eq!(store.read("a/b", 10).await, Err(expected.clone()));
            assert_eq!(store.write("a/b", b"", "x/y").await, Err(expected));
            assert!(store.check().await.is_err());
            assert!(store.is_up());
        }
        server.mood.set(Mood::Full);
        assert_eq!(store.write("a/b", b"", "x/y").await, Err(StoreError::Full));
        let mut upload = store.put("a/c", 3).await.unwrap();
        write_all(&mut upload, b"abc").await.unwrap();
        assert_eq!(upload.finish().await, Err(StoreError::Full));
        assert_eq!(
            store.read("a/b", 10).await,
            Ok(Some(b"0123456789".to_vec()))
        );
    });
}

#[test]
fn a_refused_upload_ends_before_all_of_it_was_sent() {
    with_bucket(async |store, server, _| {
        server.mood.set(Mood::Refuses);
        let mut upload = store.put("a/c", 1 << 40).await.unwrap();
        let piece = vec![7; 65_536];
        let asked = Instant::now();
        let error = loop {
            if let Err(error) = write_all(&mut upload, &piece).await {
                break error;
            }
        };
        assert!(error.to_string().contains("AccessDenied"), "{error}");
        assert!(asked.elapsed() < Duration::from_secs(3));
    });
}

#[test]
fn a_body_that_is_cut_is_broken_and_no_object() {
    with_bucket(async |store, server, _| {
        server.mood.set(Mood::Cuts);
        let object = store.get("a/b", None).await.unwrap().unwrap();
        assert_eq!(object.length, 10);
        let outcome = object.collect(Duration::from_secs(5)).await;
        assert!(matches!(outcome, Err(StoreError::Broken(_))), "{outcome:?}");
        let outcome = store.read("a/b", 10).await;
        assert!(matches!(outcome, Err(StoreError::Broken(_))), "{outcome:?}");
        assert!(store.is_up());
    });
}

#[test]
fn a_store_that_hangs_is_down_after_one_time_out_for_every_worker() {
    with_bucket(async |store, server, backing| {
        server.mood.set(Mood::Hangs);
        let asked = Instant::now();
        let error = store.read("a/b", 10).await.unwrap_err();
        assert_eq!(error, StoreError::TimedOut(Awaited::Answer));
        assert!(asked.elapsed() < Duration::from_secs(4));
        let asked = Instant::now();
        for store in [&store, &open(&backing)] {
            assert!(!store.is_up());
            assert_eq!(store.read("a/b", 10).await, Err(StoreError::Down));
            assert_eq!(store.put("a/c", 3).await.err(), Some(StoreError::Down));
        }
        assert!(asked.elapsed() < Duration::from_millis(500));
    });
}

#[test]
fn a_store_that_nobody_listens_for_is_down_at_once() {
    run(async {
        let listener = sys::listen("127.0.0.1:0".parse().unwrap()).unwrap();
        let address = listener.local_addr().unwrap();
        drop(listener);
        let store = open(&backing(address, SECRET));
        let error = store.read("a/b", 10).await.unwrap_err();
        assert!(matches!(error, StoreError::Unreachable(_)), "{error:?}");
        assert_eq!(store.read("a/b", 10).await, Err(StoreError::Down));
    });
}

#[test]
fn a_watched_store_comes_back_and_each_change_is_told_once() {
    with_bucket(async |store, server, backing| {
        let told: Rc<RefCell<Vec<bool>>> = Rc::default();
        let (watched, telling) = (open(&backing), Rc::clone(&told));
        let watching = spawn_local(async move {
            let tell = |change: Result<(), &StoreError>| telling.borrow_mut().push(change.is_ok());
            watch(&watched, Duration::from_mins(1), tell).await;
        });
        tokio::time::sleep(Duration::from_millis(100)).await;
        server.mood.set(Mood::Hangs);
        assert!(store.read("a/b", 10).await.is_err());
        server.mood.set(Mood::Well);
        let fell = Instant::now();
        while !store.is_up() {
            assert!(fell.elapsed() < Duration::from_secs(10));
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        assert!(store.read("a/b", 10).await.is_ok());
        watching.abort();
        assert_eq!(*told.borrow(), [true, false, true]);
    });
}

#[test]
fn the_clock_of_the_store_is_learnt_from_a_refusal() {
    with_bucket(async |store, server, backing| {
        for ahead in [3_600, -7_200] {
            server.ahead.set(ahead);
            let before = server.requests.get();
            assert!(store.read("a/b", 10).await.is_ok());
            assert_eq!(
                server.requests.get(),
                before + 2,
                "once more, and signed anew"
            );
            assert!(open(&backing).read("a/b", 10).await.is_ok());
            assert_eq!(server.requests.get(), before + 3, "every worker knows");
        }
        server.ahead.set(9_000);
        assert_eq!(
            store.check().await,
            Ok(()),
            "an answer to HEAD has no words"
        );
    });
}

#[test]
fn a_connection_that_was_closed_while_idle_is_replaced_unseen() {
    run(async {
        let (server, address) = Server::start();
        let store = open(&backing(address, SECRET));
        store.write("a/b", b"x", "x/y").await.unwrap();
        // The answer is whole, and the connection is closed behind it.
        server.mood.set(Mood::Cuts);
        store.check().await.unwrap();
        server.mood.set(Mood::Well);
        assert_eq!(store.read("a/b", 10).await, Ok(Some(b"x".to_vec())));
    });
}
