//! Clients that connect by TLS and do not come to the point.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::vocabulary::{Certificates, Origin, PATIENCE, Running, Sidekick, wait_until};

fn started(header_timeout: &str) -> (Origin, Running) {
    let origin = Origin::saying("ok");
    let sidekick = Sidekick::new()
        .flag("--debug")
        .listening_by(&Certificates::new())
        .option("--header-timeout", header_timeout)
        .site([&origin])
        .start();
    (origin, sidekick)
}

fn connected(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect_timeout(&address, PATIENCE).expect("it listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a time-out");
    stream
}

/// Reads until the connection ends, whichever way.
fn outlast(stream: &mut TcpStream) -> Vec<u8> {
    let mut told = Vec::new();
    // A reset is an end, too.
    let _ = stream.read_to_end(&mut told);
    told
}

fn failed(sidekick: &Running) -> Option<f64> {
    sidekick.metric("sidekick_tls_handshake_errors_total", &[])
}

#[test]
fn a_client_that_says_nothing_is_left_after_the_time_for_a_head() {
    let (_origin, sidekick) = started("1s");
    let mut silent = connected(sidekick.address());
    let mut slow = connected(sidekick.address());
    slow.write_all(b"\x16\x03\x01").expect("sent");
    let began = Instant::now();
    assert!(outlast(&mut silent).is_empty());
    assert!(outlast(&mut slow).is_empty());
    assert!(began.elapsed() >= Duration::from_millis(500));
    wait_until("both are counted", || failed(&sidekick) == Some(2.0));
}

#[test]
fn a_client_that_speaks_no_tls_is_told_so_by_an_alert() {
    let (_origin, sidekick) = started("10s");
    let mut plain = connected(sidekick.address());
    plain
        .write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        .expect("sent");
    let told = outlast(&mut plain);
    assert_eq!(told.first(), Some(&21), "{told:?}");
    wait_until("it is counted", || failed(&sidekick) == Some(1.0));
    let told = "no TLS session with 127.0.0.1: client speaks no TLS";
    sidekick.stdout_line_where(|line| line.contains(told));
}

#[test]
fn silent_clients_hold_nobody_up() {
    let (_origin, sidekick) = started("10s");
    let silent: Vec<_> = (0..200).map(|_| connected(sidekick.address())).collect();
    assert_eq!(sidekick.get("/").text(), "ok");
    drop(silent);
}

#[test]
fn a_handshake_that_has_begun_is_no_reason_to_stay() {
    let (_origin, mut sidekick) = started("1m");
    let mut begun = connected(sidekick.address());
    begun.write_all(b"\x16\x03\x01").expect("sent");
    // Served after it: by then it has been accepted.
    assert_eq!(sidekick.get("/").text(), "ok");
    sidekick.signal(Signal::TERM);
    assert_eq!(sidekick.wait_exit().code(), Some(0));
}
