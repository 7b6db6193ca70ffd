"""Where the scenarios of TLS run: an authority, servers with its certificates, and sidekick."""

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from harness.authority import Authority, Identity
from harness.process import Process, wait_until
from harness.scenario import Target
from harness.seaweed import Seaweed
from harness.sidekick import Sidekick
from secure.nginx import Nginx, Server

OFTEN = ("--health-duration", "500ms")


@dataclass
class Rig:
    """One sidekick with TLS on both sides for all clients, and what scenarios start themselves."""

    binary: str
    seaweed: Seaweed
    bucket: str
    work: Path
    inputs: Path
    rotation_seconds: int
    running: list[Process] = field(default_factory=list)
    lasting: list[Process] = field(default_factory=list)
    started: int = 0

    @cached_property
    def authority(self) -> Authority:
        """Whom everybody trusts."""
        return Authority(self.work / "authority")

    @cached_property
    def server(self) -> Identity:
        """What sidekick shows to clients."""
        return self.authority.issue("server")

    @cached_property
    def client(self) -> Identity:
        """What sidekick shows to backends."""
        return self.authority.issue("client", usage="clientAuth")

    @cached_property
    def front(self) -> Sidekick:
        """TLS on both sides: S3 behind nginx, the same with client certificates, S3 by its own TLS
        with client certificates.
        """
        backend = self.authority.issue("backend")
        servers = [
            Server(backend, "", self.seaweed.endpoint(0)),
            Server(backend, self.wanting_clients, self.seaweed.endpoint(1)),
        ]
        self.nginx(*servers)
        self.lasting.append(self.running.pop())
        third = self.seaweed.tls_gateway(backend, self.authority.root)
        self.lasting.append(self.seaweed.gateways[-1])
        site = ",".join([*(server.endpoint for server in servers), third])
        front = self.sidekick([site], *self.listening, *self.trusting, *self.showing)
        self.lasting.append(self.running.pop())
        front.start_and_wait()
        wait_until(lambda: front.metric("sidekick_backend_up") == 3, "all three backends")
        return front

    @property
    def wanting_clients(self) -> str:
        """For nginx: nobody comes in without a certificate. It knows the root only: the client has
        to show what stands between.
        """
        known = f"ssl_client_certificate {self.authority.root}; ssl_verify_depth 2;"
        return f"ssl_verify_client on; {known}"

    @property
    def listening(self) -> tuple[str, ...]:
        """Flags: TLS towards clients."""
        return ("--cert", str(self.server.cert), "--key", str(self.server.key))

    @property
    def trusting(self) -> tuple[str, ...]:
        """Flags: backends are believed by our authority."""
        return ("--cacert", str(self.authority.root))

    @property
    def showing(self) -> tuple[str, ...]:
        """Flags: a certificate for backends."""
        return ("--client-cert", str(self.client.cert), "--client-key", str(self.client.key))

    def target(self, name: str, sidekick: Sidekick | None = None) -> Target:
        """A client of sidekick, of the one for all clients if no other is named."""
        work = self.work / name
        work.mkdir(exist_ok=True)
        endpoint = (sidekick or self.front).endpoint
        return Target(endpoint, self.bucket, name, work, self.inputs, proxied=True)

    def nginx(self, *servers: Server) -> Nginx:
        """Servers that are there until the scenario ends."""
        self.started += 1
        nginx = Nginx(self.work / f"nginx-{self.started}", *servers)
        self.running.append(nginx)
        nginx.start_and_wait()
        return nginx

    def sidekick(self, sites: list[str], *flags: str, **more) -> Sidekick:
        """A sidekick that ends with the scenario, not started yet."""
        self.started += 1
        log = self.work / f"sidekick-tls-{self.started}.log"
        trust = self.authority.root if "--cert" in flags else None
        arguments = {"trust": trust, "flags": OFTEN + flags} | more
        sidekick = Sidekick(self.binary, sites, log, **arguments)
        self.running.append(sidekick)
        return sidekick

    def end_scenario(self) -> None:
        """Stop what the scenario started."""
        while self.running:
            self.running.pop().kill()

    def end(self) -> None:
        """Stop everything."""
        for process in reversed(self.lasting):
            process.kill()
