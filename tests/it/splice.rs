//! Bodies between plain sockets go through pipes, other bodies do not, and nobody can tell by the
//! bytes.

use std::thread;
use std::time::Duration;

use crate::vocabulary::{
    Ask, Caller, Certificates, Client, Connection, Ending, Objects, Origin, OriginConnection,
    Running, Security, Sidekick, Speech, Upload, request, wait_until,
};

const MIB: usize = 1 << 20;

/// One worker, so that all clients share its pipes.
fn before(origin: &Origin) -> Sidekick {
    Sidekick::new().site([origin]).option("--threads", "1")
}

#[track_caller]
fn expect_copied(sidekick: &Running) {
    let pipes = sidekick.pipes();
    assert!(pipes.is_empty(), "bytes went through {pipes:?}");
}

#[test]
fn large_bodies_between_plain_sockets_are_spliced() {
    let objects = Objects::of([MIB, 9 * MIB]);
    let origin = objects.origin(Security::Clear);
    for method in ["GET", "PUT"] {
        for number in 0..2 {
            let sidekick = before(&origin).start();
            expect_copied(&sidekick);
            let mut client = sidekick.client();
            let target = format!("/{number}");
            let object = objects.bytes(number);
            for _ in 0..3 {
                if method == "GET" {
                    assert!(client.get(&target).body == object, "wrong bytes");
                } else {
                    assert_eq!(client.put(&target, object).status(), 200);
                }
                let pipes = sidekick.pipes();
                assert_eq!(pipes.len(), 1, "a pipe, used again: {pipes:?}");
                assert_eq!(pipes[0].filled, 0);
            }
        }
    }
    assert_eq!(objects.wrong_uploads(), 0);
}

#[test]
fn small_bodies_are_copied() {
    // An upload that fits a buffer is held in it, to be sent again.
    let objects = Objects::of([1, 1000, 16_000, 64_000]);
    let origin = objects.origin(Security::Clear);
    let sidekick = before(&origin).start();
    let mut client = sidekick.client();
    for number in 0..3 {
        let body = client.get(&format!("/{number}")).body;
        assert!(body == objects.bytes(number), "wrong bytes");
    }
    for number in 0..4 {
        let target = format!("/{number}");
        assert_eq!(client.put(&target, objects.bytes(number)).status(), 200);
    }
    expect_copied(&sidekick);
}

#[test]
fn bodies_inside_tls_or_http2_are_copied() {
    let objects = Objects::of([MIB]);
    let certificates = Certificates::new();
    let plain = objects.origin(Security::Clear);
    let secured = objects.origin(Security::Tls);
    for origin in [&plain, &secured] {
        let sidekick = before(origin).trusting(&certificates);
        let clear = sidekick.start();
        let listening_by_tls = sidekick.listening_by(&certificates).start();
        for speech in Speech::ALL {
            if speech == Speech::Http1 && origin.port() == plain.port() {
                continue;
            }
            let sidekick = if speech.is_secured() {
                &listening_by_tls
            } else {
                &clear
            };
            let mut caller = Caller::connect(speech, sidekick.address());
            let answer = caller.ask("GET", "/0");
            assert_eq!((answer.body.length, answer.end), (MIB, Ending::Whole));
            let put = Ask::new("PUT", "/0").upload(Upload::Length(MIB));
            let mut exchange = caller.begin(put);
            exchange.send(objects.bytes(0)).expect("the body is taken");
            exchange.finish(&[]).expect("the body's end is taken");
            assert_eq!(exchange.answer().status, 200);
            expect_copied(sidekick);
        }
    }
}

