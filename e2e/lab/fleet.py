"""Six S3 servers in two sites over one store, and what can be done to a server."""

import http.client
import json
import signal
from collections.abc import Callable
from pathlib import Path

from harness.process import Process, free_port, wait_until
from harness.seaweed import IDENTITIES
from lab.network import STORE, Network

SITES = 2
A_SITE = 3
PORT = 9000


class Server:
    """One S3 server that can be harmed and healed."""

    def __init__(self, number: int, address: str, process: Process, network: Network | None):
        self.number = number
        self.site = (number - 1) // A_SITE + 1
        self.address = address
        self.endpoint = f"http://{address}:{PORT}"
        self.process = process
        self.network = network

    def __str__(self) -> str:
        return f"{self.number}"

    def start(self) -> None:
        """Start it, or start it again."""
        self.process.start()

    def kill(self) -> None:
        """SIGKILL: the kernel resets its connections."""
        self.process.kill()

    def terminate(self) -> None:
        """SIGTERM, as an orderly restart begins; it ends when it likes."""
        self.process.send(signal.SIGTERM)

    def start_after_end(self) -> None:
        """Start it again, though it has taken its time to end."""
        self.process.kill()
        self.process.start()

    def freeze(self) -> None:
        """SIGSTOP: the kernel goes on accepting connections and bytes in its name."""
        self.process.send(signal.SIGSTOP)

    def thaw(self) -> None:
        """SIGCONT: it answers what has piled up."""
        self.process.send(signal.SIGCONT)

    def cut(self, directions: tuple[str, ...]) -> None:
        """Lose what is sent to it, by it, or both."""
        assert self.network is not None
        self.network.cut(self.number, directions)

    def mend(self, directions: tuple[str, ...]) -> None:
        """Let packets through again."""
        assert self.network is not None
        self.network.mend(self.number, directions)

    def answers(self) -> bool:
        """Whether it serves S3: 403 without a signature."""
        connection = http.client.HTTPConnection(self.address, PORT, timeout=1)
        try:
            connection.request("GET", "/")
            return connection.getresponse().status == 403
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()


class Fleet:
    """The store, which is never harmed, and all servers."""

    def __init__(
        self, weed: str, work: Path, network: Network | None, note: Callable[[Process], None]
    ):
        self.weed = weed
        self.work = work
        self.network = network
        self.note = note
        self.store_address = STORE if network else "127.0.0.1"
        self.filer_ports = (free_port(), free_port())
        self.master_ports = (free_port(), free_port())
        self.servers = [self.server(number) for number in range(1, SITES * A_SITE + 1)]

    def server(self, number: int) -> Server:
        """A server at its own address; without a network of ours, a loopback address."""
        address = self.network.address(number) if self.network else f"127.77.0.{number}"
        prefix = self.network.prefix(number) if self.network else []
        argv = prefix + self.server_argv(number, address)
        process = Process(f"s3 server {number}", argv, self.work / f"s3-{number}.log")
        return Server(number, address, process, self.network)

    def server_argv(self, number: int, address: str) -> list[str]:
        """One S3 server, with nothing but S3 on."""
        # It calls the store from the address that it is bound to. Where it has a link to the store
        # that is never cut, it must be bound to none; where there is no network, to its own.
        own = self.network.back(number) if self.network else address
        bound = "0.0.0.0" if self.network else address
        return [
            self.weed,
            "s3",
            f"-filer={self.store_address}:{self.filer_ports[0]}.{self.filer_ports[1]}",
            f"-config={self.work}/identities.json",
            f"-ip={own}",
            f"-ip.bind={bound}",
            f"-port={PORT}",
            f"-port.grpc={PORT + 1}",
            "-port.iceberg=0",
            "-port.lance=0",
            f"-localSocket={self.work}/s3-{number}.sock",
        ]

    def store_argv(self) -> list[str]:
        """Master, volume server and filer in one process."""
        data = self.work / "data"
        data.mkdir()
        return [
            self.weed,
            "server",
            f"-dir={data}",
            f"-ip={self.store_address}",
            f"-ip.bind={self.store_address}",
            f"-master.port={self.master_ports[0]}",
            f"-master.port.grpc={self.master_ports[1]}",
            "-master.volumeSizeLimitMB=1024",
            "-master.telemetry=false",
            f"-volume.port={free_port()}",
            f"-volume.port.grpc={free_port()}",
            "-volume.max=100",
            "-volume.preStopSeconds=0",
            "-filer",
            f"-filer.port={self.filer_ports[0]}",
            f"-filer.port.grpc={self.filer_ports[1]}",
            f"-filer.localSocket={self.work}/filer.sock",
        ]

    def start(self) -> None:
        """Start everything and wait until every server serves."""
        (self.work / "identities.json").write_text(json.dumps(IDENTITIES))
        self.store = Process("seaweedfs store", self.store_argv(), self.work / "store.log")
        self.note(self.store)
        self.store.start()
        wait_until(self.store_answers, "the store to answer")
        for server in self.servers:
            self.note(server.process)
            server.start()
        for server in self.servers:
            wait_until(server.answers, f"s3 server {server} to answer")

    def store_answers(self) -> bool:
        """Whether the filer serves."""
        assert self.store.running(), f"the store ended early:\n{self.store.tail()}"
        connection = http.client.HTTPConnection(self.store_address, self.filer_ports[0], timeout=1)
        try:
            connection.request("GET", "/")
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def sites(self) -> list[str]:
        """The arguments for sidekick."""
        numbers = range(1, SITES + 1)
        return [",".join(server.endpoint for server in self.site(number)) for number in numbers]

    def site(self, number: int) -> list[Server]:
        """The servers of one site, counted from 1."""
        return [server for server in self.servers if server.site == number]
