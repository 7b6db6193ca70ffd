//! A backend on raw sockets: health checks it answers itself, requests it answers by a script or
//! hands over to the test.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Shutdown, SocketAddr, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use rustls::ServerConfig;
use socket2::{Domain, SockRef, Socket, Type};

use super::authority::{AUTHORITY, SERVER_NAME};
use super::message::Head;
use super::patience::{PATIENCE, wait_until};
use door::{Door, bound, open, shut};

mod connection;
mod door;

pub(crate) use connection::OriginConnection;

/// What a health check is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Health {
    Status(u16),
    /// Never an answer.
    Silence,
    /// A 200 whose body never ends.
    Endless,
    /// The connection closes without a word.
    HangUp,
}

/// How an origin's connections are secured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Security {
    Clear,
    Tls,
    /// It demands a certificate of the tests' authority.
    MutualTls,
}

impl Security {
    fn config(self) -> Option<Arc<ServerConfig>> {
        match self {
            Self::Clear => None,
            Self::Tls => Some(AUTHORITY.server_config()),
            Self::MutualTls => Some(AUTHORITY.demanding_config(&[&AUTHORITY])),
        }
    }
}

/// A request as it reached the origin.
#[derive(Clone, Debug)]
pub(crate) struct Received {
    /// Which connection brought it, counted from 1; those of health checks do not count.
    pub(crate) connection: usize,
    pub(crate) head: Head,
    /// Set once the script has read it whole.
    pub(crate) body: Option<Vec<u8>>,
    pub(crate) trailers: Vec<String>,
}

type Script = dyn Fn(&mut OriginConnection) -> io::Result<()> + Send + Sync;

enum Answers {
    Script(Box<Script>),
    ByHand(Sender<OriginConnection>),
}

#[derive(Default)]
struct State {
    connections: usize,
    requests: Vec<Received>,
    health_checks: Vec<Head>,
    open: HashMap<usize, TcpStream>,
    /// Connections whose sockets are not closed yet.
    alive: usize,
    accepted: usize,
}

struct Shared {
    answers: Answers,
    tls: Mutex<Option<Arc<ServerConfig>>>,
    health: Mutex<Health>,
    health_path: Mutex<String>,
    state: Mutex<State>,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no script panics with the state")
    }

    fn tls(&self) -> Option<Arc<ServerConfig>> {
        self.tls.lock().expect("unpoisoned").clone()
    }
}

pub(crate) struct Origin {
    address: SocketAddr,
    shared: Arc<Shared>,
    door: Mutex<Door>,
    by_hand: Mutex<Option<Receiver<OriginConnection>>>,
}

impl Origin {
    /// Runs `script` once for every request, its head already read. When the script fails the
    /// connection is dropped.
    pub(crate) fn scripted(
        script: impl Fn(&mut OriginConnection) -> io::Result<()> + Send + Sync + 'static,
    ) -> Self {
        Self::secured(Security::Clear, script)
    }

    /// What it does not read does not pile up in the kernel either.
    pub(crate) fn narrow(self) -> Self {
        if let Door::Open { listener, .. } = &*self.door.lock().expect("unpoisoned") {
            listener.set_recv_buffer_size(64 << 10).expect("a size");
        }
        self
    }

    /// As [`Origin::scripted`], reached by TLS.
    pub(crate) fn secured(
        security: Security,
        script: impl Fn(&mut OriginConnection) -> io::Result<()> + Send + Sync + 'static,
    ) -> Self {
        let origin = Self::start(
            Ipv4Addr::LOCALHOST.into(),
            0,
            Answers::Script(Box::new(script)),
            None,
        );
        let origin = origin.expect("a free port on loopback");
        *origin.shared.tls.lock().expect("unpoisoned") = security.config();
        origin
    }

    /// As [`Origin::scripted`], at this address.
    pub(crate) fn scripted_at(
        ip: IpAddr,
        port: u16,
        script: impl Fn(&mut OriginConnection) -> io::Result<()> + Send + Sync + 'static,
    ) -> io::Result<Self> {
        Self::start(ip, port, Answers::Script(Box::new(script)), None)
    }

    /// Reads each request whole and answers it with these bytes.
    pub(crate) fn replying(bytes: impl Into<Vec<u8>>) -> Self {
        let bytes = bytes.into();
        Self::scripted(move |connection| {
            connection.body()?;
            connection.send(&bytes)
        })
    }

    /// As [`Origin::replying`], then closes the connection.
    pub(crate) fn replying_and_closing(bytes: impl Into<Vec<u8>>) -> Self {
        let bytes = bytes.into();
        Self::scripted(move |connection| {
            connection.body()?;
            connection.send(&bytes)?;
            connection.close();
            Ok(())
        })
    }

    /// Answers 200 with `text`.
    pub(crate) fn saying(text: &str) -> Self {
        Self::replying(ok(text))
    }

    /// Answers 200 with the request's own body.
    pub(crate) fn echo() -> Self {
        Self::scripted(|connection| {
            let body = connection.body()?;
            connection.send(format!(
                "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n",
                body.len()
            ))?;
            if connection.request.method() == "HEAD" {
                return Ok(());
            }
            connection.send(&body)
        })
    }

    /// Hands every connection that is not a health check's to [`Origin::take_connection`].
    pub(crate) fn by_hand() -> Self {
        let (sender, receiver) = channel();
        Self::start(
            Ipv4Addr::LOCALHOST.into(),
            0,
            Answers::ByHand(sender),
            Some(receiver),
        )
        .expect("a free port on loopback")
    }

    /// From now on new connections are secured so.
    pub(crate) fn secure_by(&self, config: Arc<ServerConfig>) {
        *self.shared.tls.lock().expect("unpoisoned") = Some(config);
    }

