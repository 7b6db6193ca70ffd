"""What an application sees while DNS records change and dnsmasq stops: nothing.

sidekick runs in a mount namespace of its own, in which /etc/resolv.conf names our dnsmasq.
"""

import http.client
import http.server
import os
import signal
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from harness.process import Process, fetch_text, free_port, wait_until
from harness.sidekick import Sidekick

# Of this run alone: name servers have no choice of ports.
NAME_SERVER = f"127.{os.getpid() // 250 % 250 + 1}.{os.getpid() % 250 + 1}.53"
RESOLV_CONF = f"""nameserver {NAME_SERVER}
search e2e.test
options ndots:2 timeout:1 attempts:1
"""
WITH_RESOLV_CONF = """mount --bind "$1" /etc/resolv.conf && shift && exec "$@" """
# A record's second, a check, and a busy machine.
SOON = 5.0


class Backend:
    """A web server that counts requests other than health checks."""

    def __init__(self, host: str, port: int):
        self.requests = 0
        backend = self

        class Answer(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                if self.path != "/healthz":
                    backend.requests += 1
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 256

        self.server = Server((host, port), Answer)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self) -> None:
        """Stop listening."""
        self.server.shutdown()
        self.server.server_close()


@dataclass
class Rig:
    """Where these scenarios run."""

    binary: str
    work: Path
    running: list = field(default_factory=list)

    def backend(self, host: str, port: int) -> Backend:
        """A backend of this scenario alone."""
        backend = Backend(host, port)
        self.running.append(backend.close)
        return backend

    def dnsmasq(self, hosts: str, services: str = "") -> Process:
        """A name server with these host lines, and these SRV records; records live a second."""
        (self.work / "hosts").write_text(hosts)
        argv = [
            *("dnsmasq", "--keep-in-foreground", "--user=root", "--pid-file=", "--log-facility=-"),
            *("--conf-file=/dev/null", "--no-resolv", "--no-hosts", "--local=/test/"),
            *("--bind-interfaces", f"--listen-address={NAME_SERVER}", "--local-ttl=1"),
            f"--addn-hosts={self.work}/hosts",
            *(f"--srv-host={service}" for service in services.splitlines()),
        ]
        dnsmasq = Process("dnsmasq", argv, self.work / "dnsmasq.log")
        dnsmasq.start()
        self.running.append(dnsmasq.kill)
        wait_until(lambda: answers(dnsmasq), "dnsmasq to listen")
        return dnsmasq

    def sidekick(self, site: str, *flags: str) -> Sidekick:
        """A sidekick of this scenario alone, asking our dnsmasq."""
        resolv_conf = self.work / "resolv.conf"
        resolv_conf.write_text(RESOLV_CONF)
        sidekick = Sidekick(self.binary, [site], self.work / "sidekick-dns.log", flags)
        prefix = ["unshare", "--mount", "sh", "-ec", WITH_RESOLV_CONF, "sh", str(resolv_conf)]
        sidekick.argv = prefix + sidekick.argv
        self.running.append(sidekick.kill)
        sidekick.start_and_wait()
        return sidekick

    def end(self) -> None:
        """Stop what the scenario started."""
        while self.running:
            self.running.pop()()


def answers(dnsmasq: Process) -> bool:
    """Whether the name server takes connections; raises at once when it has ended."""
    if not dnsmasq.running():
        raise RuntimeError(f"dnsmasq ended early:\n{dnsmasq.tail()}")
    with socket.socket() as probe:
        return probe.connect_ex((NAME_SERVER, 53)) == 0


