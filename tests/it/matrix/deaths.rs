//! A backend that dies in the middle of an answer: another one goes on, or the client can tell.

use std::collections::HashSet;
use std::io;
use std::sync::{Arc, Mutex};

use super::ways::{Way, every_way_in, every_way_out};
use crate::vocabulary::{
    Answer, Ask, Digest, Ending, Origin, OriginConnection, Security, wait_until, whole,
};

every_way_out! {
    download_goes_on_from_another_backend
    download_that_nobody_can_go_on_with_is_cut
    answer_without_a_strong_etag_is_cut
    chunked_answer_without_its_last_chunk_is_cut
    answer_until_close_is_cut_when_its_end_is_not_said
}

const SIZE: usize = 4 << 20;
/// Bytes that arrive before the end.
const SENT: usize = 1_500_000;
/// More than die: a backend that breaks a connection is not asked for a while.
const ORIGINS: usize = 20;
const ETAG: &str = "\"0123-7\"";

/// The ways of dying; each is a path.
const DEATHS: [&str; 3] = ["/close", "/die", "/reset"];

/// Targets whose clients have all that was sent: a reset discards what is on its way.
#[derive(Clone, Default)]
struct Arrived(Arc<Mutex<HashSet<String>>>);

impl Arrived {
    fn tell(&self, target: &str) {
        self.0.lock().expect("unpoisoned").insert(target.to_owned());
    }

    /// At the origin: ends the connection as the target says, once all has arrived.
    fn die(&self, connection: &mut OriginConnection) {
        let target = connection.request.target();
        wait_until("all that was sent has arrived", || {
            self.0.lock().expect("unpoisoned").contains(&target)
        });
        match target.split('?').next() {
            Some("/close") => connection.close(),
            Some("/die") => connection.die(),
            _ => connection.reset(),
        }
    }
}

/// The answer to this target, whose backend dies when `sent` bytes have arrived.
#[track_caller]
fn answer(way: &Way<'_>, target: &str, arrived: &Arrived, sent: usize) -> Answer {
    let mut caller = way.caller();
    let mut exchange = caller.begin(Ask::new("GET", target));
    exchange.answer_watched(|length| {
        if length >= sent {
            arrived.tell(target);
        }
    })
}

/// A target of its own for each request: how to die, and who asked.
fn targets(way: &Way<'_>, deaths: &[&str]) -> Vec<String> {
    deaths
        .iter()
        .map(|death| format!("{death}?{:?}", way.speech))
        .collect()
}

/// Whole, or cut without another byte than the object's own.
#[track_caller]
fn expect_cut(answer: &Answer, sent: usize, target: &str) {
    assert_eq!(
        (answer.status, &answer.end),
        (200, &Ending::Cut),
        "{target}"
    );
    assert_eq!(answer.body, Digest::of(&whole(SIZE)[..sent]), "{target}");
}

fn several(
    security: Security,
    script: impl Fn(&mut OriginConnection) -> io::Result<()> + Send + Sync + 'static,
) -> Vec<Origin> {
    let script = Arc::new(script);
    let origin = |_| {
        let script = Arc::clone(&script);
        Origin::secured(security, move |connection| script(connection))
    };
    (0..ORIGINS).map(origin).collect()
}

/// Backends with one object; the first request for a target dies on the way, `others` answer
/// those that follow.
fn dying(
    security: Security,
    arrived: &Arrived,
    others: fn(&mut OriginConnection, &[u8]) -> io::Result<()>,
) -> Vec<Origin> {
    let asked: Arc<Mutex<HashSet<String>>> = Arc::default();
    let object = whole(SIZE);
    let arrived = arrived.clone();
    several(security, move |connection| {
        let target = connection.request.target();
        if !asked.lock().expect("unpoisoned").insert(target) {
            return others(connection, &object);
        }
        connection.send(format!(
            "HTTP/1.1 200 OK\r\nETag: {ETAG}\r\nContent-Length: {SIZE}\r\n\r\n"
        ))?;
        connection.send(&object[..SENT])?;
        arrived.die(connection);
        Ok(())
    })
}

