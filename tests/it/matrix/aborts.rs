//! A client that goes away takes its request at the backend with it, and nothing else.

use std::io;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};

use super::ways::{Way, every_way_in, every_way_out};
use crate::vocabulary::{Ask, Caller, Ending, Origin, PATIENCE, Security, Upload, blocks};

every_way_out! {
    client_that_leaves_while_it_waits_is_not_waited_for
    client_that_leaves_an_upload_ends_it
    client_that_leaves_a_download_ends_it
}

const SIZE: usize = 256 << 20;

/// What became of a request at the origin.
#[derive(Debug, PartialEq, Eq)]
enum Fate {
    /// Its connection ended before the request's end, or the answer's.
    Ended,
    Whole,
}

/// Holds requests until their connection ends, and tells. Those of `/next` it answers.
fn holding(security: Security) -> (Origin, Arc<Mutex<Receiver<Fate>>>) {
    let (sender, fates): (Sender<Fate>, _) = channel();
    let origin = Origin::secured(security, move |connection| {
        let held = match connection.request.target().as_str() {
            // A request that was not cancelled leaves its connection open: patience ends first.
            "/wait" => connection.rest().map(drop),
            "/upload" => connection.body().map(drop),
            "/download" => {
                connection.send(format!("HTTP/1.1 200 OK\r\nContent-Length: {SIZE}\r\n\r\n"))?;
                blocks(SIZE).try_for_each(|block| connection.send(block))
            }
            _ => {
                return connection.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
            }
        };
        let fate = match (&held, connection.request.target().as_str()) {
            (Ok(()), "/wait") => Fate::Ended,
            (Ok(()), _) => Fate::Whole,
            (Err(error), _) if error.kind() == io::ErrorKind::TimedOut => Fate::Whole,
            (Err(error), _) if error.kind() == io::ErrorKind::WouldBlock => Fate::Whole,
            (Err(_), _) => Fate::Ended,
        };
        // The test may have failed meanwhile.
        let _ = sender.send(fate);
        connection.close();
        held
    });
    (origin, Arc::new(Mutex::new(fates)))
}

/// The request's connection at the backend ends; a client's own connection that stays serves on, and
/// the backend is not blamed.
#[track_caller]
fn expect_ended(way: &Way<'_>, mut caller: Caller, fates: &Mutex<Receiver<Fate>>) {
    let fate = fates.lock().expect("unpoisoned").recv_timeout(PATIENCE);
    assert_eq!(fate, Ok(Fate::Ended));
    if !way.speech.is_http2() {
        caller = way.caller();
    }
    let answer = caller.ask("GET", "/next");
    assert_eq!((answer.status, &answer.end), (200, &Ending::Whole));
    let up = way
        .sidekick
        .metric_of("sidekick_backend_up", &way.origins[0]);
    assert!(up > 0.0, "the backend has done nothing wrong");
}

fn client_that_leaves_while_it_waits_is_not_waited_for(security: Security) {
    let (origin, fates) = holding(security);
    every_way_in(security, &[origin], |way| {
        let before = way.origins[0].request_count();
        let mut caller = way.caller();
        let exchange = caller.begin(Ask::new("GET", "/wait"));
        way.origins[0].wait_for_requests(before + 1);
        exchange.vanish();
        expect_ended(way, caller, &fates);
    });
}

fn client_that_leaves_an_upload_ends_it(security: Security) {
    let (origin, fates) = holding(security);
    every_way_in(security, &[origin], |way| {
        for upload in [Upload::Length(SIZE), Upload::Open] {
            let before = way.origins[0].request_count();
            let mut caller = way.caller();
            let mut exchange = caller.begin(Ask::new("PUT", "/upload").upload(upload));
            for block in blocks(3 << 20) {
                exchange.send(&block).expect("the body is taken");
            }
            way.origins[0].wait_for_requests(before + 1);
            exchange.vanish();
            expect_ended(way, caller, &fates);
        }
    });
}

fn client_that_leaves_a_download_ends_it(security: Security) {
    let (origin, fates) = holding(security);
    every_way_in(security, &[origin], |way| {
        let mut caller = way.caller();
        let mut exchange = caller.begin(Ask::new("GET", "/download"));
        assert_eq!(exchange.head().expect("a head").status, 200);
        exchange.read(3 << 20);
        exchange.vanish();
        expect_ended(way, caller, &fates);
    });
}
