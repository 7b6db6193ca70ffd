//! The process under test.

use std::collections::BTreeMap;

use std::io::{BufRead, BufReader, Read};
use std::iter;
use std::net::SocketAddr;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use rustls::version::TLS13;

use super::authority::Certificates;
use super::client::Client;
use super::http2::Http2Client;
use super::message::Response;
use super::origin::Origin;
use super::patience::{PATIENCE, wait_until};

/// A command line to be.
#[derive(Clone, Default)]
pub(crate) struct Sidekick {
    options: BTreeMap<String, Option<String>>,
    repeated: Vec<String>,
    environment: Vec<(String, String)>,
    sites: Vec<String>,
    backends: Vec<String>,
    deaf: bool,
}

impl Sidekick {
    /// On a free port of loopback; one health check of each backend, at start.
    pub(crate) fn new() -> Self {
        Self::bare()
            .option("--address", "127.0.0.1:0")
            .option("--health-path", "/health")
            .option("--health-duration", "10m")
    }

    /// No flags at all.
    pub(crate) fn bare() -> Self {
        Self::default()
    }

    pub(crate) fn site<'o>(mut self, origins: impl IntoIterator<Item = &'o Origin>) -> Self {
        let urls: Vec<String> = origins.into_iter().map(Origin::url).collect();
        self.sites.push(urls.join(","));
        self.backends.extend(urls);
        self
    }

    /// A site as written on the command line; nobody waits for its backends.
    pub(crate) fn argument(mut self, text: impl Into<String>) -> Self {
        self.sites.push(text.into());
        self
    }

    pub(crate) fn flag(mut self, name: &str) -> Self {
        self.options.insert(name.to_owned(), None);
        self
    }

    /// A flag with its value, in place of an earlier one.
    pub(crate) fn option(mut self, name: &str, value: impl Into<String>) -> Self {
        self.options.insert(name.to_owned(), Some(value.into()));
        self
    }

    /// A flag that may stand several times.
    pub(crate) fn repeated(mut self, name: &str, value: &str) -> Self {
        self.repeated.extend([name.to_owned(), value.to_owned()]);
        self
    }

    pub(crate) fn without(mut self, name: &str) -> Self {
        self.options.remove(name);
        self
    }

    pub(crate) fn environment(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn health_every(self, interval: &str) -> Self {
        self.option("--health-duration", interval)
    }

    /// Listens by TLS with these.
    pub(crate) fn listening_by(self, certificates: &Certificates) -> Self {
        self.option("--cert", certificates.file("cert"))
            .option("--key", certificates.file("key"))
    }

    /// Believes backends that these vouch for.
    pub(crate) fn trusting(self, certificates: &Certificates) -> Self {
        self.option("--cacert", certificates.file("cacert"))
    }

    /// Shows this certificate to backends that ask for one.
    pub(crate) fn showing(self, certificates: &Certificates) -> Self {
        self.option("--client-cert", certificates.file("client-cert"))
            .option("--client-key", certificates.file("client-key"))
    }

    /// Nobody reads what it prints.
    pub(crate) fn deaf(mut self) -> Self {
        self.deaf = true;
        self
    }

    pub(super) fn arguments(&self) -> Vec<String> {
        let options = self.options.iter();
        let options = options.flat_map(|(name, value)| iter::once(name).chain(value));
        let rest = self.repeated.iter().chain(&self.sites);
        options.chain(rest).cloned().collect()
    }

    fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sidekick"));
        command
            .env_clear()
            .envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
            .args(self.arguments())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    fn spawn(&self) -> Running {
        let mut child = self.command().spawn().expect("the binary starts");
        let stdout = child.stdout.take().expect("piped");
        let stderr = Lines::of(child.stderr.take().expect("piped"));
        let (stdout, unread) = if self.deaf {
            (Lines::default(), Some(stdout))
        } else {
            (Lines::of(stdout), None)
        };
        let address = SocketAddr::from(([127, 0, 0, 1], 0));
        Running {
            child,
            address,
            is_secured: false,
            stdout,
            stderr,
            _unread: unread,
        }
    }

    /// Starts it and waits until it listens.
    pub(crate) fn start_cold(&self) -> Running {
        const LISTENS: &str = "sidekick: listening on ";
        let mut running = self.spawn();
        let mut listens = None;
        let started = Instant::now();
        while listens.is_none() {
            listens = running
                .stderr
                .all()
                .iter()
                .find_map(|line| line.strip_prefix(LISTENS))
                .map(|url| (url.starts_with("https:"), port(url)));
            if let Some(status) = running.child.try_wait().expect("a child to wait for") {
                panic!("it ended with {status}:\n{}", running.said());
            }
            assert!(
                started.elapsed() < PATIENCE,
                "it never listens:\n{}",
                running.said()
            );
            thread::park_timeout(Duration::from_millis(2));
        }
        let (is_secured, port) = listens.expect("found");
        running.address.set_port(port);
        running.is_secured = is_secured;
        running
    }

    /// Starts it and waits until it listens and every backend is up.
    pub(crate) fn start(&self) -> Running {
        let running = self.start_cold();
        for backend in &self.backends {
            running.wait_until_backend(backend, true);
        }
        running
    }

    /// Runs it to its own end.
    pub(crate) fn run(&self) -> Finished {
        let mut running = self.spawn();
        let status = running.wait_exit();
        Finished {
            code: status.code(),
            stdout: running.stdout.settled(),
            stderr: running.stderr.settled(),
        }
    }
}

