"""One measurement: load on a port while the processor time of a process tree is read."""

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from backends import SIZES
from h2load import h2load

HERE = Path(__file__).parent
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Case:
    """What clients ask for, and what is encrypted meanwhile."""

    name: str
    connections: int
    path: str
    # Bytes of the largest body, for limits that depend on it.
    size: int
    put: bool = False
    mix: bool = False
    # TLS from the clients, and to the backends.
    tls_in: bool = False
    tls_out: bool = False
    # Requests at once on each connection, by HTTP/2; 0 is HTTP/1.1.
    streams: int = 0
    # How many times as long it is measured, where few requests end in the time of the others.
    stretch: int = 1

    @property
    def tls(self) -> str:
        """Where TLS is, as names have it; empty where it is not."""
        return "tls-both" if self.tls_out else "tls-in" if self.tls_in else ""


TLS_IN = {"tls_in": True}
TLS_BOTH = {"tls_in": True, "tls_out": True}
CASES = [
    Case("get-1k-1", 1, "/1k", SIZES["1k"]),
    Case("get-1k-64", 64, "/1k", SIZES["1k"]),
    Case("get-1k-1000", 1000, "/1k", SIZES["1k"]),
    Case("get-64k-16", 16, "/64k", SIZES["64k"]),
    Case("get-1m-8", 8, "/1m", SIZES["1m"]),
    Case("get-64m-4", 4, "/64m", SIZES["64m"]),
    Case("put-1m-8", 8, "/sink", SIZES["1m"], put=True),
    Case("put-64m-4", 4, "/sink", SIZES["64m"], put=True),
    Case("mixed-32", 32, "/1k", SIZES["1m"], mix=True),
    Case("tls-in-get-1k-1", 1, "/1k", SIZES["1k"], **TLS_IN),
    Case("tls-in-get-1k-64", 64, "/1k", SIZES["1k"], **TLS_IN),
    Case("tls-in-get-64m-4", 4, "/64m", SIZES["64m"], **TLS_IN, stretch=3),
    Case("tls-both-get-1k-1", 1, "/1k", SIZES["1k"], **TLS_BOTH),
    Case("tls-both-get-1k-64", 64, "/1k", SIZES["1k"], **TLS_BOTH),
    Case("tls-both-get-64m-4", 4, "/64m", SIZES["64m"], **TLS_BOTH, stretch=3),
    Case("tls-both-put-64m-4", 4, "/sink", SIZES["64m"], put=True, **TLS_BOTH, stretch=3),
    Case("h2-get-1k-100", 4, "/1k", SIZES["1k"], streams=25, **TLS_IN),
]


def process_tree(pid: int) -> list[int]:
    """A process and all its descendants."""
    found = [pid]
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in children.read_text().split():
            found += process_tree(int(child))
    return found


def cpu_seconds(pid: int) -> float:
    """Time on a processor of a process tree, in seconds; what threads that have ended used is
    not in it. From the scheduler, to the nanosecond, where the kernel counts that."""
    total = 0.0
    for member in process_tree(pid):
        try:
            threads = Path(f"/proc/{member}/task").glob("*/schedstat")
            total += sum(int(file.read_text().split()[0]) for file in threads) / 1e9
        except FileNotFoundError:
            total += ticks_of(member) / TICKS
    return total


def ticks_of(pid: int) -> int:
    """User and system time of a process in clock ticks."""
    # The second field is a name in brackets and may hold spaces.
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def status_kib(pid: int, field: str) -> int:
    """A memory figure of /proc/PID/status, such as VmHWM, summed over a process tree, in KiB."""
    total = 0
    for member in process_tree(pid):
        lines = Path(f"/proc/{member}/status").read_text().splitlines()
        total += sum(int(line.split()[1]) for line in lines if line.startswith(f"{field}:"))
    return total


def load(case: Case, port: int, seconds: float) -> dict:
    """Ask what the case asks for so long, by one thread, and give what was measured."""
    url = f"{'https' if case.tls_in else 'http'}://127.0.0.1:{port}{case.path}"
    if case.streams:
        return h2load(url, case.connections, case.streams, seconds)
    return wrk(case, url, seconds)


def wrk(case: Case, url: str, seconds: float) -> dict:
    """Run wrk with one thread and give what it measured."""
    kind = {"WRK_PUT_SIZE": str(case.size)} if case.put else {"WRK_MIX": "1"} if case.mix else {}
    done = subprocess.run(
        [
            "wrk",
            "--threads=1",
            f"--connections={case.connections}",
            f"--duration={seconds:g}s",
            "--timeout=10s",
            f"--script={HERE}/wrk.lua",
            url,
        ],
        env=os.environ | kind,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=True,
    )
    found = json.loads(done.stdout.splitlines()[-1])
    if case.put and case.tls_in:
        # wrk begins to count when the last piece of an encrypted upload is about to be written.
        del found["p50_us"], found["p99_us"]
    return found


def measure(case: Case, port: int, pid: int | None, seconds: float) -> dict:
    """Put load on a port that is warm; `pid` is the proxy's, if there is one."""
    before = cpu_seconds(pid) if pid else 0.0
    result = load(case, port, seconds * case.stretch)
    result["requests_per_second"] = result["requests"] / result["seconds"]
    result["errors"] = sum(result["errors"].values())
    if pid:
        used = cpu_seconds(pid) - before
        result["cpu_us_per_request"] = used * 1e6 / max(1, result["requests"])
        result["peak_rss_mib"] = status_kib(pid, "VmHWM") / 1024
    return result
