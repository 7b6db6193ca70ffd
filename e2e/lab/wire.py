"""One client connection that never retries, and the record of what a request came to."""

import contextlib
import hashlib
import http.client
import select
import socket
import time
import urllib.parse
from dataclasses import dataclass, field

from botocore.awsrequest import AWSRequest

from clients.raw import StreamingAuth
from lab.content import Content

PIECE = 64 * 1024
NOTHING = hashlib.sha256(b"").hexdigest()
READ_TIMEOUT = 120.0
# As SDKs do: a server that does not know `Expect` gets the body after a while.
CONTINUE_TIMEOUT = 5.0
BROKEN = (OSError, http.client.HTTPException)


class Unwanted(Exception):
    """An answer that is no answer to the request, or other bytes than were stored."""


@dataclass
class Outcome:
    """What became of a request. Times are of the monotonic clock, in seconds."""

    id: str
    kind: str
    key: str
    size: int
    began: float = field(default_factory=time.monotonic)
    ended: float = 0.0
    first_byte: float | None = None
    longest_wait: float = 0.0
    head: int = 0
    sent: int = 0
    received: int = 0
    status: int | None = None
    error: str | None = None
    wrong: str | None = None
    late: str | None = None

    @property
    def seconds(self) -> float:
        """How long it took."""
        return self.ended - self.began


@dataclass(frozen=True)
class Request:
    """An S3 request; `query` has no `x-id` yet."""

    method: str
    path: str
    query: dict[str, str] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | Content | None = None
    # Wait for 100 before the body.
    expect: bool = False
    # Bytes a second that the client sends and reads; 0 is as fast as it goes.
    pace: int = 0


class Wire:
    """A kept-alive connection to one host; a new one when it was lost."""

    def __init__(self, address: str, port: int):
        self.host = f"{address}:{port}"
        self.connection = http.client.HTTPConnection(address, port, timeout=READ_TIMEOUT)

    def ask(self, request: Request, outcome: Outcome) -> http.client.HTTPResponse:
        """Send a request and give the head of its answer; the body is still to be read."""
        if self.connection.sock is None:
            self.connection.connect()
            self.connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        target, headers = signed(self.host, request, outcome.id)
        self.send_head(request.method, target, headers, outcome)
        if request.body is not None and self.may_send_body(request.expect):
            self.send_body(request, outcome)
        response = self.connection.getresponse()
        outcome.status = response.status
        outcome.first_byte = time.monotonic() - outcome.began
        return response

    def send_head(
        self, method: str, target: str, headers: dict[str, str], outcome: Outcome
    ) -> None:
        """Send the request's head and note how long it is."""
        self.connection.putrequest(method, target, skip_host=True, skip_accept_encoding=True)
        outcome.head = len(method) + len(target) + len("  HTTP/1.1\r\n\r\n")
        for name, value in headers.items():
            self.connection.putheader(name, value)
            outcome.head += len(name) + len(value) + len(": \r\n")
        self.connection.endheaders()

    def may_send_body(self, expect: bool) -> bool:
        """Whether the body is wanted: after 100, and where nobody answers the expectation."""
        if not expect:
            return True
        sock = self.connection.sock
        if not select.select([sock], [], [], CONTINUE_TIMEOUT)[0]:
            return True
        if not sock.recv(12, socket.MSG_PEEK).startswith(b"HTTP/1.1 100"):
            return False
        # An interim answer is small and comes in one piece.
        head, end, _ = sock.recv(4096, socket.MSG_PEEK).partition(b"\r\n\r\n")
        sock.recv(len(head) + len(end))
        return True

    def send_body(self, request: Request, outcome: Outcome) -> None:
        """Send the body at its pace until an answer comes early or the connection breaks."""
        sock = self.connection.sock
        size = length_of(request.body)
        began = time.monotonic()
        while outcome.sent < size:
            if select.select([sock], [], [], 0)[0]:
                return
            last = min(outcome.sent + PIECE, size)
            try:
                sock.sendall(part_of(request.body, outcome.sent, last))
            except OSError:
                # What was answered before the connection broke says more than the break.
                return
            outcome.sent = last
            keep_pace(outcome.sent, request.pace, began)

    def close(self) -> None:
        """The next request goes over a new connection."""
        self.connection.close()


def signed(host: str, request: Request, identity: str) -> tuple[str, dict[str, str]]:
    """Target and fields of a request with its signature; `x-id` names it in sidekick's log."""
    query = urllib.parse.urlencode(request.query | {"x-id": identity})
    target = f"{request.path}?{query.replace('+', '%20')}"
    made = AWSRequest(request.method, f"http://{host}{target}", headers=dict(request.headers))
    StreamingAuth(hash_of(request.body)).add_auth(made)
    fields = {"Host": host, **dict(made.headers)}
    if request.body is not None:
        fields["Content-Length"] = str(length_of(request.body))
    if request.expect:
        fields["Expect"] = "100-continue"
    return target, fields


def hash_of(body: bytes | Content | None) -> str:
    """The payload hash that is signed."""
    if isinstance(body, Content):
        return body.sha256()
    return hashlib.sha256(body).hexdigest() if body else NOTHING


def length_of(body: bytes | Content | None) -> int:
    """Bytes of a request's body."""
    if isinstance(body, Content):
        return body.size
    return len(body or b"")


def part_of(body: bytes | Content | None, first: int, last: int) -> bytes:
    """A slice of a request's body."""
    if isinstance(body, Content):
        return body.part(first, last)
    return (body or b"")[first:last]


def keep_pace(done: int, pace: int, began: float) -> None:
    """Sleep until no more than `pace` bytes a second have gone."""
    if pace:
        time.sleep(max(0.0, done / pace - (time.monotonic() - began)))


def compare(
    response: http.client.HTTPResponse, content: Content, first: int, pace: int, outcome: Outcome
) -> None:
    """Read a body that must be `content` from `first` on, `outcome.size` bytes; every byte is
    compared as it comes."""
    began = time.monotonic()
    buffer = bytearray(4 * PIECE)
    while True:
        asked = time.monotonic()
        count = response.readinto(buffer)
        outcome.longest_wait = max(outcome.longest_wait, time.monotonic() - asked)
        if not count:
            break
        at = content.first_difference(first + outcome.received, bytes(buffer[:count]))
        if at is not None:
            outcome.wrong = f"other bytes from {at} on"
            raise Unwanted(outcome.wrong)
        outcome.received += count
        keep_pace(outcome.received, pace, began)
    if outcome.received != outcome.size:
        raise Unwanted(f"body ended after {outcome.received} of {outcome.size} bytes")


def refused(response: http.client.HTTPResponse) -> Unwanted:
    """What an answer with an unexpected status was, and whose it is."""
    body = b""
    with contextlib.suppress(*BROKEN):
        body = response.read()
    whose = "sidekick" if response.getheader("Server") == "sidekick" else "the server"
    code = body.partition(b"<Code>")[2].partition(b"</Code>")[0].decode(errors="replace")
    return Unwanted(f"{response.status} {code} from {whose}".replace("  ", " "))
