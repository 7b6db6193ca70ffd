"""One SeaweedFS store behind S3 servers that verify signatures."""

import json
from collections.abc import Callable
from pathlib import Path

from harness.authority import Identity
from harness.process import Process, fetch_text, free_port, wait_for_http

ACCESS_KEY = "e2eaccesskey"
SECRET_KEY = "e2e/secret+key=of=forty=characters=12345"
REGION = "us-east-1"
# Somebody known who may not read what the scenarios store.
STRANGER_ACCESS_KEY = "e2estrangerskey"
STRANGER_SECRET_KEY = "e2e/stranger+key=of=forty=characters=123"
EVERYTHING = ("Admin", "Read", "List", "Tagging", "Write")


def identity(name: str, access_key: str, secret_key: str, *actions: str) -> dict:
    """Somebody whom S3 servers know, and what they may do."""
    credentials = [{"accessKey": access_key, "secretKey": secret_key}]
    return {"name": name, "credentials": credentials, "actions": list(actions)}


IDENTITIES = {
    "identities": [
        identity("e2e", ACCESS_KEY, SECRET_KEY, *EVERYTHING),
        identity("stranger", STRANGER_ACCESS_KEY, STRANGER_SECRET_KEY, "Read:elsewhere"),
    ]
}


class Seaweed:
    """Master, volume server and filer in one process, and S3 servers over that filer: two, unless
    another number is wanted.
    """

    def __init__(self, weed: str, work: Path, identities: dict = IDENTITIES, servers: int = 2):
        self.weed = weed
        self.identities = identities
        self.servers = servers
        self.work = work
        self.filer_ports = (free_port(), free_port())
        self.master_ports = (free_port(), free_port())
        self.store = Process("seaweedfs store", self.store_argv(), work / "store.log")
        self.gateways: list[Process] = []
        self.ports: list[int] = []
        self.metrics_ports = (free_port(), free_port(), free_port())

    def store_argv(self) -> list[str]:
        """No S3 here: the two servers stand alone, so that one can be killed."""
        data = self.work / "data"
        data.mkdir()
        return [
            self.weed,
            "server",
            f"-dir={data}",
            "-ip=127.0.0.1",
            "-ip.bind=127.0.0.1",
            f"-master.port={self.master_ports[0]}",
            f"-master.port.grpc={self.master_ports[1]}",
            "-master.volumeSizeLimitMB=1024",
            "-master.telemetry=false",
            f"-volume.port={free_port()}",
            f"-volume.port.grpc={free_port()}",
            "-volume.max=40",
            "-volume.preStopSeconds=0",
            "-filer",
            f"-filer.port={self.filer_ports[0]}",
            f"-filer.port.grpc={self.filer_ports[1]}",
            f"-filer.localSocket={self.work}/filer.sock",
        ]

    def gateway_argv(self, number: int, port: int) -> list[str]:
        """One S3 server, with nothing but S3 on."""
        return [
            self.weed,
            "s3",
            f"-filer=127.0.0.1:{self.filer_ports[0]}.{self.filer_ports[1]}",
            f"-config={self.work}/identities.json",
            "-ip.bind=127.0.0.1",
            f"-port={port}",
            f"-port.grpc={free_port()}",
            f"-metricsPort={self.metrics_ports[number - 1]}",
            "-port.iceberg=0",
            "-port.lance=0",
            f"-localSocket={self.work}/s3-{number}.sock",
        ]

    def start(self, note: Callable[[Process], None]) -> None:
        """Start the store and its S3 servers, telling each; wait until they refuse strangers."""
        (self.work / "identities.json").write_text(json.dumps(self.identities))
        note(self.store)
        self.store.start()
        wait_for_http(self.store, self.filer_ports[0])
        for number in range(1, self.servers + 1):
            port = free_port()
            log = self.work / f"s3-{number}.log"
            gateway = Process(f"s3 server {number}", self.gateway_argv(number, port), log)
            self.gateways.append(gateway)
            self.ports.append(port)
            note(gateway)
            gateway.start()
        for number in range(self.servers):
            self.wait_for_gateway(number)

    def tls_gateway(self, identity: Identity, clients: Path) -> str:
        """Start a third S3 server, which speaks TLS and wants certificates that `clients` issued:
        its URL. Nobody without one can ask whether it is up.
        """
        port = free_port()
        argv = [
            *self.gateway_argv(3, port),
            f"-cert.file={identity.cert}",
            f"-key.file={identity.key}",
            f"-cacert.file={clients}",
            "-tlsVerifyClientCert",
        ]
        gateway = Process("s3 server by TLS", argv, self.work / "s3-3.log")
        self.gateways.append(gateway)
        gateway.start()
        return f"https://127.0.0.1:{port}"

    def wait_for_gateway(self, number: int) -> None:
        """Wait until one S3 server has read its identities: 403 without a signature."""
        wait_for_http(self.gateways[number], self.ports[number], status=403)

    def object_requests(self, number: int) -> float:
        """How many requests about objects one S3 server counts since its start."""
        lines = fetch_text(self.metrics_ports[number], "/metrics").splitlines()
        counts = [line for line in lines if line.startswith("SeaweedFS_s3_request_total{")]
        return sum(float(line.split()[-1]) for line in counts if 'bucket=""' not in line)

    def endpoint(self, number: int) -> str:
        """The URL of one S3 server."""
        return f"http://127.0.0.1:{self.ports[number]}"
