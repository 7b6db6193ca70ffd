//! Bodies of every size and framing arrive as they were sent, both ways.

use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::ways::{Way, every_way_in, every_way_out};
use crate::vocabulary::{
    Answer, Ask, Digest, Digesting, Ending, Origin, OriginConnection, Security, Upload, blocks,
    whole,
};

const LARGE: usize = 64 << 20;

/// Large bodies go one at a time: what they take is processor time, and other tests wait for theirs.
fn turn() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

every_way_out! {
    downloads_arrive_whole
    large_download_arrives_whole
    large_upload_arrives_whole
    chunked_answer_arrives_whole_with_its_trailers
    chunked_upload_arrives_whole_with_its_trailers
    answer_until_close_arrives_whole
    head_has_the_fields_and_no_body
}

/// An origin that has objects of every size, named by their size.
fn store(security: Security) -> Origin {
    Origin::secured(security, |connection| {
        let size = connection.request.target()[1..].parse().expect("a size");
        connection.send(format!(
            "HTTP/1.1 200 OK\r\nETag: \"e\"\r\nContent-Length: {size}\r\n\r\n"
        ))?;
        if connection.request.method() == "HEAD" {
            return Ok(());
        }
        blocks(size).try_for_each(|block| connection.send(block))
    })
}

/// Whole, 200, and these bytes.
#[track_caller]
fn expect_blocks(answer: &Answer, size: usize) {
    assert_eq!((answer.status, &answer.end), (200, &Ending::Whole));
    assert_eq!(answer.body, Digest::of_blocks(size));
}

fn downloads_arrive_whole(security: Security) {
    every_way_in(security, &[store(security)], |way| {
        let mut caller = way.caller();
        for size in [0, 1024, 0, 1, 300_000] {
            let answer = caller.ask("GET", format!("/{size}"));
            expect_blocks(&answer, size);
            let length = size.to_string();
            assert_eq!(answer.fields.value("content-length"), Some(&*length));
            assert_eq!(answer.fields.value("x-proxy"), Some("true"));
        }
    });
}

fn large_download_arrives_whole(security: Security) {
    let _turn = turn();
    every_way_in(security, &[store(security)], |way| {
        let mut caller = way.caller();
        let answer = caller.ask("GET", format!("/{LARGE}"));
        expect_blocks(&answer, LARGE);
        expect_blocks(&caller.ask("GET", "/1024"), 1024);
    });
}

fn head_has_the_fields_and_no_body(security: Security) {
    every_way_in(security, &[store(security)], |way| {
        let mut caller = way.caller();
        for _ in 0..2 {
            let answer = caller.ask("HEAD", "/1024");
            assert_eq!((answer.status, &answer.end), (200, &Ending::Whole));
            assert_eq!(answer.fields.value("content-length"), Some("1024"));
            assert_eq!(answer.fields.value("etag"), Some("\"e\""));
            assert_eq!(answer.body.length, 0);
        }
        expect_blocks(&caller.ask("GET", "/1024"), 1024);
    });
}

/// Reads the request's body, whichever its framing, without holding it.
fn digest_of_body(connection: &mut OriginConnection) -> io::Result<(Digest, Vec<String>)> {
    let mut digesting = Digesting::default();
    if connection.request.is_chunked() {
        loop {
            let chunk = connection.chunk()?;
            if chunk.is_empty() {
                return Ok((digesting.done(), connection.trailers()?));
            }
            digesting.add(&chunk);
        }
    }
    let mut left = connection.request.content_length().unwrap_or(0);
    while left > 0 {
        let mut some = connection.some()?;
        if some.is_empty() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if some.len() > left {
            connection.unread(&some.split_off(left));
        }
        left -= some.len();
        digesting.add(&some);
    }
    Ok((digesting.done(), Vec::new()))
}