fn download_goes_on_from_another_backend(security: Security) {
    let arrived = Arrived::default();
    let origins = dying(security, &arrived, |connection, object| {
        assert_eq!(connection.request.field("If-Match").as_deref(), Some(ETAG));
        let range = format!("bytes={SENT}-{}", SIZE - 1);
        assert_eq!(connection.request.field("Range"), Some(range));
        connection.send(format!(
            "HTTP/1.1 206 Partial Content\r\nETag: {ETAG}\r\nContent-Length: {}\r\n\
             Content-Range: bytes {SENT}-{}/{SIZE}\r\n\r\n",
            SIZE - SENT,
            SIZE - 1
        ))?;
        connection.send(&object[SENT..])
    });
    every_way_in(security, &origins, |way| {
        for target in targets(way, &DEATHS) {
            let answer = answer(way, &target, &arrived, SENT);
            assert_eq!(
                (answer.status, &answer.end),
                (200, &Ending::Whole),
                "{target}"
            );
            assert_eq!(answer.body, Digest::of_blocks(SIZE), "{target}");
        }
    });
}

fn download_that_nobody_can_go_on_with_is_cut(security: Security) {
    let arrived = Arrived::default();
    let origins = dying(security, &arrived, |connection, _| {
        connection.send("HTTP/1.1 412 Precondition Failed\r\nContent-Length: 0\r\n\r\n")
    });
    every_way_in(security, &origins, |way| {
        for target in targets(way, &DEATHS) {
            expect_cut(&answer(way, &target, &arrived, SENT), SENT, &target);
        }
    });
}

/// Backends that answer with this head and the beginning of the body, and die.
fn beginning(security: Security, arrived: &Arrived, head: &'static str) -> Vec<Origin> {
    let object = whole(SIZE);
    let arrived = arrived.clone();
    several(security, move |connection| {
        connection.send(head)?;
        connection.send(&object[..SENT])?;
        arrived.die(connection);
        Ok(())
    })
}

fn answer_without_a_strong_etag_is_cut(security: Security) {
    let arrived = Arrived::default();
    let head = "HTTP/1.1 200 OK\r\nETag: W/\"0\"\r\nContent-Length: 4194304\r\n\r\n";
    every_way_in(security, &beginning(security, &arrived, head), |way| {
        for target in targets(way, &DEATHS) {
            expect_cut(&answer(way, &target, &arrived, SENT), SENT, &target);
        }
    });
}

fn chunked_answer_without_its_last_chunk_is_cut(security: Security) {
    // 0x7a120; the third chunk of some answers has no end.
    const CHUNK: usize = 500_000;
    let object = whole(SIZE);
    let arrived = Arrived::default();
    let dying = arrived.clone();
    let origins = several(security, move |connection| {
        connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")?;
        for chunk in object[..2 * CHUNK].chunks(CHUNK) {
            connection.send("7a120\r\n")?;
            connection.send(chunk)?;
            connection.send("\r\n")?;
        }
        if connection.request.target().ends_with("within") {
            connection.send("7a120\r\n")?;
        }
        dying.die(connection);
        Ok(())
    });
    every_way_in(security, &origins, |way| {
        for target in targets(way, &DEATHS) {
            for place in ["between", "within"] {
                let target = format!("{target},{place}");
                let answer = answer(way, &target, &arrived, 2 * CHUNK);
                expect_cut(&answer, 2 * CHUNK, &target);
            }
        }
    });
}

fn answer_until_close_is_cut_when_its_end_is_not_said(security: Security) {
    // In clear text a FIN is an end like any other; TLS has a word for it.
    let deaths: &[&str] = match security {
        Security::Clear => &["/reset"],
        Security::Tls | Security::MutualTls => &["/reset", "/die"],
    };
    let arrived = Arrived::default();
    let head = "HTTP/1.1 200 OK\r\n\r\n";
    every_way_in(security, &beginning(security, &arrived, head), |way| {
        for target in targets(way, deaths) {
            expect_cut(&answer(way, &target, &arrived, SENT), SENT, &target);
        }
    });
}
