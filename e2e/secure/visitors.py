"""Clients that connect anew for each request, and some that stay; a program of its own.

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

# Of a process: those that connect anew, and those that keep a connection.
COMERS = 3
STAYERS = 1


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

    def connect(self) -> http.client.HTTPSConnection:
        """A whole handshake: no session is resumed."""
        connection = http.client.HTTPSConnection(
            "127.0.0.1", self.port, context=self.context, timeout=10
        )
        connection.connect()
        serial = connection.sock.getpeercert()["serialNumber"]
        with self.lock:
            self.serials[serial] += 1
        return connection

    def visit(self, stays: bool) -> None:
        """Ask again and again."""
        kind = "on a kept connection" if stays else "on a new connection"
        connection = None
        while not self.until.exists():
            try:
                connection = connection or self.connect()
                connection.request("GET", "/kib")
                response = connection.getresponse()
                size = len(response.read())
                assert (response.status, size) == (200, 1024), f"{response.status}, {size} B"
            except (OSError, http.client.HTTPException, AssertionError) as error:
                self.errors.append(f"{kind}: {error!r}")
                connection = None
                continue
            self.calls[kind] += 1
            if not stays:
                connection.close()
                connection = None

    def run(self) -> dict:
        """All threads, to the end."""
        kinds = [False] * COMERS + [True] * STAYERS
        threads = [threading.Thread(target=self.visit, args=(stays,)) for stays in kinds]
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
