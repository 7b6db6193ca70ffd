"""What is common to all proxies: what they stand before, how one is started, what it was told."""

import re
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from certificates import Certificates
from handshake import wait_for_https
from harness.process import Process, free_port, wait_for_http
from measure import Case


@dataclass(frozen=True)
class Behind:
    """The endpoints of one case, and the same as a site of sidekick's."""

    endpoints: list[str]
    site: str
    # To be trusted, where the endpoints speak TLS.
    tls: Certificates | None = None


@dataclass(frozen=True)
class Front:
    """Where clients are to come in, and what they are shown where they speak TLS."""

    port: int
    tls: Certificates | None = None


@dataclass(frozen=True)
class Proxy:
    """A proxy to measure: its version, and how to start it, its files in a folder."""

    name: str
    version: list[str]
    argv: Callable[[Path, Front, Behind], list[str]]
    env: tuple[tuple[str, str], ...] = ()
    # Whether it takes part in what is measured without TLS, and with it.
    clear: bool = True
    tls: bool = False
    # Which of several builds of this version it is.
    build: str = ""
    # The only cases that it can be measured in, where there are such.
    only: frozenset[str] = frozenset()

    def takes_part(self, case: Case) -> bool:
        """Whether it can be measured in this case."""
        if self.only and case.name not in self.only:
            return False
        return self.tls if case.tls else self.clear

    def start(
        self, work: Path, shown: Certificates | None, behind: Behind
    ) -> tuple[Process, int, str]:
        """Start it on a free port, by TLS where it has certificates to show, and wait until it
        serves. Also gives its configuration, with nothing of this run in it."""
        front = Front(free_port(), shown)
        # A port, and so a name, may come a second time in a long run.
        folder = Path(tempfile.mkdtemp(prefix=f"{self.name}-", dir=work))
        argv = self.argv(folder, front, behind)
        env = [*map("=".join, self.env)]
        configuration = without_particulars(env, argv, folder, front, behind)
        own = {"HOME": str(folder), **dict(self.env)}
        process = Process(self.name, argv, work / f"{self.name}.log", own)
        process.start()
        try:
            if shown:
                wait_for_https(process, front.port, shown)
            else:
                wait_for_http(process, front.port)
        except BaseException:
            process.kill()
            raise
        return process, front.port, configuration


def without_particulars(
    env: list[str], argv: list[str], folder: Path, front: Front, behind: Behind
) -> str:
    """The command line and the configuration file, folders and ports replaced by names."""
    files = [file.read_text() for file in sorted(folder.iterdir()) if file.is_file()]
    command = " ".join([*env, Path(argv[0]).name, *argv[1:]])
    text = "\n".join([command, *files]).replace(str(folder), "FOLDER")
    for tls in filter(None, [front.tls, behind.tls]):
        text = text.replace(str(tls.folder), "CERTIFICATES")
    text = re.sub(rf"\b{front.port}\b", "PORT", text)
    ports = dict.fromkeys(endpoint.partition(":")[2] for endpoint in behind.endpoints)
    for number, backend in enumerate(ports, 1):
        text = re.sub(rf"\b{backend}\b", f"BACKEND{number}", text)
    return text.strip() + "\n"
