"""One measurement: wrk against a port while the processor time of a process tree is read."""

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Case:
    """What wrk asks for."""

    name: str
    connections: int
    path: str
    put_size: int | None = None


CASES = [
    Case("get-1k-64", 64, "/1k"),
    Case("get-1k-1", 1, "/1k"),
    Case("get-1m-16", 16, "/1m"),
    Case("put-64k-16", 16, "/sink", put_size=64 << 10),
]
DEFAULT_CASES = ["get-1k-64", "get-1k-1"]


def process_tree(pid: int) -> list[int]:
    """A process and all its descendants."""
    found = [pid]
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in children.read_text().split():
            found += process_tree(int(child))
    return found


def cpu_seconds(pid: int) -> float:
    """User and system time of a process tree, in seconds."""
    total = 0
    for member in process_tree(pid):
        # The second field is a name in brackets and may hold spaces.
        fields = Path(f"/proc/{member}/stat").read_text().rpartition(")")[2].split()
        total += int(fields[11]) + int(fields[12])
    return total / TICKS


def status_kib(pid: int, field: str) -> int:
    """A memory figure of /proc/PID/status, such as VmHWM, summed over a process tree, in KiB."""
    total = 0
    for member in process_tree(pid):
        lines = Path(f"/proc/{member}/status").read_text().splitlines()
        total += sum(int(line.split()[1]) for line in lines if line.startswith(f"{field}:"))
    return total


def wrk(case: Case, port: int, seconds: float) -> dict:
    """Run wrk with one thread and give what it measured."""
    put = {"WRK_PUT_SIZE": str(case.put_size)} if case.put_size else {}
    done = subprocess.run(
        [
            "wrk",
            "--threads=1",
            f"--connections={case.connections}",
            f"--duration={seconds:g}s",
            "--timeout=10s",
            f"--script={HERE}/wrk.lua",
            f"http://127.0.0.1:{port}{case.path}",
        ],
        env=os.environ | put,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout.splitlines()[-1])


def measure(case: Case, port: int, pid: int | None, seconds: float) -> dict:
    """Warm up for a second, then measure; `pid` is the proxy's, if there is one."""
    wrk(case, port, 1)
    before = cpu_seconds(pid) if pid else 0.0
    result = wrk(case, port, seconds)
    result["requests_per_second"] = result["requests"] / result["seconds"]
    result["errors"] = sum(result["errors"].values())
    if pid:
        used = cpu_seconds(pid) - before
        result["cpu_us_per_request"] = used * 1e6 / max(1, result["requests"])
        result["peak_rss_mib"] = status_kib(pid, "VmHWM") / 1024
    return result
