"""The public suite http-cache-tests: its origin, its client, and what it says of the results."""

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path

from harness.process import Process, free_port, wait_for_http

HERE = Path(__file__).resolve().parent
# It takes half a minute, most of it pauses of the suite's.
LIMIT_SECONDS = 120


@dataclass(frozen=True)
class Test:
    """What the suite says of one test."""

    id: str
    kind: str
    verdict: str
    message: str
    depends_on: list[str]

    @property
    def good(self) -> bool:
        """Passed, or for the question how a cache behaves, yes."""
        return self.verdict in ("passed", "yes")


class Origin(Process):
    """The suite's server, which answers as each test has told it to."""

    def __init__(self, suite: Path, work: Path):
        self.suite = suite
        self.port = free_port()
        # It serves the files of the folder that it is started in.
        argv = ["env", f"--chdir={suite}", "node", "--require", str(HERE / "loopback.cjs")]
        argv.append("server/server.mjs")
        env = {
            "npm_config_protocol": "http",
            "npm_config_port": str(self.port),
            "npm_config_pidfile": str(work / "origin.pid"),
        }
        super().__init__("origin", argv, work / "origin.log", env)

    def start_and_wait(self) -> None:
        """Start it and wait until it serves."""
        self.start()
        wait_for_http(self, self.port, "/package.json")


def run(suite: Path, port: int) -> dict[str, Test]:
    """All tests against one cache, by id."""
    verdicts = node("judge.mjs", suite, given=client(suite, port))
    return {one["id"]: Test(**one) for one in json.loads(verdicts)}


def transcript(origin: Origin, port: int, test: str) -> str:
    """The requests and answers of one test, as its client and then as the origin saw them."""
    before = origin.log.stat().st_size
    seen = client(origin.suite, port, test)
    with origin.log.open("rb") as log:
        log.seek(before)
        return seen + log.read().decode(errors="replace")


def client(suite: Path, port: int, *test: str) -> str:
    """What the suite's client prints of all tests, or of one."""
    url = f"http://127.0.0.1:{port}"
    return node("client.mjs", suite, url, *test)


def node(script: str, suite: Path, *arguments: str, given: str = "") -> str:
    """What a script of this folder prints."""
    done = subprocess.run(
        ["node", "--no-warnings", str(HERE / script), str(suite), *arguments],
        input=given,
        capture_output=True,
        text=True,
        timeout=LIMIT_SECONDS,
        check=False,
    )
    if done.returncode != 0:
        raise RuntimeError(f"{script} ended with {done.returncode}: {done.stderr}")
    return done.stdout
