"""The program under test."""

from pathlib import Path

from harness.process import Process, free_port, wait_for_http


class Sidekick(Process):
    """One sidekick on a free port of 127.0.0.1."""

    def __init__(
        self,
        binary: str,
        sites: list[str],
        log: Path,
        flags: tuple[str, ...] = (),
        health_path: str = "/healthz",
        output: tuple[str, ...] = ("--quiet",),
    ):
        self.port = free_port()
        self.endpoint = f"http://127.0.0.1:{self.port}"
        address = f"127.0.0.1:{self.port}"
        health = ("--health-path", health_path)
        argv = [binary, "--address", address, *health, *output, *flags, *sites]
        super().__init__("sidekick", argv, log)

    def start_and_wait(self) -> None:
        """Start it and wait until it says that a site can serve."""
        self.start()
        wait_for_http(self, self.port, "/v1/health")
