"""Clients that come for each request anew, by a whole handshake or by a session that they resume,
and some that stay; a program of its own.

It runs until the file `--until` is there and prints JSON: requests, errors, and the serial numbers
of the certificates that it was shown.
"""

import argparse
import http.client
import json
import ssl
import threading
from collections import Counter
from pathlib import Path

# Threads of a process.
KINDS = {"new connection": 2, "resumed session": 1, "kept connection": 1}


class Visitors:
    """Threads that ask until told to stop, and what they saw."""

    def __init__(self, port: int, trust: str, until: Path):
        self.port = port
        self.until = until
        self.context = ssl.create_default_context(cafile=trust)
        self.calls: Counter[str] = Counter()
        self.serials: Counter[str] = Counter()
        self.errors: list[str] = []
        self.lock = threading.Lock()

    def connect(self, session: ssl.SSLSession | None) -> http.client.HTTPConnection:
        """With a session, the server need not show its certificate again."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        connection.connect()
        connection.sock = self.context.wrap_socket(
            connection.sock, server_hostname="127.0.0.1", session=session
        )
        if session is None:
            serial = connection.sock.getpeercert()["serialNumber"]
            with self.lock:
                self.serials[serial] += 1
        return connection

    def visit(self, kind: str) -> None:
        """Ask again and again."""
        connection = session = None
        while not self.until.exists():
            try:
                connection = connection or self.connect(session)
                connection.request("GET", "/kib")
                response = connection.getresponse()
                size = len(response.read())
                assert (response.status, size) == (200, 1024), f"{response.status}, {size} B"
            except (OSError, http.client.HTTPException, AssertionError) as error:
                self.errors.append(f"{kind}: {error!r}")
                connection = session = None
                continue
            with self.lock:
                self.calls[kind] += 1
            if kind == "resumed session":
                session = connection.sock.session
            if kind != "kept connection":
                connection.close()
                connection = None

    def run(self) -> dict:
        """All threads, to the end."""
        kinds = [kind for kind, count in KINDS.items() for _ in range(count)]
        threads = [threading.Thread(target=self.visit, args=(kind,)) for kind in kinds]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return {"calls": self.calls, "errors": self.errors, "serials": self.serials}


def main() -> None:
    """Run and tell."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--trust", required=True)
    parser.add_argument("--until", type=Path, required=True)
    given = parser.parse_args()
    print(json.dumps(Visitors(given.port, given.trust, given.until).run()))


if __name__ == "__main__":
    main()