@dataclass
class Load:
    """Threads that ask on kept connections and note each error."""

    port: int
    calls: int = 0
    errors: list[str] = field(default_factory=list)
    stop: threading.Event = field(default_factory=threading.Event)

    def one_thread(self) -> None:
        """GET until told to stop."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        while not self.stop.is_set():
            try:
                connection.request("GET", "/")
                response = connection.getresponse()
                response.read()
                assert response.status == 200, f"status {response.status}"
            except (OSError, http.client.HTTPException, AssertionError) as error:
                self.errors.append(repr(error))
                connection.close()
            self.calls += 1

    def run_during(self, events: Callable[[], None]) -> str:
        """Keep the load on while `events` happen; no error may have come."""
        threads = [threading.Thread(target=self.one_thread) for _ in range(3)]
        for thread in threads:
            thread.start()
        try:
            events()
        finally:
            self.stop.set()
            for thread in threads:
                thread.join()
        assert not self.errors, "\n".join([f"{len(self.errors)} errors", *self.errors[:5]])
        return f"{self.calls} calls, no error"


def traffic_moves(old: Backend, new: Backend) -> None:
    """Wait until requests go to `new` and no more to `old`: soon."""

    def only_new() -> bool:
        before = old.requests, new.requests
        time.sleep(0.1)
        return old.requests == before[0] and new.requests > before[1]

    wait_until(only_new, "the traffic to move", timeout=SOON)


def changed_record_moves_the_traffic(rig: Rig) -> str:
    """A name of a search domain stands for another address, and for the first again."""
    port = free_port()
    first, second = (rig.backend(f"127.0.0.{last}", port) for last in (2, 3))
    dnsmasq = rig.dnsmasq("127.0.0.2 s3.rack.e2e.test\n")
    sidekick = rig.sidekick(f"http://s3.rack:{port}")

    def stands_for(address: str) -> None:
        (rig.work / "hosts").write_text(f"{address} s3.rack.e2e.test\n")
        dnsmasq.send(signal.SIGHUP)

    def events() -> None:
        stands_for("127.0.0.3")
        traffic_moves(first, second)
        stands_for("127.0.0.2")
        traffic_moves(second, first)

    return Load(sidekick.port).run_during(events)


def stopped_name_server_leaves_the_last_answer(rig: Rig) -> str:
    """dnsmasq is gone for several look-ups; what it said last stays."""
    port = free_port()
    rig.backend("127.0.0.2", port)
    dnsmasq = rig.dnsmasq("127.0.0.2 s3.e2e.test\n")
    sidekick = rig.sidekick(f"http://s3.e2e.test:{port}")

    def events() -> None:
        dnsmasq.kill()
        time.sleep(5)

    return Load(sidekick.port).run_during(events)


def service_follows_its_srv_records(rig: Rig) -> str:
    """Two servers, then one with another port; the higher priority number is not asked."""
    ports = [free_port() for _ in range(4)]
    first, second, third, spare = (rig.backend("127.0.0.2", port) for port in ports)
    hosts = "127.0.0.2 a.e2e.test\n127.0.0.2 b.e2e.test\n"
    service = "_s3._tcp.e2e.test"
    dnsmasq = rig.dnsmasq(
        hosts,
        f"{service},a.e2e.test,{ports[0]},10,1\n"
        f"{service},b.e2e.test,{ports[1]},10,1\n"
        f"{service},b.e2e.test,{ports[3]},20,1",
    )
    sidekick = rig.sidekick(f"http://{service}")

    def events() -> None:
        wait_until(lambda: first.requests and second.requests, "both servers to be used")
        dnsmasq.kill()
        rig.dnsmasq(hosts, f"{service},a.e2e.test,{ports[2]},10,1")
        # One look-up may have met no name server, which is followed by a pause.
        wait_until(lambda: third.requests, "the new port to be used")
        traffic_moves(first, third)
        traffic_moves(second, third)

    told = Load(sidekick.port).run_during(events)
    assert spare.requests == 0, "a server with a higher priority number was used"
    return told


def answer_too_large_for_a_datagram_is_read_whole(rig: Rig) -> str:
    """150 addresses, each a backend."""
    port, count = free_port(), 150
    rig.backend("0.0.0.0", port)
    rig.dnsmasq("".join(f"127.0.7.{last} many.e2e.test\n" for last in range(1, count + 1)))
    sidekick = rig.sidekick(f"http://many.e2e.test:{port}", "--rr-dns-mode")

    def up() -> int:
        lines = fetch_text(sidekick.port, "/.prometheus/metrics").splitlines()
        gauges = [line for line in lines if line.startswith("sidekick_backend_up{")]
        return sum(line.endswith(" 1") for line in gauges)

    wait_until(lambda: up() == count, f"{count} backends")
    return f"{count} backends"


SCENARIOS = [
    changed_record_moves_the_traffic,
    stopped_name_server_leaves_the_last_answer,
    service_follows_its_srv_records,
    answer_too_large_for_a_datagram_is_read_whole,
]
