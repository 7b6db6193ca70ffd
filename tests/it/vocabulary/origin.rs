//! A backend on raw sockets: health checks it answers itself, requests it answers by a script or
//! hands over to the test.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use socket2::{Domain, SockRef, Socket, Type};

use super::connection::Connection;
use super::message::{Body, Head};
use super::patience::{PATIENCE, wait_until};

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
    health: Mutex<Health>,
    health_path: Mutex<String>,
    state: Mutex<State>,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no script panics with the state")
    }
}

enum Door {
    Open {
        listener: Socket,
        accepting: JoinHandle<()>,
    },
    /// Bound, so that the port stays ours; not listening, so that connecting is refused.
    Shut(Socket),
    /// Listening with a full queue: connecting never ends.
    BlackHole {
        _listener: Socket,
        _queued: Vec<Socket>,
    },
    Gone,
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
        Self::start(
            Ipv4Addr::LOCALHOST.into(),
            0,
            Answers::Script(Box::new(script)),
            None,
        )
        .expect("a free port on loopback")
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
        format!("http://{}", self.address)
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

fn bound(address: SocketAddr) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())?;
    Ok(socket)
}

fn open(socket: Socket, shared: &Arc<Shared>) -> io::Result<Door> {
    socket.listen(1024)?;
    let listener = TcpListener::from(socket.try_clone()?);
    let shared = shared.clone();
    let accepting = thread::spawn(move || {
        while let Ok((stream, _)) = listener.accept() {
            let connection = OriginConnection::new(stream, &shared);
            thread::spawn(move || serve(connection));
        }
    });
    Ok(Door::Open {
        listener: socket,
        accepting,
    })
}

/// Shutting a listening socket down ends its `accept`.
fn shut(listener: Socket, accepting: JoinHandle<()>) {
    let _ = listener.shutdown(Shutdown::Both);
    let _ = accepting.join();
    drop(listener);
}

fn serve(mut connection: OriginConnection) {
    // An error ends the connection; the test sees its effect on the other side.
    while let Ok(Some(head)) = connection.next_head() {
        let path = head
            .target()
            .split('?')
            .next()
            .unwrap_or_default()
            .to_owned();
        let is_check = path == *connection.shared.health_path.lock().expect("unpoisoned");
        let shared = connection.shared.clone();
        let answered = if is_check {
            shared.state().health_checks.push(head);
            connection.answer_health()
        } else {
            match &shared.answers {
                Answers::Script(script) => {
                    connection.note(head);
                    script(&mut connection)
                }
                Answers::ByHand(tests) => {
                    connection.unread(&head.raw);
                    // The test has ended when nobody takes it.
                    let _ = tests.send(connection);
                    return;
                }
            }
        };
        if answered.is_err() || connection.closing {
            return;
        }
    }
}

/// A connection at the origin; derefs to its [`Connection`].
pub(crate) struct OriginConnection {
    /// Set until it is dropped.
    connection: Option<Connection>,
    shared: Arc<Shared>,
    key: usize,
    /// Which connection with requests this is, from 1; 0 before the first request.
    pub(crate) number: usize,
    /// Requests on this connection so far.
    pub(crate) served: usize,
    /// The last request's head.
    pub(crate) request: Head,
    /// The last request's place in the origin's record.
    record: usize,
    closing: bool,
}

impl OriginConnection {
    fn new(stream: TcpStream, shared: &Arc<Shared>) -> Self {
        let mut state = shared.state();
        state.accepted += 1;
        state.alive += 1;
        let key = state.accepted;
        state
            .open
            .insert(key, stream.try_clone().expect("a second handle"));
        drop(state);
        Self {
            connection: Some(Connection::new(stream)),
            shared: shared.clone(),
            key,
            number: 0,
            served: 0,
            request: Head::default(),
            record: 0,
            closing: false,
        }
    }

    fn note(&mut self, head: Head) {
        self.request = head.clone();
        self.served += 1;
        let mut state = self.shared.state();
        if self.number == 0 {
            state.connections += 1;
            self.number = state.connections;
        }
        self.record = state.requests.len();
        let received = Received {
            connection: self.number,
            head,
            body: None,
            trailers: Vec::new(),
        };
        state.requests.push(received);
    }

    fn answer_health(&mut self) -> io::Result<()> {
        let health = *self.shared.health.lock().expect("unpoisoned");
        match health {
            Health::Status(status) => self.send(format!(
                "HTTP/1.1 {status} Health\r\nContent-Length: 0\r\n\r\n"
            )),
            Health::Silence => self.rest().map(drop),
            Health::Endless => {
                self.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")?;
                loop {
                    self.send(format!("1000\r\n{}\r\n", "x".repeat(0x1000)))?;
                }
            }
            Health::HangUp => Err(io::ErrorKind::ConnectionAborted.into()),
        }
    }

    /// Reads the next request's head and notes it (for connections taken by hand).
    #[track_caller]
    pub(crate) fn read_request(&mut self) -> Head {
        let head = self
            .head()
            .unwrap_or_else(|error| panic!("no request head: {error}"));
        self.note(head.clone());
        head
    }

    /// The last request's body, by its framing.
    pub(crate) fn body(&mut self) -> io::Result<Vec<u8>> {
        let body = if self.request.is_chunked() {
            self.chunked_body()?
        } else {
            let length = self.request.content_length().unwrap_or(0);
            Body {
                bytes: self.exactly(length)?,
                trailers: Vec::new(),
            }
        };
        let mut state = self.shared.state();
        let received = &mut state.requests[self.record];
        received.body = Some(body.bytes.clone());
        received.trailers = body.trailers;
        Ok(body.bytes)
    }

    /// Ends the connection in order after this request.
    pub(crate) fn close(&mut self) {
        self.closing = true;
    }

    /// Ends the connection by RST after this request.
    pub(crate) fn reset(&mut self) {
        // It fails only when the connection is gone already.
        let _ = self.reset_on_close();
        self.closing = true;
    }
}

impl std::ops::Deref for OriginConnection {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        self.connection.as_ref().expect("set until dropped")
    }
}

impl std::ops::DerefMut for OriginConnection {
    fn deref_mut(&mut self) -> &mut Connection {
        self.connection.as_mut().expect("set until dropped")
    }
}

impl Drop for OriginConnection {
    fn drop(&mut self) {
        // The last handle closes the socket, and only then nobody can use it any more.
        drop(self.shared.state().open.remove(&self.key));
        drop(self.connection.take());
        self.shared.state().alive -= 1;
    }
}
