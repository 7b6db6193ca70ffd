//! A client of HTTP/2 that asks for too much loses its connection; nobody else notices.

use std::time::Duration;

use crate::vocabulary::{
    Frames, Origin, Running, Sidekick, get_block, header_block, http2_request,
};

const ENHANCE_YOUR_CALM: u32 = 11;

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const PRIORITY: u8 = 2;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const WINDOW_UPDATE: u8 = 8;
const CONTINUATION: u8 = 9;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

fn started(origin: &Origin) -> Running {
    Sidekick::new()
        .site([origin])
        .option("--threads", "1")
        .start()
}

/// Sends frames until the connection breaks or there were `most`; a GOAWAY for it, and others are
/// served.
fn expect_end(
    sidekick: &Running,
    frames: &mut Frames,
    most: u32,
    mut send: impl FnMut(&mut Frames, u32) -> std::io::Result<()>,
) {
    let mut reading = frames.second();
    let reading = std::thread::spawn(move || reading.goodbye());
    for number in 0..most {
        if send(frames, number).is_err() {
            break;
        }
    }
    // What was still on its way when the connection closed may have reset it.
    if let Some(code) = reading.join().unwrap() {
        assert_eq!(code, ENHANCE_YOUR_CALM);
    }
    assert!(
        frames.send(b"x").is_err() || frames.next().is_none(),
        "it is closed"
    );
    assert_eq!(sidekick.http2().get("/v1/health").status(), 200);
}

#[test]
fn rapid_resets_end_the_connection() {
    let origin = Origin::by_hand();
    let sidekick = started(&origin);
    let mut frames = Frames::connect(sidekick.address());
    let block = get_block("/k", &[]);
    expect_end(&sidekick, &mut frames, 20_000, |frames, number| {
        let stream = number * 2 + 1;
        frames.frame(HEADERS, END_HEADERS | END_STREAM, stream, &block)?;
        frames.frame(RST_STREAM, 0, stream, &[0, 0, 0, 8])
    });
}

#[test]
fn patient_resets_end_it_too() {
    let origin = Origin::by_hand();
    let sidekick = started(&origin);
    let mut frames = Frames::connect(sidekick.address());
    let block = get_block("/k", &[]);
    expect_end(&sidekick, &mut frames, 400, |frames, number| {
        let stream = number * 2 + 1;
        frames.frame(HEADERS, END_HEADERS | END_STREAM, stream, &block)?;
        // Its request is on its way to the backend by now.
        std::thread::park_timeout(Duration::from_millis(3));
        frames.frame(RST_STREAM, 0, stream, &[0, 0, 0, 8])
    });
}

#[test]
fn floods_of_frames_that_say_nothing_end_the_connection() {
    let origin = Origin::by_hand();
    let sidekick = started(&origin);
    let floods: [(u8, u8, u32, &[u8]); 5] = [
        (PING, 0, 0, &[0; 8]),
        (PING, 1, 0, &[0; 8]),
        (SETTINGS, 0, 0, &[]),
        (PRIORITY, 0, 1, &[0, 0, 0, 0, 1]),
        (WINDOW_UPDATE, 0, 0, &[0, 0, 0, 1]),
    ];
    for (kind, flags, stream, payload) in floods {
        let mut frames = Frames::connect(sidekick.address());
        let many = (0..64)
            .flat_map(|_| crate::vocabulary::framed(kind, flags, stream, payload))
            .collect::<Vec<u8>>();
        expect_end(&sidekick, &mut frames, 20_000, |frames, _| {
            frames.send(&many)
        });
    }
}

#[test]
fn uploads_that_were_refused_early_are_no_flood() {
    let origin = Origin::scripted(|connection| {
        connection.send("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")?;
        connection.close();
        Ok(())
    });
    let sidekick = started(&origin);
    let client = sidekick.http2();
    for number in 0..300 {
        let request = http2_request("PUT", "/k").body(()).unwrap();
        let mut asked = client.begin(request, false);
        // The server may say no at any time.
        let _ = asked.send("x".repeat(200_000).as_bytes(), false);
        let head = asked.head();
        assert!(head.is_ok(), "{number} {head:?} {:?}", client.end());
    }
    assert!(client.is_open());
}

#[test]
fn empty_data_frames_end_the_connection() {
    let origin = Origin::by_hand();
    let sidekick = started(&origin);
    let mut frames = Frames::connect(sidekick.address());
    let block = get_block("/k", &[]);
    frames.frame(HEADERS, END_HEADERS, 1, &block).unwrap();
    expect_end(&sidekick, &mut frames, 10_000, |frames, _| {
        frames.frame(DATA, 0, 1, b"")
    });
}

