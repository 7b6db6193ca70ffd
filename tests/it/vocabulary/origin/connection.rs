//! A connection at an origin, and the loop that serves its requests.

use std::io;
use std::net::TcpStream;
use std::sync::Arc;

use super::{Answers, Health, Received, Shared};
use crate::vocabulary::connection::Connection;
use crate::vocabulary::message::{Body, Head};

pub(super) fn serve(mut connection: OriginConnection) {
    if connection.shake().is_err() {
        return;
    }
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
        if answered.is_err() {
            return;
        }
        if connection.closing {
            connection.say_goodbye_unless_dying();
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
    /// No good-bye is said.
    dying: bool,
}

impl OriginConnection {
    pub(super) fn new(stream: TcpStream, shared: &Arc<Shared>) -> Self {
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
            dying: false,
        }
    }

    /// Shakes hands where the origin is reached by TLS.
    fn shake(&mut self) -> io::Result<()> {
        if let Some(config) = self.shared.tls()
            && let Some(connection) = self.connection.take()
        {
            self.connection = Some(connection.with_client(config)?);
        }
        Ok(())
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

    fn say_goodbye_unless_dying(&self) {
        if !self.dying {
            // Nobody may be there any more to hear it.
            let _ = self.say_goodbye();
        }
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

    /// Ends the connection after this request, in order.
    pub(crate) fn close(&mut self) {
        self.closing = true;
    }

    /// Ends the connection after this request as a killed process does: by FIN, without a good-bye.
    pub(crate) fn die(&mut self) {
        self.closing = true;
        self.dying = true;
    }

    /// Ends the connection by RST after this request.
    pub(crate) fn reset(&mut self) {
        // It fails only when the connection is gone already.
        let _ = self.reset_on_close();
        self.die();
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
