//! Names: looked up again by TTL, and traffic follows without a reload and without an error.

use std::io;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::vocabulary::{
    Mood, NameServer, Origin, OriginConnection, Resident, Sidekick, holds_for, wait_until,
};

/// A record's second, a check, and a busy machine.
const SOON: Duration = Duration::from_secs(5);

fn ip(last: u8) -> IpAddr {
    IpAddr::from([127, 0, 0, last])
}

fn answer(connection: &mut OriginConnection) -> io::Result<()> {
    connection.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
}

/// One origin at 127.0.0.2 and one at 127.0.0.3, on one port.
fn neighbours() -> [Origin; 2] {
    let pair = (0..20).find_map(|_| {
        let second = Origin::scripted_at(ip(2), 0, answer).expect("a free port");
        let third = Origin::scripted_at(ip(3), second.port(), answer).ok()?;
        Some([second, third])
    });
    pair.expect("a port free on two addresses")
}

fn start(name_server: &NameServer, sidekick: Sidekick) -> Resident {
    Resident::start(sidekick, name_server.configuration())
}

fn get(sidekick: &Resident) {
    assert_eq!(sidekick.get("/").status(), 200);
}

/// Requests on kept and on new connections while `events` happen; each must be answered 200.
fn under_load(sidekick: &Resident, events: impl FnOnce()) {
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let mut client = sidekick.client();
                while !over.load(Ordering::Relaxed) {
                    assert_eq!(client.get("/").status(), 200);
                    get(sidekick);
                }
            });
        }
        // Also when an event fails, which would wait for the load otherwise.
        let _over = OnDrop(|| over.store(true, Ordering::Relaxed));
        events();
    });
}

struct OnDrop<F: Fn()>(F);

impl<F: Fn()> Drop for OnDrop<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}

/// The traffic comes to `new`, soon, and then nothing goes to `old` any more.
fn traffic_moves(old: &Origin, new: &Origin) {
    let since = Instant::now();
    wait_until("the new one alone is asked", || {
        let (left, right) = (old.request_count(), new.request_count());
        new.wait_for_requests(right + 20);
        old.request_count() == left
    });
    assert!(since.elapsed() < SOON, "it took {:?}", since.elapsed());
}

#[test]
fn changed_address_moves_the_traffic_without_an_error() {
    let names = NameServer::start();
    let [old, new] = neighbours();
    let url = format!("http://s3.test:{}", old.port());
    names.addresses("s3.test.", &[ip(2)]);
    let sidekick = start(&names, Sidekick::new().argument(&url));
    sidekick.wait_until_up(&url);
    under_load(&sidekick, || {
        old.wait_for_requests(20);
        names.addresses("s3.test.", &[ip(3)]);
        traffic_moves(&old, &new);
        names.addresses("s3.test.", &[ip(2)]);
        traffic_moves(&new, &old);
    });
}

#[test]
fn addresses_of_the_round_robin_mode_come_and_go_without_an_error() {
    let names = NameServer::start();
    let [old, new] = neighbours();
    let url = format!("http://s3.test:{}", old.port());
    names.addresses("s3.test.", &[ip(2)]);
    let sidekick = Sidekick::new().flag("--rr-dns-mode").argument(url);
    let sidekick = start(&names, sidekick);
    sidekick.wait_until_up(&old.url());
    under_load(&sidekick, || {
        names.addresses("s3.test.", &[ip(2), ip(3)]);
        sidekick.wait_until_up(&new.url());
        new.wait_for_requests(20);
        names.addresses("s3.test.", &[ip(2)]);
        sidekick.wait_until_gone(&new.url());
        names.addresses("s3.test.", &[ip(3)]);
        traffic_moves(&old, &new);
        sidekick.wait_until_gone(&old.url());
    });
    let host = new.health_checks()[0].values("host");
    assert_eq!(host, [format!("s3.test:{}", new.port())]);
}

#[test]
fn address_that_joins_is_used_once_it_has_passed_a_check() {
    let names = NameServer::start();
    let [old, new] = neighbours();
    new.sick();
    let url = format!("http://s3.test:{}", old.port());
    names.addresses("s3.test.", &[ip(2)]);
    let sidekick = Sidekick::new().health_every("200ms").argument(&url);
    let sidekick = start(&names, sidekick);
    sidekick.wait_until_up(&url);
    names.addresses("s3.test.", &[ip(3)]);
    wait_until("the new address is checked", || {
        new.health_checks().len() > 1
    });
    get(&sidekick);
    assert_eq!(new.request_count(), 0);
    new.well();
    wait_until("the new address serves", || {
        get(&sidekick);
        new.request_count() > 0
    });
}