fn port(address: &str) -> u16 {
    let digits = address.rsplit(':').next().unwrap_or_default();
    let digits: String = digits.chars().take_while(char::is_ascii_digit).collect();
    digits
        .parse()
        .unwrap_or_else(|_| panic!("no port in {address:?}"))
}

/// The first sample of a page of metrics that is called `name` and has all `labels`.
pub(super) fn sample(page: &str, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
    let labels: Vec<String> = labels
        .iter()
        .map(|(name, value)| format!("{name}=\"{value}\""))
        .collect();
    page.lines().find_map(|line| {
        let rest = line.strip_prefix(name)?;
        let (found, value) = match rest.strip_prefix('{') {
            Some(rest) => rest.split_once('}')?,
            None => ("", rest.strip_prefix(' ')?),
        };
        let matches = labels.iter().all(|label| found.contains(label.as_str()));
        matches.then(|| value.trim().parse().expect("a sample is a number"))
    })
}

/// What a process that has ended left behind.
#[derive(Debug)]
pub(crate) struct Finished {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: Vec<String>,
    pub(crate) stderr: Vec<String>,
}

pub(crate) struct Running {
    child: Child,
    address: SocketAddr,
    /// It listens by TLS.
    is_secured: bool,
    stdout: Lines,
    stderr: Lines,
    _unread: Option<std::process::ChildStdout>,
}

impl Running {
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// A client of HTTP/1.1, by TLS where it listens so.
    pub(crate) fn client(&self) -> Client {
        if self.is_secured {
            Client::connect_by(&TLS13, self.address)
        } else {
            Client::connect(self.address)
        }
    }

    pub(crate) fn http2(&self) -> Http2Client {
        Http2Client::connect(self.address)
    }

    /// One GET on a connection of its own.
    #[track_caller]
    pub(crate) fn get(&self, target: &str) -> Response {
        self.client().get(target)
    }

    /// One request on a connection of its own.
    #[track_caller]
    pub(crate) fn exchange(&self, request: impl AsRef<[u8]>) -> Response {
        self.client().exchange(request)
    }

    pub(crate) fn metrics(&self) -> String {
        let response = self.get("/.prometheus/metrics");
        assert_eq!(response.status(), 200, "metrics:\n{}", response.head);
        response.text()
    }

    /// The first sample called `name` whose labels include `labels`.
    pub(crate) fn metric(&self, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
        sample(&self.metrics(), name, labels)
    }

    pub(crate) fn metric_of(&self, name: &str, origin: &Origin) -> f64 {
        self.metric(name, &[("endpoint", &origin.url())])
            .unwrap_or_else(|| panic!("no {name} of {} in\n{}", origin.url(), self.metrics()))
    }

