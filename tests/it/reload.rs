//! SIGHUP: the configuration anew, and not one request lost.

#![expect(clippy::disallowed_methods, reason = "time passes between signals")]

use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use rustix::process::Signal;

use crate::vocabulary::{Origin, Sidekick, wait_until};

/// A configuration file that is gone when the test is.
struct File {
    path: PathBuf,
}

impl File {
    fn new(name: &str) -> Self {
        let name = format!("{name}-{}.toml", std::process::id());
        Self {
            path: PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name),
        }
    }

    fn write(&self, text: &str) {
        fs::write(&self.path, text).expect("a scratch file");
    }

    fn name_sites(&self, origins: &[&Origin]) {
        let urls: Vec<String> = origins
            .iter()
            .map(|origin| format!("{:?}", origin.url()))
            .collect();
        self.write(&format!("sites = [{}]\n", urls.join(", ")));
    }

    fn sidekick(&self) -> Sidekick {
        Sidekick::new().option("--config", self.path.to_string_lossy())
    }
}

impl Drop for File {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

#[test]
fn sites_are_read_anew() {
    let (old, new) = (Origin::saying("old"), Origin::saying("new"));
    let file = File::new("sites_are_read_anew");
    file.name_sites(&[&old]);
    let sidekick = file.sidekick().start_cold();
    sidekick.wait_until_up(&old);
    assert_eq!(sidekick.get("/").text(), "old");

    file.name_sites(&[&new]);
    sidekick.signal(Signal::HUP);
    sidekick.wait_until_up(&new);
    wait_until("the new site serves", || sidekick.get("/").text() == "new");
    assert_eq!(sidekick.get("/").text(), "new");
}

#[test]
fn bad_configuration_is_refused_with_a_line_and_the_old_stays() {
    let origin = Origin::saying("old");
    let file = File::new("bad_configuration_is_refused");
    file.name_sites(&[&origin]);
    let sidekick = file.sidekick().start_cold();
    sidekick.wait_until_up(&origin);

    for bad in [
        "sites = [\n",
        "sites = ['ftp://nowhere']\n",
        "no-such-flag = 1\n",
    ] {
        file.write(bad);
        sidekick.signal(Signal::HUP);
        // The line names the file.
        let name = file
            .path
            .file_name()
            .expect("a name")
            .to_string_lossy()
            .into_owned();
        sidekick.stdout_line_where(|line| line.contains(&name) && line.contains("refused"));
        assert_eq!(sidekick.get("/").text(), "old");
    }
}

#[test]
fn request_in_flight_finishes_where_it_began() {
    let (old, new) = (Origin::by_hand(), Origin::saying("new"));
    let file = File::new("request_in_flight_finishes");
    file.name_sites(&[&old]);
    let sidekick = file.sidekick().start_cold();
    sidekick.wait_until_up(&old);
    let mut client = sidekick.client();
    client.send("GET /slow HTTP/1.1\r\nHost: b\r\n\r\n");
    let mut backend = old.take_connection();
    backend.read_request();
    backend
        .send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nfirst")
        .unwrap();
    client.read_head();

    file.name_sites(&[&new]);
    sidekick.signal(Signal::HUP);
    sidekick.wait_until_up(&new);
    backend.send(" half").unwrap();
    assert_eq!(client.connection.exactly(10).unwrap(), b"first half");
    assert_eq!(
        client.get("/").text(),
        "new",
        "the same client's next request"
    );
}

#[test]
fn no_request_is_lost_over_reloads() {
    let (old, new) = (Origin::saying("old"), Origin::saying("new"));
    let file = File::new("no_request_is_lost");
    file.name_sites(&[&old]);
    let sidekick = file.sidekick().start_cold();
    sidekick.wait_until_up(&old);
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let mut client = sidekick.client();
                while !over.load(Ordering::Relaxed) {
                    assert_eq!(client.get("/").status(), 200);
                    assert_eq!(sidekick.get("/").status(), 200);
                }
            });
        }
        for round in 0..4 {
            let to = if round % 2 == 0 { &new } else { &old };
            // The next site joins before the last one goes, as one rolls a fleet.
            file.name_sites(&[&old, &new]);
            sidekick.signal(Signal::HUP);
            sidekick.wait_until_up(&old);
            sidekick.wait_until_up(&new);
            file.name_sites(&[to]);
            sidekick.signal(Signal::HUP);
            let before = to.request_count();
            to.wait_for_requests(before + 10);
        }
        over.store(true, Ordering::Relaxed);
    });
}

#[test]
fn thousand_reloads_under_load_lose_no_request() {
    let origins = [(); 4].map(|()| Origin::saying("ok"));
    let file = File::new("thousand_reloads");
    let [first, second, third, fourth] = &origins;
    file.name_sites(&[first, second]);
    let sidekick = file.sidekick().start_cold();
    sidekick.wait_until_up(first);
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                let mut client = sidekick.client();
                let mut served = 0;
                while !over.load(Ordering::Relaxed) {
                    assert_eq!(client.get("/").status(), 200, "after {served}");
                    served += 1;
                }
                assert!(served > 0);
            });
        }
        for round in 0..1000 {
            // One joins, one goes: never all at once.
            match round % 4 {
                0 => file.name_sites(&[first, second, third]),
                1 => file.name_sites(&[second, third, fourth]),
                2 => file.name_sites(&[third, fourth, first]),
                _ => file.name_sites(&[fourth, first, second]),
            }
            sidekick.signal(Signal::HUP);
            thread::sleep(Duration::from_millis(2));
        }
        over.store(true, Ordering::Relaxed);
    });
    wait_until("the last configuration is in use", || {
        sidekick.get("/").status() == 200
    });
}

#[test]
fn hang_up_without_a_file_changes_nothing() {
    let origin = Origin::saying("ok");
    let mut sidekick = Sidekick::new().site([&origin]).start();
    sidekick.signal(Signal::HUP);
    for _ in 0..20 {
        assert_eq!(sidekick.get("/").text(), "ok");
    }
    assert!(!sidekick.has_exited());
}

#[test]
fn a_changed_flag_of_tls_needs_a_restart_and_says_so() {
    let origin = Origin::saying("ok");
    let file = File::new("a_changed_flag_of_tls");
    file.name_sites(&[&origin]);
    let sidekick = file.sidekick().start_cold();
    sidekick.wait_until_up(&origin);
    file.write(&format!("sites = [{:?}]\ntls-max = '1.2'\n", origin.url()));
    sidekick.signal(Signal::HUP);
    sidekick.stdout_line_where(|line| line.contains("a change of TLS flags needs a restart"));
    assert_eq!(sidekick.get("/").text(), "ok");
}
