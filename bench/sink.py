#!/usr/bin/env python3
"""An HTTP/1.1 server that reads requests to their end, forgets them and answers 200.

For measuring uploads: static file servers answer an upload before they have read it. Bodies are
thrown away inside the kernel (MSG_TRUNC), or decrypted where a certificate and a key are given. One
thread, level-triggered epoll; Content-Length only.
"""

import re
import select
import socket
import ssl
import sys

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
LENGTH = re.compile(rb"\r\ncontent-length: *([0-9]+)", re.IGNORECASE)
SCRATCH = bytearray(1 << 20)


class Connection:
    """A client and what is still to come of its request."""

    def __init__(self, client: socket.socket):
        self.client = client
        self.encrypted = isinstance(client, ssl.SSLSocket)
        self.flags = 0 if self.encrypted else socket.MSG_TRUNC
        self.head = b""
        self.body_left: int | None = None

    def read(self) -> bool:
        """Read what is there, of clear text once; whether the connection goes on."""
        if not self.encrypted:
            return self.read_once()
        try:
            # The poll does not know of what is decrypted and was not taken.
            while self.read_once():
                pass
        except ssl.SSLWantReadError:
            return True
        return False

    def read_once(self) -> bool:
        """Read once, answer when the request is complete; whether the connection goes on."""
        if self.body_left:
            most = min(self.body_left, len(SCRATCH))
            count = self.client.recv_into(SCRATCH, most, self.flags)
            if not count:
                return False
            self.body_left -= count
        else:
            piece = self.client.recv(16 << 10)
            if not piece:
                return False
            self.head += piece
            head, end, body = self.head.partition(b"\r\n\r\n")
            if not end:
                return True
            found = LENGTH.search(head)
            self.body_left = (int(found[1]) if found else 0) - len(body)
            self.head = b""
        if self.body_left <= 0:
            self.body_left = None
            self.client.sendall(ANSWER)
        return True


def accept(listener: socket.socket, tls: ssl.SSLContext | None) -> socket.socket:
    """The next client; its handshake is part of the first read."""
    client, _ = listener.accept()
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if tls:
        client.setblocking(False)
        client = tls.wrap_socket(client, server_side=True, do_handshake_on_connect=False)
    return client


def serve(port: int, tls: ssl.SSLContext | None) -> None:
    """Serve for ever on 127.0.0.1:`port`."""
    listener = socket.create_server(("127.0.0.1", port), backlog=4096)
    poll = select.epoll()
    poll.register(listener, select.EPOLLIN)
    connections: dict[int, Connection] = {}
    while True:
        for number, _ in poll.poll():
            if number == listener.fileno():
                client = accept(listener, tls)
                connections[client.fileno()] = Connection(client)
                poll.register(client, select.EPOLLIN)
                continue
            try:
                goes_on = connections[number].read()
            except OSError:
                goes_on = False
            if not goes_on:
                poll.unregister(number)
                connections.pop(number).client.close()


def main() -> None:
    """PORT, and for TLS the files of the certificates and the key."""
    port, *shown = sys.argv[1:]
    tls = None
    if shown:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(*shown)
    serve(int(port), tls)


if __name__ == "__main__":
    main()