#[test]
fn while_there_are_no_pipes_bodies_are_copied() {
    // More bodies than are let pass before the kernel is asked again.
    const BODIES: usize = 256;
    let objects = Objects::of([10, MIB]);
    let origin = objects.origin(Security::Clear);
    let sidekick = before(&origin).start();
    let mut client = sidekick.client();
    // Both connections are there: from now on nothing but a pipe needs another file.
    client.get("/0");
    let files = sidekick.bound_files(0);
    for _ in 0..3 {
        assert!(client.get("/1").body == objects.bytes(1), "wrong bytes");
        assert_eq!(client.put("/1", objects.bytes(1)).status(), 200);
    }
    expect_copied(&sidekick);
    sidekick.bound_files(files);
    let is_spliced = (0..BODIES).any(|_| {
        assert!(client.get("/1").body == objects.bytes(1), "wrong bytes");
        !sidekick.pipes().is_empty()
    });
    assert!(is_spliced, "there are pipes again, and nobody takes one");
    assert_eq!(client.put("/1", objects.bytes(1)).status(), 200);
    assert_eq!(origin.connections(), 1);
}

#[test]
fn request_right_behind_a_spliced_upload_is_a_request() {
    let objects = Objects::of([400_000, 10]);
    let origin = objects.origin(Security::Clear);
    let sidekick = before(&origin).start();
    let mut client = sidekick.client();
    let mut both = request("PUT", "/0", objects.bytes(0));
    both.extend_from_slice(b"GET /1 HTTP/1.1\r\nHost: b\r\n\r\n");
    for _ in 0..3 {
        client.send(&both);
        assert_eq!(client.read_response().status(), 200);
        assert_eq!(client.read_response().body, objects.bytes(1));
    }
    assert_eq!(sidekick.pipes().len(), 1);
    let requests = origin.requests();
    let targets = requests.iter().map(|request| request.head.target());
    assert_eq!(
        targets.collect::<Vec<_>>(),
        ["/0", "/1", "/0", "/1", "/0", "/1"]
    );
    assert!(requests.iter().all(|one| one.head.has("X-Forwarded-For")));
}

#[test]
fn bytes_right_behind_a_spliced_download_reach_nobody() {
    const SURPLUS: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nstolen";
    let body = Objects::of([400_000]);
    let origin = Origin::by_hand();
    let sidekick = before(&origin).start();
    let mut client = sidekick.client();
    client.send("GET /1 HTTP/1.1\r\nHost: b\r\n\r\n");
    let mut backend = origin.take_connection();
    backend.read_request();
    let (first, last) = body.bytes(0).split_at(399_000);
    backend
        .send("HTTP/1.1 200 OK\r\nContent-Length: 400000\r\n\r\n")
        .unwrap();
    backend.send(first).unwrap();
    client.read_head();
    assert!(
        client.connection.exactly(first.len()).unwrap() == first,
        "wrong bytes"
    );
    // Nothing else is under way: this arrives in one piece.
    backend.send([last, SURPLUS].concat()).unwrap();
    assert!(
        client.connection.exactly(last.len()).unwrap() == last,
        "wrong bytes"
    );
    assert_eq!(sidekick.pipes().len(), 1);
    client.send("GET /2 HTTP/1.1\r\nHost: b\r\n\r\n");
    let mut other = origin.take_connection();
    assert_eq!(other.read_request().target(), "/2");
    other
        .send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        .unwrap();
    assert_eq!(client.read_response().text(), "ok");
    drop(backend.rest());
}

#[test]
fn upload_that_could_be_sent_again_is_copied() {
    let body = Objects::of([60_000]);
    let (first, last) = body.bytes(0).split_at(1000);
    let origin = Origin::by_hand();
    let sidekick = before(&origin).start();
    let mut client = sidekick.client();
    client.send("PUT /0 HTTP/1.1\r\nHost: b\r\nContent-Length: 60000\r\n\r\n");
    client.send(first);
    let mut backend = origin.take_connection();
    backend.read_request();
    assert!(backend.exactly(first.len()).unwrap() == first);
    client.send(last);
    assert!(backend.exactly(last.len()).unwrap() == last);
    expect_copied(&sidekick);
}