/// An origin that says what it was sent.
fn taking(security: Security) -> Origin {
    Origin::secured(security, |connection| {
        let (digest, trailers) = digest_of_body(connection)?;
        connection.send(format!(
            "HTTP/1.1 200 OK\r\nTaken: {digest}\r\nTrailers: {}\r\nContent-Length: 0\r\n\r\n",
            trailers.join("; ")
        ))
    })
}

fn uploaded(way: &Way<'_>, upload: Upload, size: usize) {
    let mut caller = way.caller();
    for size in [size, 3] {
        let upload = match upload {
            Upload::Length(_) => Upload::Length(size),
            other => other,
        };
        let mut exchange = caller.begin(Ask::new("PUT", "/key").upload(upload));
        for block in blocks(size) {
            exchange.send(&block).expect("the body is taken");
        }
        exchange.finish(&[]).expect("the body's end is taken");
        let answer = exchange.answer();
        assert_eq!((answer.status, &answer.end), (200, &Ending::Whole));
        let taken = Digest::of_blocks(size).to_string();
        assert_eq!(answer.fields.value("taken"), Some(&*taken));
    }
}

fn large_upload_arrives_whole(security: Security) {
    let _turn = turn();
    every_way_in(security, &[taking(security)], |way| {
        uploaded(way, Upload::Length(LARGE), LARGE);
    });
}

fn chunked_upload_arrives_whole_with_its_trailers(security: Security) {
    every_way_in(security, &[taking(security)], |way| {
        uploaded(way, Upload::Open, 3_000_017);
        let mut caller = way.caller();
        let ask = Ask::new("PUT", "/key").upload(Upload::Open);
        let mut exchange = caller.begin(ask.field("trailer", "x-sum, x-more"));
        exchange.send(b"some").expect("the body is taken");
        let trailers = [("x-sum", "17"), ("x-more", "a b")];
        exchange.finish(&trailers).expect("the trailers are taken");
        let answer = exchange.answer();
        let taken = Digest::of(b"some").to_string();
        assert_eq!(answer.fields.value("taken"), Some(&*taken));
        let arrived = answer.fields.value("trailers").map(str::to_lowercase);
        assert_eq!(arrived.as_deref(), Some("x-sum: 17; x-more: a b"));
    });
}

fn chunked_answer_arrives_whole_with_its_trailers(security: Security) {
    const SIZE: usize = 3_000_017;
    let origin = Origin::secured(security, |connection| {
        connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n")?;
        let mut sizes = [1, 4096, 70_001, 16_384, 250_000].into_iter().cycle();
        // The first chunk has one byte, the others have what is left of each block.
        let all = whole(SIZE);
        connection.send(&all[..1])?;
        let mut rest = &all[1..];
        while !rest.is_empty() {
            let size = sizes.next().unwrap_or(1).min(rest.len());
            connection.send(format!("\r\n{size:x};ext=1\r\n"))?;
            connection.send(&rest[..size])?;
            rest = &rest[size..];
        }
        connection.send("\r\n0\r\nX-Sum: 17\r\nX-More: a b\r\n\r\n")
    });
    every_way_in(security, &[origin], |way| {
        let mut caller = way.caller();
        for _ in 0..2 {
            let ask = Ask::new("GET", "/").field("te", "trailers");
            let answer = caller.begin(ask).answer();
            expect_blocks(&answer, SIZE);
            assert_eq!(answer.fields.value("content-length"), None);
            assert_eq!(answer.trailers.value("x-sum"), Some("17"));
            assert_eq!(answer.trailers.value("x-more"), Some("a b"));
        }
    });
}

fn answer_until_close_arrives_whole(security: Security) {
    const SIZE: usize = 3_000_017;
    let origin = Origin::secured(security, |connection| {
        connection.send("HTTP/1.1 200 OK\r\n\r\n")?;
        blocks(SIZE).try_for_each(|block| connection.send(block))?;
        connection.close();
        Ok(())
    });
    every_way_in(security, &[origin], |way| {
        expect_blocks(&way.caller().ask("GET", "/"), SIZE);
    });
}