#[test]
fn failing_name_server_leaves_the_last_answer_in_use() {
    keeps_the_last_answer(Mood::Failing);
}

#[test]
fn silent_name_server_leaves_the_last_answer_in_use() {
    keeps_the_last_answer(Mood::Silent);
}

fn keeps_the_last_answer(mood: Mood) {
    let names = NameServer::start();
    let origin = Origin::saying("ok");
    let host = format!("http://s3.test:{}", origin.port());
    names.addresses("s3.test.", &[ip(1)]);
    let service = "http://_s3._tcp.test";
    names.servers("_s3._tcp.test.", &[(0, "a.test.", origin.port())]);
    names.addresses("a.test.", &[ip(1)]);
    let sidekick = Sidekick::new().argument(&host).argument(service);
    let sidekick = start(&names, sidekick);
    let server = format!("http://a.test:{}", origin.port());
    sidekick.wait_until_up(&host);
    sidekick.wait_until_up(&server);
    names.behave(mood);
    for name in ["s3.test.", "_s3._tcp.test.", "a.test."] {
        let before = names.asked(name);
        wait_until(&format!("{name} is asked for again, twice"), || {
            get(&sidekick);
            names.asked(name) > before + 2
        });
    }
    for label in [&host, &server] {
        assert_eq!(sidekick.is_up(label), Some(true), "{label}");
    }
}

#[test]
fn name_that_comes_to_exist_comes_up() {
    let names = NameServer::start();
    let origin = Origin::saying("ok");
    let url = format!("http://s3.test:{}", origin.port());
    let service = "http://_s3._tcp.test";
    let sidekick = start(&names, Sidekick::new().argument(&url).argument(service));
    sidekick.wait_until_down(&url);
    sidekick.wait_until_down(service);
    assert_eq!(sidekick.get("/").status(), 502);
    names.addresses("s3.test.", &[ip(1)]);
    names.servers("_s3._tcp.test.", &[(0, "s3.test.", origin.port())]);
    sidekick.wait_until_up(&url);
    sidekick.wait_until_gone(service);
    get(&sidekick);
}

#[test]
fn name_with_an_ipv6_address_alone_is_reached() {
    // Containers without IPv6 have nothing to show here.
    let Ok(origin) = Origin::scripted_at(Ipv6Addr::LOCALHOST.into(), 0, answer) else {
        return;
    };
    let names = NameServer::start();
    let url = format!("http://s3.test:{}", origin.port());
    names.addresses("s3.test.", &[Ipv6Addr::LOCALHOST.into()]);
    let sidekick = start(&names, Sidekick::new().argument(&url));
    sidekick.wait_until_up(&url);
    get(&sidekick);
}

#[test]
fn service_is_a_backend_a_server_and_follows_its_records() {
    let names = NameServer::start();
    let origins = [(); 4].map(|()| Origin::saying("ok"));
    let [first, second, third, spare] = &origins;
    let label = |host, origin: &Origin| format!("http://{host}.test:{}", origin.port());
    names.addresses("a.test.", &[ip(1)]);
    names.addresses("b.test.", &[ip(1)]);
    let two = [
        (10, "a.test.", first.port()),
        (10, "b.test.", second.port()),
        (20, "b.test.", spare.port()),
    ];
    names.servers("_s3._tcp.test.", &two);
    let sidekick = start(&names, Sidekick::new().argument("http://_s3._tcp.test"));
    sidekick.wait_until_up(&label("a", first));
    sidekick.wait_until_up(&label("b", second));
    for _ in 0..4 {
        get(&sidekick);
    }
    assert_eq!((first.request_count(), second.request_count()), (2, 2));
    assert_eq!(spare.health_checks().len(), 0, "a higher priority number");
    let host = first.health_checks()[0].values("host");
    assert_eq!(host, [format!("a.test:{}", first.port())]);
    under_load(&sidekick, || {
        names.servers("_s3._tcp.test.", &[(10, "a.test.", third.port())]);
        traffic_moves(first, third);
        sidekick.wait_until_gone(&label("a", first));
        sidekick.wait_until_gone(&label("b", second));
        names.servers("_s3._tcp.test.", &two[2..]);
        traffic_moves(third, spare);
    });
}

