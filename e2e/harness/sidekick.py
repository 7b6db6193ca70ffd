"""The program under test."""

import re
from pathlib import Path

from harness.process import Process, fetch_text, free_port, wait_for_http


class Sidekick(Process):
    """One sidekick on a free port of 127.0.0.1; by TLS if there is something to `trust`."""

    def __init__(
        self,
        binary: str,
        sites: list[str],
        log: Path,
        flags: tuple[str, ...] = (),
        health_path: str = "/healthz",
        output: tuple[str, ...] = ("--quiet",),
        trust: Path | None = None,
        env: dict[str, str] | None = None,
    ):
        self.port = free_port()
        self.trust = trust
        self.endpoint = f"{'https' if trust else 'http'}://127.0.0.1:{self.port}"
        address = f"127.0.0.1:{self.port}"
        health = ("--health-path", health_path)
        argv = [binary, "--address", address, *health, *output, *flags, *sites]
        super().__init__("sidekick", argv, log, env)

    def start_and_wait(self) -> None:
        """Start it and wait until it says that a site can serve."""
        self.start()
        wait_for_http(self, self.port, "/v1/health", trust=self.trust)

    def metric(self, name: str) -> float:
        """What it counts under a name, all labels together."""
        text = fetch_text(self.port, "/.prometheus/metrics", self.trust)
        values = re.findall(rf"^{name}(?:\{{.*\}})? (\S+)$", text, re.MULTILINE)
        assert values, f"no {name} in the metrics"
        return sum(map(float, values))
