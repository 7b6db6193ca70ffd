//! 64 MiB each way arrive whole, and memory does not grow with them.

use std::fs;
use std::io::{self, Write};
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use sha2::{Digest, Sha256};

use crate::vocabulary::{Connection, Origin, Sidekick, blocks};

const LENGTH: usize = 64 << 20;
/// What the process may grow by while bodies pass.
const MEMORY: usize = 24 << 20;

fn hash_of(length: usize) -> Vec<u8> {
    let mut hash = Sha256::new();
    blocks(length).for_each(|block| hash.update(&block));
    hash.finalize().to_vec()
}

fn hash_of_next(connection: &mut Connection, length: usize) -> io::Result<Vec<u8>> {
    let mut hash = Sha256::new();
    take(connection, length, &mut hash)?;
    Ok(hash.finalize().to_vec())
}

/// Reads `length` bytes and adds them to `hash`.
fn take(connection: &mut Connection, length: usize, hash: &mut Sha256) -> io::Result<()> {
    let mut left = length;
    while left > 0 {
        let mut some = connection.some()?;
        if some.is_empty() {
            return Err(io::Error::other(format!("{left} bytes are missing")));
        }
        if some.len() > left {
            connection.unread(&some.split_off(left));
        }
        left -= some.len();
        hash.update(&some);
    }
    Ok(())
}

#[test]
fn download_by_length_arrives_whole() {
    let origin = Origin::scripted(|connection| {
        connection.send(format!(
            "HTTP/1.1 200 OK\r\nContent-Length: {LENGTH}\r\n\r\n"
        ))?;
        blocks(LENGTH).try_for_each(|block| connection.send(&block))
    });
    let sidekick = Sidekick::new().site([&origin]).start();
    let before = sidekick.peak_memory();
    let mut client = sidekick.client();
    client.send("GET /key HTTP/1.1\r\nHost: b\r\n\r\n");
    assert_eq!(client.read_head().content_length(), Some(LENGTH));
    assert_eq!(
        hash_of_next(&mut client.connection, LENGTH).unwrap(),
        hash_of(LENGTH)
    );
    let grown = sidekick.peak_memory() - before;
    assert!(grown < MEMORY, "the process has grown by {grown} bytes");
}

#[test]
fn upload_by_length_arrives_whole() {
    let (sent, received) = channel();
    let origin = Origin::scripted(move |connection| {
        let _ = sent.send(hash_of_next(connection, LENGTH)?);
        connection.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
    });
    let sidekick = Sidekick::new().site([&origin]).start();
    let before = sidekick.peak_memory();
    let mut client = sidekick.client();
    client.send(format!(
        "PUT /key HTTP/1.1\r\nHost: b\r\nContent-Length: {LENGTH}\r\n\r\n"
    ));
    for block in blocks(LENGTH) {
        client.send(block);
    }
    assert_eq!(client.read_response().status(), 200);
    assert_eq!(received.recv().unwrap(), hash_of(LENGTH));
    let grown = sidekick.peak_memory() - before;
    assert!(grown < MEMORY, "the process has grown by {grown} bytes");
}

#[test]
fn chunks_arrive_whole_both_ways_at_once() {
    const LENGTH: usize = 16 << 20;
    let origin = Origin::scripted(|connection| {
        connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")?;
        loop {
            let chunk = connection.chunk()?;
            if chunk.is_empty() {
                connection.trailers()?;
                return connection.send("0\r\n\r\n");
            }
            connection.send(format!("{:x}\r\n", chunk.len()))?;
            connection.send(&chunk)?;
            connection.send("\r\n")?;
        }
    });
    let sidekick = Sidekick::new().site([&origin]).start();
    let mut client = sidekick.client();
    client.send("POST /echo HTTP/1.1\r\nHost: b\r\nTransfer-Encoding: chunked\r\n\r\n");
    let mut sender = client.connection.sender();
    let sending = thread::spawn(move || {
        for block in blocks(LENGTH) {
            for chunk in block.chunks(50_021) {
                write!(sender, "{:x}\r\n", chunk.len())?;
                sender.write_all(chunk)?;
                sender.write_all(b"\r\n")?;
            }
        }
        sender.write_all(b"0\r\n\r\n")
    });
    assert!(client.read_head().is_chunked());
    let body = client.connection.chunked_body().expect("a whole body");
    sending.join().unwrap().expect("the upload is taken");
    assert_eq!(body.bytes.len(), LENGTH);
    assert_eq!(Sha256::digest(&body.bytes).to_vec(), hash_of(LENGTH));
}

