"""What is common to all proxies: what they stand before, how one is started, what it was told."""

import re
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from harness.process import Process, free_port, wait_for_http


@dataclass(frozen=True)
class Behind:
    """The endpoints of one case, and the same as a site of sidekick's."""

    endpoints: list[str]
    site: str


@dataclass(frozen=True)
class Proxy:
    """A proxy to measure: its version, and how to start it on a port, its files in a folder."""

    name: str
    version: list[str]
    argv: Callable[[Path, int, Behind], list[str]]
    env: tuple[tuple[str, str], ...] = ()

    def start(self, work: Path, behind: Behind) -> tuple[Process, int, str]:
        """Start it on a free port and wait until it serves. Also gives its configuration, with
        nothing of this run in it."""
        port = free_port()
        # A port, and so a name, may come a second time in a long run.
        folder = Path(tempfile.mkdtemp(prefix=f"{self.name}-", dir=work))
        argv = self.argv(folder, port, behind)
        configuration = without_particulars([*map("=".join, self.env)], argv, folder, port, behind)
        env = {"HOME": str(folder), **dict(self.env)}
        process = Process(self.name, argv, work / f"{self.name}.log", env)
        process.start()
        try:
            wait_for_http(process, port)
        except BaseException:
            process.kill()
            raise
        return process, port, configuration


def without_particulars(
    env: list[str], argv: list[str], folder: Path, port: int, behind: Behind
) -> str:
    """The command line and the configuration file, folders and ports replaced by names."""
    files = [file.read_text() for file in sorted(folder.iterdir()) if file.is_file()]
    command = " ".join([*env, Path(argv[0]).name, *argv[1:]])
    text = "\n".join([command, *files]).replace(str(folder), "FOLDER")
    text = re.sub(rf"\b{port}\b", "PORT", text)
    ports = dict.fromkeys(endpoint.partition(":")[2] for endpoint in behind.endpoints)
    for number, backend in enumerate(ports, 1):
        text = re.sub(rf"\b{backend}\b", f"BACKEND{number}", text)
    return text.strip() + "\n"