    fn wait_until_backend(&self, url: &str, up: bool) {
        let wanted = if up { 1.0 } else { 0.0 };
        wait_until(
            &format!("{url} is {}", if up { "up" } else { "down" }),
            || self.metric("sidekick_backend_up", &[("endpoint", url)]) == Some(wanted),
        );
    }

    pub(crate) fn wait_until_up(&self, origin: &Origin) {
        self.wait_until_backend(&origin.url(), true);
    }

    pub(crate) fn wait_until_down(&self, origin: &Origin) {
        self.wait_until_backend(&origin.url(), false);
    }

    pub(crate) fn process_id(&self) -> u32 {
        self.child.id()
    }

    /// Bytes of the largest resident set so far.
    pub(crate) fn peak_memory(&self) -> usize {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process_id()))
            .expect("the process lives");
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("VmHWM:"))
            .expect("VmHWM");
        let kib = line
            .trim()
            .trim_end_matches(" kB")
            .trim()
            .parse::<usize>()
            .expect("a number");
        kib * 1024
    }

    pub(crate) fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.child.id())
            .ok()
            .and_then(Pid::from_raw)
            .expect("a process");
        kill_process(pid, signal).expect("the process takes a signal");
    }

    pub(crate) fn has_exited(&mut self) -> bool {
        self.child
            .try_wait()
            .expect("a child to wait for")
            .is_some()
    }

    #[track_caller]
    pub(crate) fn wait_exit(&mut self) -> ExitStatus {
        let started = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().expect("a child to wait for") {
                return status;
            }
            assert!(
                started.elapsed() < PATIENCE,
                "it does not end:\n{}",
                self.said()
            );
            thread::park_timeout(Duration::from_millis(5));
        }
    }

    pub(crate) fn stdout(&self) -> Vec<String> {
        self.stdout.all()
    }

    /// The first line of stdout that satisfies `wanted`, waiting for it.
    #[track_caller]
    pub(crate) fn stdout_line_where(&self, wanted: impl Fn(&str) -> bool) -> String {
        self.stdout
            .line_where(wanted)
            .unwrap_or_else(|| panic!("no such line:\n{}", self.said()))
    }

    #[track_caller]
    pub(crate) fn stderr_line_where(&self, wanted: impl Fn(&str) -> bool) -> String {
        self.stderr
            .line_where(wanted)
            .unwrap_or_else(|| panic!("no such line:\n{}", self.said()))
    }

    fn said(&self) -> String {
        let (stdout, stderr) = (self.stdout.all().join("\n"), self.stderr.all().join("\n"));
        format!("--- stdout\n{stdout}\n--- stderr\n{stderr}")
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if thread::panicking() {
            eprintln!("{}", self.said());
        }
    }
}

/// Lines of a pipe, read as they come.
#[derive(Clone, Default)]
struct Lines {
    read: Arc<Mutex<Vec<String>>>,
    ended: Arc<Mutex<bool>>,
}

impl Lines {
    fn of(pipe: impl Read + Send + 'static) -> Self {
        let lines = Self::default();
        let sink = lines.clone();
        thread::spawn(move || {
            for line in BufReader::new(pipe).split(b'\n').map_while(Result::ok) {
                let line = String::from_utf8_lossy(&line).into_owned();
                sink.read.lock().expect("unpoisoned").push(line);
            }
            *sink.ended.lock().expect("unpoisoned") = true;
        });
        lines
    }

    fn all(&self) -> Vec<String> {
        self.read.lock().expect("unpoisoned").clone()
    }

    /// All lines once the writer has closed its end.
    fn settled(&self) -> Vec<String> {
        wait_until("the pipe's end", || *self.ended.lock().expect("unpoisoned"));
        self.all()
    }

    fn line_where(&self, wanted: impl Fn(&str) -> bool) -> Option<String> {
        let started = Instant::now();
        while started.elapsed() < PATIENCE {
            if let Some(line) = self.all().into_iter().find(|line| wanted(line)) {
                return Some(line);
            }
            thread::park_timeout(Duration::from_millis(5));
        }
        None
    }
}
