//! What any proxy costs at least: `cargo run --release --example floor ADDRESS BACKEND...`
//!
//! It passes on what it reads and understands none of it. `bench/compare` measures it beside the
//! proxies: what it costs is the kernel's price for two sockets, two wake-ups and a process between
//! them, and what a proxy costs above it is the proxy's own. Not for use: a request or a response has
//! to arrive in one piece, and a client that does not read holds up everybody.

#![allow(clippy::disallowed_methods)] // sidekick's own ways to listen and dial are not for it

use std::io::{self, Write};
use std::mem;
use std::net::{TcpListener, TcpStream};

use rustix::buffer::spare_capacity;
use rustix::event::epoll::{self, CreateFlags, Event, EventData, EventFlags};
use rustix::fd::OwnedFd;
use rustix::net::{RecvFlags, recv};

/// As much as the proxies read at once.
const BUFFER: usize = 64 << 10;
const EVENTS: usize = 1024;
const LISTENER: u64 = u64::MAX;

/// A connection and those that its bytes go to, in turns: a client's backends, or a backend's client.
struct Side {
    stream: TcpStream,
    others: Vec<usize>,
    next: usize,
}

/// All connections, by the number that their events bear.
struct Floor {
    epoll: OwnedFd,
    backends: Vec<String>,
    sides: Vec<Option<Side>>,
    buffer: Vec<u8>,
}

fn main() -> io::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let usage = || io::Error::other("usage: floor ADDRESS BACKEND...");
    let listener = TcpListener::bind(arguments.next().ok_or_else(usage)?)?;
    let backends: Vec<String> = arguments.collect();
    if backends.is_empty() {
        return Err(usage());
    }
    let mut floor = Floor {
        epoll: epoll::create(CreateFlags::CLOEXEC)?,
        backends,
        sides: Vec::new(),
        buffer: vec![0; BUFFER],
    };
    epoll::add(
        &floor.epoll,
        &listener,
        EventData::new_u64(LISTENER),
        EventFlags::IN,
    )?;
    floor.run(&listener)
}

impl Floor {
    fn run(&mut self, listener: &TcpListener) -> io::Result<()> {
        let mut events: Vec<Event> = Vec::with_capacity(EVENTS);
        loop {
            epoll::wait(&self.epoll, spare_capacity(&mut events), None)?;
            for event in events.drain(..) {
                match event.data.u64() {
                    LISTENER => self.welcome(listener.accept()?.0)?,
                    number => self.pass_on(number as usize),
                }
            }
        }
    }

    /// Gives a client a connection to each backend.
    fn welcome(&mut self, stream: TcpStream) -> io::Result<()> {
        let client = self.add(stream, Vec::new())?;
        for backend in self.backends.clone() {
            let other = self.add(TcpStream::connect(backend)?, vec![client])?;
            if let Some(side) = &mut self.sides[client] {
                side.others.push(other);
            }
        }
        Ok(())
    }

    fn add(&mut self, stream: TcpStream, others: Vec<usize>) -> io::Result<usize> {
        stream.set_nodelay(true)?;
        let number = self.sides.len();
        let interest = EventFlags::IN | EventFlags::OUT | EventFlags::RDHUP | EventFlags::ET;
        epoll::add(
            &self.epoll,
            &stream,
            EventData::new_u64(number as u64),
            interest,
        )?;
        self.sides.push(Some(Side {
            stream,
            others,
            next: 0,
        }));
        Ok(number)
    }

    /// One read, one write. Whatever goes wrong ends the client with all its connections.
    fn pass_on(&mut self, number: usize) {
        let Some(side) = &mut self.sides[number] else {
            return;
        };
        let read = match recv(&side.stream, &mut self.buffer[..], RecvFlags::DONTWAIT) {
            Ok((read, _)) if read > 0 => read,
            Err(rustix::io::Errno::AGAIN) => return,
            _ => return self.end(number),
        };
        let other = side.others[side.next % side.others.len()];
        side.next += 1;
        let written = match &mut self.sides[other] {
            Some(other) => other.stream.write_all(&self.buffer[..read]),
            None => return,
        };
        if written.is_err() {
            self.end(number);
        }
    }

    fn end(&mut self, number: usize) {
        let Some(side) = mem::take(&mut self.sides[number]) else {
            return;
        };
        for other in side.others {
            self.end(other);
        }
    }
}
