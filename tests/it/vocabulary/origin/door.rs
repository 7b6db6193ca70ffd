//! What an origin's port does with those who knock.

use std::io;
use std::net::{Shutdown, SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use socket2::{Domain, Socket, Type};

use super::Shared;
use super::connection::{OriginConnection, serve};

pub(super) enum Door {
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

pub(super) fn bound(address: SocketAddr) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())?;
    Ok(socket)
}

pub(super) fn open(socket: Socket, shared: &Arc<Shared>) -> io::Result<Door> {
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
pub(super) fn shut(listener: Socket, accepting: JoinHandle<()>) {
    let _ = listener.shutdown(Shutdown::Both);
    let _ = accepting.join();
    drop(listener);
}