/// Sends until nothing more is taken, and the last of it stands in a pipe.
#[track_caller]
fn fill(connection: &mut Connection, sidekick: &Running) {
    const STILL: Duration = Duration::from_millis(100);
    let block = vec![b'x'; MIB];
    connection.give_up_after(STILL);
    wait_until("bytes stand in a pipe", || {
        while connection.send(&block).is_ok() {}
        sidekick.pipes().iter().any(|pipe| pipe.filled > 0)
    });
}

/// A download that the client does not read, stuck with bytes in the pipe. Without a length it ends
/// by the close.
fn stuck(sidekick: &Running, origin: &Origin, length: Option<usize>) -> (Client, OriginConnection) {
    let mut client = sidekick.client();
    client.send("GET /stuck HTTP/1.0\r\nHost: b\r\n\r\n");
    let mut backend = origin.take_connection();
    backend.read_request();
    let framing = length.map(|length| format!("Content-Length: {length}\r\n"));
    backend
        .send(format!(
            "HTTP/1.1 200 OK\r\n{}\r\n",
            framing.unwrap_or_default()
        ))
        .unwrap();
    fill(&mut backend, sidekick);
    (client, backend)
}

fn reset(mut backend: OriginConnection) {
    backend.reset();
    drop(backend);
}

/// Another client of the same worker gets its object.
#[track_caller]
fn expect_whole(sidekick: &Running, origin: &Origin, object: &[u8]) {
    let mut client = sidekick.client();
    client.send("GET /whole HTTP/1.1\r\nHost: b\r\n\r\n");
    let mut backend = origin.take_connection();
    backend.read_request();
    thread::scope(|scope| {
        scope.spawn(|| {
            let length = object.len();
            let head =
                format!("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n");
            backend.send(head).and_then(|()| backend.send(object))
        });
        assert!(client.read_response().body == object, "another's bytes");
    });
}

#[test]
fn reset_of_the_backend_behind_bytes_in_a_pipe_is_no_end_of_the_body() {
    let objects = Objects::of([MIB, 9 * MIB]);
    let origin = Origin::by_hand();
    let sidekick = before(&origin).start();
    for length in [Some(256 * MIB), None] {
        let (mut client, backend) = stuck(&sidekick, &origin, length);
        reset(backend);
        let head = client.read_head();
        client.read_cut_body(&head);
        for number in 0..2 {
            expect_whole(&sidekick, &origin, objects.bytes(number));
        }
    }
}

/// What was left in a pipe goes with it, and other clients get their objects.
#[track_caller]
fn expect_clean_pipes(sidekick: &Running, origin: &Origin, objects: &Objects) {
    wait_until("no bytes are left in a pipe", || {
        sidekick.pipes().iter().all(|pipe| pipe.filled == 0)
    });
    for number in 0..2 {
        expect_whole(sidekick, origin, objects.bytes(number));
    }
}

#[test]
fn pipe_that_was_left_with_bytes_in_it_is_never_used_again() {
    let objects = Objects::of([MIB, 9 * MIB]);
    let origin = Origin::by_hand();
    let sidekick = before(&origin).start();
    for length in [Some(256 * MIB), None] {
        let (client, backend) = stuck(&sidekick, &origin, length);
        reset(backend);
        client.vanish();
        expect_clean_pipes(&sidekick, &origin, &objects);
    }
}

#[test]
fn pipe_that_a_backend_left_with_bytes_in_it_is_never_used_again() {
    let objects = Objects::of([MIB, 9 * MIB]);
    let origin = Origin::by_hand().narrow();
    let sidekick = before(&origin).start();
    for _ in 0..2 {
        let mut client = sidekick.client();
        client.send("PUT /stuck HTTP/1.1\r\nHost: b\r\nContent-Length: 999999999\r\n\r\n");
        let mut backend = origin.take_connection();
        backend.read_request();
        fill(&mut client.connection, &sidekick);
        reset(backend);
        drop(client);
        expect_clean_pipes(&sidekick, &origin, &objects);
    }
}
