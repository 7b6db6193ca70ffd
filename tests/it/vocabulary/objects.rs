//! Objects whose bytes tell whose they are, and where in it they stand.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::origin::{Origin, OriginConnection, Security};

#[derive(Clone)]
pub(crate) struct Objects {
    bytes: Arc<[Vec<u8>]>,
    wrong: Arc<AtomicUsize>,
}

impl Objects {
    /// Objects of these sizes, each named by its place in the list.
    pub(crate) fn of(sizes: impl IntoIterator<Item = usize>) -> Self {
        let sizes = sizes.into_iter().enumerate();
        Self {
            bytes: sizes.map(|(number, size)| object(number, size)).collect(),
            wrong: Arc::default(),
        }
    }

    pub(crate) fn bytes(&self, number: usize) -> &[u8] {
        &self.bytes[number]
    }

    /// An origin that gives the object whose number is the path, without a validator, and looks at
    /// every byte that it is given of it.
    pub(crate) fn origin(&self, security: Security) -> Origin {
        let objects = self.clone();
        Origin::secured(security, move |connection| objects.answer(connection))
    }

    /// Bodies in which the origin found a wrong byte.
    pub(crate) fn wrong_uploads(&self) -> usize {
        self.wrong.load(Ordering::Relaxed)
    }

    fn answer(&self, connection: &mut OriginConnection) -> io::Result<()> {
        let number: usize = connection.request.target()[1..].parse().expect("a number");
        let object = self.bytes(number);
        if connection.request.method() == "PUT" {
            self.check(connection, object)?;
            return connection.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        }
        let length = object.len();
        connection.send(format!(
            "HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n"
        ))?;
        connection.send(object)
    }

    /// Reads the request's body as far as it comes.
    fn check(&self, connection: &mut OriginConnection, object: &[u8]) -> io::Result<()> {
        let mut left = object;
        while !left.is_empty() {
            let mut some = connection.some()?;
            if some.is_empty() {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            if some.len() > left.len() {
                connection.unread(&some.split_off(left.len()));
            }
            let (expected, rest) = left.split_at(some.len());
            if some != expected {
                self.wrong.fetch_add(1, Ordering::Relaxed);
                return Err(io::Error::other("another's bytes"));
            }
            left = rest;
        }
        Ok(())
    }
}

fn object(number: usize, size: usize) -> Vec<u8> {
    let mut object = Vec::with_capacity(size + 8);
    for at in (0..size).step_by(8) {
        let place = ((number as u64) << 48) + at as u64 + 1;
        object.extend_from_slice(&place.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes());
    }
    object.truncate(size);
    object
}
