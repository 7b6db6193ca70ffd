"""What a measurement needs around it: programs, open files, servers, and one proxy at a time."""

import contextlib
import os
import resource
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import backends
import certificates
import handshake
import measure
import proxies
from harness.process import Process
from harness.setup import install, sidekick_binary

ROOT = Path(__file__).resolve().parent.parent
PROGRAMS = {
    "nginx": "nginx-light",
    "haproxy": "haproxy",
    "wrk": "wrk",
    "h2load": "nghttp2-client",
    "openssl": "openssl",
    "setpriv": "util-linux",
}
# Open files of a proxy or wrk with the most connections on both sides.
FILES = 4096
WARM_UP_SECONDS = 1.0
# Until all of many backends have been checked once, and until all have been asked.
SETTLE_SECONDS = 6.0
MANY_WARM_UP_SECONDS = 8.0


class Session:
    """Running servers, before which proxies are measured one after the other."""

    def __init__(
        self,
        work: Path,
        servers: backends.Backends,
        shown: certificates.Certificates,
        started: list[Process],
        keeping: contextlib.ExitStack,
    ):
        self.work = work
        self.servers = servers
        # All that ends with the session, and proxies that are measured again and again.
        self.started = started
        self.keeping = keeping
        self.kept: dict[tuple[str, str, int], tuple[Process, int]] = {}
        self.certificates = shown
        # By proxy and where TLS is, as it was started in front of four backends.
        self.configurations: dict[str, str] = {}
        # What each proxy agreed upon with clients, with those of HTTP/2, and with backends.
        self.negotiated: dict[str, dict[str, str]] = {}

    @contextlib.contextmanager
    def running(
        self, proxy: proxies.Proxy, case: measure.Case, count: int
    ) -> Iterator[tuple[Process, int]]:
        """A fresh proxy over `count` backends of the case's kind, and its port."""
        shown = self.certificates if case.tls_in else None
        process, port, configuration = proxy.start(self.work, shown, self.behind(case, count))
        if count == backends.SERVERS:
            self.configurations["-".join(filter(None, [proxy.name, case.tls]))] = configuration
        try:
            self.check_tls(proxy, case, port)
            if count > backends.SERVERS:
                time.sleep(SETTLE_SECONDS)
            yield process, port
        finally:
            process.kill()

    def measured(
        self, proxy: proxies.Proxy | None, case: measure.Case, count: int, seconds: float
    ) -> dict:
        """One measurement with a fresh proxy, so that its peak memory is this case's; without one,
        of a server."""
        if proxy is None:
            return measure.measure(case, self.direct_port(case), None, seconds)
        with self.running(proxy, case, count) as (process, port):
            measure.load(case, port, warm_up_seconds(count))
            return measure.measure(case, port, process.pid, seconds)

    def measured_again(
        self, proxy: proxies.Proxy | None, case: measure.Case, count: int, seconds: float
    ) -> dict:
        """The same with a proxy that runs on in between."""
        if proxy is None:
            return self.measured(proxy, case, count, seconds)
        key = (proxy.name, case.name, count)
        if key not in self.kept:
            self.kept[key] = self.keeping.enter_context(self.running(proxy, case, count))
            measure.load(case, self.kept[key][1], warm_up_seconds(count))
        process, port = self.kept[key]
        return measure.measure(case, port, process.pid, seconds)

    def check_tls(self, proxy: proxies.Proxy, case: measure.Case, port: int) -> None:
        """Note what a proxy agrees upon with both sides; raise when it is not what all do."""
        shown = self.certificates if case.tls_in else None
        http2 = case.streams > 0
        if shown:
            said = handshake.with_client(proxy.name, port, shown, http2)
            side = "clients by HTTP/2" if http2 else "clients"
            self.negotiated.setdefault(side, {})[proxy.name] = said
        # Sinks have no place to say it.
        if case.tls_out and not case.put:
            said = handshake.with_backend(proxy.name, port, shown)
            self.negotiated.setdefault("backends", {})[proxy.name] = said

    def direct_port(self, case: measure.Case) -> int:
        """A server that clients can ask as they ask a proxy."""
        if case.tls_in:
            endpoints = self.servers.tls_endpoints(case.put)
        else:
            endpoints = self.behind(case, backends.SERVERS).endpoints
        return int(endpoints[0].partition(":")[2])

    def behind(self, case: measure.Case, count: int) -> proxies.Behind:
        """The endpoints that a case asks."""
        if case.tls_out:
            return proxies.Behind(
                self.servers.tls_endpoints(case.put),
                self.servers.tls_site(case.put),
                self.certificates,
            )
        if case.put:
            return proxies.Behind(self.servers.sink_endpoints(), self.servers.sink_site())
        return proxies.Behind(
            self.servers.static_endpoints(count), self.servers.static_site(count)
        )


def warm_up_seconds(backends_count: int) -> float:
    """How long load runs before it is measured."""
    return MANY_WARM_UP_SECONDS if backends_count > backends.SERVERS else WARM_UP_SECONDS


@contextlib.contextmanager
def session(most_backends: int) -> Iterator[Session]:
    """Servers that can stand for up to `most_backends`, until the end of the block."""
    install(PROGRAMS)
    raise_file_limit(FILES)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    work = Path(tempfile.mkdtemp(prefix="sidekick-bench-"))
    started: list[Process] = []
    shown = certificates.make(work / "certificates")
    # For all that is started from here on: load, servers and proxies agree upon the same.
    os.environ["OPENSSL_CONF"] = str(shown.openssl_conf)
    try:
        servers = backends.start_all(work, most_backends, shown, started)
        with contextlib.ExitStack() as keeping:
            yield Session(work, servers, shown, started, keeping)
    finally:
        for process in started:
            process.kill()
        shutil.rmtree(work)


def raise_file_limit(needed: int) -> None:
    """Allow as many open files as this user may have; fewer than `needed` are an error."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    if most < needed:
        sys.exit(f"this needs {needed} open files and may have {most}: see ulimit -Hn")


def chosen(names: list[str]) -> list[proxies.Proxy]:
    """Proxies by name, their programs installed and built."""
    binary = sidekick_binary(ROOT)
    peers = proxies.install_peers(ROOT)
    return [proxies.PROXIES[name](peers, binary) for name in names]


def in_turns(things: list, number: int) -> list:
    """All of them, another one first each round."""
    first = number % len(things)
    return things[first:] + things[:first]