#[test]
fn tiny_data_frames_that_nobody_reads_end_the_connection() {
    let origin = Origin::by_hand();
    let sidekick = started(&origin);
    let mut frames = Frames::connect(sidekick.address());
    // The backend never reads them, so they pile up once its buffers are full.
    for stream in (1..200).step_by(2) {
        let block = get_block("/k", &[("content-length", "100000000")]);
        frames.frame(HEADERS, END_HEADERS, stream, &block).unwrap();
        let data = crate::vocabulary::framed(DATA, 0, stream, b"x").repeat(20_000);
        if frames.send(&data).is_err() {
            break;
        }
    }
    assert!(
        sidekick.peak_memory() < 64 << 20,
        "{}",
        sidekick.peak_memory()
    );
    assert_eq!(sidekick.http2().get("/v1/health").status(), 200);
}

#[test]
fn endless_continuations_end_the_connection() {
    let origin = Origin::by_hand();
    let sidekick = started(&origin);
    let mut frames = Frames::connect(sidekick.address());
    frames
        .frame(HEADERS, END_STREAM, 1, &get_block("/k", &[]))
        .unwrap();
    let more = header_block(&[("a", "b")]);
    expect_end(&sidekick, &mut frames, 10_000, |frames, _| {
        frames.frame(CONTINUATION, 0, 1, &more)
    });
}

#[test]
fn head_that_is_too_large_is_answered_so_and_a_bomb_ends_the_connection() {
    let origin = Origin::saying("ok");
    let sidekick = started(&origin);
    let client = sidekick.http2();
    let status = |fields: usize, length: usize| {
        let mut request = http2_request("GET", "/k");
        for number in 0..fields {
            request = request.header(format!("x-{number}"), "v".repeat(length));
        }
        client.ask(request.body(()).unwrap()).status()
    };
    assert_eq!(status(200, 100), 200);
    assert_eq!(status(16, 4000), 200);
    assert_eq!(status(260, 1), 431);
    assert_eq!(status(17, 4000), 431);
    assert_eq!(status(20, 4100), 431);
    assert_eq!(status(1, 1), 200);

    // One long field, then a thousand times one byte that stands for it (RFC 7541 §7.3).
    let mut frames = Frames::connect(sidekick.address());
    let mut bomb = get_block("/k", &[]);
    bomb.extend_from_slice(&[0x40, 1, b'x', 127, 0xa1, 0x1e]);
    bomb.extend_from_slice(&[b'v'; 4000]);
    bomb.extend_from_slice(&[0xbe; 10_000]);
    expect_end(&sidekick, &mut frames, 1, |frames, _| {
        frames.frame(HEADERS, END_HEADERS | END_STREAM, 1, &bomb)
    });
}

#[test]
fn more_streams_than_allowed_are_refused_and_the_others_served() {
    let origin = Origin::by_hand();
    let sidekick = started(&origin);
    let mut frames = Frames::connect(sidekick.address());
    let block = get_block("/k", &[]);
    for stream in (1..400).step_by(2) {
        frames
            .frame(HEADERS, END_HEADERS | END_STREAM, stream, &block)
            .unwrap();
    }
    for _ in 0..72 {
        assert_eq!(
            frames.next_of(RST_STREAM).unwrap(),
            [0, 0, 0, 7],
            "REFUSED_STREAM"
        );
    }
    let in_flight = sidekick.metric_of("sidekick_requests_in_flight", &origin);
    assert!((100.0..=128.0).contains(&in_flight), "{in_flight} requests");
}

#[test]
fn requests_taken_back_while_a_backend_is_connected_to_do_not_pile_up() {
    let origin = Origin::by_hand();
    let sidekick = started(&origin);
    origin.black_hole();
    let mut frames = Frames::connect(sidekick.address());
    let block = get_block("/k", &[]);
    for stream in (1..1200).step_by(2) {
        frames
            .frame(HEADERS, END_HEADERS | END_STREAM, stream, &block)
            .unwrap();
        std::thread::park_timeout(Duration::from_micros(500));
        let cancel = frames.frame(RST_STREAM, 0, stream, &[0, 0, 0, 8]);
        cancel.unwrap();
    }
    let in_flight = sidekick.metric_of("sidekick_requests_in_flight", &origin);
    assert!(in_flight <= 256.0, "{in_flight} requests");
}

#[test]
fn head_that_was_begun_is_finished_in_time() {
    let origin = Origin::by_hand();
    let sidekick = Sidekick::new()
        .site([&origin])
        .option("--header-timeout", "300ms")
        .start();
    let mut frames = Frames::connect(sidekick.address());
    frames
        .frame(HEADERS, 0, 1, &get_block("/k", &[])[..10])
        .unwrap();
    frames.give_up_after(Duration::from_secs(5));
    assert_eq!(frames.goodbye(), Some(0), "NO_ERROR");
}
