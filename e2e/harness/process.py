"""Child processes that cannot outlive the run, free ports, and waiting for a server to answer."""

import contextlib
import http.client
import os
import random
import signal
import socket
import ssl
import subprocess
import time
from pathlib import Path

# Below the kernel's range for outgoing connections, so that no client takes a port between its
# choice and its use.
PORTS = range(10_000, 30_000)
# A port is given once: who is told of one may not listen yet when the next is asked for.
GIVEN: set[int] = set()


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nobody listens on, and that is given once."""
    return free_port_range(1)


def free_port_range(count: int) -> int:
    """The first of `count` ports in a row that nobody listens on."""
    while True:
        first = random.randrange(PORTS.start, PORTS.stop - count)
        ports = range(first, first + count)
        if GIVEN.isdisjoint(ports) and all(map(is_free, ports)):
            GIVEN.update(ports)
            return first


def is_free(port: int) -> bool:
    """Whether 127.0.0.1:`port` can be bound now."""
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def is_open(port: int) -> bool:
    """Whether somebody listens on 127.0.0.1:`port`."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


class Process:
    """A child in a process group of its own, its output in a file, killed with its parent."""

    def __init__(self, name: str, argv: list[str], log: Path, env: dict[str, str] | None = None):
        self.name = name
        self.argv = argv
        self.log = log
        self.env = env or {}
        self.child: subprocess.Popen | None = None

    def start(self) -> None:
        """Start it; the log is appended to, so a restart keeps what was written before."""
        with self.log.open("ab") as output:
            self.child = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", "--", *self.argv],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=os.environ | self.env,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        """The process id; `setpriv` execs, so it is the server's own."""
        assert self.child is not None, f"{self.name} was not started"
        return self.child.pid

    def running(self) -> bool:
        """Whether it was started and has not ended."""
        return self.child is not None and self.child.poll() is None

    def send(self, number: signal.Signals) -> None:
        """Send a signal to the process itself, not to its group."""
        os.kill(self.pid, number)

    def wait(self, timeout: float) -> int:
        """Wait for its end and give its exit code; negative for a signal."""
        assert self.child is not None
        return self.child.wait(timeout)

    def kill(self) -> None:
        """Kill the whole group and reap the child."""
        if self.child is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.child.pid, signal.SIGKILL)
        self.child.wait()

    def tail(self, lines: int = 40) -> str:
        """The last lines of its log."""
        text = self.log.read_text(errors="replace") if self.log.exists() else ""
        return "\n".join(text.splitlines()[-lines:])


def connect(
    port: int, trust: Path | None = None, timeout: float = 5.0
) -> http.client.HTTPConnection:
    """To 127.0.0.1, by TLS when there are certificates to trust."""
    if trust is None:
        return http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    context = ssl.create_default_context(cafile=str(trust))
    return http.client.HTTPSConnection("127.0.0.1", port, timeout=timeout, context=context)


def status_of(
    port: int, path: str = "/", timeout: float = 2.0, trust: Path | None = None
) -> int | None:
    """The status of a GET, or None when nobody answers."""
    connection = connect(port, trust, timeout)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


def fetch_text(port: int, path: str, trust: Path | None = None) -> str:
    """The body of a GET."""
    connection = connect(port, trust)
    try:
        connection.request("GET", path)
        return connection.getresponse().read().decode()
    finally:
        connection.close()


def wait_until(question, what: str, timeout: float = 30.0, pause: float = 0.05) -> None:
    """Ask until the answer is true; raise TimeoutError that says what was waited for."""
    deadline = time.monotonic() + timeout
    while not question():
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {timeout:.0f} s for {what}")
        time.sleep(pause)


def wait_for_http(
    process: Process, port: int, path: str = "/", status: int = 200, trust: Path | None = None
) -> None:
    """Wait until a server answers with `status`; raise at once when its process has ended."""

    def answers() -> bool:
        if not process.running():
            raise RuntimeError(f"{process.name} ended early:\n{process.tail()}")
        return status_of(port, path, trust=trust) == status

    wait_until(answers, f"{process.name} to answer {status} on port {port}")