#[test]
fn download_framed_by_the_close_arrives_whole() {
    const LENGTH: usize = 16 << 20;
    let origin = Origin::scripted(|connection| {
        connection.send("HTTP/1.1 200 OK\r\n\r\n")?;
        blocks(LENGTH).try_for_each(|block| connection.send(&block))?;
        connection.close();
        Ok(())
    });
    let sidekick = Sidekick::new().site([&origin]).start();
    let mut client = sidekick.client();
    // Without chunked coding the close is all the framing there is.
    client.send("GET /key HTTP/1.0\r\nHost: b\r\n\r\n");
    assert_eq!(client.read_head().content_length(), None);
    assert_eq!(
        hash_of_next(&mut client.connection, LENGTH).unwrap(),
        hash_of(LENGTH)
    );
    client.expect_eof();
}

#[test]
fn large_chunks_reach_a_client_that_knows_no_chunks() {
    const LENGTH: usize = 8 << 20;
    let origin = Origin::scripted(|connection| {
        connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")?;
        for block in blocks(LENGTH) {
            connection.send(format!("{:x}\r\n", block.len()))?;
            connection.send(&block)?;
            connection.send("\r\n")?;
        }
        connection.send("0\r\n\r\n")
    });
    let sidekick = Sidekick::new().site([&origin]).start();
    let mut client = sidekick.client();
    client.send("GET /key HTTP/1.0\r\nHost: b\r\n\r\n");
    assert!(!client.read_head().is_chunked());
    assert_eq!(
        hash_of_next(&mut client.connection, LENGTH).unwrap(),
        hash_of(LENGTH)
    );
    client.expect_eof();
}

#[test]
fn backend_that_dies_in_a_large_body_is_never_taken_for_its_end() {
    let origin = Origin::scripted(|connection| {
        connection.send(format!(
            "HTTP/1.1 200 OK\r\nContent-Length: {LENGTH}\r\n\r\n"
        ))?;
        connection.send(vec![b'x'; LENGTH / 4])?;
        connection.close();
        Ok(())
    });
    let sidekick = Sidekick::new().site([&origin]).start();
    let mut client = sidekick.client();
    client.send("GET /key HTTP/1.1\r\nHost: b\r\n\r\n");
    assert_eq!(client.read_head().content_length(), Some(LENGTH));
    assert!(hash_of_next(&mut client.connection, LENGTH).is_err());
}

#[test]
fn what_a_vanished_client_left_unread_reaches_nobody_else() {
    const LENGTH: usize = 8 << 20;
    let origin = Origin::scripted(|connection| {
        let fill = connection.request.target().as_bytes()[1];
        connection.send(format!(
            "HTTP/1.1 200 OK\r\nContent-Length: {LENGTH}\r\n\r\n"
        ))?;
        connection.send(vec![fill; LENGTH])
    });
    let sidekick = Sidekick::new().site([&origin]).start();
    for _ in 0..8 {
        let mut leaver = sidekick.client();
        leaver.send("GET /x HTTP/1.1\r\nHost: b\r\n\r\n");
        leaver.read_head();
        leaver.vanish();
        let body = sidekick.client().get("/y").body;
        assert_eq!(body.len(), LENGTH);
        assert!(body.iter().all(|byte| *byte == b'y'), "another's bytes");
    }
}

