//! Certificates are replaced all the time, and no request notices.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use rustls::version::{TLS12, TLS13};

use crate::vocabulary::{
    AUTHORITY, Authority, Certificates, Client, Http2Client, Origin, Running, Security, Sidekick,
    wait_until,
};

/// How long it goes on, and how often certificates change meanwhile.
const SPAN: Duration = Duration::from_secs(5);
const EVERY: Duration = Duration::from_millis(100);

/// Calls `rotate` with 1, 2, 3 and so on; how often it did.
fn rotate_for_a_while(mut rotate: impl FnMut(usize)) -> usize {
    let started = Instant::now();
    let mut count = 0;
    while started.elapsed() < SPAN {
        count += 1;
        rotate(count);
        let next = EVERY * count as u32;
        // Nothing wakes this thread early; if something did, one rotation would come sooner.
        thread::park_timeout(next.saturating_sub(started.elapsed()));
    }
    count
}

/// Something done again and again until it is told to end.
fn until(over: &AtomicBool, mut step: impl FnMut()) {
    while !over.load(Ordering::Relaxed) {
        step();
    }
}

/// Sets the flag even when a failure is on its way, so that the others end as well.
struct Ends<'f>(&'f AtomicBool);

impl Drop for Ends<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Lines about the file of this flag.
fn lines_about(sidekick: &Running, flag: &str) -> usize {
    let flag = format!("`--{flag} ");
    let lines = sidekick.stdout();
    lines.iter().filter(|line| line.contains(&flag)).count()
}

#[track_caller]
fn expect_no_failure(sidekick: &Running, origin: &Origin) {
    for name in ["sidekick_errors_total", "sidekick_retries_total"] {
        let failures = sidekick.metric_of(name, origin);
        assert!(failures < 1.0, "{name} {failures}");
    }
}

#[test]
fn certificates_of_the_listener_change_under_load_and_no_request_fails() {
    let origin = Origin::saying("ok");
    let certificates = Certificates::new();
    let sidekick = Sidekick::new()
        .option("--trace", "minio")
        .listening_by(&certificates)
        .site([&origin])
        .start();
    let address = sidekick.address();

    let mut old = Client::connect_by(&TLS13, address);
    assert_eq!(old.get("/old").text(), "ok");
    let over = AtomicBool::new(false);
    let over = &over;
    let (rotations, shown) = thread::scope(|scope| {
        let loads = [&TLS12, &TLS13].map(|version| {
            scope.spawn(move || {
                let mut shown = HashSet::new();
                until(over, || {
                    let mut client = Client::connect_by(version, address);
                    assert_eq!(client.get("/new").text(), "ok");
                    shown.extend(client.connection.shown());
                });
                shown
            })
        });
        let http2 = scope.spawn(|| {
            let kept = Http2Client::connect_by_tls(address);
            until(over, || {
                assert_eq!(kept.get("/kept").text(), "ok");
                let client = Http2Client::connect_by_tls(address);
                assert_eq!(client.get("/new").text(), "ok");
            });
        });
        let ends = Ends(over);
        let rotations = rotate_for_a_while(|_| {
            certificates.show_to_clients(&AUTHORITY.issue_server());
            sidekick.signal(Signal::HUP);
            assert_eq!(old.get("/old").text(), "ok");
        });
        drop(ends);
        http2.join().expect("no failure by HTTP/2");
        let [first, second] = loads.map(|load| load.join().expect("no failure"));
        (rotations, first.union(&second).count())
    });
    assert!(shown > rotations / 2, "{shown} certificates of {rotations}");
    assert_eq!(old.get("/old").text(), "ok");
    expect_no_failure(&sidekick, &origin);
}

#[test]
fn authorities_and_client_certificates_change_under_load_and_no_request_fails() {
    let over = std::sync::Arc::new(AtomicBool::new(false));
    let dripping = over.clone();
    let origin = Origin::secured(Security::MutualTls, move |connection| {
        if connection.request.target() != "/drip" {
            // The next request needs a handshake of its own.
            connection
                .send("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok")?;
            connection.close();
            return Ok(());
        }
        connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")?;
        while !dripping.load(Ordering::Relaxed) {
            connection.send("4\r\ndrip\r\n")?;
            thread::park_timeout(EVERY);
        }
        connection.send("0\r\n\r\n")
    });
    // One authority a rotation, known one rotation before it counts and one after.
    let most = (SPAN.as_millis() / EVERY.as_millis()) as usize + 3;
    let authorities: Vec<Authority> = (0..most).map(|_| Authority::new()).collect();
    let around = |at: usize| [&authorities[at - 1], &authorities[at], &authorities[at + 1]];
    let certificates = Certificates::new();
    let show = |at: usize| {
        certificates.trust(&around(at));
        certificates.show_to_backends(&authorities[at].issue_client());
    };
    let demand = |at: usize| origin.secure_by(authorities[at].demanding_config(&around(at)));
    show(1);
    demand(1);
    let sidekick = Sidekick::new()
        .option("--trace", "minio")
        .trusting(&certificates)
        .showing(&certificates)
        .site([&origin])
        .start();

    thread::scope(|scope| {
        let drip = scope.spawn(|| sidekick.get("/drip").body.len());
        let loads = [(); 2].map(|()| {
            scope.spawn(|| {
                let mut client = sidekick.client();
                until(&over, || assert_eq!(client.get("/new").text(), "ok"));
            })
        });
        origin.wait_for_requests(1);
        let ends = Ends(&over);
        let rotations = rotate_for_a_while(|count| {
            let told = lines_about(&sidekick, "cacert");
            show(count + 1);
            sidekick.signal(Signal::HUP);
            wait_until("the files are taken over", || {
                lines_about(&sidekick, "cacert") > told
            });
            demand(count + 1);
        });
        drop(ends);
        for load in loads {
            load.join().expect("no failure");
        }
        assert!(drip.join().expect("it is whole") > 4 * rotations / 2);
        assert!(rotations > 10, "{rotations} rotations");
    });
    expect_no_failure(&sidekick, &origin);
}
