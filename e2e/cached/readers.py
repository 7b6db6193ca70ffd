"""Who asks: hand-signed requests by principals of three kinds, all under one host name."""

import hashlib
import http.client
import socket
import threading
import time
from dataclasses import dataclass

from botocore.auth import S3SigV4Auth, S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from harness.scenario import fetch
from harness.seaweed import ACCESS_KEY, REGION, SECRET_KEY, STRANGER_ACCESS_KEY, STRANGER_SECRET_KEY

# The host is a part of the cache's key: by this one, two processes speak of the same objects.
HOST = "objects.e2e.test"
PIECE = 256 * 1024
BUFFER = 64 * 1024


@dataclass(frozen=True)
class Answer:
    """What came."""

    status: int
    fields: dict[str, str]
    body: bytes

    @property
    def cache(self) -> str:
        """What the cache says of itself."""
        return self.fields.get("cache-status", "")

    @property
    def is_validated(self) -> bool:
        """Whether it is the stored one, after a 304."""
        return self.cache.endswith("; fwd-status=304")

    @property
    def is_fill(self) -> bool:
        """Whether it is being stored."""
        return self.cache.endswith("; stored")

    def is_body(self, body: bytes) -> bool:
        """Compared by digest."""
        return hashlib.sha256(self.body).digest() == hashlib.sha256(body).digest()


@dataclass(frozen=True)
class Reader:
    """A principal, or nobody where the keys are none; what nobody presigns is a forgery."""

    name: str
    keys: Credentials | None

    def target(self, method: str, path: str) -> str:
        """A presigned target."""
        keys = self.keys or Credentials(ACCESS_KEY, "guessed")
        request = AWSRequest(method, f"http://{HOST}{path}")
        S3SigV4QueryAuth(keys, "s3", REGION, expires=600).add_auth(request)
        return request.url.removeprefix(f"http://{HOST}")

    def fields(self, method: str, path: str, body: bytes | None, more: dict) -> dict[str, str]:
        """Fields with a signature."""
        request = AWSRequest(method, f"http://{HOST}{path}", headers=dict(more), data=body)
        if self.keys:
            S3SigV4Auth(self.keys, "s3", REGION).add_auth(request)
        return {"Host": HOST, **dict(request.headers)}

    def ask(
        self, port: int, path: str, method: str = "GET", body: bytes | None = None, **fields: str
    ) -> Answer:
        """One request over a new connection; `If_Match` is `If-Match`."""
        more = {name.replace("_", "-"): value for name, value in fields.items()}
        signed = self.fields(method, path, body, more)
        return answer(*fetch(method, f"http://127.0.0.1:{port}{path}", body, signed))

    def ask_presigned(self, port: int, path: str, method: str = "GET") -> Answer:
        """The signature is in the URL."""
        url = f"http://127.0.0.1:{port}{self.target(method, path)}"
        return answer(*fetch(method, url, headers={"Host": HOST}))


def answer(status: int, fields: list[tuple[str, str]], body: bytes) -> Answer:
    """With names of fields in lower case."""
    return Answer(status, {name.lower(): value for name, value in fields}, body)


OWNER = Reader("owner", Credentials(ACCESS_KEY, SECRET_KEY))
# A valid signature of somebody who may read another bucket only.
STRANGER = Reader("stranger", Credentials(STRANGER_ACCESS_KEY, STRANGER_SECRET_KEY))
NOBODY = Reader("nobody", None)


def slow_socket(port: int) -> socket.socket:
    """A connection in whose buffers next to nothing waits that its client has not read: it is slow
    from the first byte on, and each pause is one of the client's.
    """
    sock = socket.socket()
    # Before the connection is made: its window is agreed on then.
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER)
    sock.settimeout(30)
    sock.connect(("127.0.0.1", port))
    return sock


class Download(threading.Thread):
    """The owner reads one object, each piece no sooner than its rate allows. What stands still is
    not caught up with, so that a pause costs what it takes.
    """

    def __init__(self, port: int, path: str, rate: int = 0):
        super().__init__(daemon=True)
        self.rate = rate
        self.received = 0
        self.seconds = 0.0
        self.sha256 = hashlib.sha256()
        self.error: Exception | None = None
        self.leaving = threading.Event()
        self.began = time.monotonic()
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        if rate:
            self.connection.sock = slow_socket(port)
        self.connection.request("GET", path, headers=OWNER.fields("GET", path, None, {}))
        self.response = self.connection.getresponse()
        self.cache = self.response.getheader("Cache-Status", "")

    def run(self) -> None:
        """Read to the end."""
        try:
            came = time.monotonic()
            while not self.leaving.is_set() and (piece := self.response.read(PIECE)):
                self.sha256.update(piece)
                self.received += len(piece)
                if self.rate:
                    time.sleep(max(0.0, came + len(piece) / self.rate - time.monotonic()))
                came = time.monotonic()
        except (OSError, http.client.HTTPException) as error:
            self.error = error
        finally:
            self.seconds = time.monotonic() - self.began
            self.connection.close()

    def leave(self) -> None:
        """Close the connection in the middle."""
        self.leaving.set()
        self.join()

    def must_be(self, body: bytes) -> None:
        """Wait for the end; every byte came, in order."""
        self.join()
        assert self.error is None, f"after {self.received} bytes: {self.error}"
        assert self.response.status == 200, f"status {self.response.status}"
        assert self.received == len(body), f"{self.received} bytes of {len(body)}"
        assert self.sha256.digest() == hashlib.sha256(body).digest(), "other bytes came"