    fn start(
        ip: IpAddr,
        port: u16,
        answers: Answers,
        by_hand: Option<Receiver<OriginConnection>>,
    ) -> io::Result<Self> {
        let socket = bound(SocketAddr::new(ip, port))?;
        let address = socket.local_addr()?.as_socket().expect("an IP address");
        let shared = Arc::new(Shared {
            answers,
            tls: Mutex::default(),
            health: Mutex::new(Health::Status(200)),
            health_path: Mutex::new("/health".to_owned()),
            state: Mutex::default(),
        });
        let door = Mutex::new(open(socket, &shared)?);
        Ok(Self {
            address,
            shared,
            door,
            by_hand: Mutex::new(by_hand),
        })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn port(&self) -> u16 {
        self.address.port()
    }

    pub(crate) fn url(&self) -> String {
        if self.shared.tls().is_some() {
            format!("https://{SERVER_NAME}:{}", self.port())
        } else {
            format!("http://{}", self.address)
        }
    }

    pub(crate) fn answer_health_with(&self, health: Health) {
        *self.shared.health.lock().expect("unpoisoned") = health;
    }

    pub(crate) fn sick(&self) {
        self.answer_health_with(Health::Status(503));
    }

    pub(crate) fn well(&self) {
        self.answer_health_with(Health::Status(200));
    }

    /// The path whose requests are health checks, `/health` unless told otherwise.
    pub(crate) fn checked_at(self, path: &str) -> Self {
        path.clone_into(&mut self.shared.health_path.lock().expect("unpoisoned"));
        self
    }

    pub(crate) fn requests(&self) -> Vec<Received> {
        self.shared.state().requests.clone()
    }

    /// The only request that came.
    #[track_caller]
    pub(crate) fn request(&self) -> Received {
        let mut requests = self.requests();
        assert_eq!(requests.len(), 1, "requests at the origin: {requests:?}");
        requests.remove(0)
    }

    pub(crate) fn request_count(&self) -> usize {
        self.shared.state().requests.len()
    }

    /// Connections that brought a request.
    pub(crate) fn connections(&self) -> usize {
        self.shared.state().connections
    }

    /// Connections open now, those of health checks included.
    pub(crate) fn open_connections(&self) -> usize {
        self.shared.state().alive
    }

    pub(crate) fn health_checks(&self) -> Vec<Head> {
        self.shared.state().health_checks.clone()
    }

    pub(crate) fn wait_for_requests(&self, count: usize) {
        wait_until(&format!("{count} requests at {}", self.url()), || {
            self.request_count() >= count
        });
    }

    /// The next connection that brings a request, the request unread.
    #[track_caller]
    pub(crate) fn take_connection(&self) -> OriginConnection {
        let receiver = self.by_hand.lock().expect("unpoisoned");
        let receiver = receiver.as_ref().expect("an origin by hand");
        receiver
            .recv_timeout(PATIENCE)
            .expect("a connection with a request reaches the origin")
    }

    /// From now on connecting is refused; open connections stay.
    pub(crate) fn refuse(&self) {
        let mut door = self.door.lock().expect("unpoisoned");
        *door = match std::mem::replace(&mut *door, Door::Gone) {
            Door::Open {
                listener,
                accepting,
            } => {
                shut(listener, accepting);
                Door::Shut(bound(self.address).expect("the port is still ours"))
            }
            other => other,
        };
    }

    /// From now on connecting is neither taken nor refused; open connections stay.
    pub(crate) fn black_hole(&self) {
        self.refuse();
        let mut door = self.door.lock().expect("unpoisoned");
        let Door::Shut(socket) = std::mem::replace(&mut *door, Door::Gone) else {
            panic!("this origin is a black hole already");
        };
        socket.listen(0).expect("listening");
        let mut queued = Vec::new();
        loop {
            let knock = Socket::new(Domain::for_address(self.address), Type::STREAM, None)
                .expect("a socket");
            let full = knock.connect_timeout(&self.address.into(), Duration::from_millis(100));
            if full.is_err() {
                break;
            }
            queued.push(knock);
        }
        *door = Door::BlackHole {
            _listener: socket,
            _queued: queued,
        };
    }

    pub(crate) fn listen_again(&self) {
        let mut door = self.door.lock().expect("unpoisoned");
        *door = match std::mem::replace(&mut *door, Door::Gone) {
            Door::Shut(socket) => open(socket, &self.shared).expect("listening again"),
            other => other,
        };
    }

    /// Closes every open connection in order (FIN), and waits until none is left.
    pub(crate) fn close_connections(&self) {
        self.end_connections(Shutdown::Both);
    }

    /// Closes every open connection by RST, and waits until none is left.
    pub(crate) fn reset_connections(&self) {
        for stream in self.shared.state().open.values() {
            SockRef::from(stream)
                .set_linger(Some(Duration::ZERO))
                .expect("SO_LINGER");
        }
        self.end_connections(Shutdown::Read);
    }

    fn end_connections(&self, how: Shutdown) {
        for stream in self.shared.state().open.values() {
            // A connection that the other side has reset is at its end as well.
            let _ = stream.shutdown(how);
        }
        wait_until("the origin's connections are closed", || {
            self.open_connections() == 0
        });
    }
}

impl Drop for Origin {
    fn drop(&mut self) {
        if let Ok(door) = self.door.get_mut()
            && let Door::Open {
                listener,
                accepting,
            } = std::mem::replace(door, Door::Gone)
        {
            shut(listener, accepting);
        }
        for stream in self.shared.state().open.values() {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

/// A 200 with `text` as its body.
fn ok(text: &str) -> String {
    format!(
        "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{text}",
        text.len()
    )
}