#[test]
fn request_at_a_server_that_vanishes_finishes() {
    let names = NameServer::start();
    let (old, new) = (Origin::by_hand(), Origin::saying("new"));
    let label = |origin: &Origin| format!("http://a.test:{}", origin.port());
    names.addresses("a.test.", &[ip(1)]);
    names.servers("_s3._tcp.test.", &[(0, "a.test.", old.port())]);
    let sidekick = start(&names, Sidekick::new().argument("http://_s3._tcp.test"));
    sidekick.wait_until_up(&label(&old));
    request_finishes(&sidekick, &old, || {
        names.servers("_s3._tcp.test.", &[(0, "a.test.", new.port())]);
        sidekick.wait_until_up(&label(&new));
        sidekick.wait_until_gone(&label(&old));
    });
}

#[test]
fn request_at_an_address_that_vanishes_finishes_and_its_connection_goes() {
    let names = NameServer::start();
    // A port that is free on one address is not always free on the other.
    let pair = (0..20).find_map(|_| {
        let old = Origin::by_hand();
        let new = Origin::scripted_at(ip(3), old.port(), |connection: &mut OriginConnection| {
            connection.send("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nnew")
        });
        Some((old, new.ok()?))
    });
    let (old, new) = pair.expect("a port free on two addresses");
    let url = format!("http://s3.test:{}", old.port());
    names.addresses("s3.test.", &[ip(1)]);
    let sidekick = start(&names, Sidekick::new().argument(&url));
    sidekick.wait_until_up(&url);
    request_finishes(&sidekick, &old, || {
        names.addresses("s3.test.", &[ip(3)]);
        wait_until("the new address serves", || {
            !new.health_checks().is_empty() && sidekick.get("/").text() == "new"
        });
    });
    wait_until("the connection to the old address is closed", || {
        old.open_connections() == 0
    });
}

/// A request that `old` has half answered when `change` happens; the next one goes elsewhere.
fn request_finishes(sidekick: &Resident, old: &Origin, change: impl FnOnce()) {
    let mut client = sidekick.client();
    client.send("GET /slow HTTP/1.1\r\nHost: b\r\n\r\n");
    let mut backend = old.take_connection();
    backend.read_request();
    backend
        .send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nfirst")
        .unwrap();
    client.read_head();
    change();
    backend.send(" half").unwrap();
    assert_eq!(client.connection.exactly(10).unwrap(), b"first half");
    assert_eq!(client.get("/").text(), "new");
}

#[test]
fn search_domains_are_tried_with_a_short_name() {
    let names = NameServer::start();
    let origin = Origin::saying("ok");
    let url = |host| format!("http://{host}:{}", origin.port());
    names.addresses("s3.cluster.test.", &[ip(1)]);
    names.addresses("s3.east.cluster.test.", &[ip(1)]);
    let (short, dotted) = (url("s3"), url("s3.east"));
    let sidekick = start(&names, Sidekick::new().argument(&short).argument(&dotted));
    sidekick.wait_until_up(&short);
    sidekick.wait_until_up(&dotted);
    assert_eq!(names.asked("s3."), 0, "without a dot: search domains first");
    assert_ne!(names.asked("s3.east."), 0, "with a dot: as it stands first");
}

#[test]
fn dns_ttl_is_the_upper_bound_between_look_ups() {
    let names = NameServer::start();
    let [old, new] = neighbours();
    let url = format!("http://s3.test:{}", old.port());
    names.live_for(3600);
    names.addresses("s3.test.", &[ip(2)]);
    let sidekick = Sidekick::new().option("--dns-ttl", "1s").argument(&url);
    let sidekick = start(&names, sidekick);
    sidekick.wait_until_up(&url);
    under_load(&sidekick, || {
        names.addresses("s3.test.", &[ip(3)]);
        traffic_moves(&old, &new);
    });
}

#[test]
fn record_that_may_not_be_kept_is_looked_up_once_a_second() {
    let names = NameServer::start();
    let origin = Origin::saying("ok");
    let url = format!("http://s3.test:{}", origin.port());
    names.live_for(0);
    names.addresses("s3.test.", &[ip(1)]);
    let sidekick = start(&names, Sidekick::new().argument(&url));
    sidekick.wait_until_up(&url);
    let since = Instant::now();
    let before = names.asked("s3.test.");
    holds_for(
        Duration::from_secs(2),
        "at most one look-up a second",
        || {
            // A and AAAA.
            let look_ups = (names.asked("s3.test.") - before).div_ceil(2);
            look_ups as u64 <= since.elapsed().as_secs() + 1
        },
    );
}