#[test]
fn many_uploads_at_once_never_mix() {
    const LENGTH: usize = 2 << 20;
    let origin = Origin::scripted(|connection| {
        let fill = connection.request.target().as_bytes()[1];
        let body = connection.body()?;
        let status = if body.len() == LENGTH && body.iter().all(|byte| *byte == fill) {
            "200 OK"
        } else {
            "400 Bad Request"
        };
        connection.send(format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n"))
    });
    let sidekick = Sidekick::new().site([&origin]).start();
    thread::scope(|scope| {
        for fill in b'a'..=b'p' {
            let sidekick = &sidekick;
            scope.spawn(move || {
                let mut client = sidekick.client();
                for _ in 0..3 {
                    let target = format!("/{}", char::from(fill));
                    let response = client.put(&target, vec![fill; LENGTH]);
                    assert_eq!(response.status(), 200, "another's bytes");
                }
            });
        }
    });
}

#[test]
fn client_that_does_not_read_stops_the_backend() {
    const OFFERED: usize = 256 << 20;
    let (told, taken) = channel();
    let origin = Origin::scripted(move |connection| {
        connection.send(format!(
            "HTTP/1.1 200 OK\r\nContent-Length: {OFFERED}\r\n\r\n"
        ))?;
        connection.give_up_after(Duration::from_millis(500));
        let block = vec![b'x'; 64 * 1024];
        let mut sent = 0;
        while sent < OFFERED && connection.send(&block).is_ok() {
            sent += block.len();
        }
        let _ = told.send(sent);
        Ok(())
    });
    let sidekick = Sidekick::new().site([&origin]).start();
    let before = sidekick.peak_memory();
    let mut client = sidekick.client();
    client.send("GET /key HTTP/1.1\r\nHost: b\r\n\r\n");
    let sent = taken.recv().unwrap();
    assert!(
        sent < OFFERED / 2,
        "{sent} bytes went to a client that reads nothing"
    );
    let grown = sidekick.peak_memory() - before;
    assert!(grown < MEMORY, "the process has grown by {grown} bytes");
}

#[test]
fn client_that_pauses_gets_the_rest_when_it_goes_on() {
    const STILL: Duration = Duration::from_millis(200);
    const STEP: usize = LENGTH / 4;
    let (told, progress) = channel();
    let origin = Origin::scripted(move |connection| {
        connection.send(format!(
            "HTTP/1.1 200 OK\r\nContent-Length: {LENGTH}\r\n\r\n"
        ))?;
        blocks(LENGTH).try_for_each(|block| {
            let _ = told.send(());
            connection.send(&block)
        })
    });
    let sidekick = Sidekick::new().site([&origin]).start();
    let mut client = sidekick.client();
    client.send("GET /key HTTP/1.1\r\nHost: b\r\n\r\n");
    assert_eq!(client.read_head().content_length(), Some(LENGTH));
    let mut hash = Sha256::new();
    for _ in 0..LENGTH / STEP {
        // Until all that lies between the two is full, or the backend has sent everything.
        while progress.recv_timeout(STILL).is_ok() {}
        take(&mut client.connection, STEP, &mut hash).unwrap();
    }
    assert_eq!(hash.finalize().to_vec(), hash_of(LENGTH));
}

#[test]
fn many_downloads_at_once_never_mix() {
    const LENGTH: usize = 2 << 20;
    let origin = Origin::scripted(|connection| {
        let fill = connection.request.target().as_bytes()[1];
        connection.send(format!(
            "HTTP/1.1 200 OK\r\nContent-Length: {LENGTH}\r\n\r\n"
        ))?;
        connection.send(vec![fill; LENGTH])
    });
    let sidekick = Sidekick::new().site([&origin]).start();
    thread::scope(|scope| {
        for fill in b'a'..=b'p' {
            let sidekick = &sidekick;
            scope.spawn(move || {
                let mut client = sidekick.client();
                for _ in 0..3 {
                    let body = client.get(&format!("/{}", char::from(fill))).body;
                    assert_eq!(body.len(), LENGTH);
                    assert!(body.iter().all(|byte| *byte == fill), "another's bytes");
                }
            });
        }
    });
}

/// What the kernel may hold of a stream through the process, besides what a pipe does: the buffers
/// of three sockets, that of the fourth being narrow.
fn room_in_the_kernel() -> usize {
    let most = |direction| {
        let path = format!("/proc/sys/net/ipv4/tcp_{direction}mem");
        let sizes = fs::read_to_string(path).expect("sizes of buffers");
        let most = sizes.split_whitespace().last().expect("the largest");
        most.parse::<usize>().expect("a size")
    };
    most("r") + 2 * most("w")
}

#[test]
fn backend_that_pauses_stops_the_client_and_gets_the_rest_when_it_goes_on() {
    const STILL: Duration = Duration::from_millis(200);
    const BEGINNING: usize = 1 << 20;
    let most = room_in_the_kernel() + BEGINNING + (4 << 20);
    let length = most + (16 << 20);
    let origin = Origin::by_hand().narrow();
    let sidekick = Sidekick::new().site([&origin]).start();
    let before = sidekick.peak_memory();
    let mut client = sidekick.client();
    client.send(format!(
        "PUT /key HTTP/1.1\r\nHost: b\r\nContent-Length: {length}\r\n\r\n"
    ));
    let mut sender = client.connection.sender();
    let (told, progress) = channel();
    let sending = thread::spawn(move || {
        blocks(length).try_for_each(|block| {
            block.chunks(64 * 1024).try_for_each(|piece| {
                sender.write_all(piece)?;
                let _ = told.send(piece.len());
                Ok::<_, io::Error>(())
            })
        })
    });
    let mut backend = origin.take_connection();
    backend.read_request();
    let mut hash = Sha256::new();
    take(&mut backend, BEGINNING, &mut hash).unwrap();
    // Until all that lies between the two is full.
    let mut sent = 0;
    while let Ok(count) = progress.recv_timeout(STILL) {
        sent += count;
    }
    assert!(
        sent < most,
        "{sent} bytes were taken for a backend that reads nothing, more than {most}"
    );
    take(&mut backend, length - BEGINNING, &mut hash).unwrap();
    sending.join().unwrap().expect("the upload is taken");
    assert_eq!(hash.finalize().to_vec(), hash_of(length));
    backend
        .send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        .unwrap();
    assert_eq!(client.read_response().status(), 200);
    let grown = sidekick.peak_memory() - before;
    assert!(grown < MEMORY, "the process has grown by {grown} bytes");
}

#[test]
fn client_that_has_ended_its_side_gets_the_whole_download() {
    const LENGTH: usize = 8 << 20;
    let origin = Origin::by_hand();
    let sidekick = Sidekick::new().site([&origin]).start();
    let mut client = sidekick.client();
    client.send("GET /key HTTP/1.1\r\nHost: b\r\n\r\n");
    client.connection.finish().unwrap();
    let mut backend = origin.take_connection();
    backend.read_request();
    let sending = thread::spawn(move || {
        backend.send(format!(
            "HTTP/1.1 200 OK\r\nContent-Length: {LENGTH}\r\n\r\n"
        ))?;
        blocks(LENGTH).try_for_each(|block| backend.send(&block))
    });
    assert_eq!(client.read_head().content_length(), Some(LENGTH));
    assert_eq!(
        hash_of_next(&mut client.connection, LENGTH).unwrap(),
        hash_of(LENGTH)
    );
    sending.join().unwrap().unwrap();
    client.expect_eof();
}

#[test]
fn client_that_ends_its_side_behind_an_upload_gets_the_answer() {
    const LENGTH: usize = 8 << 20;
    let origin = Origin::by_hand();
    let sidekick = Sidekick::new().site([&origin]).start();
    let mut client = sidekick.client();
    client.send(format!(
        "POST /key HTTP/1.1\r\nHost: b\r\nContent-Length: {LENGTH}\r\n\r\n"
    ));
    let mut sender = client.connection.sender();
    let sending = thread::spawn(move || {
        blocks(LENGTH).try_for_each(|block| sender.write_all(&block))?;
        sender.finish()
    });
    let mut backend = origin.take_connection();
    backend.read_request();
    assert_eq!(hash_of_next(&mut backend, LENGTH).unwrap(), hash_of(LENGTH));
    // The end is there before the answer begins.
    sending.join().unwrap().unwrap();
    let answering = thread::spawn(move || {
        backend.send(format!(
            "HTTP/1.1 200 OK\r\nContent-Length: {LENGTH}\r\n\r\n"
        ))?;
        blocks(LENGTH).try_for_each(|block| backend.send(&block))
    });
    assert_eq!(client.read_head().status(), 200);
    assert_eq!(
        hash_of_next(&mut client.connection, LENGTH).unwrap(),
        hash_of(LENGTH)
    );
    answering.join().unwrap().unwrap();
    client.expect_eof();
}
