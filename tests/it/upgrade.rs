//! After 101 the connection is a byte tunnel.

use std::io::Write;
use std::thread;
use std::time::Duration;

use crate::vocabulary::{Certificates, Client, Origin, OriginConnection, Sidekick, holds_for};

const UPGRADE: &str =
    "GET /chat HTTP/1.1\r\nHost: b\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
const SWITCHED: &str =
    "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";

fn tunnel(client: &mut Client, origin: &Origin) -> OriginConnection {
    client.send(UPGRADE);
    let mut backend = origin.take_connection();
    let head = backend.read_request();
    assert_eq!(head.field("Upgrade").as_deref(), Some("websocket"));
    backend.send(SWITCHED).unwrap();
    let head = client.read_head();
    assert_eq!(
        (head.status(), head.field("Upgrade").as_deref()),
        (101, Some("websocket"))
    );
    backend
}

#[test]
fn megabytes_pass_both_ways_at_once() {
    let origin = Origin::by_hand();
    let sidekick = Sidekick::new().site([&origin]).start();
    pass_megabytes(&mut sidekick.client(), &origin);
}

#[test]
fn megabytes_pass_both_ways_by_tls() {
    let origin = Origin::by_hand();
    let sidekick = Sidekick::new()
        .listening_by(&Certificates::new())
        .site([&origin])
        .start();
    pass_megabytes(&mut sidekick.client(), &origin);
}

fn pass_megabytes(client: &mut Client, origin: &Origin) {
    const LENGTH: usize = 4 << 20;
    let mut backend = tunnel(client, origin);

    let up: Vec<u8> = (0..LENGTH).map(|at| (at % 249) as u8).collect();
    let down: Vec<u8> = (0..LENGTH).map(|at| (at % 253) as u8).collect();
    thread::scope(|scope| {
        let (mut to_backend, mut to_client) = (client.connection.sender(), backend.sender());
        let (up, down) = (&up, &down);
        scope.spawn(move || to_backend.write_all(up).unwrap());
        scope.spawn(move || to_client.write_all(down).unwrap());
        scope.spawn(|| assert!(backend.exactly(LENGTH).unwrap() == *up));
        assert!(client.connection.exactly(LENGTH).unwrap() == *down);
    });
}

#[test]
fn silence_in_a_tunnel_is_no_timeout() {
    let origin = Origin::by_hand();
    let sidekick = Sidekick::new()
        .site([&origin])
        .option("--idle-timeout", "200ms")
        .option("--header-timeout", "200ms")
        .start();
    let mut client = sidekick.client();
    let mut backend = tunnel(&mut client, &origin);
    holds_for(Duration::from_millis(800), "the tunnel is open", || {
        origin.open_connections() > 0
    });
    client.send("still there?");
    assert_eq!(backend.exactly(12).unwrap(), b"still there?");
    backend.send("yes").unwrap();
    assert_eq!(client.connection.exactly(3).unwrap(), b"yes");
}

#[test]
fn end_of_one_side_ends_the_other() {
    let origin = Origin::by_hand();
    let sidekick = Sidekick::new().site([&origin]).start();

    let mut client = sidekick.client();
    let backend = tunnel(&mut client, &origin);
    backend.reset_on_close().unwrap();
    drop(backend);
    client.expect_closed();

    let mut client = sidekick.client();
    let mut backend = tunnel(&mut client, &origin);
    client.vanish();
    backend.rest().expect("the backend's side ends");
    assert_eq!(
        sidekick
            .metric_of("sidekick_backend_up", &origin)
            .to_string(),
        "1"
    );
}

#[test]
fn tunnel_never_goes_back_into_the_pool() {
    let origin = Origin::by_hand();
    let sidekick = Sidekick::new()
        .site([&origin])
        .option("--threads", "1")
        .start();
    let mut client = sidekick.client();
    let tunnel = tunnel(&mut client, &origin);
    client.connection.finish().unwrap();
    let mut other = sidekick.client();
    other.send("GET / HTTP/1.1\r\nHost: b\r\n\r\n");
    let mut backend = origin.take_connection();
    backend.read_request();
    backend.send("HTTP/1.1 204 No Content\r\n\r\n").unwrap();
    assert_eq!(other.read_response().status(), 204);
    assert_ne!(tunnel.number, backend.number);
}
