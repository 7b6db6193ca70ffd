//! A transfer may take for ever, but not stand still for ever. The bound is five minutes in the
//! program; here a proxy of the library runs in this process with a shorter one.

#![expect(
    clippy::disallowed_methods,
    reason = "an address is dialed, not a name; the passing of time is what is tested"
)]

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::rc::Rc;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use sidekick::admin::{Figures, Local};
use sidekick::balance::{LoadTable, Policy, Standing};
use sidekick::config::TlsVersion;
use sidekick::event::{self, Filter, FilterSpec};
use sidekick::metrics::{ProcessMetrics, WorkerCells};
use sidekick::net::tls::{TlsConnector, Trust, client_config};
use sidekick::net::{Deadlines, PipeShare};
use sidekick::proxy::{Limits, Parts, Proxy, serve};
use sidekick::sys;
use sidekick::topology::{Backend, Identity, Publisher, Site, Snapshot};

use crate::vocabulary::Origin;

const STALL: Duration = Duration::from_millis(400);
const LONG: Duration = Duration::from_mins(1);

fn publisher(origin: &Origin) -> Arc<Publisher> {
    let loads = LoadTable::new(1, Instant::now());
    let label = origin.url();
    let identity = Identity {
        label: label.as_str().into(),
        endpoint: label.parse().expect("an endpoint"),
        configured: label.parse().expect("an endpoint"),
        site: 0,
    };
    let load = loads.register(0).expect("a place");
    let backend = Backend::new(identity, load, Arc::new([origin.address()]));
    backend.load().set_standing(Standing::Up);
    Publisher::new(Snapshot::new(
        vec![Site::new(vec![Arc::new(backend)])],
        loads,
    ))
}

fn parts(origin: &Origin) -> Parts {
    let publisher = publisher(origin);
    let (events, _) = event::channel(16);
    let process = Arc::new(ProcessMetrics::new(std::time::SystemTime::now()));
    let figures = Figures::new(Arc::clone(&publisher), process, events.clone(), None);
    let nobody_over_tls =
        client_config(Trust::Anyone, None, TlsVersion::V13).expect("a configuration");
    Parts {
        limits: Limits {
            idle: LONG,
            header: LONG,
            connect: LONG,
            stall: STALL,
            retries: 3,
        },
        policy: Policy::Least,
        filter: Filter::new(FilterSpec {
            quiet: true,
            ..FilterSpec::default()
        }),
        events,
        cells: Arc::new(WorkerCells::default()),
        local: Arc::new(Local::new(Arc::new(figures))),
        publisher,
        backend_idle: LONG,
        pipes: PipeShare {
            files: 16,
            workers: 1,
        },
        acceptor: None,
        connector: Arc::new(TlsConnector::new(nobody_over_tls)),
        cache: None,
    }
}

/// A client of a proxy that serves this one connection on a thread of its own.
pub(crate) fn client(origin: &Origin) -> TcpStream {
    let listener = sys::listen((Ipv4Addr::LOCALHOST, 0).into()).expect("a free port");
    let address = listener.local_addr().expect("it listens");
    let client = TcpStream::connect(address).expect("it listens");
    client.set_read_timeout(Some(LONG)).expect("a time-out");
    let parts = parts(origin);
    thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build_local(tokio::runtime::LocalOptions::default())
            .expect("a runtime");
        runtime.block_on(async {
            let listener = tokio::net::TcpListener::from_std(listener).expect("registered");
            let (socket, peer) = listener.accept().await.expect("a client");
            let proxy = Proxy::new(parts, fastrand::Rng::with_seed(1), Instant::now());
            let ticking = Rc::clone(&proxy);
            let ticker = tokio::task::spawn_local(async move {
                loop {
                    tokio::time::sleep(Deadlines::TICK).await;
                    ticking.tick(Instant::now());
                }
            });
            serve(proxy, socket, peer.ip()).await;
            ticker.abort();
        });
    });
    client
}

/// What the client gets until its connection ends, and whether that was a clean end.
fn all(mut client: TcpStream) -> (String, bool) {
    let mut got = Vec::new();
    let clean = client.read_to_end(&mut got).is_ok();
    (String::from_utf8_lossy(&got).into_owned(), clean)
}

#[test]
fn silent_backend_is_a_gateway_timeout() {
    let origin = Origin::by_hand();
    let mut client = client(&origin);
    client
        .write_all(b"GET / HTTP/1.1\r\nHost: b\r\nConnection: close\r\n\r\n")
        .expect("sent");
    let (answer, clean) = all(client);
    assert!(clean && answer.starts_with("HTTP/1.1 504 "), "{answer}");
    assert!(answer.contains("<Code>GatewayTimeout</Code>"), "{answer}");
}

#[test]
fn upload_that_stands_still_is_the_clients_timeout() {
    let origin = Origin::by_hand();
    let mut client = client(&origin);
    client
        .write_all(b"PUT / HTTP/1.1\r\nHost: b\r\nContent-Length: 9\r\n\r\nhalf")
        .expect("sent");
    let (answer, _) = all(client);
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
}

#[test]
fn download_that_stands_still_is_cut_and_not_ended() {
    let origin = Origin::by_hand();
    let mut client = client(&origin);
    client
        .write_all(b"GET / HTTP/1.1\r\nHost: b\r\n\r\n")
        .expect("sent");
    let mut backend = origin.take_connection();
    backend.read_request();
    backend
        .send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf")
        .expect("sent");
    let (answer, clean) = all(client);
    assert!(answer.ends_with("half") && !clean, "{answer}");
}

#[test]
fn drip_within_the_bound_goes_on_for_longer_than_the_bound() {
    let origin = Origin::by_hand();
    let mut client = client(&origin);
    client
        .write_all(b"GET / HTTP/1.1\r\nHost: b\r\nConnection: close\r\n\r\n")
        .expect("sent");
    let mut backend = origin.take_connection();
    backend.read_request();
    backend
        .send("HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n")
        .expect("sent");
    let drip = thread::spawn(move || {
        for _ in 0..8 {
            thread::sleep(STALL / 4);
            backend.send("x").expect("sent");
        }
        backend
    });
    let (answer, clean) = all(client);
    assert!(clean && answer.ends_with("\r\n\r\nxxxxxxxx"), "{answer}");
    drop(drip.join());
}

#[test]
fn event_stream_may_be_silent() {
    let origin = Origin::by_hand();
    let mut client = client(&origin);
    client
        .write_all(b"GET / HTTP/1.1\r\nHost: b\r\nConnection: close\r\n\r\n")
        .expect("sent");
    let mut backend = origin.take_connection();
    backend.read_request();
    let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: 4\r\n\r\n";
    backend.send(head).expect("sent");
    thread::sleep(STALL * 3);
    backend.send("done").expect("sent");
    let (answer, clean) = all(client);
    assert!(clean && answer.ends_with("\r\n\r\ndone"), "{answer}");
}
