//! The words of TLS hold against each other, without the process under test.

use std::net::TcpStream;

use rustls::version::{TLS12, TLS13};

use crate::vocabulary::{Client, End, Origin, Security, wait_until};

#[test]
fn bytes_pass_both_ways_by_either_version() {
    let body: Vec<u8> = (0..3_000_017_u32).map(|at| (at % 251) as u8).collect();
    for version in [&TLS12, &TLS13] {
        let origin = Origin::secured(Security::Tls, |connection| {
            let body = connection.body()?;
            connection.send(format!(
                "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n",
                body.len()
            ))?;
            connection.send(&body)
        });
        let mut client = Client::connect_by(version, origin.address());
        for _ in 0..2 {
            let response = client.put("/key", &body);
            assert_eq!(response.status(), 200);
            assert!(response.body == body, "{version:?}");
        }
        assert_eq!(origin.connections(), 1);
    }
}

#[test]
fn ends_are_told_apart() {
    let origin = Origin::secured(Security::Tls, |connection| {
        connection.send("HTTP/1.1 200 OK\r\n\r\nsome")?;
        match connection.request.target().as_str() {
            "/close" => connection.close(),
            "/die" => connection.die(),
            _ => {
                // A reset discards what is on its way.
                connection.some()?;
                connection.reset();
            }
        }
        Ok(())
    });
    for (target, end) in [
        ("/close", End::Fin),
        ("/die", End::Cut),
        ("/reset", End::Reset),
    ] {
        let mut client = Client::connect_by(&TLS13, origin.address());
        client.send(format!("GET {target} HTTP/1.1\r\nHost: b\r\n\r\n"));
        client.read_head();
        assert_eq!(client.connection.exactly(4).unwrap(), b"some");
        if end == End::Reset {
            client.send("go on");
        }
        assert_eq!(client.expect_closed(), end, "{target}");
    }
}

#[test]
fn origin_that_demands_a_certificate_serves_nobody_without() {
    let origin = Origin::secured(Security::MutualTls, |connection| {
        connection.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
    });
    let mut client = Client::connect_by(&TLS13, origin.address());
    client.send("GET / HTTP/1.1\r\nHost: b\r\n\r\n");
    assert!(client.connection.head().is_err());
    assert_eq!(origin.request_count(), 0);
    wait_until("the connection is gone", || origin.open_connections() == 0);
    drop(TcpStream::connect_timeout(&origin.address(), crate::vocabulary::PATIENCE).unwrap());
    wait_until("nobody's is gone", || origin.open_connections() == 0);
}
