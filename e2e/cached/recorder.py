"""A TCP proxy before one server that keeps the head of each request on its way."""

import contextlib
import re
import socket
import threading
import time
from collections.abc import Callable

PIECE = 256 * 1024
LENGTH = re.compile(r"^content-length:\s*(\d+)\s*$", re.IGNORECASE | re.MULTILINE)


class Heads:
    """Finds the heads in what one client sends; bodies have a Content-Length."""

    def __init__(self) -> None:
        self.head = b""
        self.body = 0

    def take(self, piece: bytes) -> list[str]:
        """The heads that end in this piece."""
        found = []
        while piece:
            if self.body:
                skipped = min(self.body, len(piece))
                self.body -= skipped
                piece = piece[skipped:]
                continue
            head, end, rest = (self.head + piece).partition(b"\r\n\r\n")
            if not end:
                self.head += piece
                return found
            text = head.decode("latin-1").replace("\r\n", "\n")
            length = LENGTH.search(text)
            self.head, self.body, piece = b"", int(length[1]) if length else 0, rest
            found.append(text)
        return found


class Recorder:
    """Listens on a port of its own for as long as the run."""

    def __init__(self, server: int):
        self.server = server
        self.heads: list[str] = []
        # Bytes a second that each answer comes at; 0 is as fast as it goes.
        self.rate = 0
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    @property
    def endpoint(self) -> str:
        """Its URL."""
        return f"http://127.0.0.1:{self.port}"

    def count(self, pattern: str) -> int:
        """How many request lines begin like this."""
        return sum(1 for head in list(self.heads) if re.match(pattern, head))

    def accept(self) -> None:
        """Serve until closed."""
        with contextlib.suppress(OSError):
            while True:
                client, _ = self.listener.accept()
                threading.Thread(target=self.serve, args=(client,), daemon=True).start()

    def serve(self, client: socket.socket) -> None:
        """One connection; a server that is not there is a connection that ends."""
        with client:
            try:
                server = socket.create_connection(("127.0.0.1", self.server))
            except OSError:
                return
            with server:
                back = threading.Thread(
                    target=carry, args=(server, client, self.delay), daemon=True
                )
                back.start()
                heads = Heads()
                carry(client, server, lambda piece: self.heads.extend(heads.take(piece)))
                back.join()

    def delay(self, piece: bytes) -> None:
        """Keep a piece of an answer back for as long as it takes."""
        if self.rate:
            time.sleep(len(piece) / self.rate)

    def close(self) -> None:
        """Take no more connections."""
        # A thread that waits in accept() would keep a socket open that is only closed.
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()


def carry(source: socket.socket, sink: socket.socket, note: Callable[[bytes], None]) -> None:
    """Move bytes to the end of their direction, which is passed on; a break ends both."""
    for end in (source, sink):
        end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    try:
        while piece := source.recv(PIECE):
            note(piece)
            sink.sendall(piece)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        for end in (source, sink):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
