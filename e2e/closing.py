"""Backends that close connections at every moment they can: which requests fail for it?

Scripted origins close after each answer, after a short idle time, in the middle of a head and
before it, in order (FIN) and not (RST). Only a POST or PATCH that may have been delivered may fail,
and none may be delivered twice.
"""

import argparse
import asyncio
import http.client
import random
import shutil
import socket
import struct
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from harness.sidekick import Sidekick

METHODS = ("GET", "HEAD", "OPTIONS", "PUT", "DELETE", "POST", "PATCH", "GET", "PUT", "POST")
ONCE = ("POST", "PATCH")
BODIES = {"PUT": b"p" * 1024, "POST": b"q" * 100, "PATCH": b"r" * 10}
ORIGINS = 3
CLIENTS = 16
IDLE = 5.0
JITTER = 0.01
# Requests of a client between two idle times.
BURST = 14
# What closes before it has answered does so for one request in so many: sidekick's retries are a
# share of its requests, and more would be a backend that is down.
RARELY = 20
# An immediate reset when the socket is closed.
RESET = struct.pack("ii", 1, 0)


@dataclass(frozen=True)
class Habit:
    """When a backend closes, and how."""

    name: str
    reset: bool
    # How much of each answer is sent before the connection closes; None closes after none.
    part: Callable[[bytes], bytes] | None = None
    rarely: bool = False
    announced: bool = False
    idle: float | None = None


def whole(answer: bytes) -> bytes:
    """All of it."""
    return answer


def nothing(answer: bytes) -> bytes:
    """Not a byte."""
    return b""


def middle_of_head(answer: bytes) -> bytes:
    """Some of the head."""
    return answer[:30]


HABITS = [
    Habit("after each answer, announced", False, whole, announced=True),
    Habit("after each answer, FIN", False, whole),
    Habit("after each answer, RST", True, whole),
    Habit("in the middle of the head, FIN", False, middle_of_head, rarely=True),
    Habit("in the middle of the head, RST", True, middle_of_head, rarely=True),
    Habit("before the answer, FIN", False, nothing, rarely=True),
    Habit("before the answer, RST", True, nothing, rarely=True),
    Habit("after 5 s without a request, FIN", False, idle=IDLE),
    Habit("after 5 s without a request, RST", True, idle=IDLE),
]


class Origin(asyncio.Protocol):
    """A connection to an origin with a habit. It counts what it is asked to do."""

    def __init__(self, habit: Habit, asked: Counter):
        self.habit = habit
        self.asked = asked
        self.buffer = b""
        self.timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        while not self.transport.is_closing() and self.one_request():
            pass

    def one_request(self) -> bool:
        """Answer a request if all of it has come; whether it has."""
        head, end, rest = self.buffer.partition(b"\r\n\r\n")
        if not end:
            return False
        length = length_in(head)
        if len(rest) < length:
            return False
        self.buffer = rest[length:]
        method, target, _ = head.partition(b"\r\n")[0].decode().split(" ")
        self.answer(method, target.removeprefix("/"))
        return True

    def answer(self, method: str, name: str) -> None:
        """Answer with the request's own name, and close as the habit is."""
        health = name == "health"
        self.asked[name] += not health
        body = b"" if method == "HEAD" else name.encode()
        close = b"Connection: close\r\n" if self.habit.announced else b""
        head = b"HTTP/1.1 200 OK\r\n%sContent-Length: %d\r\n\r\n" % (close, len(name))
        part = self.habit.part
        # None suffers twice: with three backends there would soon be none left to ask.
        spared = self.asked[name] > 1 or random.randrange(RARELY)
        if health or (self.habit.rarely and spared):
            part = None
        self.transport.write((part or whole)(head + body))
        if part is not None:
            self.close()
        elif self.habit.idle is not None:
            self.restart_timer(self.habit.idle + random.uniform(-JITTER, JITTER))

    def restart_timer(self, seconds: float) -> None:
        """Close after so long without a request."""
        if self.timer is not None:
            self.timer.cancel()
        self.timer = asyncio.get_running_loop().call_later(seconds, self.close)

    def close(self) -> None:
        """FIN or RST."""
        if self.habit.reset:
            sock = self.transport.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            self.transport.abort()
        else:
            self.transport.close()

    def connection_lost(self, _error) -> None:
        if self.timer is not None:
            self.timer.cancel()


def length_in(head: bytes) -> int:
    """The length of a request's body."""
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return int(value)
    return 0


