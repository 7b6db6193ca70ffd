"""HTTP/2 load by h2load, in the figures that wrk gives."""

import re
import statistics
import subprocess
import tempfile
from pathlib import Path

from certificates import CURVE, SUITE


def h2load(url: str, connections: int, streams: int, seconds: float) -> dict:
    """Run h2load with one thread and so many streams on each connection; latencies are from its
    log, since it prints no percentiles."""
    with tempfile.TemporaryDirectory(prefix="sidekick-h2load-") as folder:
        log = Path(folder) / "log"
        done = subprocess.run(
            [
                "h2load",
                "--threads=1",
                f"--clients={connections}",
                f"--max-concurrent-streams={streams}",
                f"--duration={seconds:g}",
                f"--tls13-ciphers={SUITE}",
                f"--groups={CURVE}",
                "--npn-list=h2",
                f"--log-file={log}",
                url,
            ],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=True,
        )
        return figures(done.stdout, log.read_text())


def figures(said: str, log: str) -> dict:
    """Requests, seconds, percentiles and errors of a run."""
    took = [int(microseconds) for _, _, microseconds in map(str.split, log.splitlines())]
    percentiles = statistics.quantiles(took, n=100) if len(took) > 1 else [0] * 99
    done = counts("requests", said)
    slowest = float(re.search(r"^req/s +: +([0-9.]+)", said, re.MULTILINE)[1])
    return {
        "requests": done["done"],
        "seconds": float(re.search(r"finished in ([0-9.]+)s", said)[1]),
        "p50_us": round(percentiles[49]),
        "p99_us": round(percentiles[98]),
        # Other statuses than 2xx have failed, too. It does not count a connection that is never
        # answered.
        "errors": {"failed": done["failed"], "unanswered": int(slowest == 0.0)},
    }


def counts(what: str, said: str) -> dict[str, int]:
    """A line such as `requests: 12 total, 12 done`, by word."""
    line = re.search(rf"^{what}: (.*)$", said, re.MULTILINE)[1]
    return {word: int(number) for number, word in map(str.split, line.split(", "))}