class Origins:
    """Some origins of one habit, in a thread of their own."""

    def __init__(self, habit: Habit):
        self.asked: Counter = Counter()
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()
        serve = [self.serve(lambda: Origin(habit, self.asked)) for _ in range(ORIGINS)]
        self.ports = [asyncio.run_coroutine_threadsafe(one, self.loop).result() for one in serve]

    async def serve(self, protocol: Callable[[], Origin]) -> int:
        """Listen; the port."""
        server = await self.loop.create_server(protocol, "127.0.0.1", 0, backlog=1024)
        return server.sockets[0].getsockname()[1]

    def site(self) -> str:
        """The argument for sidekick."""
        return ",".join(f"http://127.0.0.1:{port}" for port in self.ports)

    def stop(self) -> None:
        """End the thread; the sockets go with the process."""
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()


@dataclass
class Tally:
    """What the clients of one habit saw."""

    sent: Counter = field(default_factory=Counter)
    failed: list[tuple[str, str, str]] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)


@dataclass
class Client:
    """One client on a kept-alive connection."""

    number: int
    port: int
    tally: Tally
    requests: int
    # Bursts of a few requests with the idle time of the origins between them; else without pause.
    idle: float | None

    def run(self) -> None:
        """All requests of this client."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        for turn in range(self.requests):
            method = METHODS[(turn + self.number) % len(METHODS)]
            self.one(connection, method, f"{method}-{self.number}-{turn}")
            if self.idle is not None and turn % BURST == BURST - 1:
                time.sleep(self.idle + random.uniform(-2 * JITTER, JITTER))
        connection.close()

    def one(self, connection: http.client.HTTPConnection, method: str, name: str) -> None:
        """One request: its answer must be its own."""
        self.tally.sent[method] += 1
        try:
            connection.request(method, f"/{name}", BODIES.get(method))
            response = connection.getresponse()
            body = response.read()
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            self.tally.failed.append((method, name, f"{type(error).__name__}: {error}"))
            return
        if response.status != 200:
            self.tally.failed.append((method, name, str(response.status)))
        elif method != "HEAD" and body != name.encode():
            self.tally.wrong.append(f"{name} was answered {body[:60]!r}")


def main() -> int:
    """All habits in turn; the exit code says whether a rule was broken."""
    parser = argparse.ArgumentParser(prog="e2e/closing", description=__doc__.splitlines()[0])
    parser.add_argument("--sidekick", required=True, help="the program under test")
    parser.add_argument("--requests", type=int, default=10_000, help="over all habits")
    arguments = parser.parse_args()
    work = Path(tempfile.mkdtemp(prefix="sidekick-closing-"))
    each = -(-arguments.requests // (len(HABITS) * CLIENTS))
    broken: list[str] = []
    columns = ("requests", "repeated", "errors", "not delivered")
    print(f"{'the backends close':<34}" + "".join(f"{column:>15}" for column in columns))
    try:
        for habit in HABITS:
            broken += hammer(arguments.sidekick, habit, each, work)
    finally:
        shutil.rmtree(work)
    for line in broken[:40]:
        print(f"VIOLATION {line}")
    print(f"{len(broken)} violations", flush=True)
    return 1 if broken else 0


def hammer(binary: str, habit: Habit, requests: int, work: Path) -> list[str]:
    """All clients against origins of one habit; the rules that were broken."""
    origins = Origins(habit)
    flags = ("--health-duration", "500ms")
    sidekick = Sidekick(binary, [origins.site()], work / "sidekick.log", flags, "/health")
    tally = Tally()
    try:
        sidekick.start_and_wait()
        clients = [
            Client(number, sidekick.port, tally, requests, habit.idle) for number in range(CLIENTS)
        ]
        threads = [threading.Thread(target=client.run) for client in clients]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sidekick.kill()
        origins.stop()
    return verdict(habit, tally, origins.asked)


def verdict(habit: Habit, tally: Tally, asked: Counter) -> list[str]:
    """A row of the table; the rules that were broken."""
    twice = [name for name, count in asked.items() if count > 1 and is_once(name)]
    again = sum(count - 1 for name, count in asked.items() if count > 1)
    total = sum(tally.sent.values())
    never = sum(not asked[name] for _, name, _ in tally.failed)
    counts = (total, again, len(tally.failed), never)
    print(f"{habit.name:<34}" + "".join(f"{count:>15}" for count in counts), flush=True)
    for (method, error), count in Counter((m, e) for m, _, e in tally.failed).most_common():
        print(f"    {count} of {tally.sent[method]} {method}: {error}")
    broken = [f"{habit.name}: {name} was delivered {asked[name]} times" for name in twice]
    broken += [f"{habit.name}: {line}" for line in tally.wrong]
    for method, name, error in tally.failed:
        # Where the close is announced, no connection can be in doubt.
        if method not in ONCE or habit.announced:
            broken.append(f"{habit.name}: {name}: {error}, delivered {asked[name]} times")
    return broken


def is_once(name: str) -> bool:
    """Whether a request of this name must not be repeated."""
    return name.split("-")[0] in ONCE


if __name__ == "__main__":
    sys.exit(main())
